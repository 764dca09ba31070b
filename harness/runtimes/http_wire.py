"""One request and its answer over HTTP, with the standard library alone: what is sent, and each piece as it comes.

Every request has a connection of its own, as from a client that comes for the first time; its time includes connecting.
"""

from __future__ import annotations

import http.client
import json
import os
import socket
import ssl
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from harness.endpoints import TEXT, Endpoint, filled
from harness.errors import HarnessError

_PIECE_BYTES = 1 << 16
_WORDS = 200


class RequestFailed(HarnessError):
    """The server gave no usable answer; the message is one line with its address and its own first words."""


class Wire:
    """The way to a server. Holds nothing open between requests, and may be used by several threads."""

    def __init__(self, base: str, silence_seconds: float) -> None:
        parts = urlsplit(base)
        if not parts.hostname:
            raise HarnessError(f"{base!r} names no host; write http://127.0.0.1:8000")
        self._is_encrypted = parts.scheme == "https"
        self.host = parts.hostname
        self.port = parts.port or (443 if self._is_encrypted else 80)
        self._prefix = parts.path.rstrip("/")
        self._silence_seconds = silence_seconds
        self.base = base.rstrip("/")

    def status(self, path: str, limit_seconds: float) -> int | str:
        """The status that a path is answered with, or in a few words why it is not."""
        connection = self._connection(limit_seconds)
        try:
            connection.request("GET", self._prefix + path)
            return connection.getresponse().status
        except (OSError, http.client.HTTPException) as problem:
            return cause(problem)
        finally:
            connection.close()

    def pieces(self, endpoint: Endpoint, text: str) -> Iterator[bytes]:
        """Send the text; yield the bytes of the answer as they come. An answer without any is a failure."""
        path, body, headers = request_of(endpoint, text)
        what = f"{endpoint.method} {self.base}{endpoint.path}"
        connection = self._connection(self._silence_seconds)
        count = 0
        try:
            connection.request(endpoint.method, self._prefix + path, body, headers)
            response = connection.getresponse()
            if response.status != http.client.OK:
                words = " ".join(response.read(2_000).decode(errors="replace").split())[:_WORDS]
                raise RequestFailed(f"{what} answered {response.status} {response.reason}: {words or 'without a word'}")
            while piece := response.read1(_PIECE_BYTES):
                count += len(piece)
                yield piece
            if response.length:
                raise RequestFailed(
                    f"{what} broke off after {count} bytes, {response.length} before the end it promised"
                )
        except TimeoutError as silence:
            raise RequestFailed(
                f"{what} said nothing for {self._silence_seconds:g} s after {count} bytes; see the server's log,"
                " or raise Service(silence_seconds=…)"
            ) from silence
        except (OSError, http.client.HTTPException) as problem:
            raise RequestFailed(f"{what} failed after {count} bytes: {cause(problem)}") from problem
        finally:
            connection.close()
        if not count:
            raise RequestFailed(f"{what} answered 200 and then nothing: an endpoint that gives no bytes; see its log")

    def _connection(self, limit_seconds: float) -> http.client.HTTPConnection:
        if self._is_encrypted:
            context = ssl.create_default_context()
            return http.client.HTTPSConnection(self.host, self.port, timeout=limit_seconds, context=context)
        return http.client.HTTPConnection(self.host, self.port, timeout=limit_seconds)


def request_of(endpoint: Endpoint, text: str) -> tuple[str, bytes | None, Mapping[str, str]]:
    """Path with query, body and headers of the request for a text."""
    path = endpoint.path.replace(TEXT, quote(text, safe=""))
    if endpoint.query:
        path = f"{path}?{urlencode(filled(dict(endpoint.query), TEXT, text))}"
    headers = dict(endpoint.headers)
    body: bytes | None = None
    match filled(endpoint.body, TEXT, text):
        case None:
            pass
        case str() as plain:
            body = plain.encode()
            headers.setdefault("Content-Type", "text/plain; charset=utf-8")
        case mapping:
            body = json.dumps(mapping).encode()
            headers.setdefault("Content-Type", "application/json")
    if endpoint.key_variable and (key := os.environ.get(endpoint.key_variable)):
        headers.setdefault("Authorization", f"Bearer {key}")
    return path, body, headers


def cause(problem: BaseException) -> str:
    """A failed connection in a few words."""
    match problem:
        case TimeoutError():
            return "no answer in time"
        case socket.gaierror():
            return "there is no such host"
        case OSError(strerror=str(words)) if words:
            return words
        case http.client.IncompleteRead():
            return "the answer broke off within a chunk"
        case _:
            return " ".join(f"{type(problem).__name__}: {problem}".split())


def text_of(inputs: Mapping[str, Any]) -> str:
    """The text of an example: an array of text, or of the bytes of one in UTF-8."""
    given = inputs.get("text")
    if given is None:
        raise HarnessError(f"a service is called with 'text', not with {', '.join(inputs) or 'nothing'}; name it so")
    text = bytes(given).decode() if given.dtype.kind in "ui" else str(given.reshape(-1)[0] if given.ndim else given)
    if not text.strip():
        raise HarnessError("the text is of zero length, and there is nothing to speak; give the example some words")
    return text
