"""What was tolerated, applied to a judged run: what is no worse than an entry says is marked with its reason.

Says of every entry what became of it. The entries themselves are `approvals`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date

from harness.baselines.approvals import NAME, Acceptance
from harness.cells import Cell
from harness.comparisons import Answer, Judged, Outcome, Verdict

QUALITY = "quality"
"""The kind of a judged bound on quality."""


def loosen(
    verdicts: Iterable[Verdict], acceptances: Sequence[Acceptance], today: date, judged: Iterable[Judged] = ()
) -> tuple[tuple[Verdict, ...], tuple[str, ...]]:
    """Mark what was accepted, as far as it was. The lines say of each entry what became of it in this run.

    `judged` are the run's bounds on quality: an entry may be there for one of these; `loosen_bounds` marks them.
    """
    by_subject = {(one.cell, one.metric): one for one in acceptances}
    marked = [_marked(verdict, by_subject.get((verdict.cell, verdict.metric or "")), today) for verdict in verdicts]
    told: dict[tuple[Cell, str], list[_Fate]] = {}
    for verdict in marked:
        told.setdefault((verdict.cell, verdict.metric or ""), []).append(_of_verdict(verdict))
    for bound in loosen_bounds(judged, acceptances, today):
        if bound.kind == QUALITY:
            told.setdefault((bound.cell, bound.metric or ""), []).append(_of_bound(bound))
    lines = [_line(one, told.get((one.cell, one.metric), []), today) for one in acceptances]
    silent = sum(line is None for line in lines)
    rest = [f"{NAME}: {silent} of {len(lines)} entries concern what this run did not judge"] if silent else []
    return tuple(marked), (*(line for line in lines if line), *rest)


def loosen_bounds(judged: Iterable[Judged], acceptances: Sequence[Acceptance], today: date) -> tuple[Judged, ...]:
    """Mark the bounds on quality whose loss was accepted; what is accepted makes no run red."""
    by_subject = {(one.cell, one.metric): one for one in acceptances if not one.is_expired(today)}

    def marked(one: Judged) -> Judged:
        entry = by_subject.get((one.cell, one.metric or ""))
        if one.kind != QUALITY or entry is None or not is_exceeded(one) or not entry.allows(one.value):
            return one
        return replace(one, accepted=entry.reason, is_fatal=False)

    return tuple(map(marked, judged))


def is_exceeded(judged: Judged) -> bool:
    """Whether more was lost than may be, or nobody can tell where that is as bad."""
    return judged.answer is Answer.FAILS or judged.is_fatal


def _marked(verdict: Verdict, entry: Acceptance | None, today: date) -> Verdict:
    if entry is None or not is_worse(verdict) or entry.is_expired(today) or not entry.covers(verdict):
        return verdict
    return replace(verdict, accepted=entry.reason)


def is_worse(verdict: Verdict) -> bool:
    """Whether a verdict says what may be tolerated."""
    return verdict.outcome in (Outcome.REGRESSED, Outcome.SUSPECT)


@dataclass(frozen=True, slots=True)
class _Fate:
    """What became of the subject of an entry: accepted, still worse, or not in need; in words, what it is."""

    is_accepted: bool
    is_worse: bool
    is_needless: bool
    words: str


def _of_verdict(one: Verdict) -> _Fate:
    words = f"now {_now(one)}" if is_worse(one) else f"the verdict is {one.outcome}"
    is_needless = one.outcome in (Outcome.UNCHANGED, Outcome.IMPROVED)
    return _Fate(one.accepted is not None, is_worse(one), is_needless, words)


def _of_bound(one: Judged) -> _Fate:
    found = "none" if one.value is None else f"{one.value:.4g}"
    words = f"now {found} lost" if is_exceeded(one) else f"the bound {one.name!r} {one.answer}"
    return _Fate(one.accepted is not None, is_exceeded(one), one.answer is Answer.HOLDS, words)


def _line(entry: Acceptance, fates: Sequence[_Fate], today: date) -> str | None:
    """What became of an entry; None where the run has nothing that would tell."""
    what = f"{entry.place}: {entry.cell} {entry.metric}"
    if entry.is_expired(today):
        return f"{what}: the entry expired on {entry.expires}; remove it, or accept again what is still meant"
    if not fates:
        return None
    if worse := [one for one in fates if one.is_worse and not one.is_accepted]:
        return f"{what}: worse than was accepted ({_how_far(entry)}, {worse[0].words}); mend it, or accept it anew"
    if any(one.is_accepted for one in fates):
        until = f" (until {entry.expires})" if entry.expires else ""
        return f"{what}: accepted{until}: {entry.reason}"
    words = ", ".join(one.words for one in fates)
    if all(one.is_needless for one in fates):
        return f"{what}: the entry is unused, {words} without it; remove it"
    return f"{what}: the entry was not needed and not disproved: {words}"


def _how_far(entry: Acceptance) -> str:
    return f"{entry.old:.6g} → {entry.new:.6g}, {entry.limit}" if entry.limit else f"{entry.old:.6g} → {entry.new:.6g}"


def _now(verdict: Verdict) -> str:
    value = "none" if verdict.new is None else f"{verdict.new:.6g}"
    return value if verdict.ratio is None else f"{value}, × {verdict.ratio:.4g}"
