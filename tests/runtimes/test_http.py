"""A running server is called over the loopback: what is sent, what comes back and when, and every way it can fail."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from harness.cells import Device, Unsupported
from harness.endpoints import Endpoint, Service, openai_speech
from harness.errors import HarnessError
from harness.models import Artifact, Coverage
from harness.probes.stopwatch import play
from harness.runtimes import RUNTIMES, Serving, Tuning
from harness.runtimes.http import HttpSession
from tests.runtimes.http_servers import (
    LOUD,
    QUIET,
    RATE,
    UNKNOWN,
    Answering,
    answering,
    breaking_off,
    in_json,
    streamed,
    wav,
    whole,
)

np = pytest.importorskip("numpy")


def endpoint(path: str, **more: Any) -> Endpoint:
    return Endpoint(**{"path": path, "sample_rate": RATE, "body": {"text": "{text}"}, **more})


def opened(url: str, to: Endpoint, *, device: str = "cpu", **more: Any) -> HttpSession:
    service = Service(url=url, endpoint=to, **more)
    artifact = Artifact(Path(), "service", "fp32", "", 1, Coverage(0, 0, 0, 0), "", 0.0, service=service)
    session = RUNTIMES["http"]().open(artifact, Device.parse(device), Tuning())
    assert isinstance(session, HttpSession)
    return session


def said(session: HttpSession, text: str = "Hello.") -> Any:
    return session.call({"text": np.array(text)})["audio"]


ANSWERS = {
    "wav": (whole(wav(QUIET + LOUD)), {}),
    "a wav file in chunks": (streamed([wav(QUIET, size=UNKNOWN), LOUD[:301], LOUD[301:]]), {}),
    "bare samples": (whole(QUIET + LOUD), {"response": "pcm16"}),
    "json": (whole(in_json(QUIET + LOUD)), {"response": "json", "field": "data.0.audio"}),
}


@pytest.mark.parametrize(("answer", "declared"), ANSWERS.values(), ids=ANSWERS.keys())
def test_a_call_gives_the_audio_whatever_it_comes_in(answer: Any, declared: dict[str, Any]) -> None:
    with answering(speak=answer) as server:
        samples = said(opened(server.url, endpoint("/speak", **declared)))
    assert samples.tolist() == [0.0] * 400 + [0.5] * 400
    assert samples.dtype == np.float32


def test_a_stream_is_heard_as_it_comes() -> None:
    pause = 0.5
    pieces = [wav(QUIET, size=UNKNOWN), LOUD, LOUD]
    with answering(speak=streamed(pieces, pause)) as server:
        session = opened(server.url, endpoint("/speak"))
        start = time.perf_counter()
        said(session)
        total = time.perf_counter() - start
    served = session.served()
    assert served is not None
    arrivals = served.arrival_seconds
    assert 0 < served.first_byte_seconds <= arrivals[0]
    assert [piece.size for piece in served.pieces] == [400, 400, 400]
    assert arrivals[1] - arrivals[0] >= pause / 2  # the server slept so long; half, should the client come late
    heard = play(arrivals, served.pieces, RATE).first_audible_seconds
    assert heard == pytest.approx(arrivals[1])  # the silence of 50 ms had been played by then
    assert heard <= total - pause / 2  # the last piece was still to come


def test_an_openai_endpoint_is_asked_as_its_api_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    to = openai_speech(model="tts-1", voice="alloy", sample_rate=RATE, speed=1.5)
    with answering(**{"v1/audio/speech": whole(LOUD)}) as server:
        assert said(opened(server.url, to), 'Say "hello".').size == 400
        asked = server.asked[-1]
    assert (asked.method, asked.path) == ("POST", "/v1/audio/speech")
    assert json.loads(asked.body) == {
        "model": "tts-1",
        "voice": "alloy",
        "input": 'Say "hello".',
        "response_format": "pcm",
        "speed": 1.5,
    }
    assert asked.headers["Content-Type"] == "application/json"
    assert asked.headers["Authorization"] == "Bearer sk-secret"
    assert "sk-secret" not in Service(url=server.url, endpoint=to).described


def test_without_a_key_none_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with answering(**{"v1/audio/speech": whole(LOUD)}) as server:
        said(opened(server.url, openai_speech(model="m", voice="v", sample_rate=RATE)))
        assert "Authorization" not in server.asked[-1].headers


def test_the_text_goes_into_path_query_and_plain_body() -> None:
    to = endpoint("/speak", query={"q": "{text}", "v": "joe"}, body="<{text}>", headers={"X-Own": "1"})
    by_path = Endpoint(path="/say/{text}", sample_rate=RATE, method="GET")
    with answering(speak=whole(wav(LOUD)), **{"say/a%2Fb%20c": whole(wav(LOUD))}) as server:
        said(opened(server.url, to), "a/b c")
        first = server.asked[-1]
        said(opened(f"{server.url}/", by_path), "a/b c")
        second = server.asked[-1]
    assert (first.path, first.body, first.headers["X-Own"]) == ("/speak?q=a%2Fb+c&v=joe", b"<a/b c>", "1")
    assert (second.method, second.path, second.body) == ("GET", "/say/a%2Fb%20c", b"")


@pytest.mark.parametrize("text", [np.array(["Grüße"]), np.frombuffer("Grüße".encode(), np.uint8)])
def test_the_text_may_be_an_array_of_text_or_of_bytes(text: Any) -> None:
    with answering(speak=whole(wav(LOUD))) as server:
        opened(server.url, endpoint("/speak")).call({"text": text})
        assert json.loads(server.asked[-1].body) == {"text": "Grüße"}


FAILURES = {
    "an error": (
        whole(b'{"error":\n "no voice"}', 500),
        r'answered 500 Internal Server Error: \{"error": "no voice"\}$',
    ),
    "a redirection": (whole(b"", 307), "answered 307 Temporary Redirect: without a word"),
    "no bytes": (whole(b""), "answered 200 and then nothing: an endpoint that gives no bytes"),
    "no chunks": (streamed([]), "answered 200 and then nothing"),
    "a header alone": (whole(wav(b"")), "a header and no audio: an endpoint that streams nothing"),
    "a broken answer": (breaking_off(wav(LOUD), 5_000), "broke off after 844 bytes, 4156 before the end it promised"),
    "silence": (lambda _: time.sleep(0.6), "said nothing for 0.2 s after 0 bytes"),
    "no http": (lambda handler: handler.wfile.write(b"nonsense\r\n\r\n"), "failed after 0 bytes: BadStatusLine"),
}


@pytest.mark.parametrize(("answer", "words"), FAILURES.values(), ids=FAILURES.keys())
def test_a_failed_request_is_told_in_one_line_with_the_address(answer: Any, words: str) -> None:
    with answering(speak=answer) as server:
        patience = 0.2 if "said nothing" in words else 60.0
        session = opened(server.url, endpoint("/speak"), silence_seconds=patience)
        with pytest.raises(HarnessError, match=words) as failed:
            said(session)
    assert f"POST {server.url}/speak" in str(failed.value)
    assert "\n" not in str(failed.value)


@pytest.mark.parametrize("text", ["", "  \n"])
def test_a_text_of_zero_length_is_refused(text: str) -> None:
    with answering() as server, pytest.raises(HarnessError, match="of zero length, and there is nothing to speak"):
        said(opened(server.url, endpoint("/speak")), text)


def test_inputs_without_a_text_are_refused_by_their_names() -> None:
    with answering() as server, pytest.raises(HarnessError, match="called with 'text', not with ids"):
        opened(server.url, endpoint("/speak")).call({"ids": np.array([1])})


def test_a_server_that_is_not_up_is_told_with_its_address_and_what_to_do() -> None:
    with answering() as server:
        url = server.url
    with pytest.raises(
        HarnessError, match=rf"no server answers at {url}/ \(Connection refused\); start it, or declare"
    ):
        opened(url, endpoint("/speak"))


def test_a_server_that_is_not_ready_is_told_with_its_status() -> None:
    with answering(health=whole(b"", 503)) as server, pytest.raises(HarnessError, match="/health answers 503"):
        opened(server.url, endpoint("/speak"), ready="/health")


def test_a_device_that_was_not_declared_is_unsupported() -> None:
    with answering() as server:
        with pytest.raises(Unsupported, match="declared for cpu"):
            opened(server.url, endpoint("/speak"), device="cuda")
        on_gpu = opened(server.url, endpoint("/speak"), device="cuda:1", devices=("cpu", "cuda"))
    assert on_gpu.placement().device == "cuda:1"


def crowded(server: Answering, at_once: int) -> Any:
    session = opened(server.url, endpoint("/speak"))
    texts = [{"text": np.array(text)} for text in ("one", "two", "three")]
    return session.crowd(texts, at_once, 0.0)


def test_a_crowd_asks_each_text_and_counts_every_request() -> None:
    with answering(speak=whole(wav(LOUD))) as server:
        found = crowded(server, 4)
        asked = [json.loads(one.body)["text"] for one in server.asked if one.body]
    assert (found.at_once, found.requests, found.failed, found.first_error) == (4, 8, 0, "")
    assert sorted(asked) == sorted(["one", "two", "three"] * 2 + ["one", "two"])
    assert 0 < found.median_seconds <= found.seconds


def test_a_crowd_is_really_at_once() -> None:
    together = threading.Barrier(3, timeout=20)

    def waits_for_the_others(handler: Any) -> None:
        together.wait()
        whole(wav(LOUD))(handler)

    with answering(speak=waits_for_the_others) as server:
        assert crowded(server, 3).failed == 0  # one after the other would never be answered


def test_failed_requests_of_a_crowd_are_counted_with_the_first_one_s_words() -> None:
    seen: list[int] = []

    def every_other(handler: Any) -> None:
        seen.append(1)
        whole(wav(LOUD) if len(seen) % 2 else b"tired", 200 if len(seen) % 2 else 503)(handler)

    with answering(speak=every_other) as server:
        found = crowded(server, 1)
    assert (found.requests, found.failed) == (2, 1)
    assert found.first_error.endswith("answered 503 Service Unavailable: tired")


def test_a_session_is_a_service_whose_contents_are_its_own() -> None:
    with answering() as server:
        session = opened(server.url, endpoint("/speak"))
        assert isinstance(session, Serving)
        assert session.contents().uncounted == "a service: its files are its own"
        assert session.served() is None
