"""What is said before the first cell."""

from __future__ import annotations

import pytest
from fixed_run import ENVIRONMENT, PLANNED

from harness.comparisons import Difference, Origin
from harness.render.head import Facing, head
from harness.render.look import Look

NOW = "2026-11-21T03:00:00+00:00"
WIDE = Look(200)
TWO_DAYS = Origin(PLANNED[0], "epyc_2-cores", "3f9c2d1e77", "2026-11-19T03:00:00+00:00")
OLDER = Origin(PLANNED[1], "epyc_2-cores", "0badcafe00", "2026-11-11T03:00:00+00:00")
MARGINS = (("latency_p50_seconds", 0.05), ("peak_bytes", 0.03))


def said(facing: Facing | None, look: Look = WIDE, now: str = NOW) -> dict[str, str]:
    """The lines by their labels."""
    text = head(ENVIRONMENT, 12, 400.0, look, facing=facing, load=0.41, now=now)
    lines: dict[str, str] = {}
    for line in text.splitlines():
        label = line[:8].strip() or next(reversed(lines))
        lines[label] = f"{lines.get(label, '')} {line[9:]}".strip()
    return lines


def test_without_anything_to_compare_there_is_no_word_of_baselines() -> None:
    lines = said(None)
    assert list(lines) == ["host", "env", "plan"]
    assert lines["host"].endswith("load 0.4")
    assert lines["plan"] == "12 cells, about 6m40s"


def test_stored_baselines_are_named_by_commit_age_and_how_many_there_are() -> None:
    lines = said(Facing(origins=(TWO_DAYS,), margins=MARGINS))
    assert lines["baseline"] == "3f9c2d1 · 2 d old · same machine class · 1 of 12 comparable"
    assert lines["margins"] == "p50 5 % · peak memory 3 % · quality: see expectations.toml"


@pytest.mark.parametrize(
    ("facing", "words"),
    [
        (
            Facing(origins=(OLDER, TWO_DAYS)),
            "3f9c2d1, 0badcaf · 2 d to 10 d old · same machine class · 2 of 12 comparable",
        ),
        (Facing(elsewhere=3), "0 of 12 comparable · 3 from another machine class"),
        (Facing(unreadable=1), "0 of 12 comparable · 1 cannot be read"),
        (Facing(against="origin/main"), "origin/main, live: both sides run here, in turns"),
        (
            Facing(origins=(Origin(PLANNED[0], "m", None, "no time"),)),
            "no commit · same machine class · 1 of 12 comparable",
        ),
    ],
)
def test_what_the_run_faces_is_said_whatever_it_is(facing: Facing, words: str) -> None:
    assert said(facing)["baseline"] == words


@pytest.mark.parametrize(
    ("measured", "age"),
    [
        ("2026-11-21T02:20:00+00:00", "40 min old"),
        ("2026-11-20T02:00:00+00:00", "25 h old"),
        ("2027-01-01T00:00:00+00:00", "0 min old"),
    ],
)
def test_an_age_has_the_unit_that_a_person_would_use(measured: str, age: str) -> None:
    assert age in said(Facing(origins=(Origin(PLANNED[0], "m", "c", measured),)))["baseline"]


def test_libraries_that_changed_are_named_and_many_are_counted() -> None:
    changed = tuple(Difference(f"lib{n}", "1", "2") for n in range(8))
    assert said(Facing(origins=(TWO_DAYS,), differences=changed[:1]))["differs"] == "lib0 1 → 2"
    assert said(Facing(origins=(TWO_DAYS,), differences=changed))["differs"].endswith("lib5 1 → 2 · +2 more")


@pytest.mark.parametrize("look", [Look(60), Look(60, "ascii")])
def test_a_narrow_terminal_loses_nothing_and_no_line_is_too_long(look: Look) -> None:
    text = head(ENVIRONMENT, 12, None, look, facing=Facing(origins=(TWO_DAYS,), margins=MARGINS), now=NOW)
    assert max(map(len, text.splitlines())) <= 60
    assert text.encode(look.encoding)
    assert "1 of 12 comparable" in " ".join(text.split())


def test_text_from_outside_stays_on_its_line() -> None:
    evil = Facing(against="\x1b[31m\nplan 0 cells", differences=(Difference("a\nb", "\u202e", "x" * 900),))
    text = head(ENVIRONMENT, 12, None, WIDE, facing=evil)
    assert "\x1b" not in text
    assert [line for line in text.splitlines() if line.startswith("plan")] == ["plan     12 cells"]


def test_a_file_of_expectations_is_named_only_where_there_is_one() -> None:
    assert "expectations" not in said(Facing(origins=(TWO_DAYS,), margins=MARGINS, has_expectations=False))["margins"]
