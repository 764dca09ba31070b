"""`quantgate init`: lays a working suite into a repository. Overwrites nothing: what is there is left, and named.

Owns which file goes where. What pyproject.toml and .gitignore lack is the matter of `init_adding`.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from harness.commands.exits import Exit
from harness.commands.init_adding import Added, ignored, project_tables
from harness.errors import HarnessError, UsageProblem
from harness.expectations_file import EXPECTATIONS_FILE
from harness.options import models_folder

_NAME = "tone-detector"
_NAMES = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_TESTS = ("test_cells.py", "test_gate.py")
_WORKFLOW = Path(".github/workflows/quantgate.yml")
_SUITES = "suites/"
_SAME = "as it would be made"


@dataclass(frozen=True, slots=True)
class Laid:
    """What becomes of one path: a file that is made, one that something is added to, or one that is left."""

    path: Path
    word: str
    content: bytes | None = None
    why: str = ""


def add(commands: argparse._SubParsersAction[Any]) -> None:  # argparse gives the type no public name
    """Declare the command."""
    init = commands.add_parser(
        "init",
        help="lay a working suite into a repository: one model, its tests, expectations, a workflow",
        description="Makes what is missing and overwrites nothing: files that are there are left, and named.",
    )
    init.add_argument("folder", type=Path, nargs="?", default=Path(), metavar="FOLDER", help="where (default: here)")
    init.add_argument("--name", default=_NAME, metavar="NAME", help=f"what the model is called (default: {_NAME})")
    init.add_argument("--dry-run", action="store_true", help="say what would be made, and make nothing")
    init.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Lay the suite, and say what was made and what comes next."""
    if not _NAMES.fullmatch(options.name):
        raise UsageProblem(f"--name {options.name!r}: use small letters, digits, hyphens; as in wake-word")
    root = options.folder
    if root.exists() and not root.is_dir():
        raise UsageProblem(f"{root} is a file; name a folder")
    models = Path(models_folder(root))
    laid = (*plan(root, models, options.name), *_added(root, models))
    if not options.dry_run:
        for one in laid:
            write(root, one)
    print("\n".join(told(root, laid, models.parent, is_dry=options.dry_run)))
    return Exit.PASS


def plan(root: Path, models: Path, name: str) -> Iterator[Laid]:
    """Every file of a suite, and whether it is made."""
    model = _file(root, models / f"{re.sub('[.-]', '_', name)}.py", _text("model.py", name))
    there = sorted(path.name for path in (root / models).glob("*.py") if not path.name.startswith("_"))
    expectations = models.parent / EXPECTATIONS_FILE
    if there and model.why != _SAME:
        yield Laid(models, "left", why=f"it holds models already: {', '.join(there[:3])}{' …' * (len(there) > 3)}")
        if not (root / expectations).exists():
            yield Laid(expectations, "left", why="not made: it would speak of a model that is not made either")
    else:
        yield model
        yield _file(root, expectations, _text("expectations.toml", name))
    for test in _TESTS:
        yield _file(root, models.parent / test, _text(test, name))
    workflow = _text("workflow.yml", name).replace(_SUITES.encode(), f"{models.parent.as_posix()}/".encode())
    top = _repository(root)
    if top is None or top == root.resolve():
        yield _file(root, _WORKFLOW, workflow)
    else:
        yield Laid(
            _WORKFLOW,
            "left",
            why="not made: GitHub reads workflows at the top of the repository, and this is a folder within one;"
            " take it from docs/ci of Quantgate and let it go here first (working-directory)",
        )


def write(root: Path, one: Laid) -> None:
    """Make a file where there is none, or add to one."""
    if one.content is None:
        return
    path = root / one.path
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab" if one.word == "added to" else "xb") as file:
            file.write(one.content)
    except OSError as error:
        raise HarnessError(
            f"{path} cannot be made: {error.strerror}; mend that and run quantgate init again"
        ) from error


def told(root: Path, laid: Iterable[Laid], suites: Path, *, is_dry: bool) -> Iterator[str]:
    """What was made, a line each, and the next three commands."""
    laid = tuple(laid)
    width = max(len(str(one.path)) for one in laid)
    for one in laid:
        word = f"would be {one.word}" if is_dry and one.content is not None else one.word
        yield f"{word:{18 if is_dry else 9}} {one.path!s:{width}}  {one.why}".rstrip()
    if is_dry:
        return
    yield ""
    yield "next" if root.resolve() == Path.cwd() else f"next, in {root}"
    made = " ".join(dict.fromkeys(one.path.parts[0] for one in laid if one.content is not None))
    yield f"  pytest {suites.as_posix()}/ --device cpu     measures the model; the report is reports/latest/report.html"
    yield "  quantgate accept --new          stores what was measured: later runs are compared with it"
    yield f"  git add {f'{made} '.lstrip()}baselines"
    yield f"Then put your own model in the place of the first one, in {(suites / 'models').as_posix()}/."


def _added(root: Path, models: Path) -> Iterator[Laid]:
    for path, found in (("pyproject.toml", project_tables(root, models)), (".gitignore", ignored(root))):
        yield from _laid(root, Path(path), found)


def _laid(root: Path, path: Path, found: Added) -> Iterator[Laid]:
    exists = (root / path).exists()
    if found.content:
        yield Laid(path, "added to" if exists else "made", found.content, found.what if exists else "")
    elif not found.by_hand:
        yield Laid(path, "left", why="it has all it needs")
    for line in found.by_hand:
        yield Laid(path, "by hand", why=line)


def _file(root: Path, path: Path, content: bytes) -> Laid:
    target = root / path
    for above in reversed(path.parents[:-1]):
        if (root / above).exists() and not (root / above).is_dir():
            raise UsageProblem(f"{root / above} is a file where a folder is needed; move it, or run this elsewhere")
    if target.exists() or target.is_symlink():
        same = target.is_file() and target.read_bytes() == content
        return Laid(path, "left", why=_SAME if same else "there already")
    return Laid(path, "made", content)


def _text(file: str, name: str) -> bytes:
    text = (files("harness") / "init_files" / file).read_text(encoding="utf-8")
    return text.replace(_NAME, name).encode()


def _repository(root: Path) -> Path | None:
    """The top of the repository that a folder is in; None where it is in none."""
    full = root.resolve()
    return next((folder for folder in (full, *full.parents) if (folder / ".git").exists()), None)
