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


class ArtifactUnreadable(HarnessError):
    """A file that should hold a model does not, or not one of the kind its name says."""


class ModelProblem(HarnessError):
    """A model's own declaration or code raised; the message carries its words."""
