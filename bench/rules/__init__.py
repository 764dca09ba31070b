"""The decision rules that are compared: Quantgate's as shipped, and those of other tools, called and never copied.

A rule of another tool is fed with what single processes gave (`Fed`), in the order that the tool itself would start
them, and says an `Outcome`. Nothing here measures; what a tool needs and is not installed is named, never made up.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Protocol

from harness.comparisons import Outcome

REQUIREMENTS = "bench/requirements.txt"


class StretchTooShort(ValueError):
    """A recorded process ended before the tool would have stopped measuring."""

    def __init__(self, tool: str, needed: float, found: float) -> None:
        super().__init__(
            f"{tool} measures a process for {needed:.2f} s, and {found:.2f} s were recorded; record longer stretches"
        )


@dataclass(frozen=True, slots=True)
class Fed:
    """What one process gave a tool, as the tool's own object, and the seconds of inferences that this took."""

    given: Any
    seconds: float


class Rule(Protocol):
    """A tool's way to tell two revisions apart. `order` is which side each process runs, A the old one."""

    name: str
    design: str
    order: str

    def feed(self, seconds: Sequence[float]) -> Fed:
        """What the tool makes of one process that ran inference after inference."""

    def decide(self, old: Sequence[Any], new: Sequence[Any]) -> Outcome:
        """What the tool says."""


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool with its rules. `needs` are the distributions that must be installed."""

    name: str
    needs: tuple[str, ...]
    rules: Callable[[float], tuple[Rule, ...]]

    def missing(self) -> str | None:
        """Why the tool cannot be asked here; None where it can."""
        absent = [name for name in self.needs if _version(name) is None]
        return f"{', '.join(absent)} not installed: pip install -r {REQUIREMENTS}" if absent else None

    def __str__(self) -> str:
        return ", ".join(f"{name} {_version(name) or 'not installed'}" for name in self.needs)


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _pytest_benchmark(margin: float) -> tuple[Rule, ...]:
    from . import of_pytest_benchmark

    return of_pytest_benchmark.rules(margin)


def _pyperf(margin: float) -> tuple[Rule, ...]:
    from . import of_pyperf

    return of_pyperf.rules(margin)


def _asv(margin: float) -> tuple[Rule, ...]:
    from . import of_asv

    return of_asv.rules(margin)


def _benchmatrix(margin: float) -> tuple[Rule, ...]:
    from . import of_benchmatrix

    return of_benchmatrix.rules(margin)


TOOLS = (
    Tool("pytest-benchmark", ("pytest-benchmark",), _pytest_benchmark),
    Tool("pyperf", ("pyperf",), _pyperf),
    Tool("asv", ("asv", "asv-runner"), _asv),
    Tool("benchmatrix", ("benchmatrix",), _benchmatrix),
)
