"""What damage the quality gate finds in the shipped models, and how often it cries wolf over none.

Each damaged model answers its timed examples and its exam in a real worker, is scored beside fp32 in another, and is
judged as one side of a live comparison with the undamaged fp32 as the other, at the rate of a run of this one cell.
Then models are judged against themselves: another session; the graph run unoptimised, which rounds otherwise; and the
exam with other draws of noise, the draws exchanged at random between both sides.

    python bench/quality_power.py                                everything
    python bench/quality_power.py --quick --model silero-vad     one seed, one model
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from common import CPU, ROOT, Bound, conclude, parser, report
from quality.alarms import Alarms, alarms
from quality.cases import Damage, damages
from quality.declared import NOISES, OTHER_NOISE, SHIPPED, wrong_kinds
from quality.found import HEADERS, Seen, bounds, counted, row, values_of
from quality.keeping import Keeper

from harness import zoo
from harness.cells import Cell
from harness.comparisons import Basis, Outcome, Verdict
from harness.conduct.examining import Unanswered
from harness.conduct.order import Order
from harness.errors import HarnessError
from harness.expectations_file import read_expectations
from harness.options import cache_folder
from harness.quality_metrics import known
from harness.scores import Part, Quality
from harness.stats.sequential import RUN_RATE
from harness.verdict.quality import judge_quality, quality_comparisons

UNOPTIMISED = {"graph_optimization_level": "disabled"}
MOST_FALSE_ALARMS = 0.01
"""The share of comparisons of a model with itself in which a metric may be called worse."""


def main() -> int:
    given = _options().parse_args()
    chosen = [name for name in SHIPPED if given.model in (None, name)]
    made: list[Bound] = []
    values: list[dict[str, object]] = []
    try:
        for name in chosen:
            if missing := zoo.blocked(SHIPPED[name][0]):
                raise SystemExit(f"{name}: {missing.text}")
            with tempfile.TemporaryDirectory(prefix="quality-power-") as folder:
                trial = _Trial(name, Path(folder), given)
                made += trial.run()
                values += trial.values
    except HarnessError as error:
        raise SystemExit(str(error)) from error
    if given.values is not None:
        given.values.write_text(json.dumps(values, indent=1))
    return conclude(made)


class _Trial:
    """One model: damaged, judged, and judged against itself."""

    def __init__(self, name: str, folder: Path, given: argparse.Namespace) -> None:
        self._model = SHIPPED[name][0]
        self._given = given
        self._keeper = Keeper(self._model, folder, cache_folder(None))
        self._margins = read_expectations(ROOT / Order(ROOT).expectations).margins
        self.values: list[dict[str, object]] = []
        self._seeds = 1 if given.quick else given.seeds

    def run(self) -> list[Bound]:
        """Print both tables; return what has to hold."""
        base = self._keeper.base()
        seen = [self._seen(damage, base) for damage in self._damages()]
        self.values = [value for one in seen for value in values_of(one, base)]
        report(
            f"{self._model.name}: damage, judged against its undamaged fp32",
            HEADERS,
            [row(one, base, known()) for one in seen],
        )
        return [*bounds(seen), *self._against_itself(base)]

    def _damages(self) -> Iterator[Damage]:
        return damages(wrong_kinds(self._model.name), self._model.precisions, self._seeds)

    def _seen(self, damage: Damage, base: Quality) -> Seen:
        began = time.monotonic()
        try:
            quality = self._keeper.damaged(damage)
        except Unanswered as unanswered:
            if damage.where_refused is not None:
                _progress(f"{self._model.name}: {damage.name}: {unanswered}")
                return self._seen(damage.where_refused, base)
            seconds = time.monotonic() - began
            is_broken = damage.weights is not None or damage.kind is not None
            found = Seen(
                self._model.name, damage.name, damage.must_be_found, seconds, problem=str(unanswered), breaks=is_broken
            )
        else:
            seconds = time.monotonic() - began
            verdicts = self._judged(base, quality, damage.precision)
            found = Seen(self._model.name, damage.name, damage.must_be_found, seconds, quality, verdicts)
        _progress(f"{self._model.name}: {damage.name}: {'found' if found.is_found else 'not found'} ({seconds:.0f} s)")
        return found

    def _judged(self, old: Quality, new: Quality, precision: str = "fp32") -> tuple[Verdict, ...]:
        """As `--against` judges it: a run of this cell alone."""
        rate = RUN_RATE / max(quality_comparisons([(old, new)]), 1)
        cell = Cell(self._model.name, precision, str(CPU))
        return judge_quality(cell, old, new, self._margins.margin, rate, "undamaged", Basis.LIVE)

    def _against_itself(self, base: Quality) -> Iterator[Bound]:
        """False alarms, of three kinds."""
        name = self._model.name
        session = self._keeper.again("another session")
        same = self._judged(base, session)
        changed = [one for one in same if one.outcome is not Outcome.UNCHANGED]
        yield Bound(f"{name}: verdicts on another session of the same file that are not unchanged", len(changed), 0)
        rounded = self._keeper.again("unoptimised", session_options=UNOPTIMISED)
        otherwise = self._judged(base, rounded)
        alarmed = [one for one in otherwise if one.outcome is Outcome.REGRESSED]
        yield Bound(f"{name}: metrics worse where the same graph rounds otherwise", len(alarmed), 0)
        found = self._alarms(base)
        rows = [
            ("another session", "all", "1", counted(same), ""),
            ("unoptimised graph", "all", "1", counted(otherwise), ""),
            *(("other noise", *_told(one)) for one in found),
        ]
        headers = ("the same model again", "metric", "comparisons", "said", "values")
        report(f"{name}: false alarms", headers, rows)
        for one in found:
            share = one.regressed / one.comparisons
            yield Bound(f"{name}: {one.metric} worse with other noise", share, MOST_FALSE_ALARMS)

    def _alarms(self, base: Quality) -> list[Alarms]:
        """The exam in several noises: drawn by the model itself, or in what it hears; then fp32 heard another."""
        draws = self._model.exam_draws
        examined = [base] if draws else []
        for number in range(len(examined), 2 if self._given.quick else self._given.sessions):
            _progress(f"{self._model.name}: other noise, session {number + 1}")
            changes = {"seed": number} if draws else {"kind": f"{OTHER_NOISE}-{number}"}
            examined.append(self._keeper.again(f"noise {number}", **changes))
        metrics = [
            score.metric
            for score in base.scores
            if score.part is Part.EXAM and score.is_judged and (draws or not known()[score.metric].of_reference)
        ]
        return alarms(examined, metrics, self._judged, self._given.draws, self._given.seed)


def _told(found: Alarms) -> tuple[str, ...]:
    said = f"{found.regressed} worse, {found.improved} better, {found.inconclusive} cannot tell"
    return found.metric, str(found.comparisons), said, f"{found.least:.4g} .. {found.greatest:.4g}"


def _options() -> argparse.ArgumentParser:
    options = parser(__doc__)
    options.add_argument("--model", choices=list(SHIPPED), help="only this one")
    options.add_argument("--seeds", type=int, default=2, metavar="N", help="of each noise in the weights (default 2)")
    options.add_argument("--quick", action="store_true", help="one seed of noise in the weights, two sessions")
    options.add_argument(
        *("--sessions",),
        type=int,
        default=4,
        choices=range(2, NOISES + 1),
        help="to exchange draws (default 4)",
    )
    options.add_argument("--draws", type=int, default=200, metavar="N", help="comparisons with itself (default 200)")
    options.add_argument("--values", type=Path, metavar="FILE", help="also write every metric of every damage, as JSON")
    return options


def _progress(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
