"""What a sample says pass by pass: each pass of the workload has every example with the same weight.

Pure. An inference belongs to a pass by how often its example was seen before, whatever the order within a pass.
"""

from __future__ import annotations

from collections import Counter

from harness.comparisons import Clock
from harness.results import Sample


def pass_means(sample: Sample, clock: Clock = Clock.WALL) -> tuple[float, ...]:
    """Return the mean seconds per inference of each whole pass; none where the sample has no such time."""
    times = _times(sample, clock)
    if times is None:
        return ()
    total = Counter(sample.example_ids)
    seen = dict.fromkeys(total, 0)
    passes: list[list[float]] = [[] for _ in range(sample.passes)]
    for example, seconds in zip(sample.example_ids, times, strict=True):
        number = seen[example] * sample.passes // total[example]
        passes[number].append(seconds)
        seen[example] += 1
    return tuple(sum(seconds) / len(seconds) for seconds in passes if seconds)


def _times(sample: Sample, clock: Clock) -> tuple[float, ...] | None:
    match clock:
        case Clock.WALL:
            return sample.wall_seconds
        case Clock.CORRECTED:
            return sample.corrected_seconds
        case Clock.DEVICE:
            return sample.device_seconds
        case Clock.CPU:
            return None
