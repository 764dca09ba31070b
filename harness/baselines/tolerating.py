"""From a judged run to an entry of `accepted.toml`: what may be tolerated, and how far. Everything else is refused."""

from __future__ import annotations

import math
from datetime import date

from harness.baselines.approvals import Acceptance
from harness.baselines.noise import too_noisy
from harness.cells import Cell
from harness.comparisons import Basis, Outcome, Verdict
from harness.errors import UsageProblem, suggestion
from harness.metrics import METRICS, Better
from harness.results import Run

TOLERABLE = (Outcome.REGRESSED, Outcome.SUSPECT)


def acceptance_of(run: Run, cell_text: str, metric: str, reason: str, expires: date | None, today: date) -> Acceptance:
    """Make the entry that tolerates what a run showed of one metric of one cell; UsageProblem where it may not be."""
    reason = _reason(reason)
    if metric not in METRICS:
        raise UsageProblem(f"{metric!r} is not a metric; {suggestion(metric, METRICS)}")
    if expires is not None and expires < today:
        raise UsageProblem(f"--expires {expires} is past; name a day from {today} on")
    cell = _cell(run, cell_text)
    _refuse_bad_cell(run, cell, metric)
    verdict = _verdict(run, cell, metric)
    old, new = verdict.old, verdict.new
    if old is None or new is None or not (math.isfinite(old) and math.isfinite(new)):
        raise UsageProblem(f"{cell} {metric}: the verdict has no two numbers that could be a bound; measure again")
    commit = run.environment.info.get("git_commit")
    return Acceptance(
        cell,
        metric,
        reason,
        old,
        new,
        _bound(verdict),
        verdict.against,
        run.id,
        commit if isinstance(commit, str) else None,
        expires,
    )


def _reason(reason: str) -> str:
    reason = " ".join(reason.split())
    if not reason:
        raise UsageProblem("a change is tolerated for a reason, and it was not given; write --reason 'why'")
    if not reason.isprintable():
        raise UsageProblem(f"--reason {reason!r} holds signs that cannot be read; write plain text")
    return reason


def _cell(run: Run, text: str) -> Cell:
    cells = {str(cell): cell for cell in (*run.planned, *(one.cell for one in run.measurements))}
    if text not in cells:
        raise UsageProblem(f"run {run.id} has no cell {text!r}; {suggestion(text, cells)}")
    return cells[text]


def _refuse_bad_cell(run: Run, cell: Cell, metric: str) -> None:
    measurement = next((one for one in run.measurements if one.cell == cell), None)
    if measurement is None:
        return
    if measurement.failure is not None:
        text = f"{measurement.failure.phase}: {measurement.failure.text}"
        raise UsageProblem(f"{cell} failed ({text}), and a failure cannot be accepted; mend it and measure again")
    if METRICS[metric].unit != "s":
        return  # what is counted is not the worse for a noisy clock
    if measurement.sample is not None and (noise := too_noisy(measurement)):
        raise UsageProblem(f"{cell} was too noisy to accept a time of it: {noise}")
    controls = run.judgement.controls if run.judgement else ()
    if tripped := [one for one in controls if one.outcome in (Outcome.REGRESSED, Outcome.IMPROVED)]:
        one = tripped[0]
        raise UsageProblem(
            f"the null control tripped ({one.cell} {one.metric} {one.outcome} against itself), so that none of the"
            " run's times can be accepted; measure again when the machine is quiet"
        )


def _verdict(run: Run, cell: Cell, metric: str) -> Verdict:
    if run.judgement is None:
        raise UsageProblem(f"run {run.id} was not judged, so that nothing of it can be accepted; run without --no-gate")
    of_cell = [one for one in run.judgement.verdicts if one.cell == cell]
    found = [one for one in of_cell if one.metric == metric]
    if not found:
        whole = next((f": it is {one.outcome} ({one.text})" for one in of_cell if one.metric is None), "")
        raise UsageProblem(f"run {run.id} has no verdict on {metric} of {cell}{whole}; nothing is to be accepted")
    tolerable = [one for one in found if one.outcome in TOLERABLE]
    if not tolerable:
        raise UsageProblem(f"{cell} {metric} is {found[0].outcome} in run {run.id}; only what got worse is accepted")
    if tolerable[0].accepted is not None:
        raise UsageProblem(f"{cell} {metric} is accepted already: {tolerable[0].accepted}; there is nothing to do")
    return tolerable[0]


def _bound(verdict: Verdict) -> float | None:
    """As bad as it was seen, give or take its margin, and never beyond its interval. What is counted has no more."""
    assert verdict.metric is not None
    ratio = verdict.ratio
    if ratio is None or not math.isfinite(ratio) or ratio <= 0:
        return None
    leeway = 1 + (verdict.margin or 0) if verdict.basis is not Basis.EXACT else 1.0
    match METRICS[verdict.metric].better:
        case Better.LOWER:
            return ratio * leeway if verdict.high is None else max(ratio, min(ratio * leeway, verdict.high))
        case Better.HIGHER:
            return ratio / leeway if verdict.low is None else min(ratio, max(ratio / leeway, verdict.low))
        case Better.NEITHER:
            return ratio
