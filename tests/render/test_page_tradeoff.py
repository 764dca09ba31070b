"""The trade-off plot: marks are counted, and what they stand for is read back from where they are."""

from __future__ import annotations

import math
import re
from dataclasses import replace

import pytest
from fixed_pick import MEASURED, PICK_RUN
from fixed_quality import HOSTILE_QUALITY, QUALITY_JUDGED, QUALITY_RUN
from fixed_run import HOSTILE, HOSTILE_NAME
from hypothesis import given
from hypothesis import strategies as st
from large_run import large_run
from one_view import at_load, elements, markup_of
from page_tree import Element, Tree, everything

from harness.render.look import Look
from harness.render.page.tradeoff import _BLOCKS_OF_MANY
from harness.render.page.tradeoff_plot import (
    BOTTOM,
    LARGEST,
    LEFT,
    RIGHT,
    SMALLEST,
    Box,
    Plot,
    Point,
    _room,
    plot_of,
)
from harness.render.page.tradeoff_shapes import SHAPES, shapes_of
from harness.render.rows import rows_of
from harness.render.terminal import final_report
from harness.render.worth_rows import worth_blocks
from harness.results import Run

NOTHING_ELSE = replace(
    PICK_RUN, planned=(), measurements=tuple(one for one in MEASURED[6:10] if one.cell.precision in ("fp32", "fp16"))
)


def view(run: Run) -> Element:
    return Tree(markup_of(run, "tradeoff")).root


def block(run: Run, title: str) -> Element:
    return next(one for one in view(run).of("section", "weighed") if one.all("h3")[0].words == title)


def number(text: str) -> float:
    return float(text.replace("−", "-"))


def axis(drawn: Element, name: str) -> list[tuple[float, float]]:
    """The words beside an axis: where they are, and what they say."""
    at = {"x": "x", "y": "y"}[name]
    moved = 3.5 if name == "y" else 0.0
    ticks = [one for one in drawn.all("text") if name in one.attributes.get("class", "").split()]
    return [(float(one.attributes[at]) - moved, number(one.text)) for one in ticks]


def read(ticks: list[tuple[float, float]], at: float, *, is_log: bool = False) -> float:
    """What a place on an axis stands for, by the first and the last of its words."""
    (start, low), (end, high) = ticks[0], ticks[-1]
    if is_log:
        low, high = math.log(low), math.log(high)
    value = low + (at - start) / (end - start) * (high - low)
    return math.exp(value) if is_log else value


def placed(drawn: Element) -> dict[str, tuple[float, float, float]]:
    """Of each shape where it stands and how large it is."""
    found = {}
    for mark in (one for one in drawn.all("use") if "transform" in one.attributes):
        told = re.fullmatch(r"translate\(([\d.]+) ([\d.]+)\)scale\(([\d.]+)\)", mark.attributes["transform"])
        assert told
        found[mark.attributes["href"].removeprefix("#s-")] = tuple(map(float, told.groups()))
    return found


def test_every_precision_with_a_result_has_one_mark() -> None:
    turns = block(PICK_RUN, "smart-turn-v3 on cpu").all("figure")[0]
    assert sorted(placed(turns)) == ["circle", "cross", "square", "triangle", "wedge"]
    assert len(turns.all("use")) == 5


@pytest.mark.parametrize(
    ("shape", "times", "loss"),
    [("circle", 1.0, 0.0), ("square", 1.3, 0.0), ("wedge", 1.9, 0.0025), ("triangle", 2.4, 0.05), ("cross", 0.82, 0.0)],
)
def test_a_mark_stands_at_its_latency_and_its_loss(shape: str, times: float, loss: float) -> None:
    """By the words of the axes: fp32 takes 7.98 ms, 1 and 20 of 400 turns are lost, and the pairs wobble a little."""
    drawn = block(PICK_RUN, "smart-turn-v3 on cpu").all("figure")[0]
    x, y, _ = placed(drawn)[shape]
    assert read(axis(drawn, "x"), x, is_log=True) == pytest.approx(7.98 / times, rel=0.01)
    assert read(axis(drawn, "y"), y) == pytest.approx(loss, abs=0.0005)


