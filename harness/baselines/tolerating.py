"""From a judged run to an entry of `accepted.toml`: what may be tolerated, and how far. Everything else is refused."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date

from harness.baselines.approvals import Acceptance, loss_of, lost
from harness.baselines.loosening import QUALITY, is_exceeded, is_worse
from harness.baselines.noise import too_noisy
from harness.cells import Cell
from harness.comparisons import Basis, Judged, Outcome, Verdict
from harness.errors import UsageProblem, suggestion
from harness.metrics import Better
from harness.quality_metrics import known
from harness.results import Run


@dataclass(frozen=True, slots=True)
class _Seen:
    """The change that is to be tolerated, and how far."""

    old: float
    new: float
    against: str
    ratio: float | None = None
    loss: float | None = None


def acceptance_of(run: Run, cell_text: str, metric: str, reason: str, expires: date | None, today: date) -> Acceptance:
    """Make the entry that tolerates what a run showed of one metric of one cell; UsageProblem where it may not be."""
    reason = _reason(reason)
    if metric not in known():
        raise UsageProblem(f"{metric!r} is not a metric; {suggestion(metric, known())}")
    if expires is not None and expires < today:
        raise UsageProblem(f"--expires {expires} is past; name a day from {today} on")
    cell = _cell(run, cell_text)
    _refuse_bad_cell(run, cell, metric)
    seen = _lost_most(run, cell, metric) if known()[metric].is_quality else _changed(run, cell, metric)
    commit = run.environment.info.get("git_commit")
    return Acceptance(
        cell,
        metric,
        reason,
        seen.old,
        seen.new,
        seen.ratio,
        seen.against,
        run.id,
        commit if isinstance(commit, str) else None,
        expires,
        seen.loss,
    )


def _changed(run: Run, cell: Cell, metric: str) -> _Seen:
    verdict = _verdict(run, cell, metric)
    old, new = _two_numbers(verdict)
    return _Seen(old, new, verdict.against, ratio=_bound(verdict))


def _two_numbers(verdict: Verdict) -> tuple[float, float]:
    old, new = verdict.old, verdict.new
    if old is None or new is None or not (math.isfinite(old) and math.isfinite(new)):
        what = f"{verdict.cell} {verdict.metric}"
        raise UsageProblem(f"{what}: the verdict has no two numbers that could be a bound; measure again")
    return old, new


def _lost_most(run: Run, cell: Cell, metric: str) -> _Seen:
    """What was lost of quality, against another side or against a bound: where both say so, the one that lost more.

    One entry then answers both.
    """
    judged = run.judgement.judged if run.judgement else ()
    bounds = [one for one in judged if one.kind == QUALITY and (one.cell, one.metric) == (cell, metric)]
    beyond = [_beyond(run, one) for one in bounds if one.accepted is None and is_exceeded(one)]
    worse = [_lost(one) for one in _verdicts(run, cell, metric) if one.accepted is None and is_worse(one)]
    if seen := [one for one in (*beyond, *worse) if one is not None]:
        return max(seen, key=lambda one: one.loss or 0.0)
    if done := next((one for one in bounds if one.accepted is not None), None):
        raise UsageProblem(f"{cell} {metric} is accepted already: {done.accepted}; there is nothing to do")
    return _lost(_verdict(run, cell, metric))


def _lost(verdict: Verdict) -> _Seen:
    old, new = _two_numbers(verdict)
    of_pairs = loss_of(verdict)
    assert verdict.metric is not None
    assert of_pairs is not None
    loss = max(of_pairs, lost(verdict.metric, new - old))
    ends = [lost(verdict.metric, end) for end in (verdict.change_low, verdict.change_high) if end is not None]
    within = min(loss + (verdict.margin or 0.0), max(ends, default=math.inf))
    return _Seen(old, new, verdict.against, loss=_plain(max(loss, within)))


def _beyond(run: Run, judged: Judged) -> _Seen | None:
    """What a bound found to be lost; None where it found no number."""
    measurement = next((one for one in run.measurements if one.cell == judged.cell), None)
    assert judged.metric is not None
    metric = known()[judged.metric]
    new = measurement.value(metric.name) if measurement else None
    if judged.value is None or new is None:
        return None
    old = new + judged.value if metric.better is Better.HIGHER else new - judged.value
    return _Seen(_plain(old), new, f"the bound {judged.name!r}", loss=_plain(judged.value + metric.margin))


def _plain(number: float) -> float:
    """Without the dust of a subtraction: the entry is read by people."""
    return round(number, 12)


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
    if known()[metric].is_quality or known()[metric].unit != "s":
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
    found = _verdicts(run, cell, metric)
    if not found:
        whole = next((f": it is {one.outcome} ({one.text})" for one in of_cell if one.metric is None), "")
        raise UsageProblem(f"run {run.id} has no verdict on {metric} of {cell}{whole}; nothing is to be accepted")
    tolerable = [one for one in found if is_worse(one)]
    if not tolerable:
        raise UsageProblem(f"{cell} {metric} is {found[0].outcome} in run {run.id}; only what got worse is accepted")
    if tolerable[0].accepted is not None:
        raise UsageProblem(f"{cell} {metric} is accepted already: {tolerable[0].accepted}; there is nothing to do")
    return tolerable[0]


def _verdicts(run: Run, cell: Cell, metric: str) -> list[Verdict]:
    verdicts = run.judgement.verdicts if run.judgement else ()
    return [one for one in verdicts if (one.cell, one.metric) == (cell, metric)]


def _bound(verdict: Verdict) -> float | None:
    """As bad as it was seen, give or take its margin, and never beyond its interval. What is counted has no more."""
    assert verdict.metric is not None
    ratio = verdict.ratio
    if ratio is None or not math.isfinite(ratio) or ratio <= 0:
        return None
    leeway = 1 + (verdict.margin or 0) if verdict.basis is not Basis.EXACT else 1.0
    match known()[verdict.metric].better:
        case Better.LOWER:
            return ratio * leeway if verdict.high is None else max(ratio, min(ratio * leeway, verdict.high))
        case Better.HIGHER:
            return ratio / leeway if verdict.low is None else min(ratio, max(ratio / leeway, verdict.low))
        case Better.NEITHER:
            return ratio
