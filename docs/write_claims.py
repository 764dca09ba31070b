"""Writes docs/claims.md from the records of runs: `python docs/write_claims.py reports/RUN [RUN ...] [-o FILE]`.

Several runs are joined, because full sizes are measured one at a time. Of a claim about one cell the answer that knows
most is shown: from pairs or counts before a rough one, of any number before none, the newest of equals.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from harness.cells import Cell
from harness.comparisons import Answer, Judged
from harness.errors import HarnessError
from harness.journal import read_run
from harness.render.machine import library_line, machine_line
from harness.results import Measurement, Run

PAGE = Path(__file__).with_name("claims.md")
_PREFACE = """\
Written by `python docs/write_claims.py` from records of runs, not by hand. The claims and their sources are in
`suites/expectations.toml`; what can be claimed, and how it is judged, in [expectations](expectations.md)."""
_MEANINGS = {
    Answer.HOLDS: "what was measured lies wholly within what was claimed, or is better",
    Answer.FAILS: "it lies wholly beyond",
    Answer.CANNOT_TELL: "what was measured leaves both open, or the cell cannot run here: the words say which",
    Answer.NUMBERS_DISAGREE: "what was published contradicts itself; what its two numbers ask for is told beside",
    Answer.NEEDS_CHECKPOINT: "it is about answers of trained weights, and these were drawn at random",
    Answer.NOT_MEASURED: "none of these runs has the cell",
}


@dataclass(frozen=True)
class Told:
    """One claim about one cell, as a run answered it."""

    judged: Judged
    run: Run

    @property
    def measurement(self) -> Measurement | None:
        """What the run measured of the cell."""
        return next((one for one in self.run.measurements if one.cell == self.judged.cell), None)

    @property
    def rank(self) -> tuple[bool, bool, bool, str]:
        """How much the answer knows."""
        one = self.judged
        return self.measurement is not None, one.value is not None, not one.is_rough, self.run.started


def told_of(runs: Iterable[Run]) -> list[Told]:
    """The best answer to each claim for each cell that was measured; one line for a claim that no run concerns."""
    best: dict[tuple[str, Cell], Told] = {}
    for run in runs:
        for judged in run.judgement.judged if run.judgement else ():
            if judged.kind == "claim":
                told, key = Told(judged, run), (judged.name, judged.cell)
                best[key] = max(best.get(key, told), told, key=lambda one: one.rank)
    measured = {name for (name, _), told in best.items() if told.measurement is not None}
    kept = [told for (name, _), told in best.items() if told.measurement is not None or name not in measured]
    return sorted(kept, key=lambda one: (one.judged.cell.model, one.judged.name, one.judged.cell))


def page(runs: Sequence[Run]) -> str:
    """The whole page."""
    told = told_of(runs)
    numbers = {run.id: number for number, run in enumerate(runs, 1)}
    answers = Counter(one.judged.answer for one in told)
    parts = [
        "# Published claims, as they were found here",
        _PREFACE,
        " · ".join(f"{answer}: {answers[answer]}" for answer in _MEANINGS if answers[answer]),
        _table(("answer", "means"), [(f"**{answer}**", meaning) for answer, meaning in _MEANINGS.items()]),
        "## The runs",
        _table(
            ("run", "measured on", "machine", "libraries", "options"),
            [
                (
                    str(number),
                    run.started[:10],
                    machine_line(run.environment),
                    library_line(run.environment),
                    _asked(run),
                )
                for number, run in enumerate(runs, 1)
            ],
        ),
    ]
    for model, group in groupby(told, key=lambda one: one.judged.cell.model):
        of_it = list(group)
        parts += [f"## {model}", *_weights(of_it)]
        rows = [_row(one, numbers) for one in of_it]
        parts.append(_table(("answer", "claim", "cell", "measured", "claimed", "in words", "run"), rows))
    return "\n\n".join(parts) + "\n"


def _row(one: Told, numbers: dict[str, int]) -> tuple[str, ...]:
    judged = one.judged
    run = str(numbers[one.run.id]) if one.measurement is not None else "–"
    cell = f"{judged.cell.precision} {judged.cell.device}"
    claim = f"{judged.name} <br><small>{judged.source}</small>"
    return f"**{judged.answer}**", claim, cell, _measured(judged), judged.claimed, judged.text, run


def _measured(judged: Judged) -> str:
    if judged.value is None:
        return "–"
    text = f"{'≈ ' * judged.is_rough}{_number(judged.value)}"
    if judged.low is None or judged.high is None or judged.low == judged.high:
        return text
    return f"{text} [{_number(judged.low)}, {_number(judged.high)}]"


def _number(value: float) -> str:
    return f"{value / 1e6:,.4g} MB" if abs(value) >= 1e5 else f"{value:.3g}"


def _weights(told: Iterable[Told]) -> Iterable[str]:
    """Which weights the figures came from."""
    found = [one.measurement.provenance for one in told if one.measurement and one.measurement.provenance]
    weights = dict.fromkeys(one.weights for one in found)
    return [f"Weights: {'; '.join(weights)}."] if weights else []


def _asked(run: Run) -> str:
    names = ("size", "against", "threads", "single_core", "engine", "cell_seconds")
    return ", ".join(f"{name} {run.options[name]}" for name in names if run.options.get(name) not in (None, False, ""))


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *([_escaped(text) for text in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _escaped(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the runs and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN", help="folder of a run, or its run.json")
    parser.add_argument("-o", "--output", type=Path, default=PAGE, metavar="FILE", help="default: docs/claims.md")
    options = parser.parse_args(arguments)
    try:
        runs = [read_run(path) for path in options.runs]
    except HarnessError as error:
        parser.error(str(error))
    options.output.write_text(page(runs), encoding="utf-8")
    print(f"{options.output}: {len(told_of(runs))} claims from {len(runs)} run{'s' if len(runs) != 1 else ''}")


if __name__ == "__main__":
    main()
