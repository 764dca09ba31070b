"""How far one more session may lie from the sessions that are stored. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence

from harness.stats.estimates import t_quantile
from harness.stats.sequential import Interval

FEWEST_SESSIONS = 3
_KNOWN_FREEDOM = 30


def session_interval(
    olds: Sequence[float], news: Sequence[float], *, usual_spread: float, error_rate: float
) -> Interval:
    """The interval of the change of a logarithm, where what varies is the session: Student's prediction interval.

    With fewer than three stored sessions their spread is not known, and the usual one of such machines stands for it.
    The new values are of one session: their mean varies as one session does, however many they are.
    """
    if not olds or not news:
        raise ValueError("a change needs a stored session and a new one")
    if not all(math.isfinite(value) for value in (*olds, *news)):
        raise ValueError("a logarithm that is not finite is of no measurement")
    old = math.fsum(olds) / len(olds)
    change = math.fsum(news) / len(news) - old
    if len(olds) < FEWEST_SESSIONS:
        spread, freedom = usual_spread, _KNOWN_FREEDOM
    else:
        spread = math.sqrt(math.fsum((value - old) ** 2 for value in olds) / (len(olds) - 1))
        freedom = len(olds) - 1
    half = t_quantile(1 - error_rate, freedom) * spread * math.sqrt(1 + 1 / len(olds))
    return Interval(change, change - half, change + half, len(olds))
