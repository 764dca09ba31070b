"""accepted.toml: what is written is read, and what is wrong has its line."""

import tomllib
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.baselines.approvals import (
    FILE,
    Acceptance,
    append_acceptance,
    quoted,
    read_acceptances,
    written,
)
from harness.errors import UsageProblem
from tests.baselines.made import CELL, OTHER

LATENCY = Acceptance(CELL, "latency_seconds", "a better voice", 0.010, 0.012, 1.25, "origin/main", "run-1", "c0ffee")
SIZE = Acceptance(CELL, "artifact_bytes", "one more layer", 1000.0, 1100.0, 1.1, "origin/main", "run-1")
QUALITY = Acceptance(CELL, "decision_agreement", "known to flip", 1.0, 0.88, None, "origin/main", "run-1", loss=0.14)

TEXTS = st.text(st.characters(exclude_categories=("Cs",)))
PRINTABLE = st.characters(exclude_categories=("C", "Z"), include_characters=" ")
LINES = st.text(PRINTABLE, min_size=1).map(lambda text: f"x{text}".strip())
NUMBERS = st.floats(1e-12, 1e12)


@given(TEXTS)
def test_any_text_survives_the_quotes(text: str) -> None:
    assert tomllib.loads(f"x = {quoted(text)}") == {"x": text}


def test_half_a_character_is_refused() -> None:
    with pytest.raises(UsageProblem, match="not valid Unicode"):
        quoted("\udcff")


@given(
    st.builds(
        Acceptance,
        st.sampled_from([CELL, OTHER]),
        st.sampled_from(["latency_seconds", "peak_bytes"]),
        LINES,
        NUMBERS,
        NUMBERS,
        NUMBERS,
        LINES,
        LINES,
        st.none() | LINES,
        st.none() | st.dates(),
    )
)
def test_an_entry_survives_the_file(tmp_path_factory: pytest.TempPathFactory, entry: Acceptance) -> None:
    folder = tmp_path_factory.mktemp("baselines")
    append_acceptance(folder, entry)
    assert read_acceptances(folder) == (entry,)


@given(
    st.builds(
        Acceptance,
        st.just(CELL),
        st.sampled_from(["accuracy", "sqnr_db"]),
        LINES,
        NUMBERS,
        NUMBERS,
        st.none(),
        LINES,
        LINES,
        loss=NUMBERS | st.just(0.0),
    )
)
def test_an_entry_of_quality_survives_the_file(tmp_path_factory: pytest.TempPathFactory, entry: Acceptance) -> None:
    folder = tmp_path_factory.mktemp("baselines")
    append_acceptance(folder, entry)
    assert read_acceptances(folder) == (entry,)


def test_an_entry_is_added_after_what_stands_there(tmp_path: Path) -> None:
    append_acceptance(tmp_path, LATENCY)
    before = (tmp_path / FILE).read_text() + "# mine, without an end of line"
    (tmp_path / FILE).write_text(before)
    append_acceptance(tmp_path, SIZE)
    assert (tmp_path / FILE).read_text().startswith(before)
    assert read_acceptances(tmp_path) == (LATENCY, SIZE)


def test_the_same_subject_is_not_accepted_twice(tmp_path: Path) -> None:
    append_acceptance(tmp_path, LATENCY)
    before = (tmp_path / FILE).read_bytes()
    line = before.decode().splitlines().index("[[accepted]]") + 1
    with pytest.raises(UsageProblem, match=rf"accepted.toml:{line} speaks of .* already"):
        append_acceptance(tmp_path, replace(LATENCY, ratio=2.0))
    assert (tmp_path / FILE).read_bytes() == before


def test_no_file_accepts_nothing(tmp_path: Path) -> None:
    assert read_acceptances(tmp_path) == ()


@pytest.mark.parametrize(
    ("old", "new", "line", "says"),
    [
        ("metric =", "metrik =", 3, "metrik"),
        ('"latency_seconds"', '"latency"', 3, "no metric"),
        ('reason = "a better voice"\n', "", 1, "no 'reason'"),
        ('"a better voice"', '" "', 4, "empty"),
        ("ratio = 1.25", 'ratio = "much"', 7, "no number"),
        ("ratio = 1.25\n", "", 1, "no 'ratio'"),
        ("ratio = 1.25", "ratio = inf", 7, "finite"),
        ("old = 0.01\n", "", 1, "no 'old'"),
        ("tone/fp32/cpu", "tone", 2, "no cell"),
        ("ratio = 1.25", 'ratio = 1.25\nexpires = "soon"', 8, "no day"),
        ("ratio = 1.25", "ratio = 1.25\nexpires = 2030-01-01T00:00:00", 8, "no day"),
        ("[[accepted]]", "[[excepted]]", 1, "excepted"),
        ("ratio = 1.25", "ratio = ", 7, "TOML"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(tmp_path: Path, old: str, new: str, line: int, says: str) -> None:
    text = written(LATENCY)
    assert text.count(old) == 1
    (tmp_path / FILE).write_text(text.replace(old, new))
    with pytest.raises(UsageProblem, match=says) as caught:
        read_acceptances(tmp_path)
    assert f"baselines/accepted.toml:{line}: " in str(caught.value)


@pytest.mark.parametrize(
    ("entry", "old", "new", "says"),
    [
        (QUALITY, "loss = 0.14\n", "", "1: .* has no 'loss'; remove the entry and accept again"),
        (QUALITY, "loss = 0.14", "loss = nan", "7: .* finite"),
        (QUALITY, "decision_agreement", "decision_agrement", "3: .* did you mean decision_agreement"),
        (LATENCY, "ratio = 1.25", "ratio = 1.25\nloss = 2", "8: latency_seconds is no quality, and has a ratio"),
    ],
)
def test_a_loss_is_of_quality_and_quality_has_a_loss(
    tmp_path: Path, entry: Acceptance, old: str, new: str, says: str
) -> None:
    text = written(entry)
    assert text.count(old) == 1
    (tmp_path / FILE).write_text(text.replace(old, new))
    with pytest.raises(UsageProblem, match=rf"accepted\.toml:{says}"):
        read_acceptances(tmp_path)


def test_two_entries_of_one_subject_are_told(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text(written(LATENCY) + written(LATENCY))
    with pytest.raises(UsageProblem, match=r"accepted.toml:11: line 1 speaks of the same"):
        read_acceptances(tmp_path)
