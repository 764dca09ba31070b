"""The other side is what was asked for and nothing of this one: real trees, real workers, real interpreters."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from harness.conduct.arms import (
    Against,
    Arm,
    Kind,
    _paths_in_tree,
    assignment_for,
    declared_by,
    environment_for,
    here,
    open_arm,
)
from harness.conduct.interpreter import Interpreter, found_interpreter, inspect
from harness.errors import HarnessError, ModelProblem, UsageProblem
from harness.worker import protocol
from harness.worker.link import Worker
from tests.fakes import PATIENCE_SECONDS
from tests.git_fakes import commit, everything_in, git, new_repository, worktrees, write

pytestmark = pytest.mark.usefixtures("temporary")

MODEL = """
from harness.models import Model
from suites.helper import WORD

def reference(setting):
    import os
    import harness
    from beside import PLACE
    from suites.late import LATE
    raise ValueError(" ".join([WORD, PLACE, LATE, os.getcwd(), harness.__file__, os.environ.get("GIVEN", "-")]))

MODELS = tuple(
    Model(name=f"{WORD}-{size}", family=WORD, size=size, task="hum", runtime="onnx", precisions=("fp32", "fp16"),
          licence="none", weights="none", reference=reference, workload=None)
    for size in ("tiny", "full")
)
"""
FAKE_HARNESS = "raise ImportError('this is not the ruler')\n"
HARNESS = str(Path(sys.modules["harness"].__file__ or ""))


def tree_of(word: str) -> dict[str, str]:
    """The files of a project that says this word wherever it is asked."""
    return {
        "suites__models__voice": MODEL,
        "suites__helper": f"WORD = {word!r}\n",
        "suites__late": f"LATE = 'late-{word}'\n",
        "beside": f"PLACE = 'beside-{word}'\n",
        "harness____init__": FAKE_HARNESS,
        "harness__worker____init__": FAKE_HARNESS,
    }


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project in a folder of a repository: `old` is committed, `new` is what its tree says now."""
    top = new_repository(tmp_path / "all projects")
    write(top / "ours", **tree_of("old"))
    commit(top, readme="1")
    write(top / "ours", **tree_of("new"))
    return top / "ours"


def assignment(root: Path, word: str) -> protocol.Assignment:
    return protocol.Assignment(
        module="suites.models.voice",
        root=str(root),
        model=f"{word}-tiny",
        precision="fp16",
        device="cpu",
        store=str(root.parent / "store"),
        made=str(root.parent / "made"),
    )


def told(arm: Arm, asked: protocol.Assignment) -> str:
    """What the arm's worker says when it opens a cell: these models tell where they are instead of loading."""
    with Worker(environment_for(arm, {}), python=arm.python, folder=str(arm.root)) as worker:
        reply = worker.ask(protocol.Open(assignment_for(arm, asked)), PATIENCE_SECONDS)
    assert isinstance(reply, protocol.Broke)
    return reply.text


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("origin/main", Kind.REVISION, "origin/main"),
        ("HEAD~2", Kind.REVISION, "HEAD~2"),
        ("feature=x", Kind.REVISION, "feature=x"),
        ("python", Kind.REVISION, "python"),
        ("python=/opt/a=b/python", Kind.PYTHON, "/opt/a=b/python"),
        ("env=OMP_NUM_THREADS=1", Kind.VARIABLE, "OMP_NUM_THREADS=1"),
        ("env=FLAGS=a=b,c", Kind.VARIABLE, "FLAGS=a=b,c"),
        ("env=EMPTY=", Kind.VARIABLE, "EMPTY="),
        ("precision=int8-dynamic", Kind.PRECISION, "int8-dynamic"),
    ],
)
def test_what_is_written_is_read_and_written_again(text: str, kind: Kind, value: str) -> None:
    against = Against.parse(text)
    assert (against.kind, against.value, str(against)) == (kind, value, text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "--against is empty; write a git revision"),
        (" ", "--against is empty"),
        ("python=", "names no interpreter; write python=/path/to/python"),
        ("env=OMP_NUM_THREADS", "write env=NAME=VALUE"),
        ("env==1", "write env=NAME=VALUE"),
        ("env=", "write env=NAME=VALUE"),
        ("precision=int8-dynamc", "no precision; did you mean int8-dynamic?"),
        ("precision=xyz", "no precision; there are fp32, fp16"),
        ("precision=", "no precision; there are fp32"),
    ],
)
def test_what_means_nothing_is_refused_in_one_line(text: str, said: str) -> None:
    with pytest.raises(UsageProblem) as caught:
        Against.parse(text)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("against", ["HEAD", "main", "env=GIVEN=yes"])
