"""Bytes of an answer become samples: values worked by hand, cut into pieces anywhere."""

from __future__ import annotations

import struct
from typing import Any

import pytest

from harness.endpoints import Endpoint
from harness.runtimes.http_audio import AudioUnreadable, PcmDecoder, WavDecoder, decoder_for
from tests.runtimes.http_servers import RATE, UNKNOWN, in_json, pcm, wav

np = pytest.importorskip("numpy")

HALVES = [0.5, -0.5, 0.25]
AS_PCM16 = pcm(16_384, -16_384, 8_192)


def decoded(decoder: Any, body: bytes, step: int) -> list[float]:
    """What comes of a body that arrives so many bytes at a time."""
    pieces = [one for start in range(0, len(body), step) for one in decoder.feed(body[start : start + step])]
    return np.concatenate([*pieces, *decoder.finish(), np.zeros(0, np.float32)]).tolist()


def triples(*values: int) -> bytes:
    return b"".join(value.to_bytes(3, "little", signed=True) for value in values)


EXTENSIBLE = (
    b"RIFF\0\0\0\0WAVEfmt "
    + struct.pack("<IHHIIHHHHI", 40, 0xFFFE, 1, RATE, 2 * RATE, 2, 16, 22, 16, 4)
    + struct.pack("<H", 1)
    + bytes(14)
    + b"data\x06\0\0\0"
    + AS_PCM16
)
WAVS = {
    "8 bits": wav(bytes([192, 64, 160]), bits=8),
    "16 bits": wav(AS_PCM16),
    "24 bits": wav(triples(1 << 22, -(1 << 22), 1 << 21), bits=24),
    "32 bits": wav(struct.pack("<3i", 1 << 30, -(1 << 30), 1 << 29), bits=32),
    "float 32": wav(struct.pack("<3f", *HALVES), bits=32, tag=3),
    "float 64": wav(struct.pack("<3d", *HALVES), bits=64, tag=3),
    "extensible": EXTENSIBLE,
    "two channels": wav(pcm(16_384, 16_384, -32_768, 0, 16_384, 0), channels=2),
    "length unknown, all ones": wav(AS_PCM16, size=UNKNOWN),
    "length unknown, zero": wav(AS_PCM16, size=0),
    "shorter than its header says": wav(AS_PCM16, size=600),
    "with a list before the samples": wav(AS_PCM16).replace(b"data", b"LIST\x03\0\0\0abc\0data"),
    "with a list after the samples": wav(AS_PCM16) + b"LIST\x04\0\0\0abcd",
    "two files one after another": wav(AS_PCM16[:4]) + wav(AS_PCM16[4:]),
}


@pytest.mark.parametrize("step", [1, 7, 100_000], ids=["byte by byte", "seven bytes", "at once"])
@pytest.mark.parametrize("body", WAVS.values(), ids=WAVS.keys())
def test_a_wav_file_is_read_however_it_is_cut(body: bytes, step: int) -> None:
    assert decoded(WavDecoder(RATE), body, step) == pytest.approx(HALVES)


@pytest.mark.parametrize("step", [1, 3, 100])
def test_bare_samples_are_read_however_they_are_cut(step: int) -> None:
    assert decoded(PcmDecoder(), AS_PCM16, step) == pytest.approx(HALVES)


@pytest.mark.parametrize("audio", [AS_PCM16, wav(AS_PCM16)], ids=["bare", "wav"])
def test_audio_in_json_is_found_at_its_place(audio: bytes) -> None:
    endpoint = Endpoint(path="/{text}", sample_rate=RATE, response="json", field="data.0.audio")
    assert decoded(decoder_for(endpoint), in_json(audio), 10) == pytest.approx(HALVES)


def test_samples_are_given_as_soon_as_they_are_whole() -> None:
    decoder = WavDecoder(RATE)
    body = wav(AS_PCM16, size=UNKNOWN)
    assert decoder.feed(body[:44]) == []
    assert decoder.feed(body[44:45]) == []
    assert [one.tolist() for one in decoder.feed(body[45:46])] == [[0.5]]


REFUSED = {
    "an error page": (b"<html>no such page</html>", "no WAV file, it begins with '<html>"),
    "another rate": (wav(AS_PCM16, rate=24_000), r"24000 samples a second, not 8000; declare sample_rate=24000"),
    "a coded format": (wav(AS_PCM16, tag=0x55), "format 85 with 16 bits cannot be read; ask for 16-bit PCM"),
    "a few bytes": (b"RIFF", "no WAV file, it begins with 'RIFF'"),
    "samples before their kind": (b"RIFF\0\0\0\0WAVEdata\x02\0\0\0ab", "samples before it says of what kind"),
}


@pytest.mark.parametrize(("body", "said"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_no_such_wav_file_is_refused_in_its_own_words(body: bytes, said: str) -> None:
    with pytest.raises(AudioUnreadable, match=said):
        decoded(WavDecoder(RATE), body, 9)


def test_a_wav_file_is_not_taken_for_bare_samples() -> None:
    with pytest.raises(AudioUnreadable, match='declare response="wav"'):
        PcmDecoder().feed(wav(AS_PCM16))


@pytest.mark.parametrize(
    "body", [b"{", b"[]", b'{"data": []}', b'{"data": [{"audio": 3}]}', b'{"data": [{"audio": "%"}]}']
)
def test_json_without_audio_at_the_place_is_refused_with_the_place(body: bytes) -> None:
    endpoint = Endpoint(path="/{text}", sample_rate=RATE, response="json", field="data.0.audio")
    with pytest.raises(AudioUnreadable, match=r"no base64 audio at 'data\.0\.audio'"):
        decoded(decoder_for(endpoint), body, 100)
