"""Decides of times against what other sessions measured: a change is said only beyond what sessions differ by.

Numbers come in, a verdict goes out. No clock, file or test runner.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from harness.cells import Cell
from harness.comparisons import Basis, Clock, Outcome, Verdict
from harness.stats.sessions import ENOUGH_SESSIONS, session_interval
from harness.verdict.times import with_interval

UNKNOWN_SESSION_SPREAD = {Clock.CORRECTED: 0.12, Clock.CPU: 0.12, Clock.DEVICE: 0.12, Clock.WALL: 0.5}
"""Standard deviation of ln time between sessions where too few are stored to know: measured, see docs/gate.md."""


def judge_stored(
    cell: Cell,
    metric: str,
    sessions: Sequence[float],
    new: Sequence[float],
    margin: float,
    rate: float,
    against: str,
    settle: str,
    clock: Clock = Clock.WALL,
    disturbed: str | None = None,
) -> Verdict:
    """A time against times of other sessions: changes are said only beyond what sessions differ by.

    Unchanged is said only where sessions differ so little that a change of the margin would have shown. Where something
    `disturbed` the new session, slower is no more than suspect, and faster inconclusive.
    """
    interval = session_interval(
        [math.log(value) for value in sessions],
        [math.log(value) for value in new],
        usual_spread=UNKNOWN_SESSION_SPREAD[clock],
        error_rate=rate,
    )
    change, bound = interval.centre, math.log1p(margin)
    if interval.low > 0 and change > bound:
        outcome, text = Outcome.REGRESSED, "slower by more than sessions differ"
    elif interval.high < 0 and change < -bound:
        outcome, text = Outcome.IMPROVED, "faster by more than sessions differ"
    elif -bound < interval.low and interval.high < bound:
        outcome, text = Outcome.UNCHANGED, "within the margin, and sessions differ by less"
    elif change > bound:
        outcome, text = Outcome.SUSPECT, "slower, but no more than sessions differ: a live comparison would tell"
    else:
        outcome, text = Outcome.INCONCLUSIVE, "not slower than sessions differ; a change of the margin would not show"
    if disturbed and outcome in (Outcome.REGRESSED, Outcome.IMPROVED):
        outcome = Outcome.SUSPECT if outcome is Outcome.REGRESSED else Outcome.INCONCLUSIVE
        text = f"{text}, but {disturbed}: a live comparison would tell"
    if len(sessions) < ENOUGH_SESSIONS and outcome in (Outcome.SUSPECT, Outcome.INCONCLUSIVE):
        text += (
            f" (stored: {len(sessions)} of the {ENOUGH_SESSIONS} sessions, an hour apart, that show how they differ)"
        )
    old = math.exp(math.fsum(math.log(value) for value in sessions) / len(sessions))
    verdict = Verdict(
        cell,
        metric,
        outcome,
        f"{text}, by {clock.words}",
        against,
        Basis.STORED,
        old=old,
        new=old * math.exp(change),
        margin=margin,
        clock=clock,
        settle=settle if outcome in (Outcome.SUSPECT, Outcome.INCONCLUSIVE) else None,
    )
    return with_interval(interval, verdict)
