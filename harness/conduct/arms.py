"""The other side of `--against`: another revision, interpreter, environment variable or precision, ready to host cells.

Both sides run under this harness. What differs is said by an `Arm`: the source tree whose suites are imported, the
interpreter, added variables, the precision. Measures nothing; what is made for an arm is undone when its block ends.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import IO, assert_never

import msgspec

from harness.cells import PRECISIONS
from harness.conduct.git import Repository
from harness.conduct.interpreter import Interpreter, found_interpreter, inspect
from harness.conduct.worktree import Checkout, checked_out
from harness.errors import HarnessError, ModelProblem, UsageProblem, suggestion
from harness.worker import protocol
from harness.worker.link import Worker, WorkerLost
from harness.worker.trees import belongs_to

BUILD_LIMIT_SECONDS = 1_800.0
WORKING_TREE_VARIABLE = "QUANTGATE_WORKING_TREE"
"""Tells a build where the user's tree is: what git ignores (weights, a compiler's cache) can be fetched from there."""

_DECLARING_SECONDS = 120.0
_LAST_LINES = 12


class Kind(StrEnum):
    """In what the other side differs."""

    REVISION = "revision"
    PYTHON = "python"
    VARIABLE = "env"
    PRECISION = "precision"


@dataclass(frozen=True, slots=True)
class Against:
    """What was asked for with `--against`: its kind, and what stands behind the equals sign (a revision as it is)."""

    kind: Kind
    value: str

    @classmethod
    def parse(cls, text: str) -> Against:
        """Read it as written on the command line; whether it is there is seen when the arm is opened."""
        kind, equals, value = text.partition("=")
        if not equals or kind not in (Kind.PYTHON, Kind.VARIABLE, Kind.PRECISION):
            if not text.strip():
                raise UsageProblem("--against is empty; write a git revision, python=PATH, env=K=V or precision=P")
            return cls(Kind.REVISION, text)
        against = cls(Kind(kind), value)
        against._check()
        return against

    def _check(self) -> None:
        match self.kind:
            case Kind.PYTHON if not self.value:
                raise UsageProblem("--against python= names no interpreter; write python=/path/to/python")
            case Kind.VARIABLE if not self.value.partition("=")[0] or "=" not in self.value:
                raise UsageProblem(f"--against {self}: write env=NAME=VALUE, as in env=OMP_NUM_THREADS=1")
            case Kind.PRECISION if self.value not in PRECISIONS:
                hint = suggestion(self.value, PRECISIONS)
                raise UsageProblem(f"--against {self}: that is no precision; {hint}")
            case _:
                pass

    @property
    def shown(self) -> str:
        """What was asked for, without the path of an interpreter."""
        return str(self.kind) if self.kind is Kind.PYTHON else str(self)

    def __str__(self) -> str:
        return self.value if self.kind is Kind.REVISION else f"{self.kind}={self.value}"


@dataclass(frozen=True, slots=True)
class Arm:
    """One side: what a worker needs to host its cells.

    `label` goes into records and holds no path. `revision` is the commit of `root`, where it is a checked-out one.
    `precision` replaces that of each cell. `shunned` is the tree that nothing of this arm may be imported from.
    """

    label: str
    root: Path
    python: str = sys.executable
    revision: str | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    precision: str | None = None
    shunned: Path | None = None


def here(root: Path) -> Arm:
    """Return this side: the working tree as it is, under this interpreter."""
    return Arm("the working tree", root)


@contextmanager
def open_arm(
    against: Against,
    root: Path,
    *,
    build: str | None = None,
    build_log: Path | None = None,
    build_limit_seconds: float = BUILD_LIMIT_SECONDS,
) -> Iterator[Arm]:
    """Make the other side of the project at `root` ready. A revision is built with `build`, its output kept."""
    match against.kind:
        case Kind.REVISION:
            repository = Repository.around(root)
            commit = repository.commit(against.value)
            label = _revision_label(against.value, commit)
            with checked_out(repository, commit, label) as checkout:
                arm = _revision_arm(repository, checkout, label, commit)
                if build is not None:
                    _build(arm, checkout, build, root, build_log, build_limit_seconds)
                yield arm
        case Kind.PYTHON:
            python = found_interpreter(against.value)
            interpreter = inspect(python)
            interpreter.check_worker()
            yield Arm(interpreter.label, root, python)
        case Kind.VARIABLE:
            name, _, value = against.value.partition("=")
            yield Arm(f"env {against.value}", root, environment={name: value})
        case Kind.PRECISION:
            yield Arm(against.value, root, precision=against.value)
        case _:
            assert_never(against.kind)


def environment_for(arm: Arm, base: Mapping[str, str]) -> dict[str, str]:
    """The variables to start an arm's workers with: the arm's own win over those that every worker gets."""
    return {**base, **arm.environment}


def assignment_for(
    arm: Arm, assignment: protocol.Assignment, model: protocol.DeclaredModel | None = None
) -> protocol.Assignment:
    """The same cell on this arm. `model` is as the arm declares it: its file may have another name there."""
    module, root = (model.module, model.root) if model else (assignment.module, assignment.root and str(arm.root))
    return msgspec.structs.replace(
        assignment,
        module=module,
        root=root,
        precision=arm.precision or assignment.precision,
        threads=_threads(arm) or assignment.threads,
        shunned=str(arm.shunned) if arm.shunned else None,
    )


def _threads(arm: Arm) -> int | None:
    """How many threads the arm's variables ask for: runtimes are told a number, and would not look at the variable."""
    asked = arm.environment.get("OMP_NUM_THREADS", "")
    return int(asked) if asked.isdecimal() and int(asked) else None


