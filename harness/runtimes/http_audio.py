"""Makes samples out of an answer's bytes, as they come: WAV, bare 16-bit samples, or either of them within JSON.

Every decoder gives one channel of 32-bit floats within ±1. A WAV header's lengths are believed only as far as the
bytes go: who streams writes 0 or 0xFFFFFFFF there.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from harness.endpoints import Endpoint
from harness.errors import HarnessError

if TYPE_CHECKING:
    import numpy as np

    Samples = np.ndarray[Any, np.dtype[np.float32]]
else:
    Samples = Any

_UNKNOWN_LENGTHS = (0, 0xFFFFFFFF)
_PCM, _FLOAT, _EXTENSIBLE = 1, 3, 0xFFFE
_HEADER_BYTES = 8


class AudioUnreadable(HarnessError):
    """What came back is not the audio that the declaration promises."""


class Decoder(Protocol):
    """Takes an answer piece by piece."""

    def feed(self, piece: bytes) -> list[Samples]:
        """The samples that are whole with this piece; none where it only began something."""

    def finish(self) -> list[Samples]:
        """The samples that were complete only with the end of the answer."""


def decoder_for(endpoint: Endpoint) -> Decoder:
    """The decoder of what an endpoint gives."""
    makes: dict[str, Callable[[], Decoder]] = {
        "wav": lambda: WavDecoder(endpoint.sample_rate),
        "pcm16": PcmDecoder,
        "json": lambda: JsonDecoder(endpoint),
    }
    return makes[endpoint.response]()


class PcmDecoder:
    """Bare samples, 16 bits each, low byte first, one channel."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, piece: bytes) -> list[Samples]:
        """The whole samples; half of one waits for its other half."""
        held = self._rest + piece
        if held.startswith(b"RIFF"):
            raise AudioUnreadable('the answer is a WAV file, not bare samples; declare response="wav"')
        whole = len(held) - len(held) % 2
        self._rest = held[whole:]
        return [_samples(held[:whole], _PCM, 16, 1)] if whole else []

    def finish(self) -> list[Samples]:
        """Nothing: half a sample is none."""
        return []


class WavDecoder:
    """A WAV file, or several one after another, at the rate declared."""

    def __init__(self, sample_rate: int) -> None:
        self._rate = sample_rate
        self._held = b""
        self._layout: tuple[int, int, int] | None = None
        self._left: int | None = 0
        """Bytes of samples still to come; None where they go on to the end."""
        self._is_open = False

    def feed(self, piece: bytes) -> list[Samples]:
        """The samples that have come whole."""
        self._held += piece
        found: list[Samples] = []
        while True:
            if self._left != 0:
                taken = self._take()
                if taken is not None:
                    found.append(taken)
                if self._left != 0:
                    return found
            elif not self._next_chunk():
                return found

    def finish(self) -> list[Samples]:
        """Nothing further; an answer without a header was no WAV file."""
        if self._layout is None:
            began = self._held[:60].decode(errors="replace")
            raise AudioUnreadable(f"the answer is no WAV file, it begins with {began!r}; check the endpoint's response")
        return []

    def _take(self) -> Samples | None:
        """The whole frames that are here."""
        assert self._layout is not None
        tag, bits, channels = self._layout
        frame = channels * bits // 8
        here = len(self._held) if self._left is None else min(len(self._held), self._left)
        if self._left is not None and here == self._left and here < frame:
            self._held, self._left = self._held[here:], 0  # what is left is less than a frame
            return None
        whole = here - here % frame
        if not whole:
            return None
        taken, self._held = self._held[:whole], self._held[whole:]
        if self._left is not None:
            self._left -= whole
        return _samples(taken, tag, bits, channels)

    def _next_chunk(self) -> bool:
        """Go over the next chunk's header; False until it is here."""
        if not self._is_open or self._held.startswith(b"RIFF"):
            if len(self._held) < _HEADER_BYTES + 4:
                return False
            if self._held[:4] not in (b"RIFF", b"RF64") or self._held[8:12] != b"WAVE":
                began = self._held[:60].decode(errors="replace")
                raise AudioUnreadable(f"the answer is no WAV file, it begins with {began!r}; check its response")
            self._held, self._is_open = self._held[12:], True
        if len(self._held) < _HEADER_BYTES:
            return False
        kind, size = self._held[:4], int.from_bytes(self._held[4:8], "little")
        if kind == b"data":
            if self._layout is None:
                raise AudioUnreadable("the WAV file has samples before it says of what kind")
            self._held = self._held[_HEADER_BYTES:]
            self._left = None if size in _UNKNOWN_LENGTHS else size
            return True
        padded = _HEADER_BYTES + size + size % 2
        if len(self._held) < padded:
            return False
        if kind == b"fmt ":
            self._layout = self._format(self._held[_HEADER_BYTES:padded])
        self._held = self._held[padded:]
        return True

    def _format(self, told: bytes) -> tuple[int, int, int]:
        tag, channels = int.from_bytes(told[:2], "little"), int.from_bytes(told[2:4], "little")
        rate, bits = int.from_bytes(told[4:8], "little"), int.from_bytes(told[14:16], "little")
        if tag == _EXTENSIBLE:
            tag = int.from_bytes(told[24:26], "little")
        if (tag, bits) not in _LAYOUTS or not channels:
            raise AudioUnreadable(f"a WAV file of format {tag} with {bits} bits cannot be read; ask for 16-bit PCM")
        if rate != self._rate:
            raise AudioUnreadable(
                f"the answer has {rate} samples a second, not {self._rate}; declare sample_rate={rate} in the Endpoint"
            )
        return tag, bits, channels


