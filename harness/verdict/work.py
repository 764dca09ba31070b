"""Whether both sides of a comparison did the same work, and how a time is judged where they did not.

A model that makes more audio, or more tokens, takes longer without being slower; one that makes less is not faster.
Owns what the work is and the words about it; `verdict` decides. Pure.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from statistics import median

from harness.comparisons import Difference, Duel, Outcome, Pair, Side, Verdict
from harness.scores import Quality

ALIKE = 0.005
"""By what share the work may differ and still be called the same."""


@dataclass(frozen=True, slots=True)
class Work:
    """What both sides made of one workload, where that differs: `old` and `new` are of `reading`, `ratio` is new ÷ old.

    `metric` is the time for as much work, by which such sides are compared; `unit_words` say as much of it.
    """

    unit_words: str
    metric: str
    reading: str
    old: float
    new: float

    @property
    def ratio(self) -> float:
        """How much more the new side made."""
        return self.new / self.old

    @property
    def is_longer(self) -> bool:
        """Whether the new side made more."""
        return self.new > self.old

    @property
    def words(self) -> str:
        """What differs, and what that does to the verdict."""
        share = f"{abs(self.ratio - 1) * 100:.1f} %"
        if self.reading == "audio_seconds":
            what, sides = "the audio is", f"{self.old:.2f} → {self.new:.2f} s"
            how = "longer" if self.is_longer else "shorter"
        else:
            what, sides = "there are", f"{self.old:.4g} → {self.new:.4g}"
            how = "more tokens" if self.is_longer else "fewer tokens"
        return f"{what} {share} {how} ({sides}), so it is judged{self.unit_words}"

    @property
    def difference(self) -> Difference:
        """The same as something by which the sides differ."""
        unit = " s of audio" if self.reading == "audio_seconds" else " tokens"
        return Difference("work", f"{self.old:.4g}{unit}", f"{self.new:.4g}{unit}")


_KINDS = (
    (" a second of audio", "real_time_factor", "audio_seconds"),
    (" a token", "token_seconds", "tokens_count"),
)
"""What is made, the most telling first: of speech that is longer, nobody asks for the tokens."""


def work_between(old: Callable[[str], float | None], new: Callable[[str], float | None]) -> Work | None:
    """By what the work of two sides differs, each asked for its readings; None where they made as much."""
    for unit_words, metric, reading in _KINDS:
        then, now = old(reading), new(reading)
        if then and now and abs(math.log(now / then)) > math.log1p(ALIKE):
            return Work(unit_words, metric, reading, then, now)
    return None


def work_ratio(duel: Duel) -> Work | None:
    """By what the work of a duel's sides differs, in the middle pair."""

    def middle(side: Callable[[Pair], Side]) -> Callable[[str], float | None]:
        def of(reading: str) -> float | None:
            found = [side(pair).values.get(reading) for pair in duel.pairs if pair.stage]
            known = [one for one in found if one is not None]
            return median(known) if known and len(known) == len(found) else None

        return of

    return work_between(middle(lambda pair: pair.old), middle(lambda pair: pair.new))


def for_as_much(duel: Duel) -> Duel:
    """The duel with every time of its pairs for as much work; the same duel where both sides made as much.

    Each pair is divided by what it made itself: where lengths are drawn at random, that is noise less.
    """
    work = work_ratio(duel)
    if work is None:
        return duel
    return replace(duel, pairs=tuple(_for_as_much(pair, work.reading) for pair in duel.pairs))


def said_so(verdict: Verdict, work: Work | None) -> Verdict:
    """The verdict on a time for as much work, saying that it is one."""
    if work is None:
        return verdict
    return replace(
        verdict,
        text=f"{verdict.text}; {work.words}",
        of=f"{verdict.of}{work.unit_words}",
        differences=(*verdict.differences, work.difference),
    )


def guard(verdict: Verdict, duel: Duel, work: Work | None) -> Verdict:
    """The verdict on a time of a duel, saying where it is for as much work; and nothing, where a side did none."""
    problem = _made_nothing(duel)
    if problem is not None:
        return replace(verdict, outcome=Outcome.INCONCLUSIVE, text=problem)
    return with_decisions(said_so(verdict, work), duel.old_quality, duel.new_quality)


def with_decisions(verdict: Verdict, old: Quality | None, new: Quality | None) -> Verdict:
    """The verdict on a time, saying where the two sides decided otherwise: then they did not answer the same."""
    for metric, unit in (("positive_share", "decisions"), ("frame_agreement", "recordings")):
        before, after = (side.score(metric) if side else None for side in (old, new))
        if before is None or after is None or len(before.terms) != len(after.terms):
            continue
        differing = sum(then != now for then, now in zip(before.terms, after.terms, strict=True))
        if differing:
            share = f"{differing} of {len(after.terms)}"
            said = f"{share} {unit} are other ones" if unit == "decisions" else f"{share} {unit} are heard otherwise"
            difference = Difference("answers", "as they were", said)
            text = f"{verdict.text}; {said} than on the other side"
            return replace(verdict, text=text, differences=(*verdict.differences, difference))
    return verdict


def _made_nothing(duel: Duel) -> str | None:
    """What one side made none of while the other did: its time is of no work, and is compared with nothing."""
    for _, _, reading in _KINDS:
        sides = [[side.values.get(reading) for side in (pair.old, pair.new)] for pair in duel.pairs]
        for at, side in enumerate(("the other side", "this side")):
            if any(found[at] == 0 and found[1 - at] for found in sides):
                return f"{side} made no {'audio' if reading == 'audio_seconds' else 'tokens'}: its time is of no work"
    return None


def _for_as_much(pair: Pair, reading: str) -> Pair:
    old, new = pair.old.values.get(reading), pair.new.values.get(reading)
    if not (old and new):
        return pair
    ratio = new / old
    return replace(
        pair,
        log_ratios={clock: log - math.log(ratio) for clock, log in pair.log_ratios.items()},
        old=_side(pair.old, reading, old),
        new=_side(pair.new, reading, new),
        new_laps=tuple(lap / ratio for lap in pair.new_laps),
    )


def _side(side: Side, reading: str, made: float) -> Side:
    """The side with its times for one unit of work, of which it then made one."""
    seconds = {clock: spent / made for clock, spent in side.seconds.items()}
    return replace(side, seconds=seconds, values={**side.values, reading: 1.0})
