"""Operating curve: how often a rule is wrong, what it finds, and what it takes, on traces of identical code.

Gates are drawn from recorded traces: Quantgate's from pairs of processes (with replacement, either side as likely the
new one, its two stages apart), the other tools' from runs of neighbouring processes in the order the tool would start
them. The new side is made slower by a factor. Quantgate is asked through `harness.verdict`, the others through their
own code (bench/requirements.txt); where a tool is not installed, its row says so.

    python bench/operating_curve.py --record trace.json    record on this machine, then print
    python bench/operating_curve.py --traces trace.json …   print from recorded ones, pooled
"""

from __future__ import annotations

import argparse
import math
import random
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median

from common import ROOT, Bound, conclude, order, parser, report
from curves import CHANGES, Curve, Gates, Margins, Tally, of_design, of_quantgate, of_tool
from rules import TOOLS, Rule, StretchTooShort
from traces import Recorded, Trace, pooled, read, spread, write

from harness.comparisons import Clock, Outcome, Pair
from harness.conduct.campaign import plan
from harness.errors import HarnessError
from harness.probes.machine import describe
from harness.stats.sequential import stage_rate
from harness.verdict import times as verdict

MODELS = ("piper-joe", "smart-turn-v3", "silero-vad")
FEWEST_PAIRS = 3
PAIRS_TO_TELL = 30
"""Fewer than this do not stand for a machine, however many gates are drawn from them."""


def main() -> int:
    given = _options().parse_args()
    try:
        traces = [_recorded(given)] if given.record else [read(path) for path in given.traces]
        for trace in traces:
            print("machine:", ", ".join(f"{key} {value}" for key, value in trace.machine.items() if value is not None))
        bounds = list(_print_all(pooled(traces), given))
    except HarnessError as error:
        raise SystemExit(str(error)) from error
    if not given.no_tools:
        _print_tools(given.margin / 100)
    return conclude(bounds)


def _print_all(cells: Sequence[Recorded], given: argparse.Namespace) -> Iterator[Bound]:
    """Print each model that is asked for; one that no trace holds meets no target."""
    there = {one.cell.model: one for one in cells}
    for name in given.models.split(",") if given.models else there:
        if name in there:
            yield from _print(there[name], given)
        else:
            yield _recorded_enough(name, 0)


def _options() -> argparse.ArgumentParser:
    options = parser(__doc__)
    source = options.add_mutually_exclusive_group(required=True)
    source.add_argument("--record", type=Path, metavar="FILE", help="record on this machine into this file first")
    source.add_argument("--traces", type=Path, nargs="+", metavar="FILE", help="read these instead")
    options.add_argument("--models", metavar="NAMES", help=f"which (recorded: {','.join(MODELS)}; read: all there are)")
    options.add_argument("--pairs", type=int, default=40, metavar="N", help="to record, of either design (default 40)")
    options.add_argument("--stretches", type=int, default=100, metavar="N", help="processes in a row (default 100)")
    options.add_argument("--stretch-seconds", type=float, default=1.6, metavar="S", help="of each (default 1.6)")
    options.add_argument(
        "--quads-a-building", type=int, metavar="N", help="where rebuilt (default: as the gate chooses)"
    )
    options.add_argument("--margin", type=float, default=3.0, metavar="PERCENT", help="of the latency (default 3)")
    options.add_argument("--gates", type=int, default=10_000, metavar="N", help="of Quantgate, unchanged (10000)")
    options.add_argument("--windows", type=int, default=200, metavar="N", help="of the others, at most (default 200)")
    options.add_argument("--comparisons", type=int, default=verdict.TIMED, metavar="N", help="that share a run's error")
    options.add_argument("--no-tools", action="store_true", help="Quantgate alone")
    return options


def _recorded(given: argparse.Namespace) -> Trace:
    from recording import Amount, record

    asked = order(models=given.models or ",".join(MODELS), precisions="fp32")
    chance = random.Random(given.seed)
    amount = Amount(given.pairs, given.stretches, given.stretch_seconds, given.quads_a_building)
    machine = describe(ROOT, threads=1)
    trace = Trace({**machine.identity, **machine.libraries}, ())
    for declared in plan(asked).models.values():
        print(f"recording {declared.model.name}", flush=True)
        trace = Trace(trace.machine, (*trace.recorded, record(declared, asked, amount, chance)))
        write(trace, given.record)
    return trace


