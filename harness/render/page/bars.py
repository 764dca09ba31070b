"""Bars on a scale that begins at nothing: memory by phase, and a whole divided into parts. Pure geometry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.render import numbers
from harness.render.page.drawing import WIDTH, Scale
from harness.results import Measurement

HEIGHT = 10.0
"""Of a divided bar: what is told lies across all of it, the rest is narrower."""

_PHASES = (
    ("peak_load_bytes", "load", False),
    ("peak_first_bytes", "first inference", False),
    ("peak_steady_bytes", "steady", False),
    ("device_before_bytes", "device before timing", True),
    ("device_during_bytes", "device while timing", True),
    ("device_peak_bytes", "device at most", True),
)
_ROW, _WORDS, _BAR = 26.0, 11.0, 6.0
_SLIM = 2.0
_APART = 2.0


@dataclass(frozen=True, slots=True)
class MemoryBars:
    """A drawing, ready to place: words above each bar, the bars of the host and those of the device."""

    words: tuple[tuple[float, str], ...]
    host: str
    device: str
    height: float
    name: str
    metrics: frozenset[str]


@dataclass(frozen=True, slots=True)
class Divided:
    """A whole and its parts from left to right: the one that is told, and the others."""

    told: str
    others: str


def memory_bars(measurement: Measurement) -> MemoryBars | None:
    """Draw the memory of each phase, where two phases or more are known."""
    found = [
        (metric, name, value, is_device)
        for metric, name, is_device in _PHASES
        if (value := measurement.value(metric)) is not None
    ]
    if len(found) < 2:
        return None
    x = Scale(0.0, max(value for *_, value, _ in found) or 1.0, 0.0, WIDTH)
    words, paths = [], {False: "", True: ""}
    for place, (_, name, value, is_device) in enumerate(found):
        top = _ROW * place
        words.append((top + _WORDS, f"{name} {numbers.bytes_(value)}"))
        paths[is_device] += f"M0 {top + _WORDS + 4:.0f}h{x(value):.1f}v{_BAR:.0f}H0z"
    return MemoryBars(
        words=tuple(words),
        host=paths[False],
        device=paths[True],
        height=_ROW * len(found),
        name=f"Highest memory by phase: {', '.join(text for _, text in words)}",
        metrics=frozenset(metric for metric, *_ in found),
    )


def stage_bar(stages: Mapping[str, float]) -> Divided | None:
    """Divide an inference into its stages, the slowest told; None where it is not divided."""
    if len(stages) < 2 or not sum(stages.values()):
        return None
    names = list(stages)
    return _divided(list(stages.values()), names.index(max(stages, key=lambda name: stages[name])))


def covered_bar(measurement: Measurement) -> Divided | None:
    """Divide the weight bytes into those converted, which are told, and those left; None where that is not known."""
    origin = measurement.provenance
    if origin is None or not 0 < origin.converted_bytes <= origin.weight_bytes:
        return None
    return _divided([origin.converted_bytes, origin.weight_bytes - origin.converted_bytes], 0)


def _divided(parts: Sequence[float], told: int) -> Divided:
    """Place the parts side by side, a little apart; one too small to be seen is a line."""
    x, before, paths = Scale(0.0, sum(parts), 0.0, WIDTH), 0.0, ["", ""]
    for place, part in enumerate(parts):
        if part > 0:
            start, end = x(before), x(before + part)
            wide = max(end - start - _APART, 1.0)
            top = 0.0 if place == told else _SLIM
            paths[place == told] += f"M{start:.1f} {top:.0f}h{wide:.1f}v{HEIGHT - 2 * top:.0f}h-{wide:.1f}z"
        before += part
    return Divided(told=paths[True], others=paths[False])
