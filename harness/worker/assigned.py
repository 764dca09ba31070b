"""From an assignment to an artifact: which model, which reference, which recipe, found in the store or made for it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from harness.cells import Reason, Unsupported
from harness.endpoints import Service
from harness.errors import HarnessError
from harness.models import Arrays, Artifact, FileReference, Model, Reference, Workload
from harness.precisions import Converted, Job, Recipe, recipe
from harness.precisions.given import adopt
from harness.precisions.store import ArtifactStore, Key, library_versions, reference_digest
from harness.worker.protocol import Assignment
from harness.worker.sets import Sets, workload_digest

Made = TypeVar("Made")

GIVEN_VERSION = 1
"""Of the way ready-made precisions are counted; raised like a recipe's version."""


class Assigned:
    """What a worker was told to host, resolved without importing a runtime wherever that can be."""

    def __init__(self, assignment: Assignment) -> None:
        self.assignment = assignment
        self.sets = Sets(assignment)
        self.model = self.sets.model
        self._own = self.sets.own
        self._setting = self.sets.setting
        self._store = ArtifactStore(Path(assignment.store))
        precision = assignment.precision
        self.is_given = precision in self.model.given
        make = self.model.given[precision] if self.is_given else self.model.reference
        self.reference: Reference = self._own(lambda: make(self._setting), "its reference")
        self.calibration = self._calibration()
        self.key = self._key()

    def find(self) -> Artifact | None:
        """The artifact, where the store has it whole."""
        return self._store.find(self.key, self.reference)

    def convert(self) -> Artifact:
        """Make the artifact and keep it."""
        convert = self._adopt if self.is_given else self._conversion()

        def to(target: Path) -> Converted:
            job = Job(
                reference=self.reference,
                target=target,
                settings=self._settings,
                engine=self.assignment.engine,
                calibration=self._calibration_inputs if self.calibration else None,
            )
            return self._own(lambda: convert(job), f"converting to {self.assignment.precision}")

        try:
            return self._store.make(self.key, self.reference, to, _suffix(self.reference))
        except OSError as error:
            raise HarnessError(
                f"the artifact cannot be kept: {error.strerror}; make room or choose another --artifact-cache"
            ) from error

    @property
    def calibration_digest(self) -> str | None:
        """What the activations were calibrated on, by content."""
        return None if self.calibration is None else workload_digest(self.calibration)

    @property
    def made_how(self) -> str:
        """How the artifact came to be, in a few words."""
        if self.is_given:
            return "as shipped"
        return f"recipe {self.assignment.precision} v{self._recipe.version}"

    @property
    def _recipe(self) -> Recipe:
        return recipe(self.assignment.precision)

    @property
    def _settings(self) -> dict[str, object]:
        return dict(self.model.recipe_settings.get(self.assignment.precision, {}))

    def _calibration(self) -> Workload | None:
        wants = self.assignment.precision == "int8-static" and not self.is_given
        make = self.model.calibration
        if not wants or make is None:
            return None
        return self._own(lambda: make(self._setting), "its calibration set")

    def _calibration_inputs(self) -> list[Arrays]:
        assert self.calibration is not None
        return [example.load() for example in self.calibration.examples]

    def _conversion(self) -> Callable[[Job], Converted]:
        conversion = self._recipe.conversions.get(self.reference.format)
        if conversion is None:
            raise Unsupported(
                Reason.NO_RECIPE, f"{self.assignment.precision} has no recipe for {self.reference.format} models"
            )
        return conversion

    def _adopt(self, job: Job) -> Converted:
        return adopt(job, self.model.reference(self._setting))

    def _key(self) -> Key:
        assignment = self.assignment
        if self.is_given:
            version, libraries = GIVEN_VERSION, {}
        else:
            self._conversion()
            version = self._recipe.version
            libraries = library_versions(self._recipe, self.reference.format)
        return Key(
            reference=self._own(lambda: reference_digest(self.reference), "its reference"),
            precision=assignment.precision,
            recipe_version=version,
            settings={"given": self.is_given, **self._settings},
            engine=assignment.engine,
            libraries=libraries,
            calibration=self.calibration_digest,
        )


def described(model: Model, reference: Reference) -> str:
    """Which weights these are, in the words of the reference, or of the declaration where it is silent."""
    return reference.provenance or model.weights


def _suffix(reference: Reference) -> str:
    if isinstance(reference, FileReference):
        return reference.path.suffix
    if isinstance(reference, Service):
        return ".json"
    return ".pt"
