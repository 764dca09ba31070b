"""What a repository's own files lack for a suite: tables of pyproject.toml, lines of .gitignore.

Only ever adds at the end, and only what the file says nothing of; everything else is told, to be done by hand.
"""

from __future__ import annotations

import configparser
import os
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from harness.errors import UsageProblem

_PYTEST_FILES = {"pytest.toml": "", ".pytest.toml": "", "pytest.ini": "", ".pytest.ini": "", "tox.ini": "pytest"}
_PYTEST_FILES |= {"setup.cfg": "tool:pytest"}
_NOT_OURS = frozenset(("node_modules", "venv", "env", "build", "dist", "site-packages", "__pycache__"))
_TESTS = ("tests", "test")


@dataclass(frozen=True, slots=True)
class Added:
    """What to add at the end of a file, in words too, and what only a person can add."""

    content: bytes = b""
    what: str = ""
    by_hand: tuple[str, ...] = ()


def project_tables(root: Path, models: Path) -> Added:
    """The tables of pyproject.toml that say where models are and which tests plain `pytest` runs."""
    raw, told = _read(root / "pyproject.toml")
    tool = told.get("tool", {})
    tables: dict[str, str] = {}
    by_hand: list[str] = []
    if "quantgate" not in tool:
        tables["tool.quantgate"] = f'models = "{models.as_posix()}"'
    suites = models.parent.as_posix()
    keeps = _elsewhere(root, tool)
    places = _test_places(root, suites)
    advice = f'testpaths = ["{_TESTS[0]}"], or wherever your tests are: else plain pytest measures {suites}/ too'
    if keeps is not None:
        if not keeps.has_testpaths:
            by_hand.append(f"pytest's settings are in {keeps.where}; add there {advice}")
    elif places is None:
        by_hand.append(f"there are tests outside {_TESTS[0]}/; add [tool.pytest.ini_options] with {advice}")
    else:
        tables["tool.pytest.ini_options"] = f'testpaths = ["{places}"]'
    content = _at_the_end(raw, "\n\n".join(f"[{name}]\n{line}" for name, line in tables.items()))
    try:
        tomllib.loads((raw + content).decode())
    except ValueError:  # `tool = {…}` in one line, or dotted keys, take no further table
        missing = " and ".join(f"{name}: {line}" for name, line in tables.items())
        return Added(by_hand=(f"tables cannot be added behind what is there; add {missing}", *by_hand))
    return Added(content, " ".join(f"[{name}]" for name in tables), tuple(by_hand))


def ignored(root: Path) -> Added:
    """The lines of .gitignore that keep what a run writes out of git."""
    path = root / ".gitignore"
    try:
        raw = path.read_bytes() if path.exists() else b""
    except OSError as error:
        raise UsageProblem(f"{path} cannot be read: {error.strerror}; mend that first") from error
    there = {_bare(line) for line in raw.decode(errors="replace").splitlines()}
    wanted = (files("harness") / "init_files" / "gitignore").read_text(encoding="utf-8").splitlines()
    missing = [line for line in wanted if _bare(line) not in there]
    return Added(_at_the_end(raw, "\n".join(missing), apart=False), " ".join(missing))


def _bare(line: str) -> str:
    return line.strip().strip("/")


@dataclass(frozen=True, slots=True)
class _Settings:
    """Where pytest's settings are, and whether they say which tests are run."""

    where: str
    has_testpaths: bool


def _elsewhere(root: Path, tool: Mapping[str, Any]) -> _Settings | None:
    """Pytest's settings as it finds them; a file of its own comes before pyproject.toml."""
    for name, section in _PYTEST_FILES.items():
        path = root / name
        if not path.is_file():
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        if not section:
            return _Settings(name, "testpaths" in text)
        parser = configparser.ConfigParser(interpolation=None, strict=False)
        try:
            parser.read_string(text)
        except configparser.Error:
            continue  # pytest will say it, in its own words
        if parser.has_section(section):
            return _Settings(name, parser.has_option(section, "testpaths"))
    pytest = tool.get("pytest", {})
    if not pytest:
        return None
    own = pytest.get("ini_options", pytest)
    return _Settings("pyproject.toml", "testpaths" in own)


def _test_places(root: Path, suites: str) -> str | None:
    """What plain `pytest` should run: the tests there are, else the suite; None where tests are somewhere else."""
    found = next((name for name in _TESTS if (root / name).is_dir()), None)
    if found:
        return found
    return None if any(_tests_below(root, suites)) else suites


def _tests_below(root: Path, suites: str) -> Iterable[Path]:
    for folder, within, names in os.walk(root):
        at = Path(folder)
        within[:] = [
            name
            for name in within
            if not name.startswith(".") and name not in _NOT_OURS and (at / name).relative_to(root).as_posix() != suites
        ]
        yield from (at / name for name in names if name.startswith("test_") and name.endswith(".py"))


def _read(path: Path) -> tuple[bytes, dict[str, Any]]:
    try:
        raw = path.read_bytes()
        return raw, tomllib.loads(raw.decode())
    except FileNotFoundError:
        return b"", {}
    except (OSError, ValueError) as error:
        raise UsageProblem(f"{path} cannot be read: {error}; mend it first") from error


def _at_the_end(raw: bytes, text: str, *, apart: bool = True) -> bytes:
    """A text as it is added behind what is there, with that file's own line ends."""
    if not text:
        return b""
    lead = "" if not raw else ("" if raw.endswith(b"\n") else "\n") + "\n" * apart
    end = "\r\n" if b"\r\n" in raw else "\n"
    return f"{lead}{text}\n".replace("\n", end).encode()
