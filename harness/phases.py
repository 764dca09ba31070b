"""What a worker does, phase by phase, and what may be said of a machine: the words that workers and records share.

Apart from the records, because a worker speaks of them before it has a record to make, and should not wait for them.
"""

from __future__ import annotations

from enum import StrEnum

Fact = str | int | float | bool | None


class Phase(StrEnum):
    """What a worker was doing, so that a failure can say when it came."""

    START = "start"
    REFERENCE = "reference"
    CONVERT = "convert"
    IMPORT = "import"
    OPEN = "open"
    PLACEMENT = "placement"
    INPUTS = "inputs"
    FIRST = "first inference"
    OUTPUTS = "outputs"
    WARM_UP = "warm-up"
    TIMING = "timing"
    ANSWERS = "answers"
    QUALITY = "quality"
    CLOSE = "close"
    LIMIT = "limit"
