"""What to ship, as the page says it: the answer of `quantgate pick`, with every reason, and what a script asks by."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import pairwise

import pytest
from fixed_pick import MEASURED, PICK_RUN, duel
from fixed_quality import HOSTILE_QUALITY, QUALITY_JUDGED
from fixed_run import HOSTILE, HOSTILE_NAME, RUN
from large_run import large_run
from one_view import at_load, elements, markup_of
from page_tree import Element, Tree, everything

from harness.commands.pick import lines
from harness.render.page.assemble import render_html
from harness.results import Run
from harness.worth.picking import Limits, Pick, picks

MANY = large_run(252)
GAINING = ("xtts-004", "speaker-encoder-016")
LARGE = replace(
    MANY,
    measurements=tuple(
        replace(one, quality=replace(one.quality, is_same=True)) if one.quality and one.cell.model in GAINING else one
        for one in MANY.measurements
    ),
    duels=(*MANY.duels, *(duel(cell, 2.0) for cell in MANY.planned if cell.precision in ("fp16", "int8-static"))),
)
RUNS = {"pick": PICK_RUN, "quality": QUALITY_JUDGED, "usual": RUN, "large": LARGE}


def view(run: Run) -> Element:
    return Tree(markup_of(run, "pick")).root


def answers(root: Element) -> list[Element]:
    """The answer of every model, device by device."""
    lists = [one for one in root.all("ul") if "answers" in one.attributes.get("class", "")]
    return [child for one in lists for child in one.children]


def told(answer: Element) -> list[tuple[str, str, str]]:
    """Of every precision its place, its name and why."""
    items = answer.all("ol")[0].children if answer.all("ol") else []
    return [(one.all("i")[0].text, one.all("bdi")[0].text, one.pieces[-1].strip()) for one in items]


def expected(pick: Pick) -> list[tuple[str, str, str]]:
    load = [pick.load] if pick.load else []
    placed = (("load", load), ("then", pick.fallbacks), ("not", pick.others))
    return [(place, one.precision, one.why) for place, found in placed for one in found]


@pytest.mark.parametrize("name", RUNS)
def test_the_page_gives_the_answer_of_the_command_with_every_reason(name: str) -> None:
    asked = {(one.model, one.device): one for one in picks(RUNS[name], Limits())}
    devices = list(dict.fromkeys(device for _, device in asked))
    ordered = [pick for device in devices for (_, on), pick in asked.items() if on == device]
    if name == "large":  # of many models those come first that gain
        ordered.sort(key=lambda pick: (pick.device, pick.load is None or pick.load.precision == "fp32"))
    shown = answers(view(RUNS[name]))
    assert [told(one) for one in shown] == [expected(pick) for pick in ordered]
    assert [one.all("b")[0].text for one in shown] == [pick.model for pick in ordered]


def test_the_first_line_holds_what_is_loaded_how_fast_how_small_and_what_it_loses() -> None:
    first = answers(view(PICK_RUN))[0]
    assert first.words.startswith(
        "smart-turn-v3 ✓ int8-static 1.90× [1.88, 1.92] 292 MB, 93.7 MB less accuracy −0.002 [−0.015, +0.008]"
    )
    assert first.all("summary")[0].text == "then fp16, fp32 · 3 do not qualify"


def test_the_command_prints_the_names_and_reasons_that_the_page_shows() -> None:
    page = view(PICK_RUN).words
    for pick in picks(PICK_RUN, Limits()):
        for _, name, why in expected(pick):
            assert f"{name} {why}" in page
        assert any(why in line for line in lines(pick) for _, _, why in expected(pick)[1:])


def test_what_is_not_shown_to_be_better_leaves_fp32_and_says_so() -> None:
    vad = next(one for one in answers(view(PICK_RUN)) if one.text.count("silero-vad"))
    assert vad.words.startswith("silero-vad ● fp32 ref 255 MB no other precision is shown to be better here")
    assert vad.all("summary")[0].text == "1 does not qualify"


def test_of_each_device_it_is_said_how_many_models_gain() -> None:
    said = [one.all("small")[0].text for one in view(PICK_RUN).all("h3")]
    assert said == ["3 models, 2 of them better served by another precision than fp32", "1 model"]


def test_where_speeds_are_not_of_pairs_it_is_said_what_would_show_more() -> None:
    rough = "pytest --against precision=fp32 times them in turns"
    assert view(PICK_RUN).words.count(rough) == 1, "of silero-vad on the cpu"
    paired = tuple(one for one in MEASURED if one.cell.model == "smart-turn-v3")
    assert rough not in view(replace(PICK_RUN, planned=(), measurements=paired)).words


def test_of_many_models_those_that_gain_come_first() -> None:
    first = [one.all("b")[0].text for one in answers(view(LARGE))[:2]]
    assert sorted(first) == sorted(GAINING)


def test_where_fp32_has_no_result_nothing_is_named_and_no_limit_is_asked_for() -> None:
    root = view(PICK_RUN)
    cuda = next(one for one in root.all("div") if one.all("h3")[0].words == "On cuda 1 model")
    assert "✕ nothing fp32 has no result (unsupported, NO_DEVICE: there is no CUDA device here)" in cuda.words
    assert cuda.all("input") == []
    assert all(not item.attributes for item in cuda.all("ol")[0].children)


def test_the_limits_that_may_be_asked_for_are_those_of_the_metrics_with_what_the_run_allows() -> None:
    cpu = view(PICK_RUN).all("fieldset")[0]
    assert "hidden" in cpu.attributes, "without scripts they do nothing, and are not shown"
    assert [one.words for one in cpu.all("label")] == [
        "memory at most MB",
        "accuracy loses at most",
        "log mel distance loses at most ln",
    ]
    assert [one.attributes["placeholder"] for one in cpu.all("input")] == ["any", "0.02", "0.1"]
    assert view(PICK_RUN).all("form") == []


def test_a_script_learns_the_numbers_of_whatever_a_limit_can_let_in_and_of_nothing_else() -> None:
    by_name = {one.all("bdi")[0].text: one.attributes for one in answers(view(PICK_RUN))[0].all("ol")[0].children}
    assert by_name["int8-weight-only"] == by_name["int4-weight-only"] == {}
    dynamic = by_name["int8-dynamic"]
    # 253 MB and the file of 39.4 MB; 20 of 400 turns are lost: 0.05, by Tango's interval 0.0326 to 0.0760.
    assert dynamic["data-p"] == "292400000"
    assert [round(float(end), 4) for end in dynamic["data-l"].split()] == [0.0326, 0.076]
    assert by_name["fp32"]["data-k"] == "b"
    ranks = [int(by_name[name]["data-r"]) for name in ("int8-dynamic", "int8-static", "fp16", "fp32")]
    assert all(one < other for one, other in pairwise(ranks))


@pytest.mark.parametrize("name", ["pick", "large"])
def test_words_that_stand_in_a_reason_are_named_by_their_place_in_it(name: str) -> None:
    items = [
        item for answer in answers(view(RUNS[name])) for item in (answer.all("ol") or [Element("", {})])[0].children
    ]
    pointed = [item for item in items if item.attributes.get("data-w", "").startswith("=")]
    assert pointed
    for item in pointed:
        start, end = map(int, item.attributes["data-w"][1:].split())
        assert re.fullmatch(r"[a-z0-9 ]+ is .+ (worse|better) than that of fp32", item.pieces[-1][1:][start:end])


@pytest.mark.parametrize("run", [HOSTILE_QUALITY, HOSTILE], ids=["quality", "usual"])
def test_hostile_names_and_reasons_stay_text(run: Run) -> None:
    markup = markup_of(run, "pick")
    root = Tree(markup).root
    assert {one.tag for one in everything(root)}.isdisjoint({"script", "img", "iframe", "form"})
    assert not re.search(r"[\x00-\x08\x0b-\x1f\u202a-\u202e\u2066-\u2069]", markup)
    assert HOSTILE_NAME not in root.text
    assert len(markup) < 30_000


def test_a_place_in_a_reason_is_counted_as_a_script_counts() -> None:
    """What lies beyond the first plane of Unicode is two to a script, and one to Python."""
    quality = MEASURED[2].quality
    assert quality is not None
    named = replace(quality, scores=tuple(replace(one, metric="🎯") for one in quality.scores))
    run = replace(PICK_RUN, measurements=(*MEASURED[:2], replace(MEASURED[2], quality=named), *MEASURED[3:]))
    (item,) = [one for one in answers(view(run))[0].all("ol")[0].children if one.all("bdi")[0].text == "int8-static"]
    start, end = map(int, item.attributes["data-c"][1:].split())
    counted = item.pieces[-1][1:].encode("utf-16-le")[2 * start : 2 * end].decode("utf-16-le")
    assert counted == "the package that added 🎯 is not installed here"


def test_a_run_without_anything_beside_fp32_has_no_such_part() -> None:
    alone = replace(RUN, planned=RUN.planned[:1], measurements=RUN.measurements[:1])
    assert markup_of(alone, "pick") == ""
    assert 'href="#pick"' not in render_html(alone)


def test_of_many_models_few_elements_are_there_at_once_and_every_answer_waits() -> None:
    run = large_run(1_200)
    markup = markup_of(run, "pick")
    assert elements(markup) < 450
    assert len(markup.encode()) < 300_000
    shown = Tree(at_load(markup)).root
    assert len(answers(shown)) == 24
    assert len(answers(Tree(markup).root)) == 200