def test_the_other_side_has_a_name_without_a_path(project: Path, against: str) -> None:
    with open_arm(Against.parse(against), project) as arm:
        commit_name = git(project, "rev-parse", "HEAD")[:8]
        assert arm.label == (f"{against} at {commit_name}" if arm.revision else "env GIVEN=yes")


def test_a_revision_named_by_its_hash_is_called_so_once(project: Path) -> None:
    whole = git(project, "rev-parse", "HEAD")
    for name in (whole, whole[:10]):
        with open_arm(Against.parse(name), project) as arm:
            assert (arm.label, arm.revision) == (whole[:8], whole)


def test_each_side_runs_its_own_suites_under_this_harness(project: Path) -> None:
    with open_arm(Against.parse("HEAD"), project) as old:
        new = here(project)
        assert told(old, assignment(project, "old")) == says("old", old.root)
        assert told(new, assignment(project, "new")) == says("new", project)


def says(word: str, folder: Path, given: str = "-") -> str:
    """What the worker must say: each word from its tree, the working directory, the harness that is tested."""
    where = f"{word} beside-{word} late-{word} {folder} {HARNESS} {given}"
    return f"its reference raised ValueError: {where}; mend model '{word}-tiny'"


def test_the_other_side_s_root_is_the_same_folder_of_the_repository(project: Path) -> None:
    with open_arm(Against.parse("HEAD"), project) as arm:
        assert worktrees(project) == {str(project.parent), str(arm.root.parent)}
        assert arm.root.name == "ours"
    assert worktrees(project) == {str(project.parent)}


def test_a_revision_without_the_project_s_folder_is_refused_and_leaves_nothing(project: Path, temporary: Path) -> None:
    (project.parent / "young").mkdir()
    with (
        pytest.raises(UsageProblem, match="has no folder young; compare with a revision that has it"),
        open_arm(Against.parse("HEAD"), project.parent / "young"),
    ):
        pass
    assert list(temporary.iterdir()) == []


def test_each_side_says_what_its_own_suites_declare(project: Path) -> None:
    with open_arm(Against.parse("HEAD"), project) as old:
        sides = [declared_by(arm, "suites/models", {}) for arm in (old, here(project))]
        voice = sides[0].models[0]
        assert [[model.name for model in side.models] for side in sides] == [
            ["old-tiny", "old-full"],
            ["new-tiny", "new-full"],
        ]
        assert voice == protocol.DeclaredModel(
            name="old-tiny",
            family="old",
            size="tiny",
            runtime="onnx",
            precisions=("fp32", "fp16"),
            module="suites.models.voice",
            root=str(old.root),
        )
    assert sides[0].versions["numpy"] == __import__("numpy").__version__


def test_suites_that_read_a_file_by_its_place_in_the_project_read_their_own(project: Path) -> None:
    for word in ("old", "new"):
        (project / "words.txt").write_text(word)
        write(project, suites__helper="from pathlib import Path\nWORD = Path('words.txt').read_text()\n")
        if word == "old":
            commit(project)
    with open_arm(Against.parse("HEAD"), project) as old:
        names = [declared_by(arm, "suites/models", {}).models[0].name for arm in (old, here(project))]
    assert names == ["old-tiny", "new-tiny"]


def test_a_revision_from_before_the_suites_declares_nothing(project: Path) -> None:
    git(project, "rm", "-r", "--quiet", "--cached", "suites")
    git(project, "commit", "--quiet", "--message", "none")
    with open_arm(Against.parse("HEAD"), project) as arm:
        assert declared_by(arm, "suites/models", {}).models == ()


BROKEN = {
    "raises": ("import nowhere_to_be_found", "suites.models.voice cannot be imported: ModuleNotFoundError"),
    "dies": ("import os; print('so long', flush=True); os._exit(3)", "exit code 3; so long"),
    "is no declaration": ("MODELS = 3", "needs MODELS"),
}


