"""A server as the thing measured: one that runs already, or one that is started here and gone afterwards.

A call sends a text and gives back its audio. What a client notices on the way (the first byte, each piece of audio)
is kept of the last call. Memory is that of the server's processes. Standard library and numpy only.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from harness.cells import Device, Reason, Unsupported
from harness.endpoints import Endpoint, Service
from harness.errors import HarnessError
from harness.models import Arrays, Artifact
from harness.probes import Unavailable
from harness.probes.tree import TreeGauge, listening
from harness.runtimes import Contents, Crowd, DeviceMemory, Placement, Served, Tuning
from harness.runtimes.http_audio import decoder_for
from harness.runtimes.http_crowd import crowd
from harness.runtimes.http_server import Server, refuse_absent, wait_until_up
from harness.runtimes.http_wire import Wire, text_of

_OWN_FILES = "a service: its files are its own"
_ENDING_SECONDS = 0.5
"""A server that ends leaves its answer off before its process is gone."""


class HttpRuntime:
    """Runs nothing itself: opens the way to a service."""

    name = "http"
    distributions: tuple[str, ...] = ("numpy",)

    def load_library(self) -> None:
        """Import what makes arrays out of answers."""
        import http.client

        import numpy  # noqa: ICN001

        del http, numpy

    def check(self, device: Device, precision: str, tuning: Tuning) -> None:
        """Nothing of a service can be tried without it."""

    def open(self, artifact: Artifact, device: Device, tuning: Tuning) -> HttpSession:
        """Start the server, or see that it is there."""
        service = artifact.service
        if service is None:
            raise HarnessError(
                f"{artifact.format} is no service; a model of the runtime http has a Service as reference"
            )
        if device.kind not in service.devices and str(device) not in service.devices:
            raise Unsupported(
                Reason.NO_DEVICE, f"the service is declared for {', '.join(service.devices)}; see Service(devices=…)"
            )
        return HttpSession(service, device, tuning)

    def other_kernels(self, precision: str) -> Mapping[str, Mapping[str, str]]:
        """None: what a service computes with is its own."""
        del precision
        return {}

    def versions(self) -> dict[str, Any]:
        """Nothing is told: what the server consists of stands in its `identity`."""
        return {}


class HttpSession:
    """The way to one service, and the server itself where it was started here."""

    def __init__(self, service: Service, device: Device, tuning: Tuning) -> None:
        self._service = service
        self._device = device
        self._last: Served | None = None
        self._server: Server | None = None
        self.concurrency = service.concurrency
        if not service.command:
            self._wire = Wire(service.url, service.silence_seconds)
            refuse_absent(self._wire, service)
            return
        server = self._server = Server(service, {"threads": str(tuning.threads), "device": str(device)})
        self._wire = Wire(server.url, service.silence_seconds)
        try:
            wait_until_up(self._wire, service, server.problem, server.last_words)
        except BaseException:
            server.close()
            raise

    def call(self, inputs: Arrays) -> Arrays:
        """Have one text spoken; returns when the last byte has come."""
        import numpy as np

        text = text_of(inputs)
        try:
            served = self._last = spoken(self._wire, self._service.endpoint, text)
        except HarnessError as error:
            if self._server and (ended := self._server.problem(_ENDING_SECONDS)):
                raise HarnessError(f"{error}; {ended}") from error
            raise
        return {"audio": np.concatenate(served.pieces)}

    @property
    def url(self) -> str:
        """Where the server is."""
        return self._wire.base

    def served(self) -> Served | None:
        """What a client noticed of the last call."""
        return self._last

    def crowd(self, inputs: Sequence[Arrays], at_once: int, seconds: float) -> Crowd:
        """Have the texts spoken by so many clients at once."""
        texts = [text_of(one) for one in inputs]
        return crowd(lambda text: spoken(self._wire, self._service.endpoint, text), texts, at_once, seconds)

    def gauge(self) -> TreeGauge:
        """The memory of the server's processes."""
        return server_gauge(self._wire.host, self._wire.port, self._server.pid if self._server else None)

    def device_seconds(self) -> float | None:
        """None: what a device of the server does is not seen."""
        return None

    def device_memory(self) -> DeviceMemory | None:
        """None: it is the server's."""
        return None

    def reset_device_memory(self) -> None:
        """Nothing to reset."""

    def placement(self) -> Placement:
        """As declared: where a server computes cannot be seen through its answers."""
        return Placement(str(self._device), {"as the service declares": 1})

    def contents(self) -> Contents:
        """What is in a server cannot be counted from here."""
        return Contents(0, {}, uncounted=_OWN_FILES)

    def close(self) -> None:
        """End the server, where it is ours."""
        if self._server is not None:
            self._server.close()


def server_gauge(host: str, port: int, pid: int | None) -> TreeGauge:
    """The memory of a server: of the process we started, or of whoever listens on the port of this machine."""

    def roots() -> Sequence[int] | Unavailable:
        if pid is not None:
            return (pid,)
        if host not in ("localhost", "::1") and not host.startswith("127."):
            return Unavailable(f"the server is on {host}, another machine for all that is known: not seen from here")
        return listening(port)

    return TreeGauge(roots, "the server's")


def spoken(wire: Wire, endpoint: Endpoint, text: str) -> Served:
    """Have one text spoken, and note when what came of it."""
    decoder = decoder_for(endpoint)
    clock = time.perf_counter
    first: float | None = None
    stamps: list[float] = []
    pieces: list[Any] = []
    start = clock()
    for piece in wire.pieces(endpoint, text):
        now = clock() - start
        first = now if first is None else first
        for samples in decoder.feed(piece):
            stamps.append(now)
            pieces.append(samples)
    for samples in decoder.finish():
        stamps.append(clock() - start)
        pieces.append(samples)
    if first is None or not pieces:
        raise HarnessError(
            f"{endpoint.method} {wire.base}{endpoint.path} answered with a header and no audio:"
            " an endpoint that streams nothing; check the server's log"
        )
    return Served(first, tuple(stamps), tuple(pieces))
