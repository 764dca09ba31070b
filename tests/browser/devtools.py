"""A real Chromium, driven over its debugging pipe with the standard library alone."""

from __future__ import annotations

import base64
import fcntl
import json
import os
import select
import shutil
import subprocess
import tempfile
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.npm import absent

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--remote-debugging-pipe",
)
PATIENCE_SECONDS = 60.0


def find_browser() -> str | None:
    """The path of a Chromium, None where there is none."""
    return next((path for name in BROWSERS if (path := shutil.which(name))), None)


def present_browser() -> str:
    """The path of a Chromium. Where CI is set its absence is a failure, elsewhere a skip that says so."""
    path = find_browser()
    return path or absent("no Chromium or Chrome on PATH; install one (Debian: apt-get install chromium) to run this")


class Tab:
    """One page of the browser."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._target = browser.send("Target.createTarget", {"url": "about:blank"})["targetId"]
        attached = browser.send("Target.attachToTarget", {"targetId": self._target, "flatten": True})
        self._session = attached["sessionId"]
        for domain in ("Page", "Log", "Runtime", "Network"):
            self._send(f"{domain}.enable")

    def open(
        self,
        file: Path,
        *,
        width: int,
        height: int = 800,
        scheme: str = "light",
        fragment: str = "",
        media: str = "screen",
        scripts: bool = True,
    ) -> None:
        """Open a file, in a window of this size, by this colour scheme, with the page's own scripts or without."""
        self._send("Emulation.setScriptExecutionDisabled", {"value": not scripts})
        self._send(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False},
        )
        self._send(
            "Emulation.setEmulatedMedia",
            {"media": media, "features": [{"name": "prefers-color-scheme", "value": scheme}]},
        )
        # By way of an empty page: going to another place of the same page loads nothing, and says nothing.
        for url in ("about:blank", file.as_uri() + (f"#{fragment}" if fragment else "")):
            self._browser.events.clear()
            self._send("Page.navigate", {"url": url})
            self._browser.wait_for("Page.loadEventFired", self._session)

    def close(self) -> None:
        """Take the page away."""
        self._browser.send("Target.closeTarget", {"targetId": self._target})

    def evaluate(self, script: str) -> Any:
        """The value of an expression in the page, of a promise what it promised."""
        asked = {"expression": script, "returnByValue": True, "awaitPromise": True}
        answer = self._send("Runtime.evaluate", asked)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def press(self, key: str, *, shift: bool = False) -> None:
        """Press a key and let it go: Tab, or Enter."""
        code = {"Tab": 9, "Enter": 13}[key]
        text = {"text": "\r"} if key == "Enter" else {}
        asked = {"key": key, "code": key, "windowsVirtualKeyCode": code, "modifiers": 8 if shift else 0}
        self._send("Input.dispatchKeyEvent", {"type": "keyDown", **asked, **text})
        self._send("Input.dispatchKeyEvent", {"type": "keyUp", **asked})

    def complaints(self) -> list[str]:
        """What the browser logged: blocked styles, failed loads, errors of scripts and what they wrote."""
        said = {
            "Log.entryAdded": lambda params: params["entry"]["text"],
            "Runtime.exceptionThrown": lambda params: json.dumps(params["exceptionDetails"]),
            "Runtime.consoleAPICalled": lambda params: json.dumps(params["args"]),
        }
        return [said[event["method"]](event["params"]) for event in self._browser.events if event["method"] in said]

    def requests(self) -> list[str]:
        """What was asked for since the page was opened, the page itself first."""
        return [
            event["params"]["request"]["url"]
            for event in self._browser.events
            if event["method"] == "Network.requestWillBeSent"
        ]

    def screenshot(self, width: int, height: int, scale: float = 1.0) -> bytes:
        """A PNG of the top left of the page."""
        clip = {"x": 0, "y": 0, "width": width, "height": height, "scale": scale}
        return base64.b64decode(self._send("Page.captureScreenshot", {"clip": clip})["data"])

    def _send(self, method: str, params: dict[str, Any] | None = None) -> dict[str, Any]:
        return self._browser.send(method, params or {}, self._session)


