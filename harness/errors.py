"""Errors a user can act on. Each ends with the next step and is printed without a traceback."""

from __future__ import annotations

from collections.abc import Iterable


class HarnessError(Exception):
    """Something is wrong that the user can mend; the message ends with how."""


class UsageProblem(HarnessError):
    """The words of the command are off: an unknown device, model, precision or a combination that means nothing."""


class WorkloadProblem(HarnessError):
    """The examples cannot be read or do not fit the model."""


class CheckpointProblem(HarnessError):
    """A weights file is missing, unreadable or of another layout than the model expects."""


class RecordUnreadable(HarnessError):
    """A stored record is truncated, edited by hand or of a newer schema."""


class RecordUnwritable(HarnessError):
    """What was measured cannot be written down: no room, no right to. Nothing more is worth measuring then."""


class ArtifactUnreadable(HarnessError):
    """A file that should hold a model does not, or not one of the kind its name says."""


class ModelProblem(HarnessError):
    """A model's own declaration or code raised; the message carries its words."""


def suggestion(word: str, known: Iterable[str]) -> str:
    """The next step after an unknown word: the nearest known one, or all of them where none is near."""
    from difflib import get_close_matches

    words = tuple(known)
    near = get_close_matches(word, words, n=1)
    return f"did you mean {near[0]}?" if near else f"there are {', '.join(words) or 'none'}"
