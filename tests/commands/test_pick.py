"""`quantgate pick`: what it prints, which file it names, and how it ends."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from harness import journal
from harness.cli import main
from harness.commands.pick import memory_bytes
from harness.commands.quantizing import MANIFEST, Manifest, Written
from harness.errors import UsageProblem
from harness.models import Coverage
from harness.precisions.store import Key
from harness.precisions.store import Manifest as StoreManifest
from harness.results import Run
from tests.test_picking import THREE, of
from tests.test_worth import run

CONTENT = b"quantized"
DIGEST = hashlib.sha256(CONTENT).hexdigest()


def holding(told: Run, digest: str = DIGEST) -> Run:
    """The run with artifacts of that digest."""
    return replace(
        told,
        measurements=tuple(
            replace(one, provenance=replace(one.provenance, artifact_digest=f"{digest}" if place == 2 else "other"))
            for place, one in enumerate(told.measurements)
            if one.provenance
        ),
    )


def written(folder: Path, told: Run, name: str = "one") -> str:
    (folder / name).mkdir()
    journal.write_run(folder / name, told)
    return str(folder / name)


def stored(cache: Path, content: bytes = CONTENT) -> Path:
    entry = cache / "artifacts" / "k"
    entry.mkdir(parents=True)
    file = entry / "int8-dynamic.onnx"
    file.write_bytes(content)
    coverage = Coverage(1, 1, 1, 1)
    manifest = StoreManifest(
        Key("r", "int8-dynamic", 1), file.name, "onnx", "int8-dynamic", DIGEST, 9, "p", 1.0, coverage, {}
    )
    (entry / "manifest.json").write_bytes(msgspec.json.encode(manifest))
    return file


def picked(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, object]:
    assert main(["pick", "--format", "json", *arguments]) == 0
    (one,) = json.loads(capsys.readouterr().out)["picks"]
    return one  # type: ignore[no-any-return]


def test_the_file_in_the_store_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = stored(tmp_path)
    one = picked(capsys, written(tmp_path, holding(THREE)), "--artifact-cache", str(tmp_path))
    assert one["load"]["precision"] == "int8-dynamic"  # type: ignore[index]
    assert one["load"]["file"] == str(file)  # type: ignore[index]
    assert [each["precision"] for each in one["fallbacks"]] == ["fp16", "fp32"]  # type: ignore[attr-defined]


def test_a_file_whose_bytes_have_changed_is_not_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stored(tmp_path, b"other bytes")
    one = picked(capsys, written(tmp_path, holding(THREE)), "--artifact-cache", str(tmp_path))
    assert one["load"]["file"] is None  # type: ignore[index]


def test_a_folder_that_was_written_for_the_application_stands_before_the_store(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stored(tmp_path)
    out = tmp_path / "out"
    out.mkdir()
    (out / "m.int8-dynamic.onnx").write_bytes(CONTENT)
    made = Manifest("m", "m.onnx", "r", 1, (Written("int8-dynamic", "m.int8-dynamic.onnx", DIGEST, 9, 1.0),))
    (out / MANIFEST).write_bytes(msgspec.json.encode(made))
    place = written(tmp_path, holding(THREE))
    one = picked(capsys, place, "--artifact-cache", str(tmp_path), "--artifacts", str(out))
    assert one["load"]["file"] == str(out / "m.int8-dynamic.onnx")  # type: ignore[index]


def test_the_newest_of_several_runs_counts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old = replace(run(*THREE.measurements), id="old", started="2026-01-01T00:00:00+00:00")
    places = [written(tmp_path, replace(THREE, id="new"), "new"), written(tmp_path, old, "old")]
    assert picked(capsys, *reversed(places), "--artifact-cache", str(tmp_path))["run"] == "new"


def test_the_table_names_file_evidence_and_order(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["pick", written(tmp_path, THREE), "--artifact-cache", str(tmp_path)]) == 0
    told = capsys.readouterr().out
    for part in ("turn on cpu: load int8-dynamic", "  file      ", "in pairs", "  then      fp16: after int8-dynamic"):
        assert part in told


def test_where_nothing_keeps_the_limit_each_reason_is_told_and_it_ends_with_eleven(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["pick", written(tmp_path, THREE), "--max-memory", "299MB", "--artifact-cache", str(tmp_path)]) == 11
    told = capsys.readouterr().out
    assert "turn on cpu: nothing qualifies, not even fp32: it needs 300 MB, and 299 MB may be used" in told
    assert "not       fp32: it needs 300 MB" in told
    assert "int8-dynamic: it needs 300 MB, and 299 MB may be used" in told


@pytest.mark.parametrize("arguments", [["--device", "cuda"], ["--model", "other"]])
def test_what_no_run_holds_cannot_be_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    assert main(["pick", written(tmp_path, THREE), *arguments]) == 11
    assert "quantgate try or pytest" in capsys.readouterr().err


def test_without_fp32_it_ends_with_eleven_and_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["pick", written(tmp_path, run(of("fp16"))), "--artifact-cache", str(tmp_path)]) == 11
    assert "fp32 has no result" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "count"), [("300MB", 300e6), ("1.5GiB", 1.5 * 2**30), ("1024", 1024), ("2 kb", 2000), ("7B", 7)]
)
def test_a_size_is_read_in_its_unit(text: str, count: float) -> None:
    assert memory_bytes(text) == count


@pytest.mark.parametrize("text", ["", "much", "300TBs", "-1MB", "1..5GB"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(UsageProblem, match="write 300MB"):
        memory_bytes(text)
