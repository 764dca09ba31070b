"""How a change is written: two values in one unit, a per cent, a ratio or an amount with its interval, a margin.

Intervals are rounded outwards and bounds upwards, so that no text claims more than was shown. What is not finite is a
dash.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

from harness.quality_metrics import known
from harness.render import numbers

_NEAR_LEAST, _NEAR_MOST = 0.5, 2.0
_PERCENT_SHOWN = 100_000.0
_MOST_DECIMALS = 4
_MOST_DIGITS = 12
_FAR_APART = 100.0

_UNITS: dict[str, tuple[tuple[float, str], ...]] = {
    "s": ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns")),
    "B": ((1e9, "GB"), (1e6, "MB"), (1e3, "kB"), (1.0, "B")),
}
_SUFFIXES = (("_seconds", "s"), ("_bytes", "B"), ("_fraction", "%"), ("_per_second", "/s"), ("_count", "count"))


def finite(value: float | None) -> float | None:
    """Return a number, or None for what is none: NaN and the infinite are not measurements."""
    return value if value is not None and math.isfinite(value) else None


def change(ratio: float | None, low: float | None = None, high: float | None = None) -> str:
    """Write new ÷ old: `+3.4 % [+2.1, +4.8]`, or `2.31 × [2.28, 2.34]` where it is far from 1."""
    ratio, low, high = finite(ratio), finite(low), finite(high)
    if ratio is None:
        return numbers.DASH
    if low == high:
        low = high = None
    if _NEAR_LEAST <= ratio < _NEAR_MOST:
        return _percent_change(ratio, low, high)
    return _times(ratio, low, high)


def change_in_unit(change: float | None, low: float | None, high: float | None, unit: str = "") -> str:
    """Write new − old of what has no ratio worth saying: `−0.025 [−0.041, −0.008]`, `+0.4 [−0.1, +0.9] dB`."""
    change, low, high = finite(change), finite(low), finite(high)
    if change is None:
        return numbers.DASH
    half = (high - low) / 2 if low is not None and high is not None else 0.0
    decimals = _decimals(half or abs(change))
    said = _signed(change, decimals, round)
    if low is not None and high is not None and half > 0:
        said += f" [{_signed(low, decimals, math.floor)}, {_signed(high, decimals, math.ceil)}]"
    return f"{said} {unit}".rstrip()


def interval(low: float, high: float) -> str:
    """Write where a value lies: `[0.88, 0.97]`, rounded outwards."""
    decimals = _decimals((high - low) / 2)
    least, most = _rounded(low, decimals, math.floor), _rounded(high, decimals, math.ceil)
    return f"[{least:.{decimals}f}, {most:.{decimals}f}]".replace("-", "−")


def within(value: float, low: float | None, high: float | None) -> tuple[str, str]:
    """Write a value and its interval in the same digits: `1.370`, `[1.340, 1.400]`; the second may be empty."""
    low, high = finite(low), finite(high)
    if low is None or high is None or low >= high:
        return numbers.plain(value), ""
    return f"{value:.{_decimals((high - low) / 2)}f}".replace("-", "−"), interval(low, high)


def _decimals(half: float) -> int:
    """How many decimals an uncertainty leaves a meaning: two digits of its own."""
    return min(max(1 - math.floor(math.log10(half)), 0), _MOST_DECIMALS + 2) if half > 0 else 0


def amount(value: float | None, unit: str = "") -> str:
    """Write what may be lost, or could be seen, in a metric's unit: rounded up, so that it never claims more."""
    value = finite(value)
    if value is None:
        return numbers.DASH
    if value <= 0:
        return f"0 {unit}".rstrip()
    step = 10.0 ** (math.floor(math.log10(value)) - 1)
    return f"{_trimmed(math.ceil(value / step - 1e-6) * step, 3)} {unit}".rstrip()


def span(low: float, high: float) -> str:
    """Write an interval alone: `[−1.2, +2.1] %`."""
    decimals = _within(1 - math.floor(math.log10((high - low) * 50))) if high > low else 1
    return f"[{_signed((low - 1) * 100, decimals, math.floor)}, {_signed((high - 1) * 100, decimals, math.ceil)}] %"


def values(metric: str | None, old: float | None, new: float | None, half: float | None = None) -> tuple[str, ...]:
    """Write two values of a metric in one unit. `half` is how uncertain the change is; without it, each digit counts.

    Equal values are written alike. Different ones are told apart, unless their difference is uncertain.
    """
    old, new = finite(old), finite(new)
    found = [value for value in (old, new) if value is not None]
    if not found:
        return numbers.DASH, numbers.DASH
    largest, least = max(map(abs, found)), min(map(abs, found))
    if least and largest / least > _FAR_APART:
        return values(metric, old, None, half)[0], values(metric, None, new, half)[1]
    write = _writer(metric or "", largest)
    digits = numbers.certain_digits(half)
    texts = [write(value, digits) for value in found]
    while half is None and digits < _MOST_DIGITS and len(set(texts)) < len(set(found)):
        digits += 1
        texts = [write(value, digits) for value in found]
    shown = dict(zip(found, texts, strict=True))
    return tuple(numbers.DASH if value is None else shown[value] for value in (old, new))


def arrow(old: str, new: str) -> str:
    """Write `41.2 → 42.6 ms`: the unit once, where both have the same; one value, where both are written alike."""
    if old == new:
        return old
    old_number, space, unit = old.rpartition(" ")
    return f"{old_number} → {new}" if space and new.endswith(f" {unit}") else f"{old} → {new}"


