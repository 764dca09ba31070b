"""`quantgate try`: who is compared in the time there is, what is refused, and in which words it is told."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import pytest

from harness.cells import Reason
from harness.cli import main
from harness.commands.bringing import model_name
from harness.commands.try_model import chosen_precisions, exit_of
from harness.commands.try_pairs import pairing
from harness.commands.try_words import in_words_of_try, told
from harness.errors import UsageProblem
from harness.results import Measurement, Reading, Status
from tests.test_picking import THREE, of
from tests.test_worth import cell, measured, run

FP32 = measured("fp32")


def starting(precision: str, seconds: float, latency: float = 0.01) -> Measurement:
    """A cell whose processes take so long before they can be timed, beside half a second of their own."""
    found = measured(precision, seconds=latency)
    return replace(found, readings=(*found.readings, Reading("open_seconds", seconds - 0.5)))


def test_with_time_enough_all_are_compared_and_fp32_with_itself() -> None:
    # Two processes of a second each, 6 pairs of 3 bouts: 36 s of starting; 44 s are left for 18 pairs, 2.4 s each.
    found = pairing([starting("fp32", 1), starting("fp16", 1), starting("bf16", 1)], 80)
    assert [one.precision for one in found.cells] == ["fp16", "bf16"]
    assert found.has_control
    assert found.pair_seconds == pytest.approx(80 / 18 - 2)


def test_in_a_short_time_the_quickest_alone_are_compared() -> None:
    # A pair takes 2.3 s at least, six of them 13.8 s: in 30 s there is time for two.
    solos = [
        starting("fp32", 1),
        starting("fp16", 1, 0.02),
        starting("bf16", 1, 0.005),
        starting("int8-dynamic", 1, 0.01),
    ]
    found = pairing(solos, 30)
    assert [one.precision for one in found.cells] == ["bf16", "int8-dynamic"]
    assert not found.has_control


def test_the_quickest_is_compared_however_short_the_time() -> None:
    found = pairing([starting("fp32", 9), starting("fp16", 9)], 1)
    assert [one.precision for one in found.cells] == ["fp16"]
    assert found.pair_seconds == 0.3


@pytest.mark.parametrize(
    ("pattern", "chosen"),
    [("fp16", ("fp32", "fp16")), ("int8-*", ("fp32", "int8-dynamic", "int8-static", "int8-weight-only"))],
)
def test_fp32_is_measured_whatever_is_asked_for(pattern: str, chosen: tuple[str, ...]) -> None:
    assert chosen_precisions(pattern) == chosen


def test_a_precision_that_does_not_exist_is_refused() -> None:
    with pytest.raises(UsageProblem, match="no such precision; there are fp32"):
        chosen_precisions("fp16,int3")


@pytest.mark.parametrize(("statuses", "code"), [(("measured", "unsupported"), 0), (("unsupported", "unsupported"), 1)])
def test_it_fails_where_every_precision_beside_fp32_did(statuses: tuple[str, ...], code: int) -> None:
    made = [
        measured(name)
        if status == "measured"
        else Measurement(cell(name), Status.UNSUPPORTED, reason=Reason.NO_RECIPE, text="none")
        for name, status in zip(("fp16", "bf16"), statuses, strict=True)
    ]
    assert exit_of(run(FP32, *made)) == code


def test_fp32_alone_is_fine_where_nothing_else_was_asked_for() -> None:
    assert exit_of(run(FP32)) == 0


@pytest.mark.parametrize(
    ("file", "name"), [("model.onnx", "model"), ("a b [c].onnx", "a-b-c"), ("v1.2.onnx", "v1.2"), ("*.pt", "model")]
)
def test_a_model_is_called_by_its_file_without_what_a_glob_would_read(file: str, name: str) -> None:
    assert model_name(Path(file)) == name


def test_the_table_has_a_row_for_what_ran_and_a_reason_for_what_did_not() -> None:
    bf16 = Measurement(cell("bf16"), Status.UNSUPPORTED, reason=Reason.NO_RECIPE, text="no converter here")
    with_reason = replace(THREE, measurements=(*THREE.measurements, bf16), planned=(*THREE.planned, bf16.cell))
    said = told(with_reason, io.StringIO(), ["mind the noise"], "reports/x/report.html")
    lines = said.splitlines()
    assert sum(line.startswith(("fp32 ", "fp16 ", "int8-dynamic ")) for line in lines) == 3
    assert "∅ bf16: unsupported: NO_RECIPE: no converter here" in lines
    sentence = "✓ int8-dynamic is 1.80× as fast as fp32 here, saves 70 % of the file and 50 % of the memory"
    assert sentence in " ".join(said.split())
    assert "note  mind the noise" in lines
    assert lines[-1] == "report  reports/x/report.html"


def test_the_next_step_is_one_that_a_user_without_a_project_has() -> None:
    assert in_words_of_try("x; pytest --against precision=fp32 would tell the speed") == (
        "x; a longer --time-budget would tell the speed"
    )
    said = told(run(of("fp32"), of("fp16")), io.StringIO(), [], "r")
    assert "pytest" not in said


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["try", "absent.onnx"], "MODEL absent.onnx does not exist"),
        (["try", "."], "is a folder; name a file"),
        (["try", "text.onnx", "--shape", "x"], "write NAME=1x80"),
        (["try", "text.onnx", "--precision", "int3"], "no such precision"),
        (["try", "text.onnx", "--time-budget", "1s"], "5 s are the least"),
        (["try", "text.onnx", "--device", "tpu"], "unknown device"),
        (["try", "text.onnx", "--input", "no.npz"], "--input no.npz does not exist"),
        (["try", "text.onnx", "--calibration", "no"], "--calibration no is no folder"),
        (["try", "text.onnx", "--calibration", "."], "holds no .npz file"),
        (["quantize", "text.onnx", "-o", "x.onnx"], "either --precision P or --all"),
        (["quantize", "text.onnx", "-o", "x.onnx", "--all", "--precision", "fp16"], "either --precision P or --all"),
        (["quantize", "text.onnx", "-o", "x.onnx", "--precision", "fp61"], "did you mean fp16"),
        (["quantize", "text.onnx", "-o", "x.onnx", "--precision", "fp32"], "the file as it is"),
    ],
)
def test_a_mistake_costs_one_line_and_ends_with_two(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    words: str,
) -> None:
    (tmp_path / "text.onnx").write_text("no model")
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    said = capsys.readouterr().err
    assert words in said
    assert len(said.strip().splitlines()) == 1
