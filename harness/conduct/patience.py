"""How long a precision is waited for beside its fp32, and the plain word where that was not long enough. Pure.

Half precision on a CPU may be a hundred times slower than fp32. Such a cell is neither a hang nor a failure: it is
unsupported as TOO_SLOW, with the factor, and costs a run little.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from harness.phases import Phase
from harness.results import Measurement
from harness.worker.pace import span

_SECONDS_A_TIME = 15.0
"""Of the cell limit, for each time that a precision may be slower than fp32: 40 times at the usual ten minutes."""

_LEAST_SECONDS = 10.0
"""What a first inference may take however quick fp32 is: it compiles, allocates and loads what is needed once."""

_SHARE_UNKNOWN = 0.25
"""Of the cell limit, for a first inference where fp32 is not known."""


@dataclass(frozen=True, slots=True)
class Patience:
    """`fp32_seconds` is an inference of fp32 of the same model and device, None where the run has none.

    Of a stream it is all of it, not only until its first chunk: that is what is waited for.
    """

    limit_seconds: float
    fp32_seconds: float | None = None

    @property
    def first_seconds(self) -> float:
        """How long the first inference may take."""
        if self.fp32_seconds is None:
            return self.limit_seconds * _SHARE_UNKNOWN
        times = self.limit_seconds / _SECONDS_A_TIME
        return min(self.limit_seconds, max(_LEAST_SECONDS, times * self.fp32_seconds))

    @property
    def phase_limits(self) -> Mapping[Phase, float]:
        """The same, as a worker is told it."""
        return {Phase.FIRST: self.first_seconds}

    @property
    def exhausted(self) -> str:
        """What is said where the first inference did not end in time."""
        waited = f"one inference did not end within {span(self.first_seconds)}"
        if self.fp32_seconds is None:
            return f"{waited}, and there is no fp32 of this run to set it beside: not timed; --cell-limit raises it"
        more = times(self.first_seconds / self.fp32_seconds)
        return (
            f"{waited}, more than {more} as long as fp32 ({span(self.fp32_seconds)}): not timed; --cell-limit raises it"
        )

    def slow(self, first_seconds: float, why: str) -> str:
        """What is said where one inference ended and a whole pass would not: `why` is the worker's word on the pass."""
        if self.fp32_seconds is None:
            return why
        ratio = times(first_seconds / self.fp32_seconds)
        return f"one inference takes {span(first_seconds)}, {ratio} as long as fp32 ({span(self.fp32_seconds)}): {why}"


def inference_seconds(measurement: Measurement) -> float | None:
    """What an inference of a measured cell takes from its beginning to its end: the first, or the mean if longer.

    The first of a stream is known to its first chunk alone; its chunks together are the stream.
    """
    first, sample, made = measurement.value("first_inference_seconds"), measurement.sample, measurement.provenance
    if first is None or sample is None or made is None:
        return first
    return max(first, math.fsum(sample.wall_seconds) / (sample.passes * made.examples))


def passes_within(wanted: int, pass_seconds: float, inferences: int, limit_seconds: float) -> int:
    """How many passes are timed: as many as wanted, or as the limit has room for; two inferences in any case."""
    least = 1 if inferences > 1 else 2
    return max(least, min(wanted, int(limit_seconds / pass_seconds)))


def times(ratio: float) -> str:
    """A factor in words."""
    return f"{ratio:.0f}×" if ratio >= 10 else f"{ratio:.2g}×"
