"""What was tolerated is marked as far as it was, and of every entry it is said what became of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.baselines.approvals import Acceptance
from harness.baselines.loosening import loosen, loosen_bounds
from harness.comparisons import Answer, Basis, Judged, Outcome, Verdict
from tests.baselines.made import CELL, OTHER

TODAY = date(2030, 1, 15)

LATENCY = Acceptance(CELL, "latency_seconds", "a better voice", 0.010, 0.012, 1.25, "origin/main", "run-1", "c0ffee")
SIZE = Acceptance(CELL, "artifact_bytes", "one more layer", 1000.0, 1100.0, 1.1, "origin/main", "run-1")
FLIPS = Acceptance(
    CELL, "decision_agreement", "known to flip", 1.0, 0.88, None, "the bound 'no flips'", "run-1", loss=0.14
)
DISTANCE = Acceptance(CELL, "log_mel_distance", "another vocoder", 0.2, 0.5, None, "origin/main", "run-1", loss=0.4)


def verdict(metric: str = "latency_seconds", outcome: Outcome = Outcome.REGRESSED, **more: object) -> Verdict:
    plain = Verdict(CELL, metric, outcome, "slower", "origin/main", old=0.010, new=0.012, ratio=1.2)
    return replace(plain, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("ratio", "outcome", "accepted"),
    [
        (1.25, Outcome.REGRESSED, True),
        (1.25, Outcome.SUSPECT, True),
        (1.2500001, Outcome.REGRESSED, False),
        (1.2, Outcome.INCONCLUSIVE, False),
        (float("nan"), Outcome.REGRESSED, False),
        (float("inf"), Outcome.REGRESSED, False),
    ],
)
def test_a_change_is_accepted_up_to_its_bound(ratio: float, outcome: Outcome, accepted: bool) -> None:
    [marked], _ = loosen([verdict(outcome=outcome, ratio=ratio)], [LATENCY], TODAY)
    assert (marked.accepted is not None) == accepted
    assert marked.outcome is outcome


def test_what_gets_better_by_growing_is_bound_from_below() -> None:
    entry = Acceptance(CELL, "weights_covered_fraction", "one layer stays", 0.8, 0.72, 0.9, "origin/main", "run-1")
    here = verdict("weights_covered_fraction", basis=Basis.EXACT, old=0.8, new=0.72, ratio=0.9)
    [kept, refused], _ = loosen([here, replace(here, new=0.71, ratio=0.8875)], [entry], TODAY)
    assert kept.accepted == "one layer stays"
    assert refused.accepted is None


def test_a_count_is_not_accepted_twice_over_by_one_ratio() -> None:
    """Once 1,100 is the base, ten per cent more is 1,210, which nobody accepted."""
    again = verdict("artifact_bytes", basis=Basis.EXACT, old=1100.0, new=1210.0, ratio=1.1)
    [marked], [line] = loosen([again], [SIZE], TODAY)
    assert marked.accepted is None
    assert "worse than was accepted" in line


def test_what_has_no_better_side_is_accepted_at_its_value_only() -> None:
    entry = Acceptance(CELL, "parameters_count", "pruned", 100.0, 90.0, 0.9, "origin/main", "run-1")
    here = verdict("parameters_count", basis=Basis.EXACT, old=100.0, new=90.0, ratio=0.9)
    others = [replace(here, new=95.0, ratio=0.95), replace(here, new=80.0, ratio=0.8)]
    [kept, *refused], _ = loosen([here, *others], [entry], TODAY)
    assert kept.accepted == "pruned"
    assert [one.accepted for one in refused] == [None, None]


def test_a_change_from_nothing_is_bound_by_its_value() -> None:
    entry = Acceptance(CELL, "steady_growth_bytes", "a cache", 0.0, 4096.0, None, "origin/main", "run-1")
    here = verdict("steady_growth_bytes", basis=Basis.EXACT, old=0.0, new=4096.0, ratio=None)
    [kept, refused], _ = loosen([here, replace(here, new=4097.0)], [entry], TODAY)
    assert kept.accepted == "a cache"
    assert refused.accepted is None


@pytest.mark.parametrize(
    ("entry", "of", "says"),
    [
        (LATENCY, verdict(), "accepted: a better voice"),
        (replace(LATENCY, expires=TODAY), verdict(), "accepted (until 2030-01-15)"),
        (replace(LATENCY, expires=date(2030, 1, 14)), verdict(), "expired on 2030-01-14; remove it"),
        (LATENCY, verdict(ratio=1.5), "worse than was accepted"),
        (LATENCY, verdict(outcome=Outcome.UNCHANGED), "unused"),
        (LATENCY, verdict(outcome=Outcome.IMPROVED), "unused"),
        (LATENCY, verdict(outcome=Outcome.INCONCLUSIVE), "inconclusive"),
        (LATENCY, verdict("peak_bytes"), "1 of 1 entries concern what this run did not judge"),
    ],
)
def test_of_every_entry_it_is_said_what_became_of_it(entry: Acceptance, of: Verdict, says: str) -> None:
    _, [line] = loosen([of], [replace(entry, line=7)], TODAY)
    assert says in line
    assert line.startswith("baselines/accepted.toml")


def test_an_expired_entry_accepts_nothing() -> None:
    [marked], _ = loosen([verdict()], [replace(LATENCY, expires=date(2030, 1, 14))], TODAY)
    assert marked.accepted is None


@given(st.floats(0.5, 3), st.floats(0.5, 3))
def test_of_two_changes_the_worse_is_never_accepted_alone(one: float, other: float) -> None:
    [better, worse], _ = loosen([verdict(ratio=min(one, other)), verdict(ratio=max(one, other))], [LATENCY], TODAY)
    assert worse.accepted is None or better.accepted is not None


def agreement(old: float, new: float, outcome: Outcome = Outcome.REGRESSED) -> Verdict:
    return Verdict(CELL, "decision_agreement", outcome, "worse", "its baseline", Basis.STORED, old=old, new=new)


def bound(value: float | None, answer: Answer = Answer.FAILS, **more: object) -> Judged:
    plain = Judged(
        "quality", "no flips", CELL, answer, "", is_fatal=True, metric="decision_agreement", value=value, target=0.02
    )
    return replace(plain, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("old", "new", "accepted"),
    [
        (1.0, 0.88, True),
        (1.0, 0.86, True),  # 14 points, as accepted
        (1.0, 0.85, False),
        (0.90, 0.85, False),  # 5 points from a lower base, and 15 below what it once was
        (0.88, 0.87, True),
        (1.1, 0.95, False),  # 15 points, above the least value
    ],
)
def test_a_loss_of_quality_is_accepted_up_to_its_bound_and_not_twice_over(
    old: float, new: float, accepted: bool
) -> None:
    [marked], _ = loosen([agreement(old, new)], [FLIPS], TODAY)
    assert (marked.accepted is not None) == accepted


@pytest.mark.parametrize(("change", "accepted"), [(-0.14, True), (-0.15, False)])
def test_the_loss_is_that_of_the_pairs_where_they_are_told(change: float, accepted: bool) -> None:
    [marked], _ = loosen([replace(agreement(1.0, 0.9), change=change)], [FLIPS], TODAY)
    assert (marked.accepted is not None) == accepted


@pytest.mark.parametrize(("new", "accepted"), [(0.6, True), (0.61, False), (0.1, True)])
def test_of_what_is_better_when_lower_a_loss_is_a_rise(new: float, accepted: bool) -> None:
    here = Verdict(CELL, "log_mel_distance", Outcome.REGRESSED, "worse", "its baseline", old=0.2, new=new)
    [marked], _ = loosen([here], [DISTANCE], TODAY)
    assert (marked.accepted is not None) == accepted


@pytest.mark.parametrize(
    ("judged", "accepted"),
    [
        (bound(0.12), True),
        (bound(0.14), True),
        (bound(0.15), False),
        (bound(None), False),
        (bound(0.12, Answer.CANNOT_TELL), True),
        (bound(0.12, Answer.CANNOT_TELL, is_fatal=False), False),
        (bound(0.0, Answer.HOLDS, is_fatal=False), False),
        (bound(0.12, cell=OTHER), False),
        (bound(0.12, metric="accuracy"), False),
        (bound(0.12, kind="budget"), False),
    ],
)
def test_a_bound_is_loosened_up_to_the_loss_and_then_makes_no_run_red(judged: Judged, accepted: bool) -> None:
    [found] = loosen_bounds([judged], [FLIPS], TODAY)
    assert (found.accepted == "known to flip") == accepted
    assert found.is_fatal == (judged.is_fatal and not accepted)
    assert found.answer is judged.answer


def test_an_expired_entry_loosens_no_bound() -> None:
    one = bound(0.12)
    assert loosen_bounds([one], [replace(FLIPS, expires=date(2030, 1, 14))], TODAY) == (one,)
    assert loosen_bounds([one], [replace(FLIPS, expires=TODAY)], TODAY) != (one,)


HOLDS = bound(0.0, Answer.HOLDS, is_fatal=False)


@pytest.mark.parametrize(
    ("verdicts", "judged", "says"),
    [
        ([], [bound(0.12)], "accepted: known to flip"),
        ([], [bound(0.3)], "worse than was accepted (1 → 0.88, up to 0.14 lost, now 0.3 lost); mend it"),
        ([], [HOLDS], "the entry is unused, the bound 'no flips' holds without it; remove it"),
        (
            [],
            [bound(0.1, Answer.CANNOT_TELL, is_fatal=False)],
            "not needed and not disproved: the bound 'no flips' cannot tell",
        ),
        ([agreement(1.0, 0.88)], [HOLDS], "accepted: known to flip"),
        ([agreement(1.0, 0.88)], [bound(0.3)], "worse than was accepted"),
        (
            [agreement(1.0, 1.0, Outcome.UNCHANGED)],
            [HOLDS],
            "the entry is unused, the verdict is unchanged, the bound 'no flips' holds without it",
        ),
        (
            [agreement(1.0, 0.99, Outcome.INCONCLUSIVE)],
            [HOLDS],
            "not disproved: the verdict is inconclusive, the bound 'no flips' holds",
        ),
    ],
)
def test_an_entry_is_told_by_what_is_worst_of_its_verdict_and_its_bounds(
    verdicts: list[Verdict], judged: list[Judged], says: str
) -> None:
    _, [line] = loosen(verdicts, [FLIPS], TODAY, judged)
    assert says in line


@given(st.floats(-1, 1), st.floats(-1, 1))
def test_of_two_losses_the_greater_is_never_accepted_alone(one: float, other: float) -> None:
    verdicts = [agreement(1.0, 1.0 - min(one, other)), agreement(1.0, 1.0 - max(one, other))]
    [lesser, greater], _ = loosen(verdicts, [FLIPS], TODAY)
    assert greater.accepted is None or lesser.accepted is not None
