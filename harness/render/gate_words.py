"""What is said of a comparison as a whole: how sure it is, what the control found, what is unchanged. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from harness.comparisons import Basis, Judgement, Outcome, Verdict
from harness.consequences import control_tripped, is_aside
from harness.render import changes
from harness.render.text import one_line, shorten
from harness.render.verdict_rows import VerdictRow, bound_of, is_of_quality, verdict_row
from harness.verdict.times import LATENCY

_NAME_SHOWN = 80


@dataclass(frozen=True, slots=True)
class Control:
    """What the null control says of the machine. `is_loud`: it saw a change where there is none."""

    text: str
    is_loud: bool


def error_control(judgement: Judgement) -> str:
    """Say how likely a false alarm anywhere in the run is, at most, and how that is kept."""
    rate = changes.finite(judgement.error_rate)
    if rate is None:
        return ""
    said = f"chance of any false alarm in this run ≤ {changes.bound(rate, 3)}"
    if not judgement.comparisons:
        return said
    said += f": {judgement.comparisons} comparison{'s' if judgement.comparisons != 1 else ''}"
    stage = changes.finite(judgement.stage_rate)
    said = said if stage is None else f"{said}, two stages of {changes.bound(stage, 3)} each"
    quality = changes.finite(judgement.quality_rate)
    return said if quality is None else f"{said}; about quality ≤ {changes.bound(quality, 3)} beside that"


def control_of(judgement: Judgement) -> Control | None:
    """Say what the null control found; None where no change was looked for live."""
    controls = [one for one in judgement.controls if one.metric in (LATENCY, None)]
    if not controls:
        is_live = any(verdict.basis is Basis.LIVE and verdict.pairs for verdict in judgement.verdicts)
        return Control("none was run: nothing here shows that this machine is fit", False) if is_live else None
    if control_tripped(controls):
        rows = map(verdict_row, (one for one in controls if control_tripped((one,))))
        said = "; ".join(f"{shorten(one_line(row.name), _NAME_SHOWN)} {row.outcome} by {row.change}" for row in rows)
        return Control(f"TRIPPED: baseline against itself: {said} — this machine cannot be trusted now", True)
    cells = len({one.cell for one in controls})
    where = f" on {count_cells(cells)}" if cells > 1 else ""
    if all(one.outcome is Outcome.UNCHANGED for one in controls):
        reach = max((found for one in controls if (found := _reach(one)) is not None), default=None)
        within = "" if reach is None else f" within {changes.bound(reach)}"
        return Control(f"baseline against itself{where}: unchanged{within} — this machine is fit", False)
    unsure = max(
        (one for one in controls if one.outcome is not Outcome.UNCHANGED), key=lambda one: one.could_see or 0.0
    )
    row = verdict_row(unsure)
    said = ", ".join((str(row.outcome), *((row.could_see,) if row.could_see else ())))
    return Control(f"baseline against itself{where}: {said} — whether this machine is fit was not shown", False)


def unchanged_lines(rows: Iterable[VerdictRow]) -> tuple[str, ...]:
    """Say of each metric that is unchanged, in how many cells and within what: the least that is true of them all."""
    by_metric: dict[str, list[Verdict]] = {}
    for row in rows:
        if row.outcome is Outcome.UNCHANGED:
            by_metric.setdefault(row.metric, []).append(row.verdict)
    return tuple(f"{metric} of {count_cells(len(found))}{_within(found)}" for metric, found in by_metric.items())


def aside_lines(rows: Iterable[VerdictRow]) -> tuple[str, ...]:
    """Say of each metric that is judged in passing, in how many cells it was left undecided."""
    by_metric: dict[str, list[Verdict]] = {}
    for row in rows:
        if is_in_passing(row.verdict):
            by_metric.setdefault(row.metric, []).append(row.verdict)
    return tuple(f"{metric} of {count_cells(len(found))}{_seen(found)}" for metric, found in by_metric.items())


def is_in_passing(verdict: Verdict) -> bool:
    """Whether a verdict is undecided, and summed up: of what never prolongs the measuring, or of too few examples."""
    is_open = verdict.outcome is Outcome.INCONCLUSIVE and is_of_quality(verdict)
    return is_aside(verdict) or (is_open and not verdict.is_fatal and verdict.accepted is None)


def _seen(verdicts: Sequence[Verdict]) -> str:
    """Of quality, the change that the examples could have shown."""
    known = [verdict for verdict in verdicts if is_of_quality(verdict) and verdict.could_see is not None]
    if not known:
        return ""
    least = max(known, key=lambda verdict: verdict.could_see or 0.0)
    fewest = min(verdict.examples for verdict in known)
    return f" ({fewest} examples could show {bound_of(least, least.could_see)})"


def _within(verdicts: Sequence[Verdict]) -> str:
    reaches = [_reach(verdict) for verdict in verdicts]
    known = [reach for reach in reaches if reach is not None]
    if not known or len(known) < len(reaches):
        return ""
    if max(known) == 0:
        return ", identical"
    return f", {'each ' if len(verdicts) > 1 else ''}within {bound_of(verdicts[0], max(known))}"


def _reach(verdict: Verdict) -> float | None:
    """Return how far from "no change" the verdict still allows: as counted, by its interval, or by its margin."""
    if is_of_quality(verdict):
        ends = [changes.finite(end) for end in (verdict.change_low, verdict.change_high)]
        told = [abs(end) for end in ends if end is not None]
        return max(told) if told else changes.finite(verdict.margin)
    ratio = changes.finite(verdict.ratio)
    if verdict.basis is Basis.EXACT and ratio is not None:
        return abs(ratio - 1)
    interval = changes.farthest(verdict.low, verdict.high)
    if interval is not None:
        return interval
    return changes.finite(verdict.margin)


def count_cells(n: int) -> str:
    """Return a number of cells in words."""
    return f"{n} cell{'s' if n != 1 else ''}"