@pytest.mark.parametrize(("text", "said"), BROKEN.values(), ids=BROKEN.keys())
def test_suites_of_a_revision_that_are_broken_are_told_in_one_line_with_its_name(
    project: Path, text: str, said: str
) -> None:
    broken = commit(project, suites__models__voice=text)
    write(project, **tree_of("new"))
    with open_arm(Against.parse("HEAD"), project) as arm, pytest.raises(ModelProblem) as caught:
        declared_by(arm, "suites/models", {})
    assert f"the suites of HEAD at {broken[:8]} cannot be read: " in str(caught.value)
    assert said in str(caught.value)
    assert str(caught.value).endswith("(or choose another revision)")
    assert "\n" not in str(caught.value)


@pytest.fixture
def with_library(project: Path) -> Path:
    """The project's suites use a library of its own, which lies in `src` and is not found from the root."""
    for word in ("old", "new"):
        write(project, src__ourlib=f"WORD = 'library-{word}'\n")
        text = MODEL.replace("from suites.helper import WORD", "from ourlib import WORD")
        write(project, suites__models__voice=text)
        if word == "old":
            commit(project)
    return project


def test_a_library_beside_the_suites_comes_from_the_side_s_own_tree(
    with_library: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(elsewhere), str(with_library / "src")]))
    with open_arm(Against.parse("HEAD"), with_library) as old:
        assert old.environment["PYTHONPATH"] == os.pathsep.join([str(elsewhere), str(old.root / "src")])
        names = [declared_by(arm, "suites/models", {}).models[0].name for arm in (old, here(with_library))]
    assert names == ["library-old-tiny", "library-new-tiny"]


def interpreter_with(*paths: Path, prefix: Path = Path("/opt/environment")) -> Interpreter:
    return Interpreter("python", (3, 11, 7), prefix, Path("/usr"), (), tuple(map(str, paths)))


def test_what_is_installed_from_the_working_tree_is_looked_for_in_the_other_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PYTHONPATH", raising=False)
    top, tree = tmp_path / "top", tmp_path / "tree"
    environment = top / ".venv"
    found = interpreter_with(
        top / "src",
        Path("/usr/lib/python3.11"),
        environment / "lib" / "python3.11" / "site-packages",
        environment / "bin",
        top,
        prefix=environment,
    )
    assert _paths_in_tree(top, tree, found) == [str(tree / "src"), str(tree)]


def test_a_module_of_the_working_tree_in_the_other_side_is_an_error(with_library: Path) -> None:
    with open_arm(Against.parse("HEAD"), with_library) as old:
        astray = Arm(old.label, old.root, environment={"PYTHONPATH": str(with_library / "src")}, shunned=old.shunned)
        with pytest.raises(ModelProblem, match=r"ourlib was imported from the working tree \(ours/src/ourlib\.py\)"):
            declared_by(astray, "suites/models", {})


def test_a_build_runs_in_the_tree_of_the_revision_and_nowhere_else(project: Path, tmp_path: Path) -> None:
    before = everything_in(project.parent)
    log = tmp_path / "run" / "build.log"
    command = (
        'pwd; cat suites/helper.py; echo "WORD = \'built\'" > suites/helper.py; echo from "$QUANTGATE_WORKING_TREE"'
    )
    with open_arm(Against.parse("HEAD"), project, build=command, build_log=log) as arm:
        assert log.read_text() == f"{arm.root}\nWORD = 'old'\nfrom {project}\n"
        assert declared_by(arm, "suites/models", {}).models[0].name == "built-tiny"
    assert everything_in(project.parent) == before


def test_a_build_finds_this_interpreter_first(project: Path, tmp_path: Path) -> None:
    log = tmp_path / "build.log"
    command = "python -c 'import sys; print(sys.prefix)'"
    with open_arm(Against.parse("HEAD"), project, build=command, build_log=log):
        assert log.read_text() == f"{sys.prefix}\n"


def test_a_build_that_fails_is_told_with_its_last_lines_and_leaves_nothing(
    project: Path, temporary: Path, tmp_path: Path
) -> None:
    log = tmp_path / "build.log"
    command = "seq 1 100; echo 'no compiler' >&2; exit 7"
    with (
        pytest.raises(
            HarnessError, match=r"the build of HEAD at \w{8} failed with exit code 7: mend .*build"
        ) as caught,
        open_arm(Against.parse("HEAD"), project, build=command, build_log=log),
    ):
        pass
    first, *lines = str(caught.value).splitlines()
    assert f"all of it is in {log}" in first
    assert lines == [*map(str, range(90, 101)), "no compiler"]
    assert len(log.read_text().splitlines()) == 101
    assert list(temporary.iterdir()) == []


