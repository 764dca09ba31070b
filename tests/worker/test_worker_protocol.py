"""What parent and worker say survives the pipe, one line a message."""

from __future__ import annotations

import msgspec
import pytest

from harness.limits import CallWork, Rates, Work
from harness.results import Phase
from harness.scores import Examples, Quality
from harness.worker import protocol
from tests.samples import block, checked, closed, opened

ASSIGNMENT = protocol.Assignment(
    module="zoo.voice",
    root="/somewhere",
    model="voice",
    precision="fp32",
    device="cpu",
    store="/store",
    made="/made",
    session_options={"a": "b"},
    cores=(1, 3),
)
REQUESTS: tuple[protocol.Request, ...] = (
    protocol.Hello(),
    protocol.Declare("/somewhere", "suites/models", "/elsewhere"),
    protocol.Inspect("/models/own.onnx", ("/inputs/a.npz",)),
    protocol.Convert(ASSIGNMENT),
    protocol.Open(ASSIGNMENT),
    protocol.CheckOutputs(),
    protocol.WarmUp(1.5),
    protocol.Time(1.0, 1, 5_000),
    protocol.Crowd(4, 1.5),
    protocol.Lap(3, 0.01, 1),
    protocol.Rebuild(4_096),
    protocol.Answer("/run/outputs"),
    protocol.Score(ASSIGNMENT, "/run/outputs", None, "fp32 on cpu", "it broke", {"dnsmos": "noise\nraises it"}),
    protocol.SelfCheck(("any",)),
    protocol.Close(),
    protocol.CountWork(),
    protocol.MeasureRates(0.3),
    protocol.Check("onnx", "cuda:1", "fp16", "x86"),
)
REPLIES: tuple[protocol.Reply, ...] = (
    protocol.Ready(),
    protocol.Declared(
        (protocol.DeclaredModel("a", "a", "full", "onnx", ("fp32",), "zoo.a", None, "NO_PACKAGE", "pip install it"),),
        {"torch": "2.13"},
    ),
    protocol.Inspected({"inputs": []}, [[{"name": "x", "shape": [1, 80]}]]),
    protocol.Converted(1.5),
    protocol.NeedsConversion(),
    opened(),
    checked(audio_note="line\nbreak"),
    protocol.Warm((0.1, 0.2), steady=True, seconds=0.3),
    block(0.1, 0.2),
    protocol.Crowded(4, 8, 1, 0.5, 0.1, "it\nbroke", 300),
    protocol.Laps((0.1, 0.2), (0.1, 0.1), None, 0.25),
    protocol.Rebuilt(0.3),
    protocol.Answered("d" * 64, "", False, Examples("set", "e" * 64, ("a",), ({"length": "short"},)), None, 0.5),
    protocol.Scored(Quality(problem="line\nbreak")),
    protocol.SelfChecked({"dnsmos": "rises"}, {"chrf": "missing"}, ("sqnr_db",)),
    closed(),
    protocol.Counted(Work("torch", ((CallWork(10.0, {1: 40, 7: 8}, 3),), (CallWork(1.0),)))),
    protocol.Rated(Rates("torch", "cpu", 1, {"fp32": 1.5}, {1_000: 2.5}, {"int8": "no\nkernel"})),
    protocol.CheckPassed(),
    protocol.CannotRun("NO_KERNEL", "no\nkernel"),
    protocol.Broke(Phase.OPEN, "it broke"),
    protocol.Progress(Phase.FIRST),
)


@pytest.mark.parametrize("message", REQUESTS, ids=lambda message: type(message).__name__)
def test_a_request_is_one_line_and_the_same_on_the_other_side(message: protocol.Request) -> None:
    line = protocol.encode(message)
    assert b"\n" not in line
    assert protocol.decode_request(line) == message


@pytest.mark.parametrize("message", REPLIES, ids=lambda message: type(message).__name__)
def test_a_reply_is_one_line_and_the_same_on_the_other_side(message: protocol.Reply) -> None:
    line = protocol.encode(message)
    assert b"\n" not in line
    assert protocol.decode_reply(line) == message


def test_the_samples_speak_every_word_of_the_protocol() -> None:
    assert {type(message) for message in REQUESTS} == set(protocol.Request.__args__)
    assert {type(message) for message in REPLIES} == set(protocol.Reply.__args__)


@pytest.mark.parametrize("line", [b"", b"{}", b'{"type":"Sing"}', b'{"type":"WarmUp"}', b"Traceback (most recent"])
def test_what_is_no_message_is_refused(line: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        protocol.decode_request(line)
    with pytest.raises(msgspec.DecodeError):
        protocol.decode_reply(line)
