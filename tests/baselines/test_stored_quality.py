"""What a baseline keeps of quality: enough to compare a later run example by example, and nothing that is no result."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.baselines.accepting import Fate, Filed, file_run
from harness.baselines.files import decode, encode
from harness.baselines.quality import kept, with_kept_digits
from harness.baselines.records import MOST_SESSIONS, Baseline, baseline_of
from harness.baselines.store import Store
from harness.errors import RecordUnreadable
from harness.metrics import Better, Pool
from harness.results import Failure, Measurement, Phase, Status
from harness.scores import Examples, Part, Quality, Score, Sensitivity
from tests.baselines.made import CELL, IDENTITY, measured, run, scored
from tests.baselines.test_files import resealed


def made(quality: Quality | None, **more: Any) -> Baseline:
    one = measured(quality=quality)
    found = baseline_of(run(one, **more), one)
    assert found is not None
    return found


def filed(store: Store, quality: Quality | None, day: int = 1) -> Filed:
    [found] = file_run(store, run(measured(quality=quality), id=f"run-{day}", day=day))
    return found


def found_in(store: Store) -> Baseline:
    found = store.find(CELL, IDENTITY)
    assert found is not None
    return found


NUMBERS = st.floats(-1e12, 1e12)
IDS = st.lists(st.text(max_size=5), max_size=4, unique=True).map(tuple)


@st.composite
def qualities(draw: st.DrawFn) -> Quality:
    parts = {part: Examples(draw(st.text(max_size=5)), "d", draw(IDS)) for part in Part}

    def score(metric: str) -> Score:
        part = draw(st.sampled_from(Part))
        count = len(parts[part].ids)
        rows = st.lists(st.none() | st.lists(NUMBERS, max_size=3).map(tuple), min_size=count, max_size=count)
        value = draw(st.none() | NUMBERS)
        return Score(
            metric,
            part,
            draw(st.sampled_from(["", "dB"])),
            draw(st.sampled_from(Better)),
            draw(st.sampled_from(Pool)),
            value,
            tuple(draw(rows)),
            unavailable="why" if value is None else None,
            untrusted=draw(st.none() | st.just("it fails its check")),
            note=draw(st.none() | st.text(max_size=5)),
            is_judged=draw(st.booleans()),
        )

    return Quality(
        "fp32 on cpu",
        draw(st.text(max_size=5)),
        draw(st.text(max_size=5)),
        draw(st.booleans()),
        timed=parts[Part.TIMED],
        exam=parts[Part.EXAM],
        scores=tuple(map(score, draw(st.lists(st.sampled_from(["accuracy", "sqnr_db", "smell"]), unique=True)))),
        flipped=draw(IDS),
        decisions=draw(st.integers(0, 9)),
    )


@given(qualities())
def test_what_was_kept_of_quality_is_read_back_and_written_the_same(quality: Quality) -> None:
    before = made(quality)
    raw = encode(before)
    after = decode(raw, "b.json")
    assert after == before
    assert encode(after) == raw
    assert after.quality == kept(quality)


@given(qualities())
def test_keeping_what_was_kept_changes_nothing(quality: Quality) -> None:
    once = kept(quality)
    assert kept(once) == once


@given(NUMBERS)
def test_a_term_keeps_six_digits_and_a_whole_one_all(term: float) -> None:
    one = Score("sqnr_db", Part.EXAM, "dB", Better.HIGHER, Pool.MEAN, term, ((term,),))
    found = with_kept_digits(Quality(exam=Examples("e", "d", ("a",)), scores=(one,))).scores[0]
    [terms] = found.terms
    assert terms is not None
    assert terms[0] == found.value
    assert math.isclose(terms[0], term, rel_tol=5.1e-6)
    assert terms[0] == term or not term.is_integer()


def test_the_terms_of_all_examples_stand_on_one_line() -> None:
    text = encode(made(scored((1, 0, 1)))).decode()
    assert '"terms": [[1], [0], [1]],' in text
    assert '"ids": ["e0", "e1", "e2"],' in text
    assert "null" not in text.split('"quality"')[1].split('"run"')[0]


def test_what_no_later_run_is_compared_by_is_left_away() -> None:
    exam = Examples("turns", "x", ("a", "b"), ({"voice": "amy"}, {"voice": "joe"}), {"b": "/home/me: no such file"})
    [accuracy, _] = scored((1, 0)).scores
    full = scored(
        (1, 0),
        exam=exam,
        scores=(
            accuracy,
            replace(accuracy, metric="dnsmos", untrusted="silence scores 4"),
            replace(accuracy, metric="word_error_rate", value=None, terms=(), unavailable="no recogniser"),
        ),
        sensitivity=(Sensitivity("x64quantprecision", 4, 32, 0.6),),
    )
    found = kept(full)
    assert found is not None
    assert [score.metric for score in found.scores] == ["accuracy"]
    assert found.exam == Examples("turns", "x", ("a", "b"), failed={"b": "no output"})
    assert (found.sensitivity, found.seconds) == ((), 0.0)


def test_a_file_without_quality_reads_as_it_did_and_is_written_without_the_word() -> None:
    raw = encode(made(None))
    assert b"quality" not in raw
    assert decode(raw, "b.json").quality is None


@pytest.mark.parametrize("order", [(1, 2, 3), (3, 2, 1), (2, 3, 1)])
def test_the_newest_session_that_tells_of_quality_is_the_one_that_keeps_it(
    tmp_path: Path, order: tuple[int, ...]
) -> None:
    by_day = {1: scored(digest="1"), 2: scored(digest="2"), 3: None}
    store = Store(tmp_path)
    for day in order:
        filed(store, by_day[day], day)
    found = found_in(store)
    assert [one.quality is not None for one in found.sessions] == [False, True, False]
    assert found.quality == kept(by_day[2])


def test_a_file_of_many_sessions_holds_the_terms_once(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for day in range(1, MOST_SESSIONS + 3):
        filed(store, scored(), day)
    body = json.loads(store.path(CELL, IDENTITY).read_bytes())
    assert sum("quality" in session for session in body["sessions"]) == 1


WRONG = scored(wrong="30 % of the decisions are not those of fp32")


@pytest.mark.parametrize(
    ("measurement", "says"),
    [
        (measured(quality=WRONG), "its outputs are wrong: 30 % of the decisions"),
        (
            replace(
                measured(quality=WRONG), status=Status.FAILED, failure=Failure(Phase.QUALITY, "wrong: 30 % flipped")
            ),
            "it failed (quality): wrong: 30 % flipped",
        ),
    ],
)
def test_wrong_outputs_are_no_baseline(tmp_path: Path, measurement: Measurement, says: str) -> None:
    [found] = file_run(Store(tmp_path), run(measurement))
    assert found.fate is Fate.REFUSED
    assert says in found.text
    assert not list(tmp_path.iterdir())


def test_a_score_that_cannot_be_trusted_is_not_stored_and_the_times_are(tmp_path: Path) -> None:
    [accuracy, agreement] = scored().scores
    doubtful = replace(agreement, untrusted="identical input gives 0.9")
    found = filed(Store(tmp_path), scored(scores=(accuracy, doubtful)))
    assert found.fate is Fate.WRITTEN
    assert "without scores that cannot be trusted here: decision_agreement (identical input gives 0.9)" in found.text
    stored = found_in(Store(tmp_path)).quality
    assert stored is not None
    assert [score.metric for score in stored.scores] == ["accuracy"]


@pytest.mark.parametrize(
    ("quality", "says"),
    [(None, "its quality was not measured"), (scored(problem="the scorer died", scores=()), "the scorer died")],
)
def test_a_cell_is_stored_without_quality_and_it_is_said(tmp_path: Path, quality: Quality | None, says: str) -> None:
    found = filed(Store(tmp_path), quality)
    assert found.fate is Fate.WRITTEN
    assert "without quality: " in found.text
    assert says in found.text
    assert found_in(Store(tmp_path)).quality is None


@pytest.mark.parametrize(("digest", "is_said"), [("o", False), ("p", True)])
def test_other_outputs_than_those_of_before_are_told(tmp_path: Path, digest: str, is_said: bool) -> None:
    store = Store(tmp_path)
    filed(store, scored())
    assert ("not those of the sessions before" in filed(store, scored(digest=digest), 2).text) == is_said


def test_a_file_whose_quality_says_it_is_wrong_is_refused() -> None:
    def change(body: Any) -> None:
        body["sessions"][0]["quality"] = {"wrong": "all zeros"}

    with pytest.raises(RecordUnreadable, match="outputs that are no baseline"):
        decode(resealed(change), "b.json")


def test_a_file_with_fewer_terms_than_examples_is_refused() -> None:
    def change(body: Any) -> None:
        score = {"metric": "accuracy", "part": "exam", "unit": "", "better": "higher", "pool": "share", "value": 1}
        exam = {"name": "e", "digest": "d", "ids": ["a", "b"]}
        body["sessions"][0]["quality"] = {"exam": exam, "scores": [{**score, "terms": [[1]]}]}

    with pytest.raises(RecordUnreadable, match="1 terms, and not one an example"):
        decode(resealed(change), "b.json")
