"""A baseline's file: the same bytes for the same content, and nothing bad in it passes for good."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.baselines.files import _digest, decode, encode
from harness.baselines.records import MOST_SAMPLES, Baseline, baseline_of
from harness.errors import RecordUnreadable
from tests.baselines.made import measured, run


def made(**values: Any) -> Baseline:
    one = measured(**values)
    found = baseline_of(run(one), one)
    assert found is not None
    return found


GOOD = encode(made())


def resealed(change: Any) -> bytes:
    """The good file after a change, with a digest that agrees with it: only its sense can give it away."""
    body = json.loads(GOOD)
    del body["digest"]
    change(body)
    return (json.dumps({**body, "digest": _digest(body)}) + "\n").encode()


durations = st.floats(1e-6, 1e3)


@given(st.lists(durations, min_size=2, max_size=120), st.floats(0, 1e12), st.text(max_size=20))
def test_what_was_written_is_read_back_and_written_the_same(seconds: list[float], peak: float, revision: str) -> None:
    one = measured(seconds=tuple(seconds), peak_bytes=peak)
    before = baseline_of(run(one, commit=revision), one)
    assert before is not None
    raw = encode(before)
    after = decode(raw, "b.json")
    assert after == before
    assert encode(after) == raw


@given(st.integers(0, len(GOOD) - 1))
def test_a_file_cut_short_anywhere_is_refused(length: int) -> None:
    with pytest.raises(RecordUnreadable):
        decode(GOOD[:length], "b.json")


@given(st.binary(max_size=200))
def test_no_bytes_make_the_reader_stumble(raw: bytes) -> None:
    with pytest.raises(RecordUnreadable):
        decode(raw, "b.json")


def test_a_deep_nest_is_refused_and_no_crash() -> None:
    with pytest.raises(RecordUnreadable):
        decode(b'{"schema": 1, "x": ' + b"[" * 5000 + b"]" * 5000 + b"}\n", "b.json")


def test_a_number_edited_by_hand_is_seen() -> None:
    edited = GOOD.replace(b'"artifact_bytes": 1234567', b'"artifact_bytes": 1234568')
    assert edited != GOOD
    with pytest.raises(RecordUnreadable, match="was edited"):
        decode(edited, "b.json")


def test_a_key_added_by_hand_is_seen() -> None:
    with pytest.raises(RecordUnreadable, match="was edited"):
        decode(GOOD.replace(b'"schema": 1', b'"schema": 1, "note": "mine"'), "b.json")


def test_a_newer_schema_says_upgrade() -> None:
    with pytest.raises(RecordUnreadable, match=r"schema 2, newer.*upgrade"):
        decode(GOOD.replace(b'"schema": 1', b'"schema": 2'), "b.json")


def _set(*path: Any, to: Any) -> Any:
    def change(body: Any) -> None:
        for key in path[:-1]:
            body = body[key]
        body[path[-1]] = to

    return change


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (_set("sessions", to=[]), "0 sessions"),
        (lambda body: body["sessions"].append(body["sessions"][0]), "two sessions"),
        (lambda body: body["sessions"].append({**body["sessions"][0], "run": "0", "when": "2029"}), "order of time"),
        (_set("identity", "threads", to=2), "its facts say"),
        (_set("sessions", 0, "libraries", to="0000"), "other sets of libraries"),
        (_set("content", "converted_bytes", to=1001), "more weights"),
        (_set("sessions", 0, "values", "artifact_bytes", to="big"), "Expected `float`"),
        (_set("sessions", 0, "values", "artifact_bytes", to=-1), "no measurement"),
        (_set("sessions", 0, "values", "weights_covered_fraction", to=1.5), "more than all"),
        (_set("sessions", 0, "pass_seconds", "wall", to=[-1.0]), "no duration"),
        (_set("sessions", 0, "pass_seconds", to={"corrected": [1.0]}), "no wall time"),
        (_set("sessions", 0, "pass_seconds", "wall", to=[1.0] * (MOST_SAMPLES + 1)), "51 samples"),
        (_set("sessions", 0, "pass_seconds", "sundial", to=[1.0]), "sundial"),
    ],
)
def test_a_file_that_contradicts_itself_is_refused_whatever_its_digest(change: Any, says: str) -> None:
    with pytest.raises(RecordUnreadable, match=says) as caught:
        decode(resealed(change), "baselines/m/tone/fp32.cpu.json")
    assert str(caught.value).startswith("baselines/m/tone/fp32.cpu.json ")
    assert "\n" not in str(caught.value)


def test_the_layout_is_made_for_review() -> None:
    text = GOOD.decode()
    assert text.endswith("}\n")
    assert '"wall": [0.01, 0.01, 0.01, 0.01]' in text
    assert '"artifact_bytes": 1234567,' in text
    for level in (json.loads(text), json.loads(text)["sessions"][0], json.loads(text)["content"]):
        assert list(level) == sorted(level)


def test_long_samples_are_thinned_evenly_from_first_to_last() -> None:
    seconds = tuple(1.0 + index / 1000 for index in range(99))
    kept = made(seconds=seconds).newest.pass_seconds["wall"]
    # 98 steps over 49 gaps: every second one.
    assert kept == pytest.approx(seconds[::2], rel=1e-6)
