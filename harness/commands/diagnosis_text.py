"""What `quantgate doctor` prints: the condition, how far identical code differs, what could be seen, what to do."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator, Sequence

from harness.commands.diagnosis import OWN_SPEED, Peaks, Reach, Seen, Spread, Surroundings, TooFew
from harness.comparisons import Clock
from harness.render.changes import bound, change, share
from harness.render.numbers import DASH, percent
from harness.results import Condition

_WIDTH = 118
_CLOCKS = {
    Clock.WALL: "wall clock",
    Clock.CORRECTED: "without waiting",
    Clock.CPU: "on the CPU",
    Clock.DEVICE: "device's clock",
}


def lines(cells: Sequence[Seen | TooFew], around: Surroundings, advised: Sequence[str], rate: float) -> Iterator[str]:
    """Everything but the answer, which is the last line."""
    yield f"condition  {condition(around.before, around.after)}"
    for one in cells:
        yield ""
        if isinstance(one, TooFew):
            yield f"{one.cell}: {one.text}"
        else:
            yield from _cell(one, around, rate)
    yield ""
    yield "What to do" if advised else "Nothing has to be done about the noise."
    for line in advised:
        yield textwrap.fill(line, _WIDTH, initial_indent="  - ", subsequent_indent="    ", break_on_hyphens=False)
    yield ""


def condition(before: Condition, after: Condition) -> str:
    """How the machine was; what it does not say is named."""
    said = [
        f"load {_number(before.load_1m)} → {_number(after.load_1m)}",
        _share("others used", after.other_cpu_fraction, "of the cores"),
        _share("steal", after.steal_fraction),
        _share("waiting for cores", after.pressure_some_fraction, "of the time"),
        f"held back: {after.throttled}" if after.throttled is not None else "",
        f"governor {after.governor}" if after.governor is not None else "",
        f"{after.temperature_celsius:.0f} °C" if after.temperature_celsius is not None else "",
        f"{after.gpu_processes} other GPU processes" if after.gpu_processes is not None else "",
    ]
    silent = [
        name
        for name, value in (
            ("steal", after.steal_fraction),
            ("throttling", after.throttled),
            ("governor", after.governor),
            ("temperature", after.temperature_celsius),
        )
        if value is None
    ]
    return " · ".join(filter(None, (*said, f"not told: {', '.join(silent)}" if silent else "")))


def _cell(one: Seen, around: Surroundings, rate: float) -> Iterator[str]:
    from tabulate import tabulate

    trial = f", and {one.trial_pairs} before that told how to measure" if one.trial_pairs else ""
    yield f"{one.cell} against itself: {one.pairs} pairs of {one.pair_seconds:.1f} s{trial}"
    yield ""
    rows = [
        (f"{_CLOCKS[clock]}{' (decides)' if clock is one.clock else ''}", *_spread(spread))
        for clock, spread in one.spreads.items()
    ]
    yield tabulate(
        rows, headers=("clock", "pairs differ by", "within a pair", "between processes"), disable_numparse=True
    )
    yield ""
    for name, text in _facts(one):
        yield textwrap.fill(f"  {name:<18} {text}", _WIDTH, subsequent_indent=" " * 21)
    yield ""
    yield (
        f"What it can see, nine times in ten ({bound(rate)} error a stage, as over all {around.cells} cells of the"
        " project)"
    )
    yield ""
    heads = ("pairs a stage", "change of", *(("that only waits",) if one.reaches[0].waiting is not None else ()))
    yield tabulate(
        [_reach(one, reach) for reach in one.reaches],
        headers=(*heads, "unchanged after", "confirmed after"),
        disable_numparse=True,
    )


def _facts(one: Seen) -> Iterator[tuple[str, str]]:
    yield "corrected time", one.uncorrected or "available"
    yield (
        "identical code",
        (
            f"{change(math.exp(one.bias))} ± {_fine(one.bias_error)}: "
            + ("TRIPPED, called " if one.is_tripped else "")
            + f"{one.control.outcome} ({one.control.text})"
        ),
    )
    yield "spread", f"of {one.pairs} pairs it is known {_doubt(one.pairs)}"
    yield "processes", _processes(one)
    yield "peak memory", _peaks(one.peaks)


def _processes(one: Seen) -> str:
    own = one.spreads[one.clock].own_speed
    built = "models are laid anew in memory within each process" if one.is_rebuilt else "models are built once in each"
    if own is None:
        return f"whether they keep speeds of their own is not known; {built}"
    keeps = "keep speeds of their own" if own > OWN_SPEED else "have no speeds of their own that stand out"
    return f"{keeps} ({percent(own)} of the variance is between them); {built}"


def _doubt(pairs: int) -> str:
    """Between what factors the true spread lies, nine times in ten: chi squared after Wilson and Hilferty (1931)."""
    low, high = (math.sqrt((pairs - 1) / _chi_squared(pairs - 1, z)) for z in (1.645, -1.645))
    return f"to a factor of {low:.2f} … {high:.2f}"


def _chi_squared(freedom: int, z: float) -> float:
    part = 2 / (9 * freedom)
    return freedom * max(1 - part + z * math.sqrt(part), 0.05) ** 3


def _peaks(peaks: Peaks | None) -> str:
    if peaks is None:
        return "not told by this system"
    low, high, margin = (count / 2**20 for count in (peaks.low_bytes, peaks.high_bytes, peaks.margin_bytes))
    return f"{low:.1f} … {high:.1f} MiB in {peaks.processes} processes; {margin:.1f} MiB may differ"


def _spread(spread: Spread) -> tuple[str, str, str]:
    own = spread.own_speed
    within = DASH if spread.within is None else _fine(spread.within)
    return _fine(spread.sd), within, DASH if own is None else percent(own)


def _reach(one: Seen, reach: Reach) -> tuple[str, ...]:
    mark = f"  margin {share(one.margin)} ✓" if reach.change <= one.margin else ""
    waiting = () if reach.waiting is None else (bound(reach.waiting),)
    seconds = (f"{reach.unchanged_seconds:.0f} s", f"{reach.confirmed_seconds:.0f} s")
    return str(reach.pairs), f"{bound(reach.change)}{mark}", *waiting, *seconds


def _number(value: float | None) -> str:
    return DASH if value is None else f"{value:.1f}"


def _share(name: str, fraction: float | None, of: str = "") -> str:
    return "" if fraction is None else " ".join(filter(None, (name, percent(fraction), of)))


def _fine(fraction: float) -> str:
    return f"{fraction * 100:.2f} %"
