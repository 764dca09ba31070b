from __future__ import annotations

import math
from dataclasses import replace

import pytest
from fixed_judgement import AGAINST, DUELS, TURN_STATIC, VERDICTS, pairs
from fixed_run import PLANNED, measured
from hypothesis import given
from hypothesis import strategies as st
from paths import dots

from harness.comparisons import Basis, Clock, Duel, Origin, Outcome, Verdict
from harness.render.page.spark import HEIGHT, WIDTH, Spark, spark_of
from harness.results import Sample

VERDICT = next(verdict for verdict in VERDICTS if verdict.cell == TURN_STATIC and verdict.clock)
DUEL = next(duel for duel in DUELS if duel.cell == TURN_STATIC)
CELL = PLANNED[0]
STORED = Verdict(CELL, "latency_seconds", Outcome.SUSPECT, "", AGAINST, Basis.STORED, margin=0.1)


def of_pairs(duel: Duel = DUEL, verdict: Verdict = VERDICT) -> Spark:
    found = spark_of(verdict, duel, None, None)
    assert found is not None
    return found


def of_sessions(*sessions: float, now: float, margin: float | None = 0.1) -> Spark:
    origin = Origin(CELL, "m", None, "", tuple((one, one) for one in sessions))
    measurement = measured(CELL, now, 1, 1.0, sample=Sample(("a",) * 2, (now, now), passes=2))
    found = spark_of(replace(STORED, margin=margin), None, origin, measurement)
    assert found is not None
    return found


def value_at(spark: Spark, y: float) -> float:
    """The log ratio at a height, by the line of no change and the edge of the margin's band."""
    assert spark.band is not None
    top = spark.band[0]
    return math.log1p(VERDICT.margin or 0) * (spark.nothing_y - y) / (spark.nothing_y - top)


def test_every_judged_pair_has_a_mark_of_its_stage_in_the_order_measured() -> None:
    spark = of_pairs()
    before, after = dots(spark.before), dots(spark.after)
    assert (len(before), len(after)) == (6, 6)
    across = [x for x, _ in (*before, *after)]
    assert across == sorted(across)
    assert (across[0], across[-1]) == (40, WIDTH - 40)
    assert spark.line.count("l") == 11


def test_a_mark_stands_at_its_ratio_by_the_clock_that_decided_and_slower_is_higher() -> None:
    spark = of_pairs(verdict=replace(VERDICT, margin=0.03))
    judged = [pair.log_ratios[Clock.WALL] for pair in DUEL.pairs if pair.stage]
    found = [value_at(spark, y) for _, y in (*dots(spark.before), *dots(spark.after))]
    # A unit is a hundred and fiftieth of the scale, which is about 0.2 in logs.
    assert found == pytest.approx(judged, abs=0.003)
    highest = min((*dots(spark.before), *dots(spark.after)), key=lambda mark: mark[1])
    assert highest == (*dots(spark.before), *dots(spark.after))[judged.index(max(judged))]


def test_stored_sessions_come_first_and_now_is_the_last_mark_on_a_scale_of_ratios() -> None:
    # ln 0.1, 0.1, 0.1 and now 0.11: three at their middle, and the last ln(1.1) above it, where the band's edge is.
    spark = of_sessions(0.1, 0.1, 0.1, now=0.11)
    assert [y for _, y in dots(spark.before)] == [spark.nothing_y] * 3
    assert spark.band is not None
    assert [y for _, y in dots(spark.after)] == pytest.approx([spark.band[0]], abs=1)
    assert spark.says == "3 sessions and now, +10.0 % off their middle; margin 10 %"


def test_without_a_margin_there_is_no_band() -> None:
    assert of_sessions(0.1, 0.1, now=0.1, margin=None).band is None
    assert of_pairs(verdict=replace(VERDICT, margin=math.nan)).band is None


def test_what_does_not_move_is_a_line_in_the_middle() -> None:
    spark = of_sessions(0.1, 0.1, now=0.1, margin=None)
    assert {y for _, y in (*dots(spark.before), *dots(spark.after))} == {HEIGHT / 2}


@pytest.mark.parametrize(
    ("verdict", "duel", "origin"),
    [
        (replace(VERDICT, metric="peak_bytes"), DUEL, None),
        (VERDICT, None, None),
        (VERDICT, replace(DUEL, pairs=()), None),
        (VERDICT, replace(DUEL, pairs=DUEL.pairs[:2]), None),
        (STORED, DUEL, None),
        (STORED, None, Origin(CELL, "m", None, "")),
        (STORED, None, Origin(CELL, "m", None, "", ((),))),
        (STORED, None, Origin(CELL, "m", None, "", ((math.nan, 0.1),))),
        (STORED, None, Origin(CELL, "m", None, "", ((0.0,),))),
    ],
)
def test_nothing_is_drawn_where_there_is_nothing_to_draw(
    verdict: Verdict, duel: Duel | None, origin: Origin | None
) -> None:
    assert spark_of(verdict, duel, origin, measured(CELL, 0.1, 1, 1.0)) is None


@given(st.floats(-5, 5), st.floats(0, 4), st.integers(1, 60), st.floats(0.001, 0.9))
def test_every_mark_lies_within_the_picture_and_their_number_is_bounded(
    change: float, wobble: float, count: int, margin: float
) -> None:
    made = pairs(math.expm1(change), first=count, second=2, wobble=wobble)
    spark = of_pairs(replace(DUEL, pairs=made), replace(VERDICT, margin=margin))
    found = [*dots(spark.before), *dots(spark.after)]
    assert 2 <= len(found) <= 41
    assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in found)
    assert spark.band is not None
    top, height = spark.band
    assert 0 <= top <= spark.nothing_y
    assert spark.nothing_y <= top + height <= HEIGHT