def test_whiskers_end_where_the_intervals_do() -> None:
    drawn = block(PICK_RUN, "smart-turn-v3 on cpu").all("figure")[0]
    path = next(one for one in drawn.all("path") if one.attributes["class"] == "whisker").attributes["d"]
    x, _, _ = placed(drawn)["triangle"]
    (ends,) = re.findall(rf"M{x} ([\d.]+)V([\d.]+)", path)
    # Tango's interval of 20 of 400, as the table beside it has it.
    assert [read(axis(drawn, "y"), float(end)) for end in ends] == pytest.approx([0.0326, 0.0760], abs=0.0005)
    sides = [(float(start), float(end)) for start, end in re.findall(r"M([\d.]+) [\d.]+H([\d.]+)", path)]
    times = sorted(7.98 / read(axis(drawn, "x"), end, is_log=True) for side in sides for end in side)
    assert times == pytest.approx([0.81, 0.83, 1.29, 1.32, 1.88, 1.92, 2.38, 2.43], abs=0.012)


def test_area_is_memory() -> None:
    """Peaks of 385, 319, 292, 292 and 293 MB: radii go as the roots."""
    drawn = block(PICK_RUN, "smart-turn-v3 on cpu").all("figure")[0]
    sizes = {shape: radius for shape, (_, _, radius) in placed(drawn).items()}
    assert sizes["circle"] == LARGEST
    for shape, megabytes in (("square", 319.3), ("wedge", 291.7), ("triangle", 292.4), ("cross", 293.1)):
        assert (sizes[shape] / sizes["circle"]) ** 2 == pytest.approx(megabytes / 385.4, rel=0.005)


@pytest.mark.parametrize("shape", SHAPES[1:], ids=lambda one: one.name)
def test_shapes_of_one_size_have_one_area(shape: object) -> None:
    corners = [tuple(map(float, one.split())) for one in shape.path.strip("MZ").split("L")]  # type: ignore[attr-defined]
    turned = [*corners[1:], corners[0]]
    area = abs(sum(x * b - a * y for (x, y), (a, b) in zip(corners, turned, strict=True))) / 2
    assert area == pytest.approx(math.pi, rel=0.002)


def test_a_precision_has_the_same_shape_in_every_plot_and_one_of_a_package_what_is_left() -> None:
    found = shapes_of(["int8-static", "fp8", "fp32", "mxfp4"])
    assert [found[one].name for one in ("fp32", "int8-static", "fp8", "mxfp4")] == [
        "circle",
        "wedge",
        "hexagon",
        "arrow",
    ]


def test_what_is_dominated_is_hollow() -> None:
    drawn = block(PICK_RUN, "smart-turn-v3 on cpu").all("figure")[0]
    hollow = {one.attributes["href"] for one in drawn.all("use") if "hollow" in one.attributes["class"].split()}
    dominated = {
        one.standing.cell.precision for b in worth_blocks(PICK_RUN)[:1] for one in b.rows if one.standing.dominated_by
    }
    assert hollow == {f"#s-{shapes_of([one])[one].name}" for one in dominated} != set()


def test_a_loss_that_is_not_known_stands_in_a_band_of_its_own_and_no_whisker_makes_a_rough_speed_sure() -> None:
    drawn = block(QUALITY_JUDGED, "smart-turn-v3 on cpu").all("figure")[0]
    _, top, _ = placed(drawn)["square"]
    assert top < 54 < min(y for shape, (_, y, _) in placed(drawn).items() if shape != "square")
    assert [one.text for one in drawn.all("text") if one.text.startswith("≈")] == ["≈ fp16"]
    assert "Of fp16 it is not known what is lost on this axis" in drawn.words
    path = next(one for one in drawn.all("path") if one.attributes["class"] == "whisker").attributes["d"]
    assert path.count("H") == 2, "of int8-dynamic and int8-static, whose speed is of pairs"


def test_a_mere_distance_is_called_one() -> None:
    drawn = block(PICK_RUN, "piper-joe on cpu").all("figure")[0]
    assert drawn.all("text")[0].text == "log mel distance away from fp32, ln"
    assert "Log mel distance says how far outputs lie from those of fp32, not how much worse they are" in drawn.words


