"""accepted.toml: what is written is read, what is wrong has its line, and a bound is a bound."""

import tomllib
from dataclasses import replace
from datetime import date
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
from harness.baselines.loosening import loosen
from harness.comparisons import Basis, Outcome, Verdict
from harness.errors import UsageProblem
from tests.baselines.made import CELL, OTHER

TODAY = date(2030, 1, 15)

LATENCY = Acceptance(CELL, "latency_seconds", "a better voice", 0.010, 0.012, 1.25, "origin/main", "run-1", "c0ffee")
SIZE = Acceptance(CELL, "artifact_bytes", "one more layer", 1000.0, 1100.0, 1.1, "origin/main", "run-1")


def verdict(metric: str = "latency_seconds", outcome: Outcome = Outcome.REGRESSED, **more: object) -> Verdict:
    plain = Verdict(CELL, metric, outcome, "slower", "origin/main", old=0.010, new=0.012, ratio=1.2)
    return replace(plain, **more)  # type: ignore[arg-type]


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


def test_two_entries_of_one_subject_are_told(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text(written(LATENCY) + written(LATENCY))
    with pytest.raises(UsageProblem, match=r"accepted.toml:11: line 1 speaks of the same"):
        read_acceptances(tmp_path)


@pytest.mark.parametrize(
    ("ratio", "outcome", "accepted"),
    [
        (1.25, Outcome.REGRESSED, True),
        (1.25, Outcome.SUSPECT, True),
        (1.2500001, Outcome.REGRESSED, False),
        (1.2, Outcome.INCONCLUSIVE, False),
        (float("nan"), Outcome.REGRESSED, False),
        (float("inf"), Outcome.REGRESSED, False),
    ],
)
def test_a_change_is_accepted_up_to_its_bound(ratio: float, outcome: Outcome, accepted: bool) -> None:
    [marked], _ = loosen([verdict(outcome=outcome, ratio=ratio)], [LATENCY], TODAY)
    assert (marked.accepted is not None) == accepted
    assert marked.outcome is outcome


def test_what_gets_better_by_growing_is_bound_from_below() -> None:
    entry = Acceptance(CELL, "weights_covered_fraction", "one layer stays", 0.8, 0.72, 0.9, "origin/main", "run-1")
    here = verdict("weights_covered_fraction", basis=Basis.EXACT, old=0.8, new=0.72, ratio=0.9)
    [kept, refused], _ = loosen([here, replace(here, new=0.71, ratio=0.8875)], [entry], TODAY)
    assert kept.accepted == "one layer stays"
    assert refused.accepted is None


def test_a_count_is_not_accepted_twice_over_by_one_ratio() -> None:
    """Once 1,100 is the base, ten per cent more is 1,210, which nobody accepted."""
    again = verdict("artifact_bytes", basis=Basis.EXACT, old=1100.0, new=1210.0, ratio=1.1)
    [marked], [line] = loosen([again], [SIZE], TODAY)
    assert marked.accepted is None
    assert "worse than was accepted" in line


def test_what_has_no_better_side_is_accepted_at_its_value_only() -> None:
    entry = Acceptance(CELL, "parameters_count", "pruned", 100.0, 90.0, 0.9, "origin/main", "run-1")
    here = verdict("parameters_count", basis=Basis.EXACT, old=100.0, new=90.0, ratio=0.9)
    others = [replace(here, new=95.0, ratio=0.95), replace(here, new=80.0, ratio=0.8)]
    [kept, *refused], _ = loosen([here, *others], [entry], TODAY)
    assert kept.accepted == "pruned"
    assert [one.accepted for one in refused] == [None, None]


def test_a_change_from_nothing_is_bound_by_its_value() -> None:
    entry = Acceptance(CELL, "steady_growth_bytes", "a cache", 0.0, 4096.0, None, "origin/main", "run-1")
    here = verdict("steady_growth_bytes", basis=Basis.EXACT, old=0.0, new=4096.0, ratio=None)
    [kept, refused], _ = loosen([here, replace(here, new=4097.0)], [entry], TODAY)
    assert kept.accepted == "a cache"
    assert refused.accepted is None


@pytest.mark.parametrize(
    ("entry", "of", "says"),
    [
        (LATENCY, verdict(), "accepted: a better voice"),
        (replace(LATENCY, expires=TODAY), verdict(), "accepted (until 2030-01-15)"),
        (replace(LATENCY, expires=date(2030, 1, 14)), verdict(), "expired on 2030-01-14; remove it"),
        (LATENCY, verdict(ratio=1.5), "worse than was accepted"),
        (LATENCY, verdict(outcome=Outcome.UNCHANGED), "unused"),
        (LATENCY, verdict(outcome=Outcome.IMPROVED), "unused"),
        (LATENCY, verdict(outcome=Outcome.INCONCLUSIVE), "inconclusive"),
        (LATENCY, verdict("peak_bytes"), "1 of 1 entries concern what this run did not judge"),
    ],
)
def test_of_every_entry_it_is_said_what_became_of_it(entry: Acceptance, of: Verdict, says: str) -> None:
    _, [line] = loosen([of], [replace(entry, line=7)], TODAY)
    assert says in line
    assert line.startswith("baselines/accepted.toml")


def test_an_expired_entry_accepts_nothing() -> None:
    [marked], _ = loosen([verdict()], [replace(LATENCY, expires=date(2030, 1, 14))], TODAY)
    assert marked.accepted is None


@given(st.floats(0.5, 3), st.floats(0.5, 3))
def test_of_two_changes_the_worse_is_never_accepted_alone(one: float, other: float) -> None:
    [better, worse], _ = loosen([verdict(ratio=min(one, other)), verdict(ratio=max(one, other))], [LATENCY], TODAY)
    assert worse.accepted is None or better.accepted is not None
