"""`quantgate report`: where it writes, which cells it is about, and what it refuses."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from harness.cells import Cell
from harness.cli import main
from harness.journal import write_run
from harness.metrics import Better, Pool
from harness.scores import Examples, Part, Quality, Score
from tests.baselines.made import CELL, OTHER, measured, run

SURFACES = ["comment.md", "junit.xml", "report.html", "summary.md"]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("QUANTGATE_REPORT_URL", "GITHUB_SERVER_URL", "CI_JOB_URL"):
        monkeypatch.delenv(name, raising=False)


def kept(name: str, *cells: Cell, **more: str) -> Path:
    folder = Path(name)
    folder.mkdir(parents=True)
    made = [measured(cell) for cell in cells or (CELL, OTHER)]
    return write_run(folder, replace(run(*made, **more), planned=tuple(one.cell for one in made))).parent


def written(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.is_file() and path.name != "run.json")


@pytest.mark.parametrize(
    ("words", "folder", "files"),
    [
        (["a"], "a", SURFACES),
        (["a/run.json"], "a", SURFACES),
        ([], "reports/latest", SURFACES),
        (["a", "-o", "new/folder/"], "new/folder", SURFACES),
        (["a", "-o", "there"], "there", SURFACES),
        (["a", "-o", "there/page.html"], "there", ["page.html"]),
        (["a", "reports/latest", "-o", "there"], "there", ["side-by-side.html"]),
        (["a", "reports/latest", "--output", "there/two.html"], "there", ["two.html"]),
    ],
)
def test_it_says_where_it_wrote_and_writes_nowhere_else(
    words: list[str], folder: str, files: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    kept("a")
    kept("reports/latest")
    Path("there").mkdir()
    assert main(["report", *words]) == 0
    said = Path(capsys.readouterr().out.strip())
    assert (said.parent, said.name in files, said.exists()) == (Path(folder), True, True)
    assert written(Path(folder)) == files
    assert not any(written(other) for other in map(Path, {"a", "reports/latest", "there"} - {folder}))


def test_several_runs_are_written_here_unless_told_otherwise(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", str(kept("a")), str(kept("b"))]) == 0
    assert capsys.readouterr().out == "side-by-side.html\n"
    assert "2 runs side by side" in Path("side-by-side.html").read_text()


def test_a_folder_that_cannot_be_written_leads_to_another_place(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    kept("a")

    def refuse(path: Path, data: bytes) -> int:
        raise PermissionError(30, "Read-only file system", str(path))

    monkeypatch.setattr(Path, "write_bytes", refuse)
    assert main(["report", "a"]) == 2
    told = capsys.readouterr().err
    assert "cannot be written: Read-only file system" in told
    assert "name another place with -o" in told
    assert written(Path("a")) == []


def detailed(page: Path) -> list[str]:
    return [cell for cell in (str(CELL), str(OTHER)) if f'id="c={cell}"' in page.read_text()]


@pytest.mark.parametrize(
    ("globs", "shown"),
    [
        ([], [CELL, OTHER]),
        (["*/int8-*/cpu"], [OTHER]),
        (["*/int8-*/cpu", "tone/fp32/*"], [CELL, OTHER]),
    ],
)
def test_of_several_runs_only_the_cells_that_are_named_are_shown(globs: list[str], shown: list[Cell]) -> None:
    words = [word for glob in globs for word in ("--cell", glob)]
    assert main(["report", str(kept("a")), str(kept("b")), *words]) == 0
    assert detailed(Path("side-by-side.html")) == [str(cell) for cell in shown]


def test_of_many_cells_those_that_are_named_have_their_detail_as_the_page_opens() -> None:
    cells = [Cell(f"tone-{number}", "fp32", "cpu") for number in range(200)]
    kept("a", *cells)
    article = '<article id="c=tone-177/fp32/cpu"'

    def opens_with(*words: str) -> str:
        assert main(["report", "a", "-o", "page.html", *words]) == 0
        return re.sub(r"<noscript.*?</noscript>", "", Path("page.html").read_text(), flags=re.DOTALL)

    assert article not in opens_with()
    assert article in opens_with("--cell", "tone-177/*/*")


def test_a_kind_of_device_means_each_of_them(capsys: pytest.CaptureFixture[str]) -> None:
    kept("a", Cell("tone", "fp32", "cuda:1"), CELL)
    kept("b", Cell("tone", "fp32", "cuda:1"), CELL)
    assert main(["report", "a", "b", "--cell", "tone/fp32/cuda"]) == 0
    assert 'id="c=tone/fp32/cuda:1"' in Path("side-by-side.html").read_text()
    assert detailed(Path("side-by-side.html")) == []


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["a", "--cell", "tone/int4-*/cpu"], "is of no cell of the run; did you mean tone/int8-dynamic/cpu?"),
        (["a", "--cell", "tone/fp32"], "write MODEL/PRECISION/DEVICE"),
        (["a"] * 9, "9 runs do not fit side by side; name 8 or fewer"),
        (["a", "b"], "b cannot be read"),
        (["a", "-o", "no/such/page.html"], "no/such is no folder; make it, or name another place with -o"),
        (["a", "-o", "a/run.json/"], "cannot be made"),
        (["a", "--untrusted"], "is refused: it is no plain file"),
    ],
)
def test_what_cannot_be_done_is_said_with_the_next_step(
    words: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    kept("a")
    assert main(["report", *words]) == 2
    assert says in capsys.readouterr().err
    assert written(Path("a")) == []


def test_a_strangers_record_is_shown_in_a_folder_of_ours() -> None:
    kept("a")
    assert main(["report", "a/run.json", "--untrusted", "--output", "ours/"]) == 0
    assert written(Path("ours")) == SURFACES
    assert written(Path("a")) == []


def forged(run_file: Path) -> Path:
    """Let the record say of a metric that knows right and wrong that an example was nine times right."""
    score = Score("top1_agreement", Part.TIMED, "", Better.HIGHER, Pool.SHARE, 1.0, ((9.0,), (1.0,)))
    quality = Quality("fp32 on cpu", timed=Examples("hums", "d", ("a", "b")), scores=(score,))
    one = run(measured(quality=quality), measured(OTHER, quality=quality))
    return write_run(run_file.parent, one)


def test_a_strangers_record_that_no_printer_can_show_is_refused_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    record = forged(kept("a") / "run.json")
    assert main(["report", str(record), "--untrusted", "-o", "ours/"]) == 2
    said = capsys.readouterr().err
    assert said == "quantgate: run.json is refused: what it says cannot be shown (ValueError)\n"
    assert main(["report", str(record), "-o", "ours/"]) == 3, "of a record of our own it would be a bug of ours"
    assert "Traceback" in capsys.readouterr().err


def test_the_page_of_the_ci_is_linked_where_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    kept("a")
    monkeypatch.setenv("QUANTGATE_REPORT_URL", "https://ci.example/42")
    assert main(["report", "a"]) == 0
    assert "https://ci.example/42" in Path("a/summary.md").read_text()
