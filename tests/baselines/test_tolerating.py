"""What may be tolerated, and how far."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from harness.baselines.loosening import loosen, loosen_bounds
from harness.baselines.tolerating import acceptance_of
from harness.comparisons import Answer, Basis, Judged, Outcome, Verdict
from harness.errors import UsageProblem
from harness.results import Run
from tests.baselines.made import CELL, FAILED, judged, measured, run, scored

TODAY = date(2030, 1, 15)
SLOWER = Verdict(
    CELL,
    "latency_seconds",
    Outcome.REGRESSED,
    "slower",
    "origin/main",
    old=0.010,
    new=0.012,
    ratio=1.2,
    low=1.1,
    high=1.3,
    margin=0.05,
)
NOISY = measured(seconds=(0.01, 0.02, 0.01, 0.02))
TRIPPED = replace(SLOWER, text="against itself")


def accept(of: Run, **more: Any) -> Any:
    words = {"cell_text": str(CELL), "metric": "latency_seconds", "reason": "a better voice", "expires": None}
    return acceptance_of(of, **{**words, **more}, today=TODAY)


@pytest.mark.parametrize("outcome", [Outcome.REGRESSED, Outcome.SUSPECT])
def test_what_got_worse_is_accepted_with_all_that_tells_what_it_was(outcome: Outcome) -> None:
    entry = accept(judged(replace(SLOWER, outcome=outcome)), reason=" a  better\nvoice ", expires=TODAY)
    assert (entry.cell, entry.metric, entry.reason) == (CELL, "latency_seconds", "a better voice")
    assert (entry.old, entry.new, entry.against, entry.run) == (0.010, 0.012, "origin/main", "run-1")
    assert (entry.revision, entry.expires) == ("c0ffee" * 6, TODAY)


@pytest.mark.parametrize(
    ("changes", "bound"),
    [
        ({}, 1.26),  # 1.2 · 1.05
        ({"high": 1.21}, 1.21),
        ({"high": None}, 1.26),
        ({"margin": None}, 1.2),
        ({"basis": Basis.EXACT}, 1.2),
        ({"metric": "throughput_per_second", "ratio": 0.9, "low": 0.8}, 0.9 / 1.05),
        ({"metric": "throughput_per_second", "ratio": 0.9, "low": 0.89}, 0.89),
        ({"ratio": None}, None),
    ],
)
def test_the_bound_is_what_was_seen_give_or_take_its_margin_within_its_interval(
    changes: dict[str, Any], bound: float | None
) -> None:
    verdict = replace(SLOWER, **changes)
    assert accept(judged(verdict), metric=verdict.metric).ratio == pytest.approx(bound)


@pytest.mark.parametrize(
    ("of", "more", "says"),
    [
        (judged(SLOWER), {"reason": " \t\n"}, "reason"),
        (judged(SLOWER), {"reason": "\x1b[31m"}, "plain text"),
        (judged(SLOWER), {"metric": "latency_second"}, "did you mean latency_seconds"),
        (judged(SLOWER), {"cell_text": "tone/fp23/cpu"}, "did you mean tone/fp32/cpu"),
        (judged(SLOWER), {"expires": date(2030, 1, 14)}, "past"),
        (judged(SLOWER), {"metric": "peak_bytes"}, "no verdict on peak_bytes"),
        (run(measured()), {}, "not judged"),
        (judged(SLOWER, measurement=FAILED), {}, "a failure cannot be accepted"),
        (judged(SLOWER, measurement=NOISY), {}, "too noisy"),
        (judged(SLOWER, controls=(TRIPPED,)), {}, "null control tripped"),
        (judged(replace(SLOWER, accepted="before")), {}, "accepted already"),
        (judged(replace(SLOWER, new=float("nan"))), {}, "no two numbers"),
        (judged(replace(SLOWER, old=None)), {}, "no two numbers"),
        (judged(replace(SLOWER, metric=None, outcome=Outcome.NOT_COMPARABLE, text="other weights")), {}, "other weig"),
    ],
)
def test_everything_else_is_refused_in_one_line(of: Run, more: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageProblem, match=says) as caught:
        accept(of, **more)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("outcome", [one for one in Outcome if one not in (Outcome.REGRESSED, Outcome.SUSPECT)])
def test_only_what_got_worse_is_accepted(outcome: Outcome) -> None:
    with pytest.raises(UsageProblem, match=f"is {outcome} in run"):
        accept(judged(replace(SLOWER, outcome=outcome)))


def test_what_is_counted_is_not_the_worse_for_a_noisy_clock() -> None:
    larger = Verdict(
        CELL, "artifact_bytes", Outcome.REGRESSED, "larger", "origin/main", Basis.EXACT, 1000.0, 1100.0, 1.1, 1.1, 1.1
    )
    assert accept(judged(larger, measurement=NOISY, controls=(TRIPPED,)), metric="artifact_bytes").ratio == 1.1


FLIPPED = Verdict(
    CELL, "decision_agreement", Outcome.REGRESSED, "worse", "its baseline", Basis.STORED, old=1.0, new=0.9, margin=0.02
)
BEYOND = Judged(
    "quality", "no flips", CELL, Answer.FAILS, "", is_fatal=True, metric="decision_agreement", value=0.1, target=0.02
)
EXAMINED = measured(quality=scored((1,) * 20, agrees=(1,) * 18 + (0,) * 2))


@pytest.mark.parametrize(
    ("changes", "loss"),
    [
        ({}, 0.12),  # 0.1 and the margin
        ({"margin": None}, 0.1),
        ({"outcome": Outcome.SUSPECT}, 0.12),
        ({"change": -0.11, "change_low": -0.2, "change_high": 0.0}, 0.13),
        ({"change": -0.11, "change_low": -0.12, "change_high": -0.1}, 0.12),
        ({"change": -0.09, "change_low": -0.09, "change_high": -0.09}, 0.1),  # what was lost in value is covered too
        ({"metric": "log_mel_distance", "old": 0.2, "new": 0.5, "margin": 0.1}, 0.4),
    ],
)
def test_a_loss_of_quality_is_accepted_as_it_was_seen_give_or_take_its_margin(
    changes: dict[str, Any], loss: float
) -> None:
    verdict = replace(FLIPPED, **changes)
    entry = accept(judged(verdict, measurement=EXAMINED), metric=verdict.metric)
    assert (entry.old, entry.new, entry.ratio) == (verdict.old, verdict.new, None)
    assert entry.loss == pytest.approx(loss)
    assert loosen([verdict], [entry], TODAY)[0][0].accepted == "a better voice"


def test_a_bound_that_failed_is_accepted_without_a_verdict() -> None:
    entry = accept(judged(bounds=(BEYOND,), measurement=EXAMINED), metric="decision_agreement")
    assert (entry.against, entry.new) == ("the bound 'no flips'", 0.9)
    assert (entry.old, entry.loss) == (pytest.approx(1.0), pytest.approx(0.12))
    assert loosen_bounds([BEYOND], [entry], TODAY)[0].accepted == "a better voice"


def test_one_entry_answers_the_verdict_and_the_bound() -> None:
    verdict = replace(FLIPPED, old=0.95)
    entry = accept(judged(verdict, bounds=(BEYOND,), measurement=EXAMINED), metric="decision_agreement")
    assert entry.loss == pytest.approx(0.12)
    [marked], _ = loosen([verdict], [entry], TODAY)
    assert marked.accepted is not None
    assert loosen_bounds([BEYOND], [entry], TODAY)[0].accepted is not None


@pytest.mark.parametrize(
    ("of", "says"),
    [
        (judged(bounds=(replace(BEYOND, answer=Answer.HOLDS, is_fatal=False),), measurement=EXAMINED), "no verdict on"),
        (
            judged(bounds=(replace(BEYOND, accepted="before", is_fatal=False),), measurement=EXAMINED),
            "accepted already: before",
        ),
        (judged(bounds=(replace(BEYOND, value=None),), measurement=EXAMINED), "no verdict on"),
        (judged(bounds=(replace(BEYOND, kind="budget"),), measurement=EXAMINED), "no verdict on"),
        (judged(bounds=(BEYOND,), measurement=FAILED), "a failure cannot be accepted"),
        (judged(replace(FLIPPED, outcome=Outcome.INCONCLUSIVE), measurement=EXAMINED), "only what got worse"),
    ],
)
def test_no_other_loss_is_accepted(of: Run, says: str) -> None:
    with pytest.raises(UsageProblem, match=says):
        accept(of, metric="decision_agreement")


def test_a_noisy_clock_says_nothing_against_quality() -> None:
    noisy = replace(NOISY, quality=EXAMINED.quality)
    assert accept(judged(FLIPPED, measurement=noisy, controls=(TRIPPED,)), metric="decision_agreement").loss is not None
