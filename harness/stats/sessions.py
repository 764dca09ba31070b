"""How far one more session may lie from the sessions that are stored. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence

from harness.stats.estimates import t_quantile
from harness.stats.sequential import Interval

ENOUGH_SESSIONS = 4
_KNOWN_FREEDOM = 30


def session_interval(
    olds: Sequence[float], news: Sequence[float], *, usual_spread: float, error_rate: float
) -> Interval:
    """The interval of the change of a logarithm, where what varies is the session: Student's prediction interval.

    Few stored sessions do not tell how far sessions differ: until there are four, the usual spread of such machines,
    known from many, stands for theirs where that is smaller. The new values are of one session: their mean varies as
    one session does, however many they are.
    """
    if not olds or not news:
        raise ValueError("a change needs a stored session and a new one")
    if not all(math.isfinite(value) for value in (*olds, *news)):
        raise ValueError("a logarithm that is not finite is of no measurement")
    old = math.fsum(olds) / len(olds)
    change = math.fsum(news) / len(news) - old
    squares, freedom = math.fsum((value - old) ** 2 for value in olds), len(olds) - 1
    spread = math.sqrt(squares / max(freedom, 1))
    if len(olds) < ENOUGH_SESSIONS:
        spread, freedom = max(spread, usual_spread), _KNOWN_FREEDOM
    half = t_quantile(1 - error_rate, freedom) * spread * math.sqrt(1 + 1 / len(olds))
    return Interval(change, change - half, change + half, len(olds))
