"""Artifacts are made once, found by everything that decides them, and used only whole."""

from __future__ import annotations

import dataclasses
import os
import signal
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from harness.models import Artifact, Coverage, FileReference, ModuleReference
from harness.precisions import Converted, Recipe
from harness.precisions.store import ArtifactStore, Key, file_digest, library_versions, reference_digest
from tests.fakes import is_gone, start_python, wait_until
from tests.samples import reference as reference_to

COVERAGE = Coverage(converted_bytes=3, total_bytes=4, converted_count=1, total_count=2, left=("head",))
LAYOUT = {"parameter_count": 4, "count_by_dtype": {"int8": 4}, "replaced": ["a.b"]}


@pytest.fixture
def reference(tmp_path: Path) -> FileReference:
    path = tmp_path / "package" / "model.onnx"
    path.parent.mkdir()
    path.write_bytes(b"the reference")
    return reference_to(path)


@pytest.fixture
def key(reference: FileReference) -> Key:
    return Key(reference_digest(reference), "int8-dynamic", 1)


@pytest.fixture
def store(tmp_path: Path) -> ArtifactStore:
    return ArtifactStore(tmp_path / "artifacts")


class Conversion:
    """Writes some bytes, and counts how often it was asked to."""

    def __init__(self, content: bytes = b"converted") -> None:
        self.content = content
        self.times = 0

    def __call__(self, target: Path) -> Converted:
        assert list(target.parent.iterdir()) == []
        self.times += 1
        target.write_bytes(self.content)
        return Converted(COVERAGE, LAYOUT)


def entry(store_folder: Path, key: Key) -> Path:
    return store_folder / key.digest


def names(folder: Path) -> list[str]:
    """What is kept in a store, locks left out."""
    return sorted(one.name for one in folder.iterdir() if one.suffix != ".lock")


def test_what_was_never_made_is_not_found(store: ArtifactStore, key: Key, reference: FileReference) -> None:
    assert store.find(key, reference) is None


def test_what_was_made_is_found_as_it_was_made(store, key, reference) -> None:
    made = store.make(key, reference, Conversion(), ".onnx")
    found = store.find(key, reference)
    assert found == made
    assert found.path.read_bytes() == b"converted"
    assert found.path.name == "int8-dynamic.onnx"
    assert (found.size_bytes, found.digest) == (9, file_digest(found.path))
    assert (found.coverage, found.layout) == (COVERAGE, LAYOUT)
    assert (found.format, found.precision, found.provenance) == ("onnx", "int8-dynamic", "made for a test")
    assert found.conversion_seconds > 0


def test_a_second_wish_converts_nothing(store, key, reference) -> None:
    conversion = Conversion()
    first = store.make(key, reference, conversion, ".onnx")
    assert store.make(key, reference, conversion, ".onnx") == first
    assert conversion.times == 1


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[0] ^= 1
    path.write_bytes(content)


SPOILT: Mapping[str, Callable[[Path], Any]] = {
    "a bit of the artifact": lambda folder: flip(folder / "int8-dynamic.onnx"),
    "the artifact cut short": lambda folder: (folder / "int8-dynamic.onnx").write_bytes(b"conv"),
    "the artifact gone": lambda folder: (folder / "int8-dynamic.onnx").unlink(),
    "the manifest cut short": lambda folder: (folder / "manifest.json").write_bytes(
        (folder / "manifest.json").read_bytes()[:-20]
    ),
    "the manifest empty": lambda folder: (folder / "manifest.json").write_bytes(b""),
    "the manifest of another shape": lambda folder: (folder / "manifest.json").write_bytes(b'{"key": 1}'),
    "the manifest not text": lambda folder: (folder / "manifest.json").write_bytes(b'{"file": "\xff"}'),
    "the manifest gone": lambda folder: (folder / "manifest.json").unlink(),
}


@pytest.mark.parametrize("spoil", SPOILT.values(), ids=SPOILT.keys())
def test_what_is_spoilt_is_thrown_away_and_made_again(store, key, reference, tmp_path, spoil) -> None:
    store.make(key, reference, Conversion(), ".onnx")
    spoil(entry(tmp_path / "artifacts", key))
    assert store.find(key, reference) is None
    again = Conversion()
    assert store.make(key, reference, again, ".onnx").path.read_bytes() == b"converted"
    assert again.times == 1
    assert store.find(key, reference) is not None
    assert names(tmp_path / "artifacts") == [key.digest]


@pytest.mark.parametrize("error", [ValueError("bad weights"), KeyboardInterrupt(), MemoryError()])
def test_a_failed_conversion_leaves_nothing_behind(store, key, reference, tmp_path, error: BaseException) -> None:
    def convert(target: Path) -> Converted:
        target.write_bytes(b"half")
        raise error

    with pytest.raises(type(error)):
        store.make(key, reference, convert, ".onnx")
    assert names(tmp_path / "artifacts") == []
    assert store.make(key, reference, Conversion(), ".onnx").path.read_bytes() == b"converted"


def test_a_conversion_that_writes_nothing_leaves_nothing_behind(store, key, reference, tmp_path) -> None:
    with pytest.raises(FileNotFoundError):
        store.make(key, reference, lambda target: Converted(COVERAGE), ".onnx")
    assert names(tmp_path / "artifacts") == []


MAKER = """
import sys, time
from pathlib import Path
from harness.models import Coverage, FileReference
from harness.precisions import Converted
from harness.precisions.store import ArtifactStore, Key, reference_digest

folder, patience = Path(sys.argv[1]), float(sys.argv[2])

def convert(target):
    target.write_bytes(b"conv")
    with (folder / "conversions").open("a") as log:
        log.write("begun\\n")
    time.sleep(patience)
    target.write_bytes(b"converted")
    return Converted(Coverage(3, 4, 1, 2))

reference = FileReference(folder / "package" / "model.onnx", "onnx", "made for a test")
key = Key(reference_digest(reference), "int8-dynamic", 1)
print(ArtifactStore(folder / "artifacts").make(key, reference, convert, ".onnx").digest)
"""


