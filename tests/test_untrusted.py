"""Records of strangers: read within limits, or refused in one line."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from harness import untrusted
from harness.cells import Cell
from harness.comparisons import Clock, Duel, Judgement, Outcome, Pair, Side, Verdict
from harness.errors import RecordUnreadable
from harness.journal import write_run
from harness.results import Reading, Run
from harness.untrusted import read_untrusted
from tests.baselines.made import CELL, measured, run

MANY = tuple(Cell(f"m{n}", "fp32", "cpu") for n in range(untrusted.MOST_CELLS + 1))


LATENCY = "latency_seconds"


def said(**numbers: float) -> Run:
    """A run with one verdict of such numbers."""
    verdict = Verdict(CELL, LATENCY, Outcome.REGRESSED, "", "main", **numbers)
    return replace(run(measured()), judgement=Judgement("main", "gate", (verdict,)))


def said_of(cells: tuple[Cell, ...]) -> Run:
    """A run with a verdict of each of these cells, most of which it does not have."""
    verdicts = tuple(Verdict(cell, None, Outcome.NEW, "", "main") for cell in cells)
    return replace(run(measured()), judgement=Judgement("main", "gate", verdicts))


def paired(log_ratio: float) -> Run:
    """A run with one pair of such a ratio."""
    side = Side({"wall": 0.01})
    duel = Duel(CELL, "main", Clock.WALL, (Pair(1, {"wall": log_ratio}, side, side, 10, 1.0),))
    return replace(run(measured()), duels=(duel,))


def written(folder: Path, made: Run) -> Path:
    return write_run(folder, made)


def test_a_usual_record_is_read_as_it_is(tmp_path: Path) -> None:
    made = run(measured())
    assert read_untrusted(written(tmp_path, made)) == made


@pytest.mark.parametrize(
    ("made", "why"),
    [
        (replace(run(measured()), planned=MANY), "cells"),
        (run(measured(peak_bytes=1e300)), "no machine"),
        (replace(run(measured()), measurements=(measured(),) * (untrusted.MOST_CELLS + 1)), "measurements"),
        (run(replace(measured(), readings=(Reading("peak_bytes", -1e19),))), "no machine"),
        (said(ratio=1e300), "no machine"),
        (said(could_see=5e-324), "no machine"),
        (paired(-700.0), "no machine"),
        (said_of(MANY), "5,002 cells"),
        (replace(run(measured()), planned=tuple(Cell("m", f"p{n}", "cpu") for n in range(65))), "66 precisions"),
        (replace(run(measured()), planned=tuple(Cell("m", "fp32", f"cuda:{n}") for n in range(65))), "66 devices"),
        (replace(run(measured()), options={"x" * 100_001: 1}), "a text of 100,001 letters"),
    ],
    ids=[
        "cells",
        "endless number",
        "repeated",
        "below nothing",
        "endless ratio",
        "next to nothing",
        "endless logarithm",
        "verdicts of cells that are nowhere else",
        "precisions",
        "devices",
        "letters",
    ],
)
def test_more_than_a_run_has_is_refused(made: Run, why: str, tmp_path: Path) -> None:
    path = written(tmp_path, made)
    with pytest.raises(RecordUnreadable, match=why) as refused:
        read_untrusted(path)
    assert "\n" not in str(refused.value)
    assert str(tmp_path) not in str(refused.value)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b"[" * 100_000,
        b'{"schema": 1, "id": ' + b'{"a":' * 50_000 + b"1",
        b"\xff\xfe",
        b'{"schema": 99}',
        b'{"schema": 1}',
        b"null",
    ],
    ids=["empty", "no keys", "deep list", "deep object", "no text", "newer", "no run", "null"],
)
def test_what_is_no_record_is_refused_and_breaks_nothing(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    path.write_bytes(content)
    with pytest.raises(RecordUnreadable):
        read_untrusted(path)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("measurements", [{"cell": {"model": "m", "precision": "p", "device": "cpu"}, "status": "boiled"}]),
        ("environment", "here"),
        ("planned", [{"model": 1, "precision": [], "device": None}]),
        ("options", {"a": {"b": "c"}}),
        ("rates", [{}]),
    ],
)
def test_a_value_of_another_kind_is_refused(key: str, value: object, tmp_path: Path) -> None:
    plain = json.loads(msgspec.json.encode(run(measured())))
    path = tmp_path / "run.json"
    path.write_text(json.dumps({**plain, key: value}))
    with pytest.raises(RecordUnreadable):
        read_untrusted(path)


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    link = tmp_path / "run.json"
    link.symlink_to(written(tmp_path / "there", run(measured())))
    with pytest.raises(RecordUnreadable, match="no plain file"):
        read_untrusted(link)


def test_a_large_file_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    with path.open("wb") as file:
        file.truncate(untrusted.MOST_BYTES + 1)
    with pytest.raises(RecordUnreadable, match="bytes"):
        read_untrusted(path)
