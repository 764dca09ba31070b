"""`quantgate accept`: what it writes, what it says, and how it ends."""

from dataclasses import replace
from pathlib import Path

import pytest

from harness.baselines.store import Store
from harness.cli import main
from harness.comparisons import Answer, Basis, Judged, Outcome, Verdict
from harness.journal import write_run
from harness.results import Run
from tests.baselines.made import CELL, FAILED, IDENTITY, OTHER, judged, measured, run, scored

SLOWER = Verdict(
    CELL, "latency_seconds", Outcome.REGRESSED, "slower", "origin/main", old=0.010, new=0.012, ratio=1.2, high=1.3
)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "suites" / "models").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def kept(found: Run, folder: Path) -> str:
    folder.mkdir(parents=True)
    write_run(folder, found)
    return str(folder)


def test_new_stores_the_latest_run_and_says_what_became_of_every_cell(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept(run(measured(), replace(FAILED, cell=OTHER)), project / "reports" / "latest")
    assert main(["accept", "--new"]) == 0
    said = capsys.readouterr().out
    assert f"written     {CELL}: baselines/" in said
    assert f"refused     {OTHER}: it failed (timing): it broke" in said
    assert "1 written, 1 refused" in said
    assert Store(project / "baselines").find(CELL, IDENTITY) is not None


def test_new_again_changes_no_byte_of_the_folder(project: Path) -> None:
    kept(run(measured(), measured(OTHER)), project / "reports" / "latest")

    def content() -> dict[Path, bytes]:
        return {path: path.read_bytes() for path in (project / "baselines").rglob("*") if path.is_file()}

    assert main(["accept", "--new"]) == 0
    before = content()
    assert len(before) == 2
    assert main(["accept", "--new"]) == 0
    assert content() == before


def test_several_runs_are_several_sessions_the_oldest_first(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runs = [kept(run(measured(), id=f"r{day}", day=day), project / f"r{day}") for day in (2, 1)]
    assert main(["accept", "--new", *runs]) == 0
    found = Store(project / "baselines").find(CELL, IDENTITY)
    assert found is not None
    assert [one.run for one in found.sessions] == ["r1", "r2"]
    assert [line for line in capsys.readouterr().out.splitlines() if line.startswith("run ")] == ["run r1", "run r2"]


def test_uncommitted_changes_are_noted(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["accept", "--new", kept(run(measured(), dirty=True), project / "r")]) == 0
    assert "uncommitted changes" in capsys.readouterr().out


def test_where_nothing_is_accepted_the_command_does_not_pass(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["accept", "--new", kept(run(FAILED), project / "r")]) == 2
    assert "nothing was accepted" in capsys.readouterr().err
    assert not (project / "baselines").exists()


def test_a_change_is_tolerated_and_the_entry_is_where_review_finds_it(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    judged_run = kept(judged(SLOWER), project / "r")
    words = ["accept", str(CELL), "--metric", "latency_seconds", "--run", judged_run, "--reason", 'a "better" voice']
    assert main([*words, "--expires", "2999-12-31"]) == 0
    assert "accepted tone/fp32/cpu latency_seconds up to × 1.2, until 2999-12-31" in capsys.readouterr().out
    text = (project / "baselines" / "accepted.toml").read_text()
    assert 'reason = "a \\"better\\" voice"\nexpires = 2999-12-31\n' in text


def test_a_loss_of_quality_is_tolerated_in_its_own_unit(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    beyond = Judged("quality", "no flips", CELL, Answer.FAILS, "", metric="decision_agreement", value=0.12, target=0.02)
    quality = scored((1,) * 25, agrees=(1,) * 22 + (0,) * 3)
    one = judged(bounds=(beyond,), measurement=measured(quality=quality))
    words = ["accept", str(CELL), "--metric", "decision_agreement", "--run", kept(one, project / "r")]
    assert main([*words, "--reason", "known to flip", "--expires", "2999-12-31"]) == 0
    assert f"accepted {CELL} decision_agreement up to 0.14 lost, until 2999-12-31" in capsys.readouterr().out
    assert "loss = 0.14\n" in (project / "baselines" / "accepted.toml").read_text()


def test_a_loss_in_a_unit_names_it(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    quieter = Verdict(
        CELL, "sqnr_db", Outcome.REGRESSED, "worse", "its baseline", Basis.STORED, old=40.0, new=35.0, margin=3.0
    )
    words = ["accept", str(CELL), "--metric", "sqnr_db", "--run", kept(judged(quieter), project / "r")]
    assert main([*words, "--reason", "why"]) == 0
    assert "up to 8 dB lost, with no last day" in capsys.readouterr().out


def test_what_is_not_stored_of_a_cell_is_said(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    doubtful = tuple(replace(one, untrusted="it likes noise") for one in scored().scores)
    measurements = measured(quality=scored(scores=doubtful)), measured(OTHER, quality=scored(wrong="all zeros"))
    assert main(["accept", "--new", kept(run(*measurements), project / "r")]) == 0
    said = capsys.readouterr().out
    assert "without scores that cannot be trusted here: accuracy (it likes noise), decision_agreement" in said
    assert f"refused     {OTHER}: its outputs are wrong: all zeros" in said


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ([str(CELL), "--metric", "latency_seconds"], "--reason"),
        ([str(CELL), "--metric", "latency_seconds", "--reason", " "], "--reason"),
        ([str(CELL), "--reason", "why"], "--metric M"),
        ([], "accept --new"),
        ([str(CELL), "--metric", "latency_seconds", "--reason", "why", "--expires", "soon"], "is no day"),
        ([str(CELL), "--metric", "latency_seconds", "--reason", "why", "--expires", "2000-01-01"], "is past"),
        ([str(CELL), "--metric", "latency_seconds", "--reason", "why", "--run", "nowhere"], "cannot be read"),
        (["--new", "nowhere"], "cannot be read"),
        (["--new", "--reason", "why"], "takes runs only"),
    ],
)
def test_what_cannot_be_accepted_is_said_in_one_line_and_nothing_is_written(
    project: Path, capsys: pytest.CaptureFixture[str], words: list[str], says: str
) -> None:
    kept(judged(SLOWER), project / "reports" / "latest")
    assert main(["accept", *words]) == 2
    said = capsys.readouterr().err
    assert says in said
    assert said.count("\n") == 1
    assert not (project / "baselines").exists()
