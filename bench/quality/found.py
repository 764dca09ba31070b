"""What the gate said of damage, counted: which verdicts found it, what moved, and whether that is right. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from textwrap import wrap

from common import Bound

from harness.comparisons import Outcome, Verdict
from harness.metrics import Metric
from harness.scores import Quality
from harness.verdict.words import amount

HEADERS = ("damage", "what moved", "found by", "verdicts", "s")
_WIDTH = 44
LEADS = (
    *("sqnr_db", "decision_agreement", "accuracy", "auc", "frame_agreement", "frame_f1"),
    *("log_mel_distance", "mcd_dtw_db", "duration_drift", "word_error_rate"),
)
"""What is shown of every damage, where a model has it."""

_LETTERS = {
    Outcome.REGRESSED: "worse",
    Outcome.UNCHANGED: "same",
    Outcome.INCONCLUSIVE: "cannot tell",
    Outcome.IMPROVED: "better",
    Outcome.NOT_COMPARABLE: "not comparable",
    Outcome.MISSING: "missing",
}
_FATAL = (Outcome.REGRESSED, Outcome.MISSING)

_REFUSED = "does not work here"
"""How a worker ends its refusal of outputs that are not finite, or none. Whatever else breaks is no finding."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One damage and what came of it. `problem` is why there are no outputs; `verdicts` are on `quality`."""

    model: str
    name: str
    must_be_found: bool
    seconds: float
    quality: Quality | None = None
    verdicts: tuple[Verdict, ...] = ()
    problem: str | None = None
    breaks: bool = True
    """Whether a problem is the damage's doing, and so a way of finding it; else the cell just cannot be made."""

    @property
    def wrong(self) -> str | None:
        """Why its outputs are no result, where they were called that."""
        return None if self.quality is None else self.quality.wrong

    @property
    def fails(self) -> bool:
        """Whether the cell would fail before anything is compared."""
        return self.wrong is not None or (self.problem is not None and self.breaks and _REFUSED in self.problem)

    @property
    def is_found(self) -> bool:
        """Whether the gate would not let it pass."""
        return self.fails or any(one.outcome in _FATAL for one in self.verdicts)

    def found_by(self, metrics: Mapping[str, Metric], *, of_reference: bool) -> tuple[str, ...]:
        """The metrics that regressed, of those measured against fp32 or of the others."""
        return tuple(
            one.metric
            for one in self.verdicts
            if one.metric and one.outcome in _FATAL and metrics[one.metric].of_reference is of_reference
        )


def row(seen: Seen, base: Quality, metrics: Mapping[str, Metric]) -> tuple[str, ...]:
    """One line of the table. What found it is told apart: the metrics against fp32, and those of the task."""
    seconds = f"{seen.seconds:.0f}"
    if seen.quality is None:
        word = "cannot be made" if not seen.breaks else "it fails" if seen.fails else "NOT JUDGED, it broke"
        words = f"{word}: {seen.problem}"
        return (_wrapped(seen.name), "", _wrapped(words), "", seconds)
    if seen.wrong is not None:
        found = f"outputs wrong: {seen.wrong}"
    elif seen.is_found:
        fidelity, task = (", ".join(seen.found_by(metrics, of_reference=which)) or "–" for which in (True, False))
        found = f"against fp32: {fidelity}\nof the task: {task}"
    else:
        found = "NOT FOUND"
    said = counted(seen.verdicts).replace(", ", "\n")
    return (_wrapped(seen.name), moved(base, seen.quality), _wrapped(found), said, seconds)


def moved(base: Quality, quality: Quality) -> str:
    """The lead metrics, old → new."""
    told = []
    for name in LEADS:
        old, new = base.score(name), quality.score(name)
        if old is None or old.value is None or new is None:
            continue
        after = "none" if new.value is None else amount(new.value, new.unit)
        told.append(f"{name} {amount(old.value, old.unit)} → {after}")
    return "\n".join(told)


def counted(verdicts: Iterable[Verdict]) -> str:
    """How many verdicts there are of each kind."""
    counts = Counter(one.outcome for one in verdicts)
    return ", ".join(f"{counts[outcome]} {word}" for outcome, word in _LETTERS.items() if counts[outcome])


def values_of(seen: Seen, base: Quality) -> Iterator[dict[str, object]]:
    """Every metric of a damage, beside that of the undamaged model and with what was said of it."""
    said = {one.metric: str(one.outcome) for one in seen.verdicts}
    for score in () if seen.quality is None else seen.quality.scores:
        before = base.score(score.metric)
        yield {
            "model": seen.model,
            "damage": seen.name,
            "metric": score.metric,
            "old": None if before is None else before.value,
            "new": score.value,
            "said": said.get(score.metric),
            "note": score.unavailable or score.untrusted,
        }


def bounds(seen: Sequence[Seen]) -> Iterator[Bound]:
    """Every gross damage is found."""
    for model in dict.fromkeys(one.model for one in seen):
        gross = [one for one in seen if one.model == model and one.must_be_found]
        missed = [one.name for one in gross if not one.is_found]
        said = f": {', '.join(missed)}" if missed else ""
        if gross:
            yield Bound(f"{model}: gross damage not found, of {len(gross)}{said}", len(missed), 0)


def _wrapped(text: str) -> str:
    """Within a column of the table."""
    return "\n".join(part for line in text.splitlines() for part in wrap(line, _WIDTH))