def test_a_build_that_takes_too_long_is_ended_and_told(project: Path, temporary: Path) -> None:
    with (
        pytest.raises(HarnessError, match=r"took longer than 0\.5 s: mend .*\nbegun") as caught,
        open_arm(Against.parse("HEAD"), project, build="echo begun; sleep 600", build_limit_seconds=0.5),
    ):
        pass
    assert "all of it is in" not in str(caught.value)
    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize("against", ["env=GIVEN=yes", "precision=fp32"])
def test_what_is_no_revision_has_no_worktree_and_no_build(project: Path, tmp_path: Path, against: str) -> None:
    with open_arm(Against.parse(against), project, build=f"touch '{tmp_path}/built'") as arm:
        assert worktrees(project) == {str(project.parent)}
        assert (arm.root, arm.python, arm.revision, arm.shunned) == (project, sys.executable, None, None)
    assert not (tmp_path / "built").exists()


def test_a_variable_is_given_to_the_other_side_alone_and_wins(project: Path) -> None:
    with open_arm(Against.parse("env=GIVEN=yes"), project) as arm:
        assert environment_for(arm, {"GIVEN": "no", "OTHER": "1"}) == {"GIVEN": "yes", "OTHER": "1"}
        assert told(arm, assignment(project, "new")) == says("new", project, "yes")
    assert told(here(project), assignment(project, "new")) == says("new", project)


def test_the_same_cell_is_assigned_to_the_other_tree_or_precision(project: Path) -> None:
    asked = assignment(project, "new")
    moved = protocol.DeclaredModel("new-tiny", "new", "tiny", "onnx", ("fp16",), "suites.models.sung", "/tree/ours")
    tree = Arm("HEAD", Path("/tree/ours"), shunned=Path("/mine"))
    plain = {"module": asked.module, "root": asked.root, "precision": "fp16", "shunned": None}
    cases = [
        (Arm("fp32", project, precision="fp32"), None, {"precision": "fp32"}),
        (here(project), None, {}),
        (tree, None, {"root": "/tree/ours", "shunned": "/mine"}),
        (tree, moved, {"module": "suites.models.sung", "root": "/tree/ours", "shunned": "/mine"}),
    ]
    for arm, model, changed in cases:
        given = assignment_for(arm, asked, model)
        assert {name: getattr(given, name) for name in plain} == {**plain, **changed}
        assert (given.model, given.device, given.store) == (asked.model, asked.device, asked.store)


def test_a_model_out_of_an_installed_package_stays_where_it_is() -> None:
    asked = protocol.Assignment(
        module="theirs", root=None, model="m", precision="fp32", device="cpu", store="s", made="m"
    )
    assert assignment_for(Arm("HEAD", Path("/tree")), asked).root is None


# Another interpreter


