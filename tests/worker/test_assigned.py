"""From an assignment to what is run: which model, which artifact, which examples."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.cells import Reason, Unsupported
from harness.errors import HarnessError, ModelProblem
from harness.models import Workload
from harness.worker.assigned import Assigned
from harness.worker.sets import workload_digest
from tests.fakes import declare
from tests.samples import workload

pytest.importorskip("onnx")

Make = Callable[..., Assigned]


@pytest.fixture
def make(tmp_path: Path, root_file: Path) -> Iterator[Make]:
    """Resolve an assignment in this process; the declaration is forgotten after the test."""
    (tmp_path / "root.onnx").hardlink_to(root_file)
    path = list(sys.path)

    def one(**given: Any) -> Assigned:
        sys.modules.pop("declared", None)
        importlib.invalidate_caches()
        return Assigned(declare(tmp_path, **given))

    yield one
    sys.path[:] = path
    sys.modules.pop("declared", None)


def test_what_was_converted_is_found(make: Make) -> None:
    assigned = make()
    assert assigned.find() is None
    made = assigned.convert()
    assert make().find() == made
    assert assigned.made_how == "recipe fp32 v1"
    assert (made.coverage.fraction, made.precision, made.format) == (1.0, "fp32", "onnx")


CHANGES: dict[str, dict[str, Any]] = {
    "another precision": {"precision": "fp16"},
    "another engine": {"engine": "qnnpack"},
    "another setting of the recipe": {"more": "recipe_settings={'fp32': {'nodes': ['mul']}},"},
    "shipped instead of converted": {"more": "given={'fp32': reference},"},
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_whatever_decides_the_artifact_asks_for_another(make: Make, change: dict[str, Any]) -> None:
    assert make(**change).key.digest != make().key.digest


def test_a_reference_of_other_content_asks_for_another_artifact(make: Make, tmp_path: Path) -> None:
    before = make().key.digest
    content = (tmp_path / "root.onnx").read_bytes()
    (tmp_path / "root.onnx").unlink()
    (tmp_path / "root.onnx").write_bytes(content + b"\0")
    assert make().key.digest != before


CALIBRATED = """
def calibration(setting):
    return Workload("calibration", 1, [Example("c", lambda: root_of({value}))], "{value}")
import dataclasses
MODELS = (dataclasses.replace(MODELS[0], calibration=calibration),)
"""


def test_another_calibration_set_asks_for_another_static_artifact(make: Make) -> None:
    four, nine = (make(precision="int8-static", after=CALIBRATED.format(value=value)) for value in (4, 9))
    assert four.calibration_digest != nine.calibration_digest
    assert four.key.digest != nine.key.digest


def test_what_is_not_calibrated_does_not_depend_on_the_calibration_set(make: Make) -> None:
    assigned = make(precision="int8-dynamic", after=CALIBRATED.format(value=4))
    assert assigned.calibration_digest is None


def test_a_shipped_precision_is_taken_as_it_is(make: Make, tmp_path: Path) -> None:
    assigned = make(more="given={'fp32': reference},")
    assert assigned.made_how == "as shipped"
    assert assigned.convert().path.samefile(tmp_path / "root.onnx")


def test_a_precision_without_a_recipe_for_the_format_is_unsupported(make: Make) -> None:
    with pytest.raises(Unsupported, match="fp32 has no recipe for stone models") as caught:
        make(reference="return FileReference(HERE / 'root.onnx', 'stone', '')")
    assert caught.value.reason is Reason.NO_RECIPE


def test_a_package_that_a_model_needs_is_named(make: Make) -> None:
    with pytest.raises(Unsupported, match="its reference needs nowhere_to_be_found: pip install") as caught:
        make(reference="import nowhere_to_be_found")
    assert caught.value.reason is Reason.NO_PACKAGE


def test_an_import_that_is_merely_wrong_is_the_model_s_problem(make: Make) -> None:
    with pytest.raises(ModelProblem, match=r"its reference raised ImportError: cannot import name 'nothing' .*; mend"):
        make(reference="from os import nothing")


@pytest.mark.parametrize("body", ["return 1 / 0", "return [][0]", "raise AttributeError('x')"])
def test_a_workload_that_breaks_is_the_model_s_problem(make: Make, body: str) -> None:
    with pytest.raises(ModelProblem, match=r"its workload raised \w+Error: .*; mend model 'tone'"):
        make(workload=body).sets.workload()


def test_a_model_s_own_word_is_passed_on(make: Make) -> None:
    with pytest.raises(HarnessError, match=r"^fetch the weights first$"):
        make(reference="from harness.errors import HarnessError; raise HarnessError('fetch the weights first')")


def test_a_model_that_is_no_longer_declared_is_named(make: Make) -> None:
    with pytest.raises(HarnessError, match=r"'drone'.* declared"):
        make(model="drone")


NINE = "return Workload('nine', 1, [Example(str(i), lambda i=i: root_of(i)) for i in range(9)], 'nine')"


def test_a_part_of_the_workload_is_taken_and_told_apart(make: Make) -> None:
    whole = make(workload=NINE).sets.workload()
    part = make(workload=NINE, sample_percent=34.0, seed=1).sets.workload()
    assert (len(whole.examples), len(part.examples)) == (9, 3)
    assert {one.id for one in part.examples} < {one.id for one in whole.examples}
    assert workload_digest(whole) != workload_digest(part)


def test_what_the_options_say_reaches_the_model(make: Make, tmp_path: Path) -> None:
    tells = "raise ValueError(f'{setting.seed} {setting.checkpoint} {setting.made.name}')"
    with pytest.raises(ModelProblem, match=r"ValueError: 7 .*weights\.pt made;"):
        make(reference=tells, seed=7, checkpoint=str(tmp_path / "weights.pt"))


@pytest.mark.parametrize("field", ["name", "version", "content", "examples"])
def test_whatever_makes_a_workload_another_is_in_its_digest(field: str) -> None:
    examples = make_examples("a", "b")
    base = Workload("n", 1, examples, "c")
    other = {"name": "m", "version": 2, "content": "d", "examples": make_examples("a")}
    changed = Workload(**{"name": "n", "version": 1, "content": "c", "examples": examples, field: other[field]})
    assert workload_digest(changed) != workload_digest(base)
    assert workload_digest(Workload("n", 1, make_examples("a", "b"), "c")) == workload_digest(base)


def make_examples(*ids: str) -> list[Any]:
    from harness.models import Example

    return [Example(one, dict) for one in ids]


def test_a_workload_without_examples_is_refused() -> None:
    with pytest.raises(ValueError, match="workload hums has no examples"):
        workload()
