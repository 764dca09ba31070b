"""Which weights figures came from is said wherever a model is named; what needs trained ones says so."""

from __future__ import annotations

from dataclasses import replace

from harness.cells import Cell
from harness.metrics import Better, Pool
from harness.render.look import Look
from harness.render.page.assemble import render_html
from harness.render.terminal import final_report
from harness.render.weights_rows import FOOT, weights_lines
from harness.results import Measurement, Provenance, Run
from harness.scores import Examples, Part, Quality, Score
from tests.samples import MEASURED, RUN

RANDOM = "random weights (seed 0), made by suites/seeded.py"
NEEDS = "needs a checkpoint: --checkpoint turn=PATH"
WIDE = Look(160, colour=False)


def provenance(weights: str) -> Provenance:
    return Provenance("turn", "full", weights, "r", "a", "torch-state", "recipe", "turns", "w", 2)


def waiting(*metrics: str) -> Quality:
    scores = (Score(one, Part.TIMED, "", Better.HIGHER, Pool.MEAN, unavailable=NEEDS) for one in metrics)
    agreement = Score("decision_agreement", Part.TIMED, "", Better.HIGHER, Pool.MEAN, value=1.0, terms=((1.0,),) * 2)
    return Quality(timed=Examples("turns", "w", ("a", "b")), scores=(agreement, *scores), decisions=2)


def measured(model: str, precision: str, weights: str, quality: Quality | None = None) -> Measurement:
    cell = Cell(model, precision, "cpu")
    return replace(MEASURED, cell=cell, provenance=provenance(weights), quality=quality)


def run(*measurements: Measurement) -> Run:
    return replace(RUN, planned=tuple(one.cell for one in measurements), measurements=measurements)


MIXED = run(
    measured("turn", "fp32", RANDOM, waiting("accuracy", "decision_precision", "recall", "f1", "auc")),
    measured("turn", "int8-dynamic", RANDOM, waiting("accuracy", "decision_precision", "recall", "f1", "auc")),
    measured("voice", "fp32", "joe 1.0.0"),
    measured("voice", "int8-dynamic", "joe 1.0.0"),
    measured("ear", "fp32", "a twin of ear.onnx"),
    measured("ear", "int8-static", "ear.onnx of ears 2.0"),
)


def test_every_model_says_its_weights_and_what_waits_for_trained_ones() -> None:
    said = {line.model: line.sentence for line in weights_lines(MIXED)}
    assert said == {
        "turn": f"{RANDOM}; accuracy, decision precision, recall, f1 and 1 more: needs a checkpoint"
        " (--checkpoint turn=PATH)",
        "voice": "joe 1.0.0",
        "ear": "fp32: a twin of ear.onnx; int8-static: ear.onnx of ears 2.0",
    }


def test_the_terminal_marks_random_weights_where_it_names_the_model() -> None:
    said = final_report(MIXED, WIDE)
    assert "turn°" in said
    assert "voice°" not in said
    assert FOOT in said
    assert "turn cpu · random weights\n" in said
    assert said.count("needs a checkpoint (--checkpoint turn=PATH)") == 2, "with the weights, and where worth is told"


def test_a_run_of_real_weights_marks_nothing() -> None:
    said = final_report(run(measured("voice", "fp32", "joe 1.0.0")), WIDE)
    assert "  voice: joe 1.0.0" in said
    assert "°" not in said
    assert "random" not in said


def test_a_run_without_measurements_says_nothing_of_weights() -> None:
    assert weights_lines(replace(RUN, measurements=())) == ()
    assert "\nweights\n" not in final_report(replace(RUN, measurements=()), WIDE)


def test_many_models_are_cut_in_the_terminal_and_counted() -> None:
    said = final_report(run(*(measured(f"model-{n}", "fp32", "w") for n in range(30))), WIDE)
    assert "+6 more, in the report" in said


def test_the_page_says_it_on_its_first_screen() -> None:
    page = render_html(MIXED)
    matrix = page[page.index('id="matrix"') : page.index('id="table"')]
    assert matrix.count("random weights</small>") == 1
    assert "needs a checkpoint (--checkpoint turn=PATH)" in matrix
    assert "joe 1.0.0" in matrix
    assert "random weights</small>" not in render_html(run(measured("voice", "fp32", "joe 1.0.0")))
