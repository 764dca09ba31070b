"""Whether a step can end within its time: said as soon as that is clear, so that nobody waits for a time-out.

Owns the arithmetic and its words. What is too slow is no failure: the cell says so and the others go on.
"""

from __future__ import annotations

from harness.cells import Reason, Unsupported

_TELLING_SHARE = 0.1
"""Of the time allowed: what must be spent before the rest is predicted from it. Examples differ in length."""


def refuse_hopeless(spent_seconds: float, done: int, examples: int, max_seconds: float | None) -> None:
    """Give up a pass that would take longer than it may, once a tenth of its time is spent."""
    if max_seconds is None or done == examples or spent_seconds < _TELLING_SHARE * max_seconds:
        return
    predicted = spent_seconds / done * examples
    if predicted > max_seconds:
        raise Unsupported(
            Reason.TOO_SLOW,
            f"{examples} examples at {span(spent_seconds / done)} each take {span(predicted)}, and --cell-limit allows"
            f" {span(max_seconds)}: not timed; raise it, or take fewer examples with --sample-percent",
        )


def exam_too_long(inference_seconds: float, timed: int, examined: int, max_seconds: float | None) -> str:
    """Why there is no time for an exam, after the timed examples were run once more; empty where there is."""
    predicted = inference_seconds * (timed + examined)
    if max_seconds is None or predicted <= max_seconds:
        return ""
    return (
        f"its {examined} examples at {span(inference_seconds)} each would not end within --cell-limit"
        f" ({span(max_seconds)}): raise it"
    )


def span(seconds: float) -> str:
    """A duration in words: seconds up to ten minutes, then minutes, then hours."""
    if seconds <= 600:
        return f"{seconds:.3g} s"
    return f"{seconds / 60:.0f} min" if seconds <= 7_200 else f"{seconds / 3_600:.1f} h"
