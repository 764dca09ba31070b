"""False alarms: one model, examined several times with other draws of noise, judged against itself. Pure.

Every side of a comparison is put together out of all the examinations: each example takes one of its draws at random,
no draw is used twice, so that sides are as independent as sessions are. Draws of one text are of one group.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from harness.comparisons import Outcome, Verdict
from harness.scores import Part, Quality, Score
from harness.stats.pooling import pooled

Judge = Callable[[Quality, Quality], tuple[Verdict, ...]]
Draw = tuple[int, int]
"""Which examination, and which place in it."""


@dataclass(frozen=True, slots=True)
class Alarms:
    """How often one metric was said to have changed, of so many comparisons of a model with itself."""

    metric: str
    comparisons: int
    regressed: int
    improved: int
    inconclusive: int
    least: float
    greatest: float


def alarms(examined: Sequence[Quality], metrics: Collection[str], judge: Judge, draws: int, seed: int) -> list[Alarms]:
    """Compare a model with itself so often; one entry a metric."""
    outcomes: dict[str, Counter[Outcome]] = {name: Counter() for name in metrics}
    values: dict[str, list[float]] = {name: [] for name in metrics}
    for old, new in sides(examined, metrics, draws, random.Random(seed)):
        for verdict in judge(old, new):
            if verdict.metric in outcomes:
                outcomes[verdict.metric][verdict.outcome] += 1
                values[verdict.metric] += [value for value in (verdict.old, verdict.new) if value is not None]
    return [
        Alarms(
            name,
            found.total(),
            found[Outcome.REGRESSED],
            found[Outcome.IMPROVED],
            found[Outcome.INCONCLUSIVE],
            min(values[name]),
            max(values[name]),
        )
        for name, found in outcomes.items()
        if found
    ]


def sides(
    examined: Sequence[Quality], metrics: Collection[str], draws: int, chooser: random.Random
) -> Iterator[tuple[Quality, Quality]]:
    """Pairs of sides of the same model."""
    first = examined[0].exam
    assert first is not None, "a model without an exam has no draws to exchange"
    groups: dict[str, list[int]] = {}
    for place, name in enumerate(first.groups or first.ids):
        groups.setdefault(name, []).append(place)
    if len(examined) < 2:
        raise ValueError("a single examination has no other draws; examine the model twice or more")
    if any(one.exam is None or one.exam.digest != first.digest for one in examined):
        raise ValueError("the exam is no longer the one it was: the suites have changed meanwhile; start again")
    for _ in range(draws):
        old: dict[int, Draw] = {}
        new: dict[int, Draw] = {}
        for places in groups.values():
            pool = [(which, place) for which in range(len(examined)) for place in places]
            chosen = iter(chooser.sample(pool, 2 * len(places)))
            old.update(zip(places, chosen, strict=False))
            new.update(zip(places, chosen, strict=True))
        yield _side(examined, metrics, old), _side(examined, metrics, new)


def _side(examined: Sequence[Quality], metrics: Collection[str], drawn: dict[int, Draw]) -> Quality:
    """One side, of these draws. It has no digest: nothing is the same bit for bit but what its terms say."""
    whole = examined[0]
    scores = tuple(
        _drawn([one.score(score.metric) for one in examined], drawn)
        for score in whole.scores
        if score.metric in metrics and score.part is Part.EXAM and score.value is not None
    )
    return replace(whole, scores=scores, outputs_digest="")


def _drawn(scores: Sequence[Score | None], drawn: dict[int, Draw]) -> Score:
    first = scores[0]
    assert first is not None
    terms = tuple(_of(scores, *drawn[place]) for place in range(len(first.terms)))
    return replace(first, terms=terms, value=pooled(first.pool, terms))


def _of(scores: Sequence[Score | None], which: int, place: int) -> tuple[float, ...] | None:
    score = scores[which]
    return None if score is None or score.value is None else score.terms[place]