def relative_half_width(ratio: float | None, low: float | None, high: float | None) -> float | None:
    """Return half the width of the interval as a share of the ratio; None without an interval."""
    ratio, low, high = finite(ratio), finite(low), finite(high)
    if not ratio or low is None or high is None or high <= low:
        return None
    return (high - low) / 2 / ratio


def farthest(low: float | None, high: float | None) -> float | None:
    """Return how far from "no change" the interval reaches, as a share; None where an end of it is not known."""
    low, high = finite(low), finite(high)
    return None if low is None or high is None else max(abs(low - 1), abs(high - 1))


def share(fraction: float | None) -> str:
    """Write a margin as it was set: `3 %`, `0.5 %`."""
    fraction = finite(fraction)
    return numbers.DASH if fraction is None else f"{_trimmed(fraction * 100, 3)} %"


def bound(fraction: float | None, digits: int = 2) -> str:
    """Write something that is at most this much, or visible from this much on: rounded up."""
    fraction = finite(fraction)
    if fraction is None:
        return numbers.DASH
    percent = fraction * 100
    if percent <= 0:
        return "0 %"
    unit = 10.0 ** (math.floor(math.log10(percent)) - digits + 1)
    return f"{_trimmed(math.ceil(percent / unit - 1e-6) * unit, digits + 1)} %"


def _percent_change(ratio: float, low: float | None, high: float | None) -> str:
    shown = (ratio - 1) * 100
    half = (high - low) * 50 if low is not None and high is not None else 0.0
    if half > 0:
        decimals = _within(1 - math.floor(math.log10(half)))
    else:
        decimals = _within(2 - math.floor(math.log10(abs(shown)))) if shown else 0
    said = _signed(shown, decimals, round)
    if half <= 0 and shown and not float(said[1:]):
        said = f"<{said[0]}{10.0**-decimals:.{decimals}f}"
    if low is None and high is None:
        return f"{said} %"
    least = numbers.DASH if low is None else _signed((low - 1) * 100, decimals, math.floor)
    most = numbers.DASH if high is None else _signed((high - 1) * 100, decimals, math.ceil)
    return f"{said} % [{least}, {most}]"


def _times(ratio: float, low: float | None, high: float | None) -> str:
    half = (high - low) / 2 if low is not None and high is not None else 0.0
    if half <= 0:
        return f"{numbers.plain(ratio)} ×"
    decimals = min(max(-math.floor(math.log10(half)), 1), 6)
    assert low is not None
    assert high is not None
    least, most = _rounded(low, decimals, math.floor), _rounded(high, decimals, math.ceil)
    return f"{ratio:.{decimals}f} × [{least:.{decimals}f}, {most:.{decimals}f}]".replace("-", "−")


def _signed(value: float, decimals: int, towards: Callable[[float], float]) -> str:
    """Write with the sign of the value itself: a bound that rounds to nought still says which side of it it is on."""
    if abs(value) >= _PERCENT_SHOWN:
        return f">{'−' if value < 0 else '+'}{_PERCENT_SHOWN:.0f}"
    rounded = abs(_rounded(value, decimals, towards))
    sign = "+" if value > 0 else "−" if value < 0 else ""
    return f"{sign}{rounded:.{decimals}f}"


def _rounded(value: float, decimals: int, towards: Callable[[float], float]) -> float:
    scaled = value * 10.0**decimals
    # What is a whole number but for the last bits of a float is not rounded on to the next.
    near = round(scaled)
    return (near if abs(scaled - near) < 1e-6 else towards(scaled)) / 10.0**decimals


def _within(decimals: int) -> int:
    return min(max(decimals, 0), _MOST_DECIMALS)


def _trimmed(value: float, digits: int) -> str:
    text = numbers.plain(value, digits)
    return text.rstrip("0").rstrip(".") if "." in text else text


def _writer(metric: str, largest: float) -> Callable[[float, int], str]:
    """Return what writes values of a metric, in the unit that suits the largest of them."""
    described = known().get(metric)
    if described is not None and described.is_quality:
        return lambda value, digits: numbers.quality(value, described.unit, digits)
    unit = _unit(metric)
    if unit == "count":
        return lambda value, _: numbers.count(value)
    if unit == "%":
        return lambda value, digits: f"{_part(value * 100, digits)} %"
    if unit in _UNITS:
        rounded = float(f"{largest:.2e}")
        ladder = _UNITS[unit]
        size, word = next((step for step in ladder if rounded >= step[0]), ladder[-1])
        if word == "B":
            return lambda value, _: f"{value:.0f} B"
        return lambda value, digits: f"{numbers.plain(value / size, digits)} {word}"
    return partial(_with_unit, unit)


def _with_unit(unit: str, value: float, digits: int) -> str:
    return f"{numbers.plain(value, digits)} {unit}".rstrip()


def _part(percent: float, digits: int) -> str:
    """Write a share in per cent; only everything is 100 and only nothing is 0."""
    text = _trimmed(percent, digits)
    while text in ("100", "0") and percent not in (0, 100) and digits < _MOST_DIGITS:
        digits += 1
        text = _trimmed(percent, digits)
    return text


def _unit(metric: str) -> str:
    """Return the unit of a metric by what its name ends in, else by what is known of it."""
    by_name = next((unit for suffix, unit in _SUFFIXES if metric.endswith(suffix)), None)
    if by_name is not None:
        return by_name
    described = known().get(metric)
    return "" if described is None or described.unit == "s/s" else described.unit
