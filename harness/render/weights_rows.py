"""Which weights the figures of a run came from, a line a model, and what needs others: weights that were trained.

Places what the record says of the weights. A figure of random weights is marked wherever its model is named.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from harness.render import numbers
from harness.render.text import clip, one_line
from harness.results import Measurement, Run
from harness.worth.weighing import has_random_weights

RANDOM = "random weights"
MARK = "°"
MEANING = "times, memory and sizes do not depend on them; what it answers means nothing, only how like fp32's it is"
FOOT = f"{MARK} {RANDOM}: {MEANING}"

_NEEDS = "needs a checkpoint"
_NAMED = 4
_SHOWN = 200


@dataclass(frozen=True, slots=True)
class WeightsLine:
    """The weights of one model. `needs` names what of its quality cannot be told without trained ones, and the way."""

    model: str
    words: str
    is_random: bool
    needs: str

    @property
    def sentence(self) -> str:
        """All of it in one line."""
        return f"{self.words}; {self.needs}" if self.needs else self.words


def weights_lines(run: Run) -> tuple[WeightsLine, ...]:
    """A line for every model of which something was measured, in the order of the run."""
    by_model: dict[str, list[Measurement]] = {}
    for measurement in run.measurements:
        if measurement.provenance is not None:
            by_model.setdefault(measurement.cell.model, []).append(measurement)
    return tuple(
        WeightsLine(model, _words(found), any(map(has_random_weights, found)), _needs(found))
        for model, found in by_model.items()
    )


def random_models(measurements: Iterable[Measurement | None]) -> frozenset[str]:
    """The models whose figures are those of random weights."""
    return frozenset(one.cell.model for one in measurements if one is not None and has_random_weights(one))


def _words(found: Iterable[Measurement]) -> str:
    """The weights in the record's words; where precisions came from different ones, each with its precisions."""
    precisions: dict[str, list[str]] = {}
    for one in found:
        assert one.provenance is not None
        precisions.setdefault(clip(one_line(one.provenance.weights), _SHOWN), []).append(one.cell.precision)
    if len(precisions) == 1:
        return next(iter(precisions))
    return "; ".join(f"{', '.join(dict.fromkeys(names))}: {words}" for words, names in precisions.items())


def _needs(found: Iterable[Measurement]) -> str:
    """Which metrics wait for a checkpoint, and how one is given."""
    waiting = {
        score.metric: one_line(score.unavailable)
        for one in found
        for score in (one.quality.scores if one.quality else ())
        if score.unavailable and score.unavailable.startswith(_NEEDS)
    }
    if not waiting:
        return ""
    names = [numbers.metric_words(name) for name in waiting]
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    _, _, way = next(iter(waiting.values())).partition(": ")
    return f"{', '.join(names[:_NAMED])}{more}: {_NEEDS} ({way})"
