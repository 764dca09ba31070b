"""What is said before the first cell: the machine, what the run is held against, the margins, the plan. Pure.

Nothing here is a verdict: how many baselines there are and how old says what can be expected of the run.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

from harness.comparisons import Difference, Origin
from harness.render import changes, numbers
from harness.render.look import Look
from harness.render.machine import library_line, machine_line
from harness.render.origin_words import age, commits
from harness.render.text import clip, one_line
from harness.render.verdict_rows import metric_name
from harness.results import Environment

_DIFFERENCES = 6


@dataclass(frozen=True, slots=True)
class Facing:
    """What a run is held against, as far as it is known before anything is measured.

    `against` is the live side. Of stored baselines `origins` are those of this class of machine, `elsewhere` counts
    the cells that have one of another class only, `differences` are the libraries that changed since the newest.
    `margins` are relative; `has_own` says that some cells have others, `has_expectations` that there is a file of them.
    """

    against: str = ""
    origins: tuple[Origin, ...] = ()
    elsewhere: int = 0
    unreadable: int = 0
    differences: tuple[Difference, ...] = ()
    margins: tuple[tuple[str, float], ...] = ()
    has_own: bool = False
    has_expectations: bool = True


def head(
    environment: Environment,
    cells: int,
    about_seconds: float | None,
    look: Look,
    *,
    auto: Sequence[str] = (),
    facing: Facing | None = None,
    load: float | None = None,
    now: str = "",
) -> str:
    """Return the lines before the first cell; of baselines and margins only where the run is held against something."""
    host = machine_line(environment) + ("" if load is None else f" · load {load:.1f}")
    plan = f"{cells} cell{'s' if cells != 1 else ''}"
    if about_seconds is not None:
        plan += f", about {numbers.duration(about_seconds)}"
    lines = [("host", host)]
    if facing is not None:
        lines.append(("baseline", _baseline(facing, cells, now)))
        lines.append(("margins", _margins(facing)))
    lines.append(("env", library_line(environment)))
    if facing is not None and facing.differences:
        lines.append(("differs", _differences(facing.differences)))
    lines += [("plan", plan), *(("auto", said) for said in auto)]
    return look.fit("\n".join(_labelled(label, text, look.width) for label, text in lines))


def _baseline(facing: Facing, cells: int, now: str) -> str:
    if facing.against:
        return f"{clip(one_line(facing.against), 160)}, live: both sides run here, in turns"
    parts = []
    if facing.origins:
        parts = [part for part in (commits(facing.origins), age(facing.origins, now), "same machine class") if part]
    parts.append(f"{len(facing.origins)} of {cells} comparable")
    if facing.elsewhere:
        parts.append(f"{facing.elsewhere} from another machine class")
    if facing.unreadable:
        parts.append(f"{facing.unreadable} cannot be read")
    return " · ".join(parts)


def _margins(facing: Facing) -> str:
    said = [f"{metric_name(metric)} {changes.share(margin)}" for metric, margin in facing.margins]
    own = ["some cells have their own"] * facing.has_own
    quality = ["quality: see expectations.toml"] * facing.has_expectations
    return " · ".join((*said, *own, *quality))


def _differences(differences: Sequence[Difference]) -> str:
    said = [clip(one_line(f"{one.key} {one.old} → {one.new}"), 100) for one in differences[:_DIFFERENCES]]
    more = [f"+{len(differences) - _DIFFERENCES} more"] if len(differences) > _DIFFERENCES else []
    return " · ".join((*said, *more))


def _labelled(label: str, text: str, width: int) -> str:
    return textwrap.fill(
        text,
        width,
        initial_indent=f"{label:<8} ",
        subsequent_indent=" " * 9,
        break_on_hyphens=False,
        break_long_words=True,
    )