def test_two_processes_that_want_the_same_convert_once(key, reference, tmp_path) -> None:
    makers = [start_python(MAKER, tmp_path, 0.5) for _ in range(2)]
    digests = {maker.communicate()[0] for maker in makers}
    assert [maker.returncode for maker in makers] == [0, 0]
    assert (tmp_path / "conversions").read_text() == "begun\n"
    assert digests == {file_digest(entry(tmp_path / "artifacts", key) / "int8-dynamic.onnx") + "\n"}


def test_a_conversion_killed_half_way_is_made_again_and_its_half_is_swept_away(store, key, reference, tmp_path) -> None:
    maker = start_python(MAKER, tmp_path, 600)
    wait_until((tmp_path / "conversions").exists, "the conversion had begun")
    maker.send_signal(signal.SIGKILL)
    maker.communicate()
    assert is_gone(maker.pid)
    assert store.find(key, reference) is None
    assert names(tmp_path / "artifacts") != []
    assert store.make(key, reference, Conversion(), ".onnx").path.read_bytes() == b"converted"
    assert names(tmp_path / "artifacts") == [key.digest]


def link(reference: FileReference) -> Callable[[Path], Converted]:
    def convert(target: Path) -> Converted:
        os.link(reference.path, target)
        return Converted(COVERAGE)

    return convert


def test_an_artifact_that_is_the_reference_is_used_where_it_lies(store, key, reference) -> None:
    made = store.make(key, reference, link(reference), ".onnx")
    assert made.path == reference.path
    assert reference.path.stat().st_nlink == 1, "no second name by which it could be damaged"
    assert made.digest == key.reference == file_digest(reference.path)
    assert store.find(key, reference) == made


def test_a_package_installed_again_with_the_same_file_is_the_same_artifact(store, key, reference) -> None:
    made = store.make(key, reference, link(reference), ".onnx")
    reference.path.unlink()
    reference.path.write_bytes(b"the reference")
    assert store.find(key, reference) == made


def test_a_manifest_that_calls_the_reference_something_else_is_not_believed(store, key, reference, tmp_path) -> None:
    made = store.make(key, reference, Conversion(), ".onnx")
    made.path.unlink()
    os.link(reference.path, made.path)
    assert store.find(key, reference) is None


BASE = Key("r", "int8-static", 1, {"a": 1}, "x86", {"onnx": "1"}, "c")


@pytest.mark.parametrize(
    "change",
    [
        {"reference": "other"},
        {"precision": "int8-dynamic"},
        {"recipe_version": 2},
        {"settings": {}},
        {"settings": {"a": 2}},
        {"settings": {"a": "1"}},
        {"settings": {"b": 1}},
        {"engine": None},
        {"engine": "qnnpack"},
        {"libraries": {"onnx": "2"}},
        {"libraries": {"onnx": None}},
        {"libraries": {"onnx": "1", "torch": "2"}},
        {"calibration": None},
        {"calibration": "d"},
    ],
)
def test_whatever_decides_an_artifact_is_in_its_key(change: dict[str, Any]) -> None:
    assert dataclasses.replace(BASE, **change).digest != BASE.digest


def test_the_test_of_keys_changes_every_field() -> None:
    fields = {field.name for field in dataclasses.fields(Key)}
    marks = test_whatever_decides_an_artifact_is_in_its_key.pytestmark  # type: ignore[attr-defined]
    assert {name for change in marks[0].args[1] for name in change} == fields


def test_the_order_of_settings_decides_nothing() -> None:
    one, two = ({"a": 1, "b": {"c": 2, "d": 3}}, {"b": {"d": 3, "c": 2}, "a": 1})
    assert dataclasses.replace(BASE, settings=one).digest == dataclasses.replace(BASE, settings=two).digest


def module(*identity: str) -> ModuleReference:
    return ModuleReference(skeleton=dict, fill=lambda _module: None, identity=identity, provenance="made for a test")


def test_a_module_is_told_by_all_that_decides_its_weights() -> None:
    assert reference_digest(module("net", "seed 0")) == reference_digest(module("net", "seed 0"))
    assert reference_digest(module("net", "seed 0")) != reference_digest(module("net", "seed 1"))
    assert reference_digest(module("ab", "c")) != reference_digest(module("a", "bc"))


def test_a_file_is_told_by_its_bytes_not_by_its_name(tmp_path: Path) -> None:
    for name, content in (("a", b"1"), ("b", b"1"), ("c", b"2")):
        (tmp_path / name).write_bytes(content)
    a, b, c = (reference_digest(reference_to(tmp_path / name)) for name in "abc")
    assert a == b != c
    # printf 1 | sha256sum
    assert a == "6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b"


def test_an_artifact_of_a_module_brings_the_way_to_build_it_again(store: ArtifactStore) -> None:
    source = module("net")
    key = Key(reference_digest(source), "int8-dynamic", 1)
    for artifact in (store.make(key, source, Conversion(), ".pt"), store.find(key, source)):
        assert isinstance(artifact, Artifact)
        assert artifact.skeleton is source.skeleton
        assert artifact.format == "torch-state"


def test_library_versions_are_those_installed_and_none_where_there_is_none() -> None:
    recipe = Recipe("fp32", "", 1, {}, {"onnx": ("pytest", "no-such-library"), "torch-state": ("torch",)})
    assert library_versions(recipe, "onnx") == {"pytest": pytest.__version__, "no-such-library": None}
    assert library_versions(recipe, "torchscript") == {}