class Browser:
    """The process and its pipe: messages are JSON, each ended by a zero byte."""

    def __init__(self, requests: int, replies: int) -> None:
        self._requests, self._replies = requests, replies
        self._unread = b""
        self._number = 0
        self.events: list[dict[str, Any]] = []

    def send(self, method: str, params: dict[str, Any], session: str | None = None) -> dict[str, Any]:
        """Send one command and wait for its answer."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": params}
        os.write(self._requests, json.dumps(message | ({"sessionId": session} if session else {})).encode() + b"\0")
        while True:
            reply = self._read()
            if reply.get("id") == self._number:
                assert "error" not in reply, f"{method}: {reply['error']}"
                return reply["result"]

    def wait_for(self, event: str, session: str) -> None:
        """Wait until the page says so."""
        while not any(seen["method"] == event and seen.get("sessionId") == session for seen in self.events):
            self._read()

    def _read(self) -> dict[str, Any]:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while b"\0" not in self._unread:
            ready, _, _ = select.select([self._replies], [], [], max(deadline - time.monotonic(), 0))
            assert ready, f"the browser said nothing for {PATIENCE_SECONDS:.0f} s"
            piece = os.read(self._replies, 1 << 20)
            assert piece, "the browser ended"
            self._unread += piece
        line, _, self._unread = self._unread.partition(b"\0")
        message: dict[str, Any] = json.loads(line)
        if "method" in message:
            self.events.append(message)
        return message


@contextmanager
def running(path: str) -> Iterator[Browser]:
    """A browser, gone with everything it wrote when the block ends."""
    with tempfile.TemporaryDirectory(prefix="quantgate-browser-", ignore_cleanup_errors=True) as profile:
        ours_in, theirs_out = os.pipe()
        theirs_in, ours_out = os.pipe()

        def as_descriptors_3_and_4() -> None:
            """The browser reads commands from descriptor 3 and answers on 4."""
            commands, answers = fcntl.fcntl(theirs_in, fcntl.F_DUPFD, 10), fcntl.fcntl(theirs_out, fcntl.F_DUPFD, 10)
            os.dup2(commands, 3)
            os.dup2(answers, 4)

        process = subprocess.Popen(
            [path, *FLAGS, f"--user-data-dir={profile}", "about:blank"],
            preexec_fn=as_descriptors_3_and_4,  # noqa: PLW1509 -- no other thread runs in these tests
            close_fds=False,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(theirs_in)
        os.close(theirs_out)
        try:
            yield Browser(ours_out, ours_in)
        finally:
            process.kill()
            process.wait()
            os.close(ours_in)
            os.close(ours_out)


def pixels(png: bytes) -> list[tuple[int, int, int]]:
    """Decode an 8-bit RGB or RGBA PNG into its pixels. (PNG specification, §9: the five filters.)"""
    width, height, channels, packed, at = 0, 0, 0, b"", 8
    while at < len(png):
        size, kind = int.from_bytes(png[at : at + 4], "big"), png[at + 4 : at + 8]
        data = png[at + 8 : at + 8 + size]
        if kind == b"IHDR":
            width, height = int.from_bytes(data[:4], "big"), int.from_bytes(data[4:8], "big")
            assert data[8] == 8
            channels = {2: 3, 6: 4}[data[9]]
        elif kind == b"IDAT":
            packed += data
        at += 12 + size
    raw, above, found = zlib.decompress(packed), bytearray(width * channels), []
    for row in range(height):
        start = row * (width * channels + 1)
        line = bytearray(raw[start + 1 : start + 1 + width * channels])
        for i in range(len(line)):
            left = line[i - channels] if i >= channels else 0
            corner = above[i - channels] if i >= channels else 0
            match raw[start]:
                case 1:
                    line[i] = (line[i] + left) % 256
                case 2:
                    line[i] = (line[i] + above[i]) % 256
                case 3:
                    line[i] = (line[i] + (left + above[i]) // 2) % 256
                case 4:
                    guess = left + above[i] - corner
                    nearest = min((left, above[i], corner), key=lambda value: abs(guess - value))
                    line[i] = (line[i] + nearest) % 256
        found += [tuple(line[i : i + 3]) for i in range(0, len(line), channels)]
        above = line
    return found
