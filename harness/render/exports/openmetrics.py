"""The run as OpenMetrics text: a gauge a metric, a sample a cell, and how many cells ended how.

GitLab's metrics report compares strings: for it, only what is judged is told, and rounded to its margin, so that a
value moves there only where it moved by about that much.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator

from harness.quality_metrics import known
from harness.render.exports.values import Value, values_of
from harness.results import Run

_UNITS = ("seconds", "bytes", "joules_per_inference", "fraction", "per_second")
_ODD = re.compile(r"[^a-zA-Z0-9_]")


def openmetrics(run: Run) -> str:
    """Every value as it was measured."""
    return _text(tuple(values_of(run)), is_rounded=False)


def gitlab_metrics(run: Run) -> str:
    """Every judged value, rounded to its margin: what GitLab shows as changed has changed."""
    metrics = known()
    judged = (one for one in values_of(run) if one.metric is None or _is_told(one, metrics.get(one.metric)))
    return _text(tuple(judged), is_rounded=True)


def _is_told(one: Value, metric: object) -> bool:
    return metric is not None and bool(getattr(metric, "is_judged", False)) and one.value is not None


def _text(values: tuple[Value, ...], *, is_rounded: bool) -> str:
    lines = [*_states(values), *_verdicts(values), *_gauges(values, is_rounded=is_rounded)]
    return "\n".join((*lines, "# EOF", ""))


def _states(values: Iterable[Value]) -> Iterator[str]:
    counts = Counter(str(state) for state in {one.cell: one.state for one in values}.values())
    yield from _counted("cells", "state", counts, "Cells by how they ended.")


def _verdicts(values: Iterable[Value]) -> Iterator[str]:
    counts = Counter(one.outcome for one in values if one.outcome)
    if counts:
        yield from _counted("verdicts", "outcome", counts, "Verdicts by outcome.")


def _counted(name: str, label: str, counts: Counter[str], help_: str) -> Iterator[str]:
    yield f"# TYPE quantgate_{name} gauge"
    yield f"# HELP quantgate_{name} {help_}"
    for key, count in sorted(counts.items()):
        yield f'quantgate_{name}{{{label}="{_escaped(key)}"}} {count}'


def _gauges(values: Iterable[Value], *, is_rounded: bool) -> Iterator[str]:
    by_name: dict[str, list[Value]] = {}
    for one in values:
        if one.metric is not None and one.value is not None:
            by_name.setdefault(f"quantgate_{_ODD.sub('_', one.metric)}", []).append(one)
    metrics = known()
    for name, found in sorted(by_name.items()):
        described = metrics.get(found[0].metric or "")
        yield f"# TYPE {name} gauge"
        if unit := next((unit for unit in _UNITS if name.endswith(f"_{unit}")), None):
            yield f"# UNIT {name} {unit}"
        if described:
            yield f"# HELP {name} {_escaped(described.summary)}"
        seen = set[str]()
        for one in found:
            assert one.value is not None
            cell = one.cell
            pairs = (("model", cell.model), ("precision", cell.precision), ("device", cell.device))
            labels = ",".join(f'{label}="{_escaped(text)}"' for label, text in pairs)
            margin = described.margin if described else 0.0
            absolute = described.is_quality if described else True
            value = _to_margin(one.value, margin, is_absolute=absolute) if is_rounded else one.value
            if labels not in seen:
                seen.add(labels)
                yield f"{name}{{{labels}}} {value!r}"


def _to_margin(value: float, margin: float, *, is_absolute: bool) -> float:
    """The nearest step of a ladder whose steps are a margin apart, in three digits; exact where the margin is 0."""
    if not margin or not value:
        return float(value)
    if is_absolute:
        return float(f"{round(value / margin) * margin:.6g}")
    step = math.log1p(margin)
    return float(f"{math.copysign(math.exp(round(math.log(abs(value)) / step) * step), value):.3g}")


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\r", " ").replace("\n", r"\n")
