"""When a process has warmed up: the rule that says from which inference on the durations may be believed.

Pure: durations come in, an answer comes out. Durations of different examples are made comparable by the caller, who
divides each by the first-pass time of its own example.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import StrEnum

from harness.stats.estimates import median


class Progress(StrEnum):
    """What the rule says after another inference."""

    GO_ON = "go on"
    STEADY = "steady"
    CAPPED = "capped"


@dataclass(frozen=True, slots=True)
class WarmUpRule:
    """Throw `drop` inferences away, then go on until two neighbouring windows have the same median, nearly.

    Two medians are the same when the later differs from the earlier by at most the share `tolerance`. Whatever happens,
    stop after `most_inferences` or `most_seconds`, whichever comes first.
    """

    drop: int = 3
    window: int = 5
    tolerance: float = 0.02
    most_inferences: int = 60
    most_seconds: float = 20.0

    def __post_init__(self) -> None:
        if self.drop < 0 or self.window < 2:
            raise ValueError(f"drop {self.drop} and window {self.window} do not make a rule; use 0 or more, 2 or more")
        if not 0 < self.tolerance < 1:
            raise ValueError(f"a tolerance lies between 0 and 1, not at {self.tolerance}")
        if self.most_inferences < 1 or not self.most_seconds > 0:
            raise ValueError(f"the caps {self.most_inferences} and {self.most_seconds} s allow no inference")


@dataclass(slots=True)
class WarmUpWatch:
    """One warm-up as it goes on: feed it every inference until it says something other than `go on`."""

    rule: WarmUpRule = field(default_factory=WarmUpRule)
    inferences: int = 0
    seconds: float = 0.0
    progress: Progress = Progress.GO_ON
    _recent: list[float] = field(default_factory=list)

    def feed(self, normalised: float, seconds: float) -> Progress:
        """Take one inference: its comparable duration and its seconds. Answer whether another one is needed."""
        if self.progress is not Progress.GO_ON:
            raise ValueError(f"this warm-up is already decided ({self.progress}); start a new watch")
        for number in (normalised, seconds):
            if not (math.isfinite(number) and number > 0):
                raise ValueError(f"a duration must be finite and above zero, got {number}")
        self.inferences += 1
        self.seconds += seconds
        if self.inferences > self.rule.drop:
            self._recent = [*self._recent, normalised][-2 * self.rule.window :]
        if self._flat():
            self.progress = Progress.STEADY
        elif self.inferences >= self.rule.most_inferences or self.seconds >= self.rule.most_seconds:
            self.progress = Progress.CAPPED
        return self.progress

    def _flat(self) -> bool:
        """Whether the two latest windows are full and agree."""
        window = self.rule.window
        if len(self._recent) < 2 * window:
            return False
        earlier, later = median(self._recent[:window]), median(self._recent[window:])
        return abs(later / earlier - 1) <= self.rule.tolerance