@pytest.fixture(scope="module")
def environments(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Virtual environments made without a network: `bare` has nothing; `full` sees the libraries of this one."""
    folder = tmp_path_factory.mktemp("environments")

    def make(name: str) -> Path:
        target = folder / name
        if not target.exists():
            subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(target)], check=True)
        return target

    full = make("full")
    (packages,) = full.glob("lib/python*/site-packages")
    own = dict.fromkeys(sysconfig.get_paths()[kind] for kind in ("purelib", "platlib"))
    (packages / "borrowed.pth").write_text("\n".join(own))
    write(packages, harness____init__=FAKE_HARNESS, beside="PLACE = 'never: the tree comes first'")
    write(packages, only_there="import sys\nPREFIX = sys.prefix\n")
    return make


def test_another_interpreter_hosts_workers_of_this_harness(environments, project: Path) -> None:
    text = MODEL.replace("import harness\n", "import harness, only_there\n").replace(
        "[WORD,", "[only_there.PREFIX, WORD,"
    )
    write(project, suites__models__voice=text)
    prefix = environments("full")
    with open_arm(Against.parse(f"python={prefix}/bin/python"), project) as arm:
        assert arm.label == f"python {sys.version.split()[0]} in full"
        assert arm.python == f"{prefix}/bin/python"
        assert f"ValueError: {prefix} new beside-new late-new {project} {HARNESS} -" in told(
            arm, assignment(project, "new")
        )


@pytest.mark.parametrize("form", ["{0}", "{0}/bin/python"])
def test_an_interpreter_is_given_by_its_path_or_its_environment(environments, form: str) -> None:
    prefix = environments("bare")
    assert found_interpreter(form.format(prefix)) == f"{prefix}/bin/python"


def test_an_interpreter_is_found_by_its_name_or_from_here(environments, monkeypatch: pytest.MonkeyPatch) -> None:
    prefix = environments("bare")
    monkeypatch.setenv("PATH", f"{prefix}/bin{os.pathsep}/usr/bin")
    monkeypatch.chdir(prefix)
    assert found_interpreter("python") == found_interpreter("bin/python") == f"{prefix}/bin/python"


def test_an_interpreter_that_lacks_what_a_worker_needs_says_what_to_install(environments, project: Path) -> None:
    python = f"{environments('bare')}/bin/python"
    with pytest.raises(UsageProblem) as caught, open_arm(Against.parse(f"python={python}"), project):
        pass
    assert str(caught.value) == (
        f"{python} cannot host a worker: it lacks msgspec; install with: {python} -m pip install 'msgspec>=0.20'"
    )


def test_an_interpreter_under_which_no_worker_comes_up_is_told_with_its_last_word(
    environments, project: Path, tmp_path: Path
) -> None:
    prefix = environments("odd")
    (packages,) = prefix.glob("lib/python*/site-packages")
    write(packages, msgspec="Struct = 3")
    with (
        pytest.raises(
            UsageProblem, match=r"exit code 1: \w+Error: .*; try .*pip install -U 'msgspec>=0\.20'"
        ) as caught,
        open_arm(Against.parse(f"python={prefix}"), project),
    ):
        pass
    assert "\n" not in str(caught.value)


def test_what_lies_in_the_working_directory_is_not_taken_for_the_interpreter_s(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("json", "msgspec", "harness"):
        (tmp_path / f"{module}.py").write_text("raise ImportError('of the working directory')")
    monkeypatch.chdir(tmp_path)
    inspect(sys.executable).check_worker()


PROGRAMS = {
    "of another kind": ("echo hello", "does not answer as a Python does"),
    "that says nothing": ("exit 1", "does not answer as a Python does"),
    "too old": ('echo \'[[3, 10, 2], "/p", "/p", [], []]\'', "is Python 3.10.2, and a worker needs 3.11 or newer"),
}


@pytest.mark.parametrize(("script", "said"), PROGRAMS.values(), ids=PROGRAMS.keys())
def test_a_program_that_cannot_host_a_worker_is_refused(tmp_path: Path, script: str, said: str) -> None:
    program = tmp_path / "python"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    with pytest.raises(UsageProblem) as caught:
        inspect(str(program))
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("path", ["/no/such/python", "/etc/passwd", "/", "no-such-python-9"])
def test_what_is_no_program_is_refused(path: str) -> None:
    with pytest.raises(UsageProblem, match="is no program that can be run; check the path"):
        found_interpreter(path)


def test_an_interpreter_outside_any_environment_is_named_by_its_version() -> None:
    assert interpreter_with(prefix=Path("/usr")).label == "python 3.11.7"
    assert interpreter_with(prefix=Path("/home/someone/ort131")).label == "python 3.11.7 in ort131"


def test_an_arm_leaves_no_descriptor_and_no_child_behind(project: Path) -> None:
    before, children = psutil.Process().num_fds(), psutil.Process().children()
    for _ in range(2), open_arm(Against.parse("HEAD"), project, build="true"):
        pass
    assert psutil.Process().num_fds() == before
    assert psutil.Process().children() == children


@pytest.mark.parametrize(("value", "threads"), [("1", 1), ("3", 3), ("", 4), ("0", 4), ("many", 4), ("2,1", 4)])
def test_a_side_that_sets_the_number_of_threads_is_given_it(value: str, threads: int) -> None:
    asked = protocol.Assignment("m", None, "tone", "fp32", "cpu", "-", "-", threads=4)
    arm = Arm("env", Path("/tree"), environment={"OMP_NUM_THREADS": value})
    assert assignment_for(arm, asked).threads == threads
