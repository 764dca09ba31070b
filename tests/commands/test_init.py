"""`quantgate init`: what it lays, what it leaves, and what it asks to be done by hand."""

import tomllib
from collections.abc import Callable
from pathlib import Path
from runpy import run_path

import pytest

from harness.cli import main
from harness.expectations_file import read_expectations

ROOT = Path(__file__).parents[2]
SUITE = [
    "suites/expectations.toml",
    "suites/models/tone_detector.py",
    "suites/test_cells.py",
    "suites/test_gate.py",
]
ALL = sorted((*SUITE, ".github/workflows/quantgate.yml", ".gitignore", "pyproject.toml"))


def files(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def said(capsys: pytest.CaptureFixture[str]) -> str:
    return " ".join(capsys.readouterr().out.split())


def test_an_empty_folder_gets_a_whole_suite_and_three_commands(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["init", str(tmp_path / "new")]) == 0
    assert files(tmp_path / "new") == ALL
    told = said(capsys)
    assert all(f"made {name}" in told for name in ALL)
    assert "pytest suites/ --device cpu" in told
    assert "quantgate accept --new" in told
    assert "git add suites" in told


@pytest.mark.parametrize(
    ("laid", "own"),
    [
        ("suites/test_cells.py", "suites/test_cells.py"),
        ("suites/test_gate.py", "suites/test_gate.py"),
        (".github/workflows/quantgate.yml", "docs/ci/github-pull-request.yml"),
    ],
)
def test_what_is_laid_is_what_this_repository_has_itself(tmp_path: Path, laid: str, own: str) -> None:
    main(["init", str(tmp_path)])
    # Where this fails, copy the second file over the one in harness/init_files.
    assert (tmp_path / laid).read_text() == (ROOT / own).read_text()


def test_a_dry_run_names_every_file_and_makes_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", str(tmp_path), "--dry-run"]) == 0
    assert files(tmp_path) == []
    told = said(capsys)
    assert all(f"would be made {name}" in told for name in ALL)


def test_the_second_time_no_byte_changes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["init", str(tmp_path)])
    before = {name: (tmp_path / name).read_bytes() for name in ALL}
    capsys.readouterr()
    assert main(["init", str(tmp_path)]) == 0
    assert {name: (tmp_path / name).read_bytes() for name in files(tmp_path)} == before
    lines = capsys.readouterr().out.partition("\n\n")[0].splitlines()
    assert {line.split()[0] for line in lines} == {"left"}


@pytest.mark.parametrize("name", ALL)
def test_a_file_that_is_there_keeps_all_its_bytes(
    tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    own = b"# mine, and not for quantgate to change\n"
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(own)
    assert main(["init", str(tmp_path)]) == 0
    assert path.read_bytes().startswith(own)
    if name not in (".gitignore", "pyproject.toml"):
        assert path.read_bytes() == own
        assert "left" in capsys.readouterr().out


def test_where_models_are_declared_no_other_is_laid_beside_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "suites" / "models").mkdir(parents=True)
    (tmp_path / "suites" / "models" / "mine.py").write_text("MODELS = ()\n")
    assert main(["init", str(tmp_path)]) == 0
    assert "suites/models/tone_detector.py" not in files(tmp_path)
    # A line of expectations about a model that is not declared would be an error of every run.
    assert "suites/expectations.toml" not in files(tmp_path)
    assert "it holds models already: mine.py" in said(capsys)


