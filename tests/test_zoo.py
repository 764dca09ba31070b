"""Declared models are found, told apart and chosen without running them."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from harness import zoo
from harness.cells import Blocked, Reason
from harness.errors import ModelProblem, UsageProblem
from harness.models import Need
from harness.zoo import Declared, Origin, blocked, choose, choose_all, discover, load, source_digest
from tests.samples import model

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Iterator[Write]:
    """Write a declaration into a project's folder of models. What it imports is forgotten after the test."""
    modules, path = set(sys.modules), list(sys.path)

    def one(file: str, *names: str, body: str | None = None) -> Path:
        folder = tmp_path / "zoo_of_a_test" / "models"
        folder.mkdir(parents=True, exist_ok=True)
        models = "".join(f"model({name!r}), " for name in names)
        text = f"from tests.samples import model\nMODELS = ({models})\n" if body is None else body
        (folder / file).write_text(text)
        importlib.invalidate_caches()
        return tmp_path

    yield one
    sys.path[:] = path
    for name in set(sys.modules) - modules:
        del sys.modules[name]


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Pretend that a package is installed that offers a module of models."""

    def offer(module: str) -> None:
        point = EntryPoint("someone", module, zoo.ENTRY_POINT_GROUP)
        monkeypatch.setattr(
            importlib.metadata, "entry_points", lambda group: [point] if group == "quantgate.models" else []
        )

    return offer


def found(root: Path) -> list[str]:
    return [one.model.name for one in discover(root, "zoo_of_a_test/models")]


def test_models_come_in_the_order_of_file_and_declaration(write: Write) -> None:
    write("b.py", "second")
    assert found(write("a.py", "zebra", "first")) == ["zebra", "first", "second"]


def test_a_file_whose_name_begins_with_an_underscore_declares_nothing(write: Write) -> None:
    write("_shared.py", body="raise AssertionError('imported')")
    assert found(write("a.py", "one")) == ["one"]


def test_a_folder_that_is_not_there_declares_nothing(tmp_path: Path) -> None:
    assert discover(tmp_path, "nowhere") == ()


def test_installed_packages_declare_models_too(write: Write, installed, tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "someones_models.py").write_text("from tests.samples import model\nMODELS = (model('theirs'),)\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    installed("someones_models")
    root = write("a.py", "ours")
    ours, theirs = discover(root, "zoo_of_a_test/models")
    assert ours.origin == Origin("zoo_of_a_test.models.a", str(root))
    assert (theirs.model.name, theirs.origin) == ("theirs", Origin("someones_models"))


def test_a_name_declared_twice_is_refused_with_both_places(write: Write) -> None:
    write("a.py", "one")
    root = write("b.py", "one")
    with pytest.raises(ModelProblem, match=r"'one' is declared by zoo_of_a_test\.models\.a and by .*\.b; rename one"):
        found(root)


def test_a_name_declared_twice_in_one_file_is_refused(write: Write) -> None:
    root = write("a.py", "one", "one")
    with pytest.raises(ModelProblem, match=r"'one' is declared by .*\.a and by .*\.a"):
        found(root)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("import nowhere_to_be_found", "ModuleNotFoundError"),
        ("def broken(:", "SyntaxError"),
        ("1 / 0", "ZeroDivisionError"),
        ("raise SystemExit(3)", "SystemExit"),
    ],
)
def test_a_broken_file_is_one_line_that_names_it(write: Write, body: str, said: str) -> None:
    root = write("broken.py", body=body)
    expected = rf"zoo_of_a_test\.models\.broken cannot be imported: .*{said}.*; mend the file or take it away"
    with pytest.raises(ModelProblem, match=expected) as caught:
        found(root)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("body", ["", "MODELS = []", "MODELS = ('one',)", "MODELS = None"])
def test_a_file_without_a_tuple_of_models_is_refused(write: Write, body: str) -> None:
    root = write("odd.py", body=body)
    with pytest.raises(ModelProblem, match=r"odd needs MODELS, a tuple of harness\.models\.Model"):
        found(root)


def test_an_origin_is_enough_to_load_a_model_again(write: Write) -> None:
    origin = Origin("zoo_of_a_test.models.a", str(write("a.py", "one")))
    assert [one.model.name for one in load(origin)] == ["one"]
    assert load(origin)[0].origin == origin


def declared(*models: object) -> tuple[Declared, ...]:
    return tuple(Declared(one, Origin("here")) for one in models)


VOICE = model("voice")
EAR_TINY, EAR_FULL = (model(f"ear-{size}", family="ear", size=size) for size in ("tiny", "full"))
EVERYTHING = declared(VOICE, EAR_TINY, EAR_FULL)


@pytest.mark.parametrize(
    ("patterns", "size", "expected"),
    [
        ("*", None, ["voice", "ear-tiny"]),  # a family with a tiny model is represented by it
        ("*", "tiny", ["voice", "ear-tiny"]),  # a family without that size by what it has
        ("*", "full", ["voice", "ear-full"]),
        ("ear-*", None, ["ear-tiny"]),
        ("ear-full", None, ["ear-full"]),  # named in full: whatever its size
        ("ear-full", "tiny", ["ear-full"]),
        ("ear-full, voice", None, ["voice", "ear-full"]),
        ("ear-full,*", None, ["voice", "ear-tiny", "ear-full"]),
        ("*-full", None, ["ear-full"]),  # a glob that can only mean the other size
        ("*-full", "tiny", ["ear-full"]),
    ],
)
def test_models_are_chosen_by_glob_and_size(patterns: str, size: str | None, expected: list[str]) -> None:
    assert [one.model.name for one in choose(EVERYTHING, patterns, size)] == expected


def test_a_glob_chooses_every_size_where_size_is_not_the_question() -> None:
    assert [one.model.name for one in choose_all(EVERYTHING, "ear*")] == ["ear-tiny", "ear-full"]


@pytest.mark.parametrize(
    "pick", [lambda patterns: choose(EVERYTHING, patterns, None), lambda p: choose_all(EVERYTHING, p)]
)
@pytest.mark.parametrize(
    ("patterns", "wrong", "hint"),
    [
        ("vocie", "vocie", "did you mean voice"),
        ("voice,ear-ful", "ear-ful", "did you mean ear-full"),
        ("xyz*", r"xyz\*", "there are voice, ear-tiny, ear-full"),
        ("", "", "there are voice"),
    ],
)
def test_a_glob_that_matches_nothing_is_refused_with_a_hint(pick, patterns: str, wrong: str, hint: str) -> None:
    with pytest.raises(UsageProblem, match=rf"no model matches '{wrong}'; {hint}"):
        pick(patterns)


def test_a_glob_over_no_models_says_that_there_are_none() -> None:
    with pytest.raises(UsageProblem, match="there are none"):
        choose_all((), "*")


@pytest.mark.parametrize(
    ("needs", "expected"),
    [
        ((), None),
        ((Need("pytest", "-"),), None),
        (
            (Need("pytest", "-"), Need("no-such-weights", "pip install no-such-weights")),
            Blocked(Reason.NO_WEIGHTS, "no-such-weights is not installed: pip install no-such-weights"),
        ),
        (
            (Need("no-such-library", "pip install it", is_library=True),),
            Blocked(Reason.NO_PACKAGE, "no-such-library is not installed: pip install it"),
        ),
    ],
)
def test_what_a_model_needs_is_looked_up_and_named(needs: tuple[Need, ...], expected: Blocked | None) -> None:
    assert blocked(model(needs=needs)) == expected


LARGE = (1 << 20) + 1


@pytest.fixture
def suites(tmp_path: Path) -> Path:
    """A project with a suite: a model, a helper beside the models, large weights, and what a tool left behind."""
    for name, size in {
        "suites/models/tone.py": 10,
        "suites/helper.py": 10,
        "suites/weights.bin": LARGE,
        "suites/models/__pycache__/tone.pyc": 10,
        "suites/.cache": 10,
        "elsewhere.py": 10,
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        rewrite(tmp_path / name, b"a" * size, 1_000_000_000)
    return tmp_path


def rewrite(path: Path, content: bytes, changed_ns: int) -> None:
    path.write_bytes(content)
    os.utime(path, ns=(changed_ns, changed_ns))


@pytest.mark.parametrize(
    ("name", "content", "changed_ns", "is_other"),
    [
        ("suites/models/tone.py", b"b" * 10, 1_000_000_000, True),
        ("suites/models/tone.py", b"a" * 10, 2_000_000_000, False),
        ("suites/models/another.py", b"", 1_000_000_000, True),
        ("suites/helper.py", b"b" * 10, 1_000_000_000, True),
        ("suites/weights.bin", b"a" * LARGE, 2_000_000_000, True),  # large: by when it was changed
        ("suites/weights.bin", b"a" * (LARGE + 1), 1_000_000_000, True),  # and by its size
        ("suites/weights.bin", b"b" * LARGE, 1_000_000_000, False),  # its content is not read
        ("suites/models/__pycache__/tone.pyc", b"b" * 10, 1_000_000_000, False),
        ("suites/.cache", b"b" * 10, 1_000_000_000, False),
        ("elsewhere.py", b"b" * 10, 1_000_000_000, False),
    ],
)
def test_suites_are_told_apart_by_what_they_hold_and_large_files_by_size_and_time(
    suites: Path, name: str, content: bytes, changed_ns: int, *, is_other: bool
) -> None:
    before = source_digest(suites, "suites/models")
    rewrite(suites / name, content, changed_ns)
    assert (source_digest(suites, "suites/models") != before) is is_other


def test_a_file_under_another_name_is_another_suite(suites: Path) -> None:
    before = source_digest(suites, "suites/models")
    (suites / "suites/helper.py").rename(suites / "suites/helped.py")
    assert source_digest(suites, "suites/models") != before


def test_a_model_s_folder_at_the_top_of_the_project_is_all_there_is_of_its_suites(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    before = source_digest(tmp_path, "models")
    (tmp_path / "beside.py").write_text("other")
    assert source_digest(tmp_path, "models") == before
    (tmp_path / "models/tone.py").write_text("new")
    assert source_digest(tmp_path, "models") != before
