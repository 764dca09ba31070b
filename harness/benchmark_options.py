"""The options about tests that use pytest-benchmark's fixture; `options` reads them with all the others."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from harness.benchmarks.arguments import forwarded
from harness.conduct.arms import Against, Kind
from harness.conduct.order import Benchmarks
from harness.errors import UsageProblem


def add_benchmark_options(add: Callable[..., None]) -> None:
    """Declare them to pytest."""
    add(
        "--gate-benchmarks",
        action="store_true",
        help="judge every test that uses pytest-benchmark's fixture: live with --against REVISION, else against the"
        " newest file of --benchmark-save",
    )
    add("--gate-benchmarks-from", metavar="NUM|FILE", help="judge them against this file of --benchmark-save")


def read_benchmarks(config: pytest.Config, own: Mapping[str, bool]) -> Benchmarks | None:
    """What is asked of such tests; None where they are left to pytest-benchmark alone.

    `own` are Quantgate's options and whether a value belongs to each: no pytest of either side is told these.
    """
    option: Callable[..., Any] = config.getoption
    stored: str | None = option("gate_benchmarks_from")
    if not (option("gate_benchmarks") or stored is not None):
        return None
    _refuse_what_times_nothing(config)
    against = Against.parse(option("against")) if option("against") is not None else None
    if against is not None and against.kind is Kind.PRECISION:
        raise UsageProblem("--gate-benchmarks: a test has no precision; give a revision, python=PATH or env=NAME=VALUE")
    if against is not None and stored is not None:
        raise UsageProblem("--gate-benchmarks-from names a stored file and --against another side; leave one away")
    if option("resume"):
        raise UsageProblem("--resume goes on with a run over models; one of --gate-benchmarks is begun anew")
    return Benchmarks(
        stored,
        option("benchmark_storage"),
        config.invocation_params.dir,
        forwarded([str(word) for word in config.invocation_params.args], config.option.file_or_dir, own),
        own,
    )


def _refuse_what_times_nothing(config: pytest.Config) -> None:
    option: Callable[..., Any] = config.getoption
    if not config.pluginmanager.hasplugin("benchmark"):
        raise UsageProblem("--gate-benchmarks judges what pytest-benchmark measures; leave -p no:benchmark away")
    is_spread_out = option("numprocesses", None) or option("dist", "no") != "no"
    if is_spread_out or getattr(config, "workerinput", None) is not None:
        raise UsageProblem(
            "--gate-benchmarks times one test at a time, and pytest-benchmark times none under pytest-xdist: leave -n"
            " away, or add -n 0 where the project's settings ask for it"
        )
    if option("benchmark_disable") and not option("benchmark_enable"):
        raise UsageProblem(
            "--benchmark-disable leaves --gate-benchmarks nothing to judge: leave it away, or add --benchmark-enable"
            " where the project's settings ask for it"
        )
    if option("benchmark_skip") and not option("benchmark_only"):
        raise UsageProblem(
            "--benchmark-skip leaves --gate-benchmarks nothing to judge: leave it away, or add --benchmark-only where"
            " the project's settings ask for it"
        )
