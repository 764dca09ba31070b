"""Fixed qualities for reuse: the smallest that make sense."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from harness.quality_metrics import QUALITY
from harness.scores import Examples, Part, Quality, Score, Terms
from harness.stats.pooling import pooled


def score(metric: str, terms: Sequence[Terms | None], part: Part = Part.TIMED, **more: Any) -> Score:
    """A score of a built-in metric with these terms, and the value that they make."""
    found = QUALITY[metric]
    assert found.pool is not None
    plain: dict[str, Any] = {
        "value": pooled(found.pool, terms),
        "terms": tuple(terms),
        "is_judged": found.is_judged,
    }
    return Score(metric, part, found.unit, found.better, found.pool, **{**plain, **more})


def decided(right: int, wrong: int = 0) -> list[Terms | None]:
    """Decisions, the right ones first."""
    return [*[(1.0,)] * right, *[(0.0,)] * wrong]


def numbers(*values: float) -> list[Terms | None]:
    """One number an example."""
    return [(value,) for value in values]


def quality(*scores: Score, **more: Any) -> Quality:
    """The quality of a cell with these scores, over as many examples as they have terms."""
    made: dict[str, Any] = {"outputs_digest": "outputs"}
    for part in Part:
        count = max((len(one.terms) for one in scores if one.part is part), default=0)
        if count:
            ids = tuple(f"e{number}" for number in range(count))
            made[part.value] = Examples(f"a {part} set", f"digest of {part}, {count}", ids)
    return Quality(**{"scores": scores, **made, **more})


def other(one: Quality, outputs: str = "other outputs") -> Quality:
    """The same quality of other outputs."""
    return replace(one, outputs_digest=outputs)