def _print(recorded: Recorded, given: argparse.Namespace) -> list[Bound]:
    print(f"\n== {recorded.cell}; load average while recorded: {', '.join(map(str, recorded.loads_1m))}")
    designs = {
        is_rebuilt: pairs
        for is_rebuilt in (False, True)
        if len(pairs := recorded.design(is_rebuilt=is_rebuilt)) >= FEWEST_PAIRS
    }
    _print_spreads(designs, recorded.quads_a_building)
    gates = Gates(given.gates, given.seed, Margins(given.margin / 100), stage_rate(given.comparisons))
    curves = {"quantgate": of_quantgate(recorded, gates)} if False in designs else {}
    if True in designs:
        for is_rebuilt in designs:
            name = "quantgate, always rebuilt" if is_rebuilt else "quantgate, never rebuilt"
            curves[name] = of_design(recorded, replace(gates, unchanged=given.gates // 4), is_rebuilt=is_rebuilt)
    rows = [_row(name, curve) for name, curve in curves.items()]
    if not given.no_tools:
        rows.extend(_tool_rows(recorded, given))
    report(
        f"{recorded.cell.model}: called slower, by how much slower it is (margin {given.margin:g} %)",
        ("rule", "gates", "false alarms", *(f"{change:.0%}" for change in CHANGES[1:]), "decided", "seconds"),
        rows,
        (
            "false alarms: unchanged code called slower, and the upper 95 % limit of the simulation, not of the trace",
            "decided, seconds of measuring (median): unchanged / 3 % slower",
            *(_note(name, curve) for name, curve in curves.items()),
        ),
    )
    return _bounds(recorded.cell.model, {kind: len(pairs) for kind, pairs in designs.items()}, curves.get("quantgate"))


def _print_spreads(designs: dict[bool, tuple[Pair, ...]], quads_a_building: Sequence[int]) -> None:
    rows = [
        (
            f"rebuilt each {'/'.join(map(str, quads_a_building))} quads" if is_rebuilt else "as built",
            seen.clock,
            seen.pairs,
            f"{100 * seen.sd:.2f} %",
            "unknown" if seen.within is None else f"{100 * max(0.0, 1 - seen.within):.0f} %",
            f"{100 * seen.bias:+.2f} ± {100 * seen.sd / math.sqrt(seen.pairs):.2f} %",
            f"{seen.neighbours:+.2f}",
            f"{median(pair.seconds for pair in pairs):.1f} s",
        )
        for is_rebuilt, pairs in designs.items()
        for clock in pairs[0].log_ratios
        if all(clock in pair.log_ratios for pair in pairs)
        for seen in (spread(pairs, Clock(clock)),)
    ]
    headers = (
        "models",
        "clock",
        "pairs",
        "sd of a pair",
        "between processes",
        "mean ± its error",
        "next pair",
        "takes",
    )
    notes = (
        "between processes: the share of the variance that the quads within a pair do not explain",
        "next pair: correlation with it; takes: a whole pair, with the start of its processes (median)",
    )
    report("How far identical code differs", headers, rows, notes)


def _tool_rows(recorded: Recorded, given: argparse.Namespace) -> Iterator[tuple[str, ...]]:
    for tool in TOOLS:
        missing = tool.missing()
        if missing:
            yield tool.name, missing
            continue
        for rule in tool.rules(given.margin / 100):
            yield _tool_row(rule, recorded, given)


def _tool_row(rule: Rule, recorded: Recorded, given: argparse.Namespace) -> tuple[str, ...]:
    try:
        curve = of_tool(rule, recorded, given.windows, given.seed)
    except StretchTooShort as short:
        return rule.name, str(short)
    return _row(rule.name, curve) if curve else (rule.name, f"needs {len(rule.order)} processes in a row")


def _print_tools(margin: float) -> None:
    rows = [(rule.name, tool, rule.design) for tool in TOOLS if not tool.missing() for rule in tool.rules(margin)]
    report("How the other tools are asked: as they are configured unless told", ("rule", "package", "design"), rows)


def _row(name: str, curve: Curve) -> tuple[str, ...]:
    alarms = curve[0.0].share(Outcome.REGRESSED)
    return (
        name,
        str(alarms.gates),
        f"{100 * alarms.value:.2f} % (≤ {100 * alarms.most:.2f})",
        *(str(curve[change].share(Outcome.REGRESSED)) for change in CHANGES[1:]),
        f"{curve[0.0].decided} / {curve[0.03].decided}",
        _both([curve[change].measuring_seconds for change in (0.0, 0.03)]),
    )


def _note(name: str, curve: Curve) -> str:
    whole = _both([curve[change].whole_seconds for change in (0.0, 0.03)])
    same = curve[0.0]
    return (
        f"{name}: {whole} s with the start of its processes; rebuilt in {same.rebuilt} of gates;"
        f" other metrics called worse: {_others(same)}"
    )


def _both(seconds: Sequence[Sequence[float]]) -> str:
    return " / ".join(f"{median(one):.0f}" for one in seconds)


def _others(tally: Tally) -> str:
    counted = {metric: tally.others_worse.count(metric) for metric in sorted(set(tally.others_worse))}
    return ", ".join(f"{metric} {count} of {len(tally.outcomes)}" for metric, count in counted.items()) or "none"


def _recorded_enough(model: str, pairs: int) -> Bound:
    return Bound(f"{model}: pairs recorded", pairs, most=math.inf, least=PAIRS_TO_TELL)


def _bounds(model: str, pairs: Mapping[bool, int], curve: Curve | None) -> list[Bound]:
    """The targets, for the gate as it is run; percentages of gates. It is quicker where it mostly chose to rebuild."""
    if curve is None:
        return [_recorded_enough(model, 0)]
    same = curve[0.0]
    is_rebuilt = same.rebuilt.value > 0.5
    wrong = same.share(Outcome.REGRESSED, Outcome.IMPROVED)
    found = {change: 100 * curve[change].share(Outcome.REGRESSED).value for change in CHANGES}
    most_seconds = 20 if is_rebuilt else 60
    return [
        _recorded_enough(model, pairs.get(is_rebuilt, 0)),
        Bound(f"{model}: false changes, upper limit", 100 * wrong.most, 0.1, unit=" %"),
        Bound(f"{model}: 3 % found", found[0.03], 100, 98, " %"),
        Bound(f"{model}: 5 % found", found[0.05], 100, 99, " %"),
        Bound(f"{model}: median of measuring, unchanged", median(same.measuring_seconds), most_seconds, unit=" s"),
        Bound(f"{model}: decided, unchanged", 100 * same.decided.value, 100, 95, " %"),
    ]


if __name__ == "__main__":
    sys.exit(main())
