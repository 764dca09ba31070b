"""How verdicts on quality are worded: amounts in a metric's unit, counts of decisions, examples that would tell.

Pure; decides nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

from harness.stats.paired import Estimate, sign_flip
from harness.stats.proportions import mcnemar

_LEAST_P = 0.0001


def amount(value: float, unit: str = "") -> str:
    """Three digits and the unit: `0.042`, `−3.1 dB`."""
    shown = f"{value + 0.0:.3g}"  # nought has no sign
    if "e" in shown:
        shown = f"{value:.3f}".rstrip("0").rstrip(".") if 1e-3 <= abs(value) < 1e6 else shown
    return f"{shown.replace('-', '−')} {unit}".rstrip()


def span(half: float, unit: str) -> str:
    """How far off a value may be: rounded up, so that it never claims more than is known."""
    shown = float(f"{half:.2g}")
    return amount(shown if shown >= half else float(f"{half * 1.05:.2g}"), unit)


def loss_words(loss: Estimate, unit: str) -> str:
    """What was lost or gained and its interval: `loses 0.042 (0.011 to 0.073)`."""
    verb = "gains" if loss.value < 0 else "loses"
    if loss.low is None or loss.high is None:
        return f"{verb} {amount(abs(loss.value), unit)}"
    low, high = (loss.low, loss.high) if loss.value >= 0 else (-loss.high, -loss.low)
    return f"{verb} {amount(abs(loss.value), unit)} ({amount(low)} to {amount(high)})"


def decisions(worse: int, better: int, examples: int) -> str:
    """The decisions that changed, with McNemar's p of "worse"."""
    if not worse and not better:
        return f"none of {examples} decided otherwise"
    return f"{worse} of {examples} decided worse, {better} better, McNemar {_p(mcnemar(worse, better))}"


def sign_words(losses: Sequence[float], *, is_worse: bool) -> str:
    """On how many examples it is so, with the p of a sign-flip test."""
    signed = losses if is_worse else [-loss for loss in losses]
    word = "worse" if is_worse else "better"
    return f"{word} on {sum(loss > 0 for loss in signed)} of {len(signed)}, sign-flip {_p(sign_flip(signed))}"


def needed_words(needed: int | None, examples: int) -> str:
    """How many examples would tell."""
    if needed is None:
        return f"more examples would tell; there are {examples:,}"
    rounded = int(float(f"{needed:.3g}"))
    return f"about {max(rounded, examples + 1):,} examples would tell; there are {examples:,}"


def one_sided_words(count: int) -> str:
    """Examples of which only one side tells anything."""
    return f"{count} example{'s have' if count > 1 else ' has'} it on one side only"


def _p(p: float) -> str:
    return f"p < {_LEAST_P:f}".rstrip("0") if p < _LEAST_P else f"p = {p:.2g}"
