"""`quantgate quantize`: files are written whole or not at all, never over the model or what nobody released."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from harness.bring.declaring import Brought, File
from harness.bring.signature import Signature
from harness.commands.bringing import Taken
from harness.commands.quantizing import Written, _line, _targets, copy_whole
from harness.errors import HarnessError, UsageProblem


def taken(folder: Path) -> Taken:
    (folder / "m.onnx").write_bytes(b"model")
    brought = Brought("m", File(str(folder / "m.onnx"), "d"), "onnx", (), 1)
    return Taken(brought, Signature("onnx", ()), ())


def options(output: Path, *, every: bool = False, force: bool = False) -> argparse.Namespace:
    return argparse.Namespace(output=output, all=every, force=force)


def test_a_folder_gets_a_file_a_precision_named_by_it(tmp_path: Path) -> None:
    found = _targets(options(tmp_path / "out", every=True), taken(tmp_path), ("fp16", "int8-dynamic"))
    assert [path.name for path in found.values()] == ["m.fp16.onnx", "m.int8-dynamic.onnx"]


def test_a_folder_that_is_there_takes_a_single_artifact_too(tmp_path: Path) -> None:
    assert _targets(options(tmp_path), taken(tmp_path), ("fp16",)) == {"fp16": tmp_path / "m.fp16.onnx"}


@pytest.mark.parametrize(
    ("name", "every", "force", "words"),
    [
        ("there.onnx", False, False, "give --force"),
        ("m.onnx", False, True, "the model itself"),
        ("there.onnx", True, False, "with --all name a folder"),
        ("absent/x.onnx", False, False, "there is no folder"),
    ],
)
def test_what_would_destroy_something_or_cannot_be_is_refused(
    tmp_path: Path, name: str, every: bool, force: bool, words: str
) -> None:
    (tmp_path / "there.onnx").write_bytes(b"precious")
    with pytest.raises(UsageProblem, match=words):
        _targets(options(tmp_path / name, every=every, force=force), taken(tmp_path), ("fp16",))
    assert (tmp_path / "there.onnx").read_bytes() == b"precious"


def test_a_file_is_written_over_with_force(tmp_path: Path) -> None:
    (tmp_path / "there.onnx").write_bytes(b"old")
    found = _targets(options(tmp_path / "there.onnx", force=True), taken(tmp_path), ("fp16",))
    copy_whole(tmp_path / "m.onnx", found["fp16"])
    assert (tmp_path / "there.onnx").read_bytes() == b"model"


def test_a_copy_that_fails_leaves_what_was_there_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "there.onnx").write_bytes(b"old")
    with pytest.raises(HarnessError, match="cannot be written"):
        copy_whole(tmp_path / "absent", tmp_path / "there.onnx")
    assert [path.name for path in tmp_path.iterdir()] == ["there.onnx"]
    assert (tmp_path / "there.onnx").read_bytes() == b"old"


def test_a_line_tells_what_was_converted_and_what_was_left() -> None:
    one = Written("int8-dynamic", "m.onnx", "d", 400, 0.25, 1, 2, ("table (Gather, 300 B)",))
    assert _line(one, 1000) == (
        "✓ int8-dynamic: m.onnx, 400 B, 40 % of fp32; 25 % of the weight bytes converted\n"
        "    left as they were: table (Gather, 300 B)"
    )
    assert _line(Written("bf16", why="NO_RECIPE: none"), 1000) == "∅ bf16: NO_RECIPE: none"
