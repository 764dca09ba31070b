"""How numbers are written: unit chosen by size, digits chosen by how certain the value is.

Owns the words "ms", "MB" (10^6 bytes), "%", "×". Never rounds a share up to everything or down to nothing.
"""

from __future__ import annotations

import math

from harness.metrics import Metric

DASH = "–"

_TIME = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (0.0, "ns"))
_SIZE = ((1e9, "GB"), (1e6, "MB"), (1e3, "kB"))

_UNITS = ("_per_second", "_seconds", "_bytes", "_count", "_fraction", "_joules_per_inference", "_db")
_DIGITS = 3
_MOST_DIGITS = 9


def seconds(value: float, half_width: float | None = None) -> str:
    """Write a time: `41.2 ms`. With a relative half width, digits that it makes meaningless are not shown."""
    if value == 0:
        return "0 s"
    digits = certain_digits(half_width)
    size = abs(_round(value, digits))
    least, unit = next((least, unit) for least, unit in _TIME if size >= least)
    return f"{plain(value / (least or 1e-9), digits)} {unit}"


def bytes_(value: float) -> str:
    """Write a size in bytes, kB, MB or GB; always powers of ten."""
    size = abs(_round(value, _DIGITS))
    for least, unit in _SIZE:
        if size >= least:
            return f"{plain(value / least, _DIGITS)} {unit}"
    return f"{value:.0f} B"


def percent(fraction: float) -> str:
    """Write a share in per cent. Only 1 is `100 %` and only 0 is `0 %`."""
    if fraction in (0, 1):
        return f"{fraction:.0%}".replace("%", " %")
    if 0 < fraction < 0.001:
        return "<0.1 %"
    if 0.999 < fraction < 1:
        return ">99.9 %"
    shown = fraction * 100
    return f"{shown:.1f} %" if shown < 10 or shown > 99 else f"{shown:.0f} %"


def half_width(relative: float) -> str:
    """Write an uncertainty: `±0.6 %`. Rounded up, so that it never claims more than is known."""
    shown = relative * 100
    if shown > 100:
        return ">±100 %"
    if shown >= 10:
        return f"±{math.ceil(shown - 1e-9)} %"
    return f"±{max(math.ceil(shown * 10 - 1e-9), 1) / 10:.1f} %"


def rough_times(ratio: float) -> str:
    """Write a ratio to a tenth, `0.8×`: one of two cells timed one after the other is known no better.

    Between such cells 8 to 19 % of difference were seen where there was none (one spread, shared machine).
    """
    return f"{ratio:.1f}×" if 0.095 <= ratio < 9.95 else f"{plain(ratio, 1 if ratio < 1 else 2)}×"


def per_second(value: float, half_width: float | None = None) -> str:
    """Write a rate: `24.3 /s`."""
    return f"{plain(value, certain_digits(half_width))} /s"


def plain(value: float, digits: int = _DIGITS) -> str:
    """Write a number without a unit, with so many significant digits; never in powers of ten."""
    rounded = _round(value, digits)
    if rounded == 0:
        return "0"
    decimals = max(digits - 1 - math.floor(math.log10(abs(rounded)) + 1e-12), 0)
    return f"{rounded:.{decimals}f}".replace("-", "−")


def count(value: float) -> str:
    """Write a whole number with its thousands apart."""
    return f"{value:,.0f}".replace(",", "\u00a0")


def duration(value: float) -> str:
    """Write a duration that a person waits for: `9s`, `6m05s`, `1h02m`."""
    whole = max(round(value), 0)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02d}s"
    return f"{whole // 3600}h{whole % 3600 // 60:02d}m"


def reading(metric: Metric, value: float) -> str:
    """Write a value in the way of its metric; a unit that has no way of its own is written out."""
    if metric.is_quality:
        return quality(value, metric.unit)
    if metric.name.endswith("_fraction"):
        return percent(value)
    match metric.unit:
        case "s":
            return seconds(value)
        case "B":
            return bytes_(value)
        case "1/s":
            return per_second(value)
        case "s/s":
            return plain(value)
        case "":
            return count(value)
        case unit:
            return f"{plain(value)} {unit}"


def quality(value: float, unit: str = "", digits: int = _DIGITS) -> str:
    """Write a value of quality: `0.931`, `31.2 dB`. What is nearly whole (all agree) is not rounded to it."""
    whole = round(value)
    while value != whole and float(f"{value:.{digits - 1}e}") == whole and digits < _MOST_DIGITS:
        digits += 1
    text = str(whole).replace("-", "−") if value == whole and unit == "" else plain(value, digits)
    return f"{text} {unit}".rstrip()


def metric_words(metric: str) -> str:
    """Return a metric's name as words; its unit stands beside the value."""
    unit = next((unit for unit in _UNITS if metric.endswith(unit)), "")
    return metric.removesuffix(unit).replace("_", " ")


def certain_digits(half_width: float | None) -> int:
    """Return how many digits a value deserves: `41 ms ±12 %`, `41.2 ms ±0.6 %`, `41.23 ms ±0.1 %`."""
    if half_width is None or 0.001 < half_width < 0.1:
        return _DIGITS
    return 2 if half_width >= 0.1 else 4


def _round(value: float, digits: int) -> float:
    """Round to significant digits, so that 999.96 kB becomes 1.00 MB and not 1,000 kB."""
    return float(f"{value:.{digits - 1}e}")