@pytest.mark.parametrize(
    ("run", "title", "why"),
    [
        (QUALITY_RUN, "silero-vad on cpu", "what its outputs lose are known (quality was not measured)"),
        (NOTHING_ELSE, "piper-joe on cpu", "no precision beside fp32 has a result"),
    ],
    ids=["no quality", "no result"],
)  # fmt: skip
def test_without_a_loss_there_is_no_plot_and_a_sentence_says_why(run: Run, title: str, why: str) -> None:
    one = block(run, title)
    assert one.all("figure") == []
    (said,) = [each.words for each in one.all("p") if "There is no plot" in each.words]
    assert said.startswith("There is no plot: ")
    assert said.endswith(f"{why}.")


def test_the_table_has_every_precision_and_says_what_the_terminal_says() -> None:
    root = view(QUALITY_JUDGED)
    tables = root.of("table", "traded")
    links = [link.attributes["href"][1:] for one in tables for link in one.all("a")]
    assert sorted(links) == sorted(row.anchor for row in rows_of(QUALITY_JUDGED))
    said = " ".join(final_report(QUALITY_JUDGED, Look(160)).split())
    rows = [row for one in worth_blocks(QUALITY_JUDGED) for row in one.rows if row.worth.value != "base"]
    assert len(rows) == 6
    for row in rows:
        told = row.sentence if row.worth.value != "no result" else row.standing.why
        assert told in root.words
        assert told in said


def test_the_numbers_of_the_table_are_those_of_the_cells() -> None:
    (line,) = [
        row
        for row in block(QUALITY_JUDGED, "smart-turn-v3 on cpu").all("tr")
        if row.words.startswith("int8-dynamic 10")
    ]
    cells = [one.words for one in line.all("td")]
    assert cells == [
        "10.2 ms 0.78× [0.77, 0.79]",
        "262 MB 92 %",
        "29 % 88 %",
        "accuracy 0.958 flips 5 of 120",
        cells[4],
    ]
    assert cells[4].startswith("−0.025 [")


@pytest.mark.parametrize("run", [HOSTILE_QUALITY, HOSTILE], ids=["quality", "usual"])
def test_hostile_names_and_reasons_stay_text(run: Run) -> None:
    markup = markup_of(run, "tradeoff")
    assert {one.tag for one in everything(Tree(markup).root)}.isdisjoint({"script", "img", "iframe", "style"})
    assert not re.search(r"[\x00-\x08\x0b-\x1f\u202a-\u202e\u2066-\u2069]", markup)
    assert HOSTILE_NAME not in markup
    assert len(markup) < 60_000


def test_of_many_models_those_with_most_to_tell_are_drawn_and_the_rest_is_counted() -> None:
    run = large_run(1_200)
    markup = markup_of(run, "tradeoff")
    assert elements(markup) < 900
    assert len(markup.encode()) < 100_000
    assert len(Tree(at_load(markup)).root.of("section", "weighed")) == 3
    assert len(Tree(markup).root.of("section", "weighed")) == _BLOCKS_OF_MANY
    assert f"{200 - _BLOCKS_OF_MANY} more have no room on a page of so many cells" in Tree(markup).root.words


def points(*given: tuple[float, float | None]) -> list[Point]:
    """fp32 at ten milliseconds, and others."""
    names = ("fp16", "bf16", "int8-dynamic", "int8-static", "int8-weight-only", "int4-weight-only")
    base = Point("fp32", SHAPES[0], 0.01, loss=0.0, peak_bytes=3e8, is_base=True)
    others = [
        Point(name, SHAPES[place + 1], seconds, loss=loss, peak_bytes=2e8)
        for place, (name, (seconds, loss)) in enumerate(zip(names, given, strict=False))
    ]
    return [base, *others]


def boxes(plot: Plot) -> list[Box]:
    return [_room(mark.label) for mark in plot.marks if mark.label]


