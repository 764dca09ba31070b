"""Which artifact an application should load: the fastest that is worth it within limits, and what comes after it.

Pure. Weighs nothing anew: speed, memory, size and quality beside fp32 are those of a run's standings. What is not shown
does not qualify, and stays listed with why; fp32 is what is left, where it keeps the limits itself.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from harness.comparisons import Answer
from harness.phases import Fact as Fact  # noqa: PLC0414 - offered here too: what is told is made of it
from harness.results import Run
from harness.verdict.words import amount
from harness.worth.terms import SENTENCES, Candidate, Question, Terms, Told, questions, why_not
from harness.worth.weighing import worth_of


@dataclass(frozen=True, slots=True)
class Limits:
    """What an application can bear. None: any memory, and as much loss as the run allows."""

    memory_bytes: float | None = None
    loss: float | None = None


@dataclass(frozen=True, slots=True)
class Pick:
    """What to load of one model on one device: the first, then what to fall back on, each with why it comes there.

    `problem` is why nothing is named; `others` do not qualify, each with why.
    """

    model: str
    device: str
    run: str
    machine: dict[str, Fact]
    load: Candidate | None
    fallbacks: tuple[Candidate, ...]
    others: tuple[Candidate, ...]
    problem: str = ""


def picks(run: Run, limits: Limits) -> tuple[Pick, ...]:
    """A pick for every model and device of a run."""
    machine = dict(run.environment.identity)
    return tuple(answer(one, limits, run.id, machine) for one in questions(run, worth_of(run)))


def answer(question: Question, limits: Limits, run: str, machine: dict[str, Fact]) -> Pick:
    """Name the first within limits, what to fall back on, and why each other one does not qualify."""
    pick = Pick(question.model, question.device, run, machine, None, (), ())
    told = dict(zip(question.terms, question.told, strict=True))
    if question.problem:
        listed = tuple(replace(one, why=one.why or "nothing to hold it against") for one in question.told)
        return replace(pick, others=listed, problem=question.problem)
    reasons = {one: _disqualified(one, limits) for one in question.terms}
    able = sorted((one for one in question.terms if not reasons[one]), key=lambda one: one.rank)
    others = tuple(replace(told[one], why=why) for one, why in reasons.items() if why)
    if not able:
        why = next(reasons[one] for one in question.terms if one.is_base)
        return replace(pick, others=others, problem=SENTENCES["none"].format(why=why))
    ranked = [
        replace(told[one], why=_first_words(one, len(others)) if place == 0 else _after_words(one, able[place - 1]))
        for place, one in enumerate(able)
    ]
    return replace(pick, load=ranked[0], fallbacks=tuple(ranked[1:]), others=others)


def _disqualified(one: Terms, limits: Limits) -> str:
    """Why a precision is not to be loaded; empty where it may be."""
    return one.fixed or _loses(one, limits.loss) or _too_large(one.peak_bytes, limits.memory_bytes)


def _loses(one: Terms, most: float | None) -> str:
    """Why its quality does not do, by the loss that was asked for, else by the margin of the run."""
    if one.told is None or one.is_base:
        return ""
    return one.loses if most is None else why_not(one.told, _answer(one.told, most), amount(most, one.told.unit))


def _too_large(peak: float | None, most: float | None) -> str:
    if most is None:
        return ""
    if peak is None:
        return SENTENCES["unweighed"]
    return SENTENCES["large"].format(peak=_mb(peak), most=_mb(most)) if peak > most else ""


def _mb(count: float) -> str:
    return f"{count / 1e6:,.0f} MB"


def _answer(told: Told, most: float) -> Answer:
    if told.low is None or told.high is None:
        return Answer.CANNOT_TELL
    if told.high <= most:
        return Answer.HOLDS
    return Answer.FAILS if told.low > most else Answer.CANNOT_TELL


def _first_words(one: Terms, others: int) -> str:
    if one.is_base:
        beaten = SENTENCES["other" if others == 1 else "others"].format(count=others) if others else ""
        return SENTENCES["first"] + beaten
    return one.sentence


def _after_words(one: Terms, before: Terms) -> str:
    """Why a precision comes after another."""
    name = before.precision
    if one.is_base:
        return SENTENCES["reference"].format(name=name)
    if one.is_faster:
        return SENTENCES["faster"].format(name=name, times=one.times, theirs=before.times)
    if before.is_faster:
        return SENTENCES["slower"].format(name=name)
    return SENTENCES["idle" if before.is_base else "less"].format(name=name)
