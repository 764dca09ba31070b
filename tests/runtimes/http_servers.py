"""Small real servers on the loopback, that answer well or badly: one in this process, one to be started."""

from __future__ import annotations

import base64
import json
import struct
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

RATE = 8_000
UNKNOWN = 0xFFFFFFFF


def wav(
    samples: bytes, *, rate: int = RATE, bits: int = 16, channels: int = 1, tag: int = 1, size: int | None = None
) -> bytes:
    """A WAV file, written by hand; `size` is what its header says of the samples, where that is not their number."""
    told = len(samples) if size is None else size
    frame = channels * bits // 8
    layout = struct.pack("<HHIIHH", tag, channels, rate, rate * frame, frame, bits)
    header = b"WAVE" + b"fmt " + struct.pack("<I", len(layout)) + layout + b"data" + struct.pack("<I", told)
    return b"RIFF" + struct.pack("<I", min(UNKNOWN, 36 + told)) + header + samples


def pcm(*values: int) -> bytes:
    """Samples of 16 bits."""
    return struct.pack(f"<{len(values)}h", *values)


QUIET, LOUD = pcm(*[0] * 400), pcm(*[16_384] * 400)
"""50 ms of silence, and 50 ms at half of full scale."""


@dataclass
class Asked:
    """What a server was sent."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Answering:
    """A server in this process: `url`, and what it was asked so far."""

    url: str
    asked: list[Asked] = field(default_factory=list)


Answer = Callable[["Handler"], None]


class Handler(BaseHTTPRequestHandler):
    """Answers by the function of the path."""

    protocol_version = "HTTP/1.1"
    answers: dict[str, Answer]
    answering: Answering

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.answering.asked.append(Asked(self.command, self.path, dict(self.headers), body))
        self.close_connection = True
        self.answers.get(self.path.partition("?")[0], whole(b"up"))(self)


def whole(body: bytes, status: int = 200) -> Answer:
    """The body in one piece."""

    def answer(handler: Handler) -> None:
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def streamed(pieces: Sequence[bytes], pause_seconds: float = 0.0) -> Answer:
    """The body in chunks, with a pause between two."""

    def answer(handler: Handler) -> None:
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        for place, piece in enumerate(pieces):
            time.sleep(pause_seconds if place else 0)
            handler.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            handler.wfile.flush()
        handler.wfile.write(b"0\r\n\r\n")

    return answer


def breaking_off(body: bytes, promised: int) -> Answer:
    """Fewer bytes than promised."""

    def answer(handler: Handler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(promised))
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def in_json(audio: bytes) -> bytes:
    """Audio as some services give it."""
    return json.dumps({"data": [{"audio": base64.b64encode(audio).decode()}]}).encode()


@contextmanager
def answering(**answers: Answer) -> Iterator[Answering]:
    """A server whose paths are these names; every other path says that it is up."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found = Answering(f"http://127.0.0.1:{server.server_address[1]}")
    named: dict[str, Any] = {f"/{name}": answer for name, answer in answers.items()}
    server.RequestHandlerClass = type("Own", (Handler,), {"answers": named, "answering": found})
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


STARTED = """
import struct, sys, threading, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

MODE = sys.argv[2]
BALLAST = bytearray(b"x") * int(float(sys.argv[3]) * 1e6) if len(sys.argv) > 3 else b""

if MODE == "dies":
    sys.exit("no such voice: nobody")
if MODE == "with a child":
    import subprocess
    subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
if MODE == "stubborn":
    import signal
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


class Handler(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):
        self.answer(b"up")

    def do_POST(self):
        if MODE == "dies when asked":
            print("out of breath", flush=True)
            import os
            os._exit(3)
        samples = struct.pack("<400h", *[16384] * 400)
        layout = struct.pack("<IHHIIHH", 16, 1, 1, 8000, 16000, 2, 16)
        data = b"data" + struct.pack("<I", len(samples)) + samples
        self.answer(b"RIFF" + struct.pack("<I", 28 + len(data)) + b"WAVEfmt " + layout + data)

    def answer(self, body):
        self.send_response(503 if MODE == "never ready" else 200)
        self.end_headers()
        self.wfile.write(body)


ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""
"""A server to be started: port, how it behaves, megabytes that it holds."""