@pytest.mark.parametrize(
    ("there", "tests", "quantgate", "testpaths", "by_hand"),
    [
        ('[project]\nname = "mine"', "tests", {"models": "suites/models"}, ["tests"], ""),
        ('[project]\nname = "mine"', "", {"models": "suites/models"}, ["suites"], ""),
        ('[tool.quantgate]\nmodels = "zoo/models"', "", {"models": "zoo/models"}, ["zoo"], ""),
        ("[tool.pytest.ini_options]\ntestpaths = ['checks']", "", {"models": "suites/models"}, ["checks"], ""),
        (
            "[tool.pytest.ini_options]\naddopts = '-q'",
            "",
            {"models": "suites/models"},
            None,
            "settings are in pyproject",
        ),
        ("", "src/mine", {"models": "suites/models"}, None, "there are tests outside tests/"),
        ("tool = {ruff = {}}", "tests", None, None, "tables cannot be added"),
    ],
)
def test_pyproject_gets_the_tables_it_lacks_and_the_rest_is_told(
    tmp_path: Path,
    there: str,
    tests: str,
    quantgate: dict[str, str] | None,
    testpaths: list[str] | None,
    by_hand: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    project = tmp_path / "pyproject.toml"
    project.write_text(there)
    if tests:
        (tmp_path / tests).mkdir(parents=True)
        (tmp_path / tests / "test_mine.py").touch()
    assert main(["init", str(tmp_path)]) == 0
    text = project.read_text()
    assert text.startswith(there)
    tool = tomllib.loads(text).get("tool", {})
    assert tool.get("quantgate") == quantgate
    assert tool.get("pytest", {}).get("ini_options", {}).get("testpaths") == testpaths
    told = said(capsys)
    assert by_hand in told
    assert ("by hand" in told) == bool(by_hand)


@pytest.mark.parametrize(
    ("name", "text", "by_hand"),
    [
        ("pytest.ini", "[pytest]\naddopts = -q\n", "settings are in pytest.ini"),
        ("tox.ini", "[pytest]\naddopts = -q\n", "settings are in tox.ini"),
        ("setup.cfg", "[tool:pytest]\ntestpaths = tests\n", ""),
    ],
)
def test_settings_of_pytest_in_a_file_of_their_own_are_not_doubled(
    tmp_path: Path, name: str, text: str, by_hand: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / name).write_text(text)
    assert main(["init", str(tmp_path)]) == 0
    assert "pytest" not in tomllib.loads((tmp_path / "pyproject.toml").read_text())["tool"]
    assert by_hand in said(capsys)


def test_a_table_is_added_with_the_line_ends_of_the_file(tmp_path: Path) -> None:
    project = tmp_path / "pyproject.toml"
    project.write_bytes(b'[project]\r\nname = "mine"')
    main(["init", str(tmp_path)])
    assert project.read_bytes().count(b"\n") == project.read_bytes().count(b"\r\n")


def test_only_the_lines_that_gitignore_lacks_are_added(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("reports/\n*.pyc")
    main(["init", str(tmp_path)])
    lines = (tmp_path / ".gitignore").read_text().splitlines()
    assert lines == ["reports/", "*.pyc", "/.benchmarks/", ".pytest_cache/", "__pycache__/"]


def test_a_name_is_that_of_file_model_and_expectations(tmp_path: Path) -> None:
    main(["init", str(tmp_path), "--name", "wake-word"])
    expected = read_expectations(tmp_path / "suites" / "expectations.toml")
    assert [str(budget.cells) for budget in expected.budgets] == ["wake-word/*/cpu"]
    declared = run_path(str(tmp_path / "suites" / "models" / "wake_word.py"))["MODELS"]
    assert [model.name for model in declared] == ["wake-word"]


def test_within_a_repository_the_workflow_is_told_and_not_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / ".git").mkdir()
    assert main(["init", str(tmp_path / "below")]) == 0
    assert ".github/workflows/quantgate.yml" not in files(tmp_path / "below")
    assert "GitHub reads workflows at the top" in said(capsys)


@pytest.mark.parametrize(
    ("make", "words", "says"),
    [
        (lambda root: (root / "suites").write_text(""), [], "is a file where a folder is needed"),
        (lambda root: (root / "pyproject.toml").write_text("[tool"), [], "mend it"),
        (lambda root: (root / "pyproject.toml").write_bytes(b"\xff"), [], "mend it"),
        (lambda _: None, ["--name", "Two Words"], "use small letters"),
        (lambda _: None, ["--name", "../up"], "use small letters"),
    ],
)
def test_what_cannot_be_laid_is_said_before_anything_is_made(
    tmp_path: Path, make: Callable[[Path], object], words: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    make(tmp_path)
    before = files(tmp_path)
    assert main(["init", str(tmp_path), *words]) == 2
    assert says in capsys.readouterr().err
    assert files(tmp_path) == before


def test_a_folder_that_is_a_file_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    assert main(["init", str(tmp_path / "file")]) == 2
    assert "is a file; name a folder" in capsys.readouterr().err


def test_a_link_that_leads_out_of_the_folder_is_not_written_through(tmp_path: Path) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside.toml"
    (root / "suites").mkdir(parents=True)
    (root / "suites" / "expectations.toml").symlink_to(outside)
    assert main(["init", str(root)]) == 0
    assert not outside.exists()
