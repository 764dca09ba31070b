"""`benchmatrix compare`: its own reader of pytest-benchmark's files, and its own comparison of runs, as configured."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmatrix import (
    BenchmarkRun,
    RegressionPolicy,
    compare_benchmark_run_groups,
    compare_paired_benchmark_run_groups,
    load_benchmark_run,
)
from pytest_benchmark.stats import Stats

from harness.comparisons import Outcome

from . import Fed, Rule
from .of_pytest_benchmark import rounds_of

_WORDS = {
    "regressed": Outcome.REGRESSED,
    "improved": Outcome.IMPROVED,
    "unchanged": Outcome.UNCHANGED,
    "inconclusive": Outcome.INCONCLUSIVE,
}


@dataclass(frozen=True, slots=True)
class Compare:
    """The comparison of runs of either side, or of adjacent pairs of runs where they were collected as such."""

    command: str
    percent: float
    design: str
    order: str
    is_paired: bool = False

    @property
    def name(self) -> str:
        """As on the command line."""
        return f"benchmatrix {self.command} --threshold {self.percent:g}%"

    def feed(self, seconds: Sequence[float]) -> Fed:
        """One run of pytest-benchmark, through the file that benchmatrix reads."""
        rounds = rounds_of(seconds)
        return Fed(_run(rounds), sum(rounds))

    def decide(self, old: Sequence[BenchmarkRun], new: Sequence[BenchmarkRun]) -> Outcome:
        """Its classification of the one cell."""
        policy = RegressionPolicy(default_threshold_percent=self.percent)
        if self.is_paired:
            strata = [self.order[at : at + 2] for at in range(0, len(self.order), 2)]
            found = compare_paired_benchmark_run_groups(old, new, pair_strata=strata, regression_policy=policy)
        else:
            found = compare_benchmark_run_groups(old, new, regression_policy=policy)
        (cell,) = found.comparisons
        return _WORDS[cell.regression]


def _run(rounds: Sequence[float]) -> BenchmarkRun:
    stats = Stats()
    for seconds in rounds:
        stats.update(seconds)
    entry = {
        "name": "cell",
        "fullname": "cell",
        "stats": {**stats.as_dict(), "iterations": 1, "data": list(rounds)},
        "extra_info": {
            "benchmatrix_producer": "benchmatrix",
            "benchmatrix_schema_version": 1,
            "metric_name": "single_call_latency",
            "implementation_name": "model",
            "case_name": "example",
            "case_fresh_inputs": False,
        },
    }
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "run.json"
        file.write_text(json.dumps({"benchmarks": [entry]}), encoding="utf-8")
        return load_benchmark_run(file)


def rules(margin: float) -> tuple[Rule, ...]:
    """Five runs a side measured one side after the other, and six adjacent pairs; at 5 % and at the margin."""
    percents = sorted({5.0, round(100 * margin, 6)}, reverse=True)
    return tuple(
        rule
        for percent in percents
        for rule in (
            Compare("compare", percent, "5 + 5 processes, old then new, rounds for 1 s", "A" * 5 + "B" * 5),
            Compare("compare --paired", percent, "6 pairs of processes, AB BA, rounds for 1 s", "ABBA" * 3, True),
        )
    )
