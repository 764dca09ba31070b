"""Errors a user can act on. Each ends with the next step and is printed without a traceback."""


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