def test_what_is_to_be_known_of_every_block_is_said_once() -> None:
    rough = "tells a factor, not a few per cent"
    for run in (PICK_RUN, QUALITY_RUN):
        blocks = worth_blocks(run)
        said = [remark for block in blocks for remark in block.remarks]
        shared = {one for one in said if said.count(one) == len(blocks) > 1}
        words = view(run).words
        assert {words.count(one) for one in shared} <= {1}
        assert all(words.count(one) == said.count(one) for one in {*said} - shared)
    assert len(worth_blocks(QUALITY_RUN)) > 1
    assert view(QUALITY_RUN).words.count(rough) == 1


def test_names_that_would_cover_each_other_are_left_to_the_table() -> None:
    crowd = plot_of(points(*[(0.0099 + place * 1e-6, 0.0) for place in range(6)]))
    named = [mark.point.precision for mark in crowd.marks if mark.label]
    assert "fp32" in named
    assert len(named) < 7
    spread_out = plot_of(points((0.004, 0.1), (0.02, 0.05)))
    assert all(mark.label for mark in spread_out.marks)


@given(
    st.lists(
        st.tuples(st.floats(1e-6, 1e3), st.one_of(st.none(), st.floats(-50, 50).map(lambda one: round(one, 6)))),
        min_size=1,
        max_size=6,
    ),
    st.one_of(st.none(), st.floats(1e-4, 10)),
)
def test_whatever_is_measured_marks_and_names_keep_inside_the_frame_and_apart(
    given_points: list[tuple[float, float | None]], margin: float | None
) -> None:
    plot = plot_of(points(*given_points), margin)
    assert len(plot.marks) == len(given_points) + 1
    for mark in plot.marks:
        assert mark.box.left >= LEFT
        assert mark.box.right <= RIGHT
        assert mark.box.bottom <= BOTTOM + LARGEST
        assert SMALLEST <= mark.radius <= LARGEST
        assert (plot.band is not None and mark.y < plot.band[1]) == (mark.point.loss is None)
    named = boxes(plot)
    assert not any(one.meets(other) for at, one in enumerate(named) for other in named[at + 1 :])
    assert not any(one.meets(mark.box) for one in named for mark in plot.marks)
    assert 1 <= len(plot.x_ticks) <= 6
    assert [tick.at for tick in plot.x_ticks] == sorted(tick.at for tick in plot.x_ticks)
    assert "0" in [tick.text for tick in plot.y_ticks]


def test_a_lone_speed_still_has_an_axis_of_round_times() -> None:
    plot = plot_of(points((0.01, 0.02)))
    assert [tick.text for tick in plot.x_ticks] == ["8", "9", "10", "11", "12"]
    assert plot.x_unit == "ms"


def test_an_interval_beyond_the_frame_ends_at_it_and_is_told() -> None:
    far = Point("fp16", SHAPES[1], 0.008, loss=0.01, loss_low=-3.0, loss_high=3.0, peak_bytes=1e8)
    plot = plot_of([points()[0], far])
    assert plot.is_cut
    ends = [float(end) for end in re.findall(r"V([\d.]+)", plot.marks[1].whiskers + plot.marks[0].whiskers)]
    assert all(plot.top <= end <= BOTTOM for end in ends)


def test_little_memory_is_drawn_large_enough_to_be_seen_and_that_is_told() -> None:
    tiny = Point("fp16", SHAPES[1], 0.008, loss=0.01, peak_bytes=1e6)
    plot = plot_of([points()[0], tiny])
    assert plot.has_small
    assert min(mark.radius for mark in plot.marks) == SMALLEST


def test_how_much_may_be_lost_is_a_line_only_where_it_is_near() -> None:
    near, far = plot_of(points((0.008, 0.01)), 0.015), plot_of(points((0.008, 0.01)), 0.5)
    assert near.margin_y is not None
    assert near.margin is not None
    assert near.margin.text == "at most 0.015"
    assert far.margin_y is far.margin is None


def test_a_measured_run_without_memory_is_drawn_all_the_same() -> None:
    bare = tuple(
        replace(one, readings=tuple(reading for reading in one.readings if reading.metric != "peak_bytes"))
        for one in MEASURED
    )
    drawn = block(replace(PICK_RUN, measurements=bare), "smart-turn-v3 on cpu").all("figure")[0]
    assert {radius for _, _, radius in placed(drawn).values()} == {SMALLEST}
    assert "The largest mark" not in drawn.words
