"""Writes the table of metrics into docs/quality.md, from the metrics themselves: `python docs/write_metrics.py`."""

from __future__ import annotations

from pathlib import Path

from harness.quality.metric import Kind, QualityMetric
from harness.quality.table import built_in

GUIDE = Path(__file__).with_name("quality.md")
_FIRST, _LAST = "| metric | of |", "Margins are in"


def row(one: QualityMetric) -> str:
    """One metric, as a line of the table."""
    metric = one.metric
    part = "timed" if one.of in (Kind.ANY, Kind.AUDIO) else "exam"
    of = ", ".join((one.of, part, *(["fp32"] if metric.of_reference else [])))
    unit = f" {metric.unit}" if metric.unit else ""
    margin = f"{metric.margin:g}{unit}" if metric.is_judged else "not judged"
    wrong = f"{metric.unusable:g}{unit}" if metric.unusable is not None else ""
    return f"| `{metric.name}` | {of} | {metric.better} | {margin} | {wrong} | {metric.summary} |"


def with_table(guide: str) -> str:
    """The guide with the table as the metrics have it now."""
    before, _, rest = guide.partition(_FIRST)
    heading, rule = (_FIRST + rest).splitlines()[:2]
    after = rest[rest.index(_LAST) :]
    return before + "\n".join((heading, rule, *(row(one) for one in built_in()), "", "")) + after


if __name__ == "__main__":
    GUIDE.write_text(with_table(GUIDE.read_text(encoding="utf-8")), encoding="utf-8")
