"""Nothing of the other side's tree is measured as if it were of this side's."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from harness.errors import ModelProblem
from harness.results import Phase
from harness.worker import protocol
from harness.worker.link import Worker
from harness.worker.trees import belongs_to, refuse_modules_of
from tests.fakes import PATIENCE_SECONDS

Assign = Callable[..., protocol.Assignment]

LAZILY = """
    import astray
    yield call(inputs)
"""


@pytest.fixture
def other_tree(tmp_path: Path) -> Path:
    """A tree with a module in it, beside the one that the worker is to host."""
    folder = tmp_path / "other tree"
    folder.mkdir()
    (folder / "astray.py").write_text("")
    return folder


def test_a_module_that_is_imported_only_when_the_model_runs_is_refused_too(assigned: Assign, other_tree: Path) -> None:
    asked = protocol.Open(assigned(drive=LAZILY, shunned=str(other_tree)))
    with Worker({"PYTHONPATH": str(other_tree)}) as worker:
        reply = worker.ask(asked, PATIENCE_SECONDS)
    assert isinstance(reply, protocol.Broke)
    assert reply.phase is Phase.FIRST
    assert reply.text.startswith("astray was imported from the working tree (astray.py), not from the other side's;")


def test_a_module_that_a_conversion_imports_is_refused_too(assigned: Assign, other_tree: Path, tmp_path: Path) -> None:
    asked = assigned(
        reference="import astray; return FileReference(HERE / 'root.onnx', 'onnx', '')", shunned=str(other_tree)
    )
    with Worker({"PYTHONPATH": str(other_tree)}) as worker:
        reply = worker.ask(protocol.Convert(asked), PATIENCE_SECONDS)
    assert isinstance(reply, protocol.Broke)
    assert "astray was imported from the working tree" in reply.text


@pytest.mark.parametrize(
    ("place", "name", "refused"),
    [
        ("src/theirs.py", "theirs", True),
        ("theirs/__init__.py", "theirs.inner", True),
        (".venv/lib/python3.11/site-packages/theirs.py", "theirs", False),
        ("environment/lib/theirs.py", "theirs", False),  # sys.prefix lies in the tree
        ("harness/cells.py", "harness.cells", False),  # the ruler, where this repository measures itself
        ("../beside/theirs.py", "theirs", False),
    ],
)
def test_what_belongs_to_the_tree_is_refused_and_what_is_installed_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str, name: str, refused: bool
) -> None:
    tree = tmp_path / "tree"
    module = ModuleType(name)
    module.__file__ = str(tree / place)
    monkeypatch.setattr(sys, "prefix", str(tree / "environment"))
    monkeypatch.setattr(sys, "modules", {name: module, "without a file": ModuleType("nothing")})
    if not refused:
        refuse_modules_of(str(tree))
        return
    with pytest.raises(ModelProblem, match=f"{name} was imported from the working tree"):
        refuse_modules_of(str(tree))


@pytest.mark.parametrize(
    ("path", "prefix", "belongs"),
    [
        ("/usr/src/app/src/ours.py", "/usr", True),  # an environment around the tree
        ("/usr/src/app/src/ours.py", "/usr/src/app", True),  # an environment in the tree's very folder
        ("/usr/src/app/lib/python3/dist-packages/numpy.py", "/usr/src/app", False),
        ("/usr/src/app/.tox/py/lib/theirs.py", "/usr/src/app/.tox/py", False),
        ("/usr/src/app/.tox/other/theirs.py", "/usr/src/app/.tox/py", True),
        ("/usr/src/apple/ours.py", "/opt/environment", False),
    ],
)
def test_a_path_belongs_to_a_tree_unless_an_environment_inside_has_it(path: str, prefix: str, belongs: bool) -> None:
    assert belongs_to(Path("/usr/src/app"), Path(path), [Path("/opt/python"), Path(prefix)]) == belongs


def test_a_tree_reached_by_a_link_is_the_same_tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tree").mkdir()
    (tmp_path / "link").symlink_to("tree")
    module = ModuleType("theirs")
    module.__file__ = str(tmp_path / "link" / "theirs.py")
    monkeypatch.setattr(sys, "modules", {"theirs": module})
    with pytest.raises(ModelProblem):
        refuse_modules_of(str(tmp_path / "tree"))
    refuse_modules_of(None)
