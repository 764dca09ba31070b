"""What differed around a run and what disturbed it, in words: which facts changed, which cells were not alone.

Owns the sentences; the bounds, and what a disturbance means for a verdict, come from below.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from harness.baselines.disturbance import Bearing, Disturbed, Noise
from harness.cells import Cell
from harness.render import numbers
from harness.render.page.context import Page
from harness.render.rows import anchor_of
from harness.render.text import one_line

_MEANS = {
    Bearing.RESTS: "a verdict rests on it: a live comparison would tell",
    Bearing.HELD_BACK: "a change that it showed was not called one; a live comparison would tell",
    Bearing.WITHIN: "unchanged in spite of it",
    Bearing.UNDECIDED: "its time was not decided; a quieter hour may decide it",
    Bearing.IN_TURNS: "nothing for its verdict, which is of pairs in turns",
    Bearing.NOT_JUDGED: "no verdict on a time; the figures may be off",
}


@dataclass(frozen=True, slots=True)
class NoiseLine:
    """A cell that was disturbed: how much of what, and what that means."""

    cell: Cell
    anchor: str
    why: str
    other: str
    stolen: str
    waited: str
    work: str
    means: str
    is_grave: bool


def noise_lines(noise: Noise) -> tuple[NoiseLine, ...]:
    """The disturbed cells, the gravest first."""
    return tuple(map(_line, noise.disturbed))


def _line(one: Disturbed) -> NoiseLine:
    return NoiseLine(
        cell=one.cell,
        anchor=anchor_of(one.cell),
        why=one_line("; ".join(one.otherwise)),
        other=_share(one.during.other_cpu_fraction),
        stolen=_share(one.during.steal_fraction),
        waited=_share(one.during.pressure_some_fraction),
        work=numbers.DASH if one.work_ratio is None else f"{numbers.plain(one.work_ratio)} ×",
        means=_MEANS[one.bearing],
        is_grave=one.bearing in (Bearing.RESTS, Bearing.HELD_BACK),
    )


def noise_words(noise: Noise, page: Page) -> tuple[str, ...]:
    """Say how quiet it was, and whether a verdict could be another one because of it."""
    return tuple(_noise_words(noise, is_judged=page.run.judgement is not None))


def _noise_words(noise: Noise, *, is_judged: bool) -> Iterable[str]:
    if not noise.timed:
        yield "Nothing was recorded of the machine while cells were timed."
        return
    found, most = len(noise.disturbed), _most(noise)
    if found:
        yield f"{found} of {_cells(noise.timed)} {'were' if found != 1 else 'was'} disturbed while timed{most}."
    elif noise.silent == noise.timed:
        yield "This machine does not say who else used it while cells were timed."
    else:
        yield f"No cell was disturbed while it was timed{most}."
    if 0 < noise.silent < noise.timed:
        yield f"Of {_cells(noise.silent)} the machine does not say."
    if found and is_judged:
        yield from _could_change(noise)


def _could_change(noise: Noise) -> Iterable[str]:
    """Whether any verdict could be another one, from the gravest on."""
    if rests := noise.count(Bearing.RESTS):
        yield f"A verdict on a time of {_cells(rests)} rests on such a measurement, and could be another one."
    if held := noise.count(Bearing.HELD_BACK):
        yield f"In {_cells(held)} a change was seen and not called one, because it may be the disturbance's."
    if within := noise.count(Bearing.WITHIN):
        yield f"{_cells(within).capitalize()} stayed unchanged in spite of it."
    if undecided := noise.count(Bearing.UNDECIDED):
        yield f"{_cells(undecided).capitalize()} could not be decided; a quieter hour may."
    if turns := noise.count(Bearing.IN_TURNS):
        yield (
            f"It could not have made a change in the verdicts on {_cells(turns)}: they are of pairs of other processes,"
            " whose sides take turns, so that what disturbs meets both alike. It can leave them undecided."
        )


def _most(noise: Noise) -> str:
    said = []
    if noise.most_other_cpu is not None:
        said.append(f"other processes used at most {numbers.percent(noise.most_other_cpu)} of the cores")
    if noise.most_steal is not None:
        said.append(f"the host took at most {numbers.percent(noise.most_steal)}")
    return f": {', and '.join(said)}" if said else ""


def _share(fraction: float | None) -> str:
    return numbers.DASH if fraction is None else numbers.percent(fraction)


def _cells(count: int) -> str:
    return f"{count} cell{'s' * (count != 1)}"
