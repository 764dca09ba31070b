"""How far one more session may lie from the sessions that are stored. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence

from harness.stats.estimates import t_quantile
from harness.stats.sequential import Interval

_LEAST_FREEDOM = 3
"""The usual spread is known from many sessions elsewhere: a first one stored does not start from nothing."""


def session_interval(
    olds: Sequence[float], news: Sequence[float], *, usual_spread: float, error_rate: float
) -> Interval:
    """The interval of the change of a logarithm, where what varies is the session: Student's prediction interval.

    The spread is that of the stored sessions, with the usual one of such machines counted as one session more: sessions
    stored minutes apart differ by less than sessions do, and one alone says nothing of its spread. The new values are
    of one session: their mean varies as one session does, however many they are.
    """
    if not olds or not news:
        raise ValueError("a change needs a stored session and a new one")
    if not all(math.isfinite(value) for value in (*olds, *news)):
        raise ValueError("a logarithm that is not finite is of no measurement")
    old = math.fsum(olds) / len(olds)
    change = math.fsum(news) / len(news) - old
    within = math.fsum((value - old) ** 2 for value in olds)
    freedom = len(olds)
    spread = math.sqrt((usual_spread**2 + within) / freedom)
    half = t_quantile(1 - error_rate, max(freedom, _LEAST_FREEDOM)) * spread * math.sqrt(1 + 1 / len(olds))
    return Interval(change, change - half, change + half, len(olds))
