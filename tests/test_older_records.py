"""Runs that older versions recorded are read, told as they ended, shown on every surface, and compared."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from harness.cli import main
from harness.comparisons import Judgement, Outcome, Verdict
from harness.ending import Word, ending_of
from harness.errors import RecordUnreadable
from harness.journal import EVENTS_FILE, RUN_FILE, read_run
from harness.older import as_newer
from harness.render import numbers
from harness.results import Run, Status
from tests.baselines.made import CELL, run

RUNS = Path(__file__).parent / "data" / "runs"
NAMES = ("measured", "paired", "stored", "staged")
SURFACES = ("report.html", "summary.md", "comment.md", "junit.xml")


@pytest.mark.parametrize(
    ("name", "word", "code", "measured", "duels"),
    [
        ("measured", Word.FAILED, 1, 2, 0),
        ("paired", Word.UNDECIDED, 0, 2, 2),
        ("stored", Word.UNDECIDED, 0, 2, 0),
        ("staged", Word.UNDECIDED, 0, 2, 2),
    ],
)
def test_an_older_run_is_told_as_it_ended(name: str, word: Word, code: int, measured: int, duels: int) -> None:
    old = read_run(RUNS / name)
    assert (ending_of(old).word, ending_of(old).pytest_code) == (word, code)
    assert sum(one.status is Status.MEASURED for one in old.measurements) == measured
    assert len(old.duels) == duels


@pytest.mark.parametrize("name", NAMES)
def test_its_journal_alone_tells_the_same(name: str, tmp_path: Path) -> None:
    shutil.copy(RUNS / name / EVENTS_FILE, tmp_path)
    whole = read_run(RUNS / name)
    for path in (tmp_path, tmp_path / EVENTS_FILE):
        assert replace(read_run(path), id=whole.id) == whole


@pytest.mark.parametrize("name", NAMES)
def test_every_surface_shows_it(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old = read_run(RUNS / name)
    assert main(["report", str(RUNS / name), "-o", f"{tmp_path}/out/"]) == 0
    assert capsys.readouterr().out == f"{tmp_path}/out/report.html\n"
    page, *others = ((tmp_path / "out" / surface).read_text() for surface in SURFACES)
    for one in old.measurements:
        assert all(f"{one.cell.model}" in text for text in (page, *others[:2]))
        if peak := one.value("peak_bytes"):
            assert numbers.bytes_(peak) in page


@pytest.mark.parametrize("name", NAMES)
def test_it_can_be_the_baseline_of_a_comparison(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    old = str(RUNS / name)
    # Of a run beside itself sizes are unchanged, and one session decides no time.
    assert main(["compare", old, old]) == 10
    assert "unchanged" in capsys.readouterr().out


def test_runs_of_all_ages_stand_side_by_side(tmp_path: Path) -> None:
    page = tmp_path / "all.html"
    assert main(["report", *(str(RUNS / name) for name in NAMES), "-o", str(page)]) == 0
    assert all(read_run(RUNS / name).id in page.read_text() for name in NAMES)


def test_a_run_that_was_killed_is_shown_from_its_journal(tmp_path: Path) -> None:
    whole = (RUNS / "paired" / EVENTS_FILE).read_bytes()
    begun = whole.index(b'"kind":"cell-finished"')
    cut = whole.index(b"\n", begun) + 40  # in the middle of the line after the first cell
    (tmp_path / EVENTS_FILE).write_bytes(whole[:cut])
    assert ending_of(read_run(tmp_path)).word is Word.INTERRUPTED
    assert main(["report", str(tmp_path)]) == 0
    assert all((tmp_path / surface).exists() for surface in SURFACES)
    assert "nterrupted" in (tmp_path / "report.html").read_text()


@pytest.mark.parametrize(
    ("schema", "says"),
    [
        (2, "has schema 2, newer than this Quantgate reads (1); upgrade"),
        (0, "is not a run record: it has schema 0, and the first was 1; measure again or restore the file"),
        (-1, "is not a run record: it has schema -1, and the first was 1"),
        (None, "is not a run record: it has no schema number; measure again"),
        ("1", "is not a run record: Expected `int | null`, got `str`"),
    ],
)
def test_a_record_of_another_schema_is_refused_with_the_next_step(
    schema: object, says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content = json.loads((RUNS / "measured" / RUN_FILE).read_bytes())
    del content["schema"]
    (tmp_path / RUN_FILE).write_text(json.dumps(content if schema is None else {**content, "schema": schema}))
    with pytest.raises(RecordUnreadable) as refused:
        read_run(tmp_path)
    assert says in str(refused.value)
    assert main(["report", str(tmp_path)]) == 2
    assert says in capsys.readouterr().err


def judged(outcome: Outcome, **options: str) -> Run:
    verdict = Verdict(CELL, "latency_seconds", outcome, "", "baselines/")
    return replace(
        run(), options=options, judgement=Judgement(against="baselines/", profile="gate", verdicts=(verdict,))
    )


@pytest.mark.parametrize(
    ("old", "compares"),
    [
        (run(), False),
        (judged(Outcome.NEW), False),
        (judged(Outcome.UNSUPPORTED), False),
        (judged(Outcome.FAILED), False),
        (judged(Outcome.NOT_COMPARABLE), True),
        (judged(Outcome.MISSING), True),
        (judged(Outcome.UNCHANGED), True),
        (judged(Outcome.FAILED, against="origin/main"), True),
    ],
)
def test_an_older_record_tells_by_its_verdicts_whether_there_was_another_side(old: Run, compares: bool) -> None:
    assert as_newer(old).compares is compares


def test_a_record_of_now_is_not_touched() -> None:
    new = replace(run(), compares=True)
    assert as_newer(new) is new


def test_no_older_record_is_large() -> None:
    sizes = {path.relative_to(RUNS): path.stat().st_size for path in RUNS.rglob("*") if path.is_file()}
    assert len(sizes) == 2 * len(NAMES) + 1
    assert max(sizes.values()) < 60_000, "reviewed and carried by every clone"