class JsonDecoder:
    """JSON that holds audio in base64; nothing can be heard of it before its end."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._held = bytearray()

    def feed(self, piece: bytes) -> list[Samples]:
        """Nothing yet."""
        self._held += piece
        return []

    def finish(self) -> list[Samples]:
        """The audio, whole."""
        place = self._endpoint.field
        try:
            found = json.loads(bytes(self._held))
            for key in place.split("."):
                found = found[int(key)] if isinstance(found, list) else found[key]
            audio = base64.b64decode(found.partition(",")[2] if found.startswith("data:") else found, validate=True)
        except (ValueError, LookupError, TypeError, AttributeError, binascii.Error) as error:
            words = bytes(self._held[:80]).decode(errors="replace")
            raise AudioUnreadable(
                f"no base64 audio at {place!r} of the answer {words!r} ({type(error).__name__});"
                " check Endpoint(field=…)"
            ) from error
        inner: Decoder = WavDecoder(self._endpoint.sample_rate) if audio.startswith(b"RIFF") else PcmDecoder()
        return [*inner.feed(audio), *inner.finish()]


_LAYOUTS = {(_PCM, 8), (_PCM, 16), (_PCM, 24), (_PCM, 32), (_FLOAT, 32), (_FLOAT, 64)}


def _samples(raw: bytes, tag: int, bits: int, channels: int) -> Samples:
    """Frames as floats of one channel, the mean of all."""
    import numpy as np

    values: Any
    if tag == _FLOAT:
        values = np.frombuffer(raw, f"<f{bits // 8}")
    elif bits == 8:
        values = (np.frombuffer(raw, np.uint8).astype(np.float32) - 128) / 128
    elif bits == 24:
        triples = np.frombuffer(raw, np.uint8).reshape(-1, 3)
        padded = np.zeros((len(triples), 4), np.uint8)
        padded[:, 1:] = triples  # as the high bytes of 32 bits, so that the sign stays
        values = padded.view("<i4").ravel() / 2.0**31
    else:
        values = np.frombuffer(raw, f"<i{bits // 8}") / 2.0 ** (bits - 1)
    if channels > 1:
        values = values.reshape(-1, channels).mean(axis=1)
    found: Samples = values.astype(np.float32)
    return found
