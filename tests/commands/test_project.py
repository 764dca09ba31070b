"""Where a command looks for the project."""

from pathlib import Path

import pytest

from harness.commands.project import project_root
from harness.errors import UsageProblem


def test_a_project_is_the_nearest_folder_with_models_else_where_asked_the_nearest_with_pytest_s_settings(
    tmp_path: Path,
) -> None:
    inner = tmp_path / "tests" / "bench"
    inner.mkdir(parents=True)
    (tmp_path / "pyproject.toml").write_text("")
    with pytest.raises(UsageProblem, match="no folder of models"):
        project_root(inner)
    assert project_root(inner, needs_models=False) == tmp_path
    (tmp_path / "tests" / "suites" / "models").mkdir(parents=True)
    assert project_root(inner, needs_models=False) == project_root(inner) == tmp_path / "tests"