def declared_by(arm: Arm, models_folder: str, base: Mapping[str, str]) -> protocol.Declared:
    """Ask a fresh worker of the arm what its suites declare: two packages of one name do not fit into one process."""
    request = protocol.Declare(str(arm.root), models_folder, str(arm.shunned) if arm.shunned else None)
    with Worker(environment_for(arm, base), python=arm.python, folder=str(arm.root)) as worker:
        try:
            reply = worker.ask(request, _DECLARING_SECONDS)
        except WorkerLost as lost:
            last = lost.last_words.splitlines()[-1:]
            raise ModelProblem(_unread(arm, "; ".join([lost.text, *last]))) from lost
    if isinstance(reply, protocol.Declared):
        return reply
    assert isinstance(reply, protocol.Broke | protocol.CannotRun), reply
    raise ModelProblem(_unread(arm, reply.text))


def _unread(arm: Arm, text: str) -> str:
    instead = " (or choose another revision)" if arm.revision else ""
    return f"the suites of {arm.label} cannot be read: {text}{instead}"


def _revision_label(name: str, commit: str) -> str:
    return commit[:8] if commit.startswith(name) else f"{name} at {commit[:8]}"


def _revision_arm(repository: Repository, checkout: Checkout, label: str, commit: str) -> Arm:
    root = checkout.tree / repository.below
    if not root.is_dir():
        raise UsageProblem(
            f"{label} has no folder {repository.below}; compare with a revision that has it, or run in another folder"
        )
    paths = _paths_in_tree(repository.top, checkout.tree, inspect(sys.executable))
    variables = {"PYTHONPATH": os.pathsep.join(paths)} if paths else {}
    return Arm(label, root, revision=commit, environment=variables, shunned=repository.top)


def _paths_in_tree(top: Path, tree: Path, interpreter: Interpreter) -> list[str]:
    """PYTHONPATH for the tree: what the environment takes from the user's tree (editable installs) is taken from it."""
    given = [str(Path(path).absolute()) for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]
    moved: dict[str, None] = {}
    for path in (*given, *interpreter.paths):
        resolved = Path(path).resolve()
        if belongs_to(top, resolved, (interpreter.prefix, interpreter.base_prefix)):
            moved[str(tree / resolved.relative_to(top))] = None
        elif path in given:
            moved[path] = None
    return list(moved)


def _build(arm: Arm, checkout: Checkout, command: str, root: Path, log: Path | None, limit_seconds: float) -> None:
    """Run the project's build in the tree of the arm, never in the user's."""
    ours = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    with _kept(log) as output:
        code = checkout.run(
            ["sh", "-c", command],
            arm.root,
            output,
            environment={"PATH": ours, WORKING_TREE_VARIABLE: str(root.resolve())},
            limit_seconds=limit_seconds,
        )
        last = _last_lines(output)
    if code != 0:
        how = f"took longer than {limit_seconds:g} s" if code is None else f"failed with exit code {code}"
        where = f"; all of it is in {log}" if log else ""
        raise HarnessError(
            f"the build of {arm.label} {how}: mend [tool.quantgate] build ({command!r}) or choose another revision"
            f"{where}. Its last lines:\n{last or '(it printed nothing)'}"
        )


def _kept(log: Path | None) -> IO[bytes]:
    if log is None:
        return tempfile.TemporaryFile(prefix="quantgate-")
    log.parent.mkdir(parents=True, exist_ok=True)
    return log.open("w+b")


def _last_lines(output: IO[bytes]) -> str:
    output.seek(0)
    lines = output.read().decode(errors="replace").rstrip().splitlines()
    return "\n".join(lines[-_LAST_LINES:])
