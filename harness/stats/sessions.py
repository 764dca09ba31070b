"""How far one more session may lie from the sessions that are stored. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence

from harness.stats.estimates import t_quantile
from harness.stats.sequential import Interval

_ENOUGH_SESSIONS = 4
_COUNTED_IN = 3


def session_interval(
    olds: Sequence[float], news: Sequence[float], *, usual_spread: float, error_rate: float
) -> Interval:
    """The interval of the change of a logarithm, where what varies is the session: Student's prediction interval.

    Few stored sessions do not tell how far sessions differ: until there are four, the usual spread of such machines is
    counted in, as if it had been found in three sessions more. The new values are of one session: their mean varies as
    one session does, however many they are.
    """
    if not olds or not news:
        raise ValueError("a change needs a stored session and a new one")
    if not all(math.isfinite(value) for value in (*olds, *news)):
        raise ValueError("a logarithm that is not finite is of no measurement")
    old = math.fsum(olds) / len(olds)
    change = math.fsum(news) / len(news) - old
    squares, freedom = math.fsum((value - old) ** 2 for value in olds), len(olds) - 1
    if len(olds) < _ENOUGH_SESSIONS:
        squares, freedom = squares + _COUNTED_IN * usual_spread**2, freedom + _COUNTED_IN
    spread = math.sqrt(squares / freedom)
    half = t_quantile(1 - error_rate, freedom) * spread * math.sqrt(1 + 1 / len(olds))
    return Interval(change, change - half, change + half, len(olds))
