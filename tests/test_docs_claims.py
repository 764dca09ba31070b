"""The page of claims: the best answer of several runs, each with its weights, its machine and what it rests on."""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

from harness.cells import Cell
from harness.comparisons import Answer, Judged, Judgement
from harness.journal import write_run
from harness.results import Run
from tests.baselines.made import measured, run

DOCS = Path(__file__).parents[1] / "docs"
SMALL, QUICK = Cell("tone", "fp16", "cpu"), Cell("tone", "int8-dynamic", "cpu")
STREAM = Cell("voice-stream", "fp32", "cpu")


@pytest.fixture(scope="module")
def writer() -> ModuleType:
    spec = importlib.util.spec_from_file_location("write_claims", DOCS / "write_claims.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["write_claims"] = module
    spec.loader.exec_module(module)
    return module


def judged(name: str, cell: Cell, answer: Answer, text: str = "in words", **more: object) -> Judged:
    return Judged("claim", name, cell, answer, text, "the card", **more)  # type: ignore[arg-type]


def made(name: str, day: str, cells: tuple[Cell, ...], *claims: Judged) -> Run:
    whole = run(*(measured(cell, provenance={"weights": "random weights (seed 0)"}) for cell in cells))
    judgement = Judgement("fp32", "gate", (), judged=claims)
    return replace(whole, id=name, started=f"{day}T00:00:00.000+00:00", judgement=judgement)


FIRST = made(
    "one",
    "2030-01-01",
    (SMALL, QUICK),
    judged("it is small", SMALL, Answer.HOLDS, value=0.5, low=0.5, high=0.5, claimed="0.25 to 0.55"),
    judged("it is quick", QUICK, Answer.FAILS, value=0.8, low=0.75, high=0.85, target=1.16),
    judged("it is as right", QUICK, Answer.NEEDS_CHECKPOINT, target=0.005),
    judged("it is heard sooner", STREAM, Answer.NUMBERS_DISAGREE, "5.2 s to 0.16 s is 96.9 % less, not 84 %"),
    judged("it is elsewhere", STREAM, Answer.NOT_MEASURED, "not measured in this run"),
    Judged("budget", "a budget", SMALL, Answer.MET, "no claim"),
)
SECOND = made(
    "two",
    "2030-01-02",
    (QUICK, STREAM),
    judged("it is small", SMALL, Answer.NOT_MEASURED, "not measured in this run"),
    judged("it is quick", QUICK, Answer.CANNOT_TELL, value=1.2, low=1.0, high=1.4, target=1.16, is_rough=True),
    judged("it is heard sooner", STREAM, Answer.NUMBERS_DISAGREE, "so and so", value=0.2, low=0.16, high=0.25),
)


def lines(page: str) -> dict[str, list[str]]:
    """The cells of each claim's line."""
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in page.splitlines() if "<br>" in line]
    return {row[1].partition(" <br>")[0]: row for row in rows}


def test_each_claim_has_one_line_with_the_answer_that_knows_most(writer: ModuleType) -> None:
    found = lines(writer.page([FIRST, SECOND]))
    assert {name: (row[0].strip("*"), row[2], row[3], row[6]) for name, row in found.items()} == {
        "it is small": ("holds", "fp16 cpu", "0.5", "1"),
        "it is quick": ("fails", "int8-dynamic cpu", "0.8 [0.75, 0.85]", "1"),  # in pairs: known better than the newer
        "it is as right": ("needs a checkpoint", "int8-dynamic cpu", "–", "1"),
        "it is heard sooner": ("its own numbers disagree", "fp32 cpu", "0.2 [0.16, 0.25]", "2"),
        "it is elsewhere": ("not measured", "fp32 cpu", "–", "–"),
    }
    assert writer.page([FIRST, SECOND]).count("a budget") == 0


def test_what_is_rough_is_marked_and_the_order_of_the_runs_changes_no_answer(writer: ModuleType) -> None:
    assert lines(writer.page([SECOND]))["it is quick"][3] == "≈ 1.2 [1, 1.4]"
    one, other = (lines(writer.page(list(runs))) for runs in ((FIRST, SECOND), (SECOND, FIRST)))
    assert {name: row[:6] for name, row in one.items()} == {name: row[:6] for name, row in other.items()}


def test_the_page_tells_machine_versions_weights_and_date(writer: ModuleType) -> None:
    page = writer.page([FIRST, SECOND])
    assert page.startswith("# Published claims, as they were found here\n")
    assert "\nholds: 1 · fails: 1 · its own numbers disagree: 1 · needs a checkpoint: 1 · not measured: 1\n" in page
    assert "| 1 | 2030-01-01 | Abacus (family 1)" in page
    assert "| 2 | 2030-01-02 |" in page
    assert page.index("## tone\n\nWeights: random weights (seed 0).") < page.index("## voice-stream\n")
    assert page.count("the card") == 5
    assert lines(page)["it is small"][3:5] == ["0.5", "0.25 to 0.55"]


def test_it_is_written_from_folders_of_runs(
    writer: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folders = []
    for one in (FIRST, SECOND):
        folder = tmp_path / one.id
        folder.mkdir()
        write_run(folder, one)
        folders.append(str(folder))
    writer.main([*folders, "-o", str(tmp_path / "claims.md")])
    assert (tmp_path / "claims.md").read_text(encoding="utf-8") == writer.page([FIRST, SECOND])
    assert "5 claims from 2 runs" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        writer.main([str(tmp_path / "nowhere")])
    assert "cannot be read" in capsys.readouterr().err
