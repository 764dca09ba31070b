"""Cell by cell: each article begins with its answer and leaves out nothing that is recorded of the cell."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from fixed_judgement import DUELS, HOSTILE_JUDGED, JUDGED, TURN, TURN_STATIC, VERDICTS
from fixed_quality import DYNAMIC, FLIPS, HOSTILE_QUALITY, QUALITY_JUDGED, STATIC, VOICE
from fixed_run import HOSTILE, PLANNED, RUN, measured
from one_view import at_load, elements, markup_of, text_of
from page_tree import Element, Tree, everything
from paths import dots

from harness.cells import Cell
from harness.comparisons import Answer, Judged, Origin
from harness.metrics import METRICS
from harness.render import numbers
from harness.render.gate import comparison_of
from harness.render.page import context
from harness.render.rows import rows_of
from harness.results import Measurement, Reading, Run

RUNS = {"run": RUN, "judged": JUDGED, "quality": QUALITY_JUDGED}
HOSTILES = {"hostile": HOSTILE, "hostile judged": HOSTILE_JUDGED, "hostile quality": HOSTILE_QUALITY}
MARKUP = {name: markup_of(run, "cells") for name, run in {**RUNS, **HOSTILES}.items()}


def articles(markup: str) -> dict[str, str]:
    return {re.findall(r'id="([^"]+)"', one)[0]: one for one in re.findall(r"<article.*?</article>", markup, re.DOTALL)}


ARTICLES = {name: articles(markup) for name, markup in MARKUP.items()}


def article(name: str, cell: Cell) -> str:
    (row,) = [row for row in rows_of(RUNS[name]) if row.cell == cell]
    return ARTICLES[name][row.anchor]


def text(name: str, cell: Cell) -> str:
    return text_of(article(name, cell))


def named(markup: str, kind: str) -> list[Element]:
    """The drawings of a kind, each with its name."""
    figures = [one for one in Tree(markup).root.all("figure") if kind in one.attributes["class"].split()]
    assert all(one.all("svg")[0].attributes["aria-label"] for one in figures)
    return figures


def path(figure: Element, kind: str) -> str:
    found = [one.attributes["d"] for one in figure.all("path") if one.attributes["class"] == kind]
    return found[0] if found else ""


@pytest.mark.parametrize("name", RUNS)
def test_every_cell_has_one_article_at_its_anchor(name: str) -> None:
    assert sorted(ARTICLES[name]) == sorted(row.anchor for row in rows_of(RUNS[name]))
    assert MARKUP[name].count("<article") == len(ARTICLES[name])


@pytest.mark.parametrize("name", RUNS)
def test_the_answer_stands_first_and_is_that_of_the_row(name: str) -> None:
    for row in rows_of(RUNS[name]):
        said = text_of(ARTICLES[name][row.anchor])
        for key in ("latency", "speed", "quality", "peak") if row.figures else ():
            figure = row.figures[key]
            if key != "quality" or not figure.why:
                assert f"{figure.text} {figure.why[:90] or figure.aside}".strip() in said[:450]
        assert f"{row.glyph} {row.state}" in said[:300]


def test_the_change_of_the_latency_stands_beside_it() -> None:
    # 6.13 → 6.89 ms, + 12.44 %, 0.0436 either way
    assert "change +12.4 % [+8.0, +16.8]" in text("judged", TURN_STATIC)[:200]
    assert "change" not in text("run", TURN_STATIC)[:200]


@pytest.mark.parametrize("name", RUNS)
def test_nothing_that_is_recorded_of_a_cell_is_left_out(name: str) -> None:
    for measurement in RUNS[name].measurements:
        said = text(name, measurement.cell)
        for reading in measurement.readings:
            if reading.value is not None:
                assert " ".join(numbers.reading(METRICS[reading.metric], reading.value).split()) in said
            for words in (reading.unavailable, reading.note):
                assert (words or "") in said
        for words in (*measurement.notes, measurement.text):
            assert words in said
        if measurement.failure:
            assert measurement.failure.text in said
            assert " ".join(measurement.failure.last_words.split()) in said
        if measurement.provenance:
            assert "converted 126 Conv1d; left 3 ConvTranspose1d, 2 Embedding" in said
            assert "dec.ups.0.weight, dec.ups.1.weight" in said
            assert "reference 4f2a00000000" in said
            assert "machine during load 1m 1.10 · other cpu 38 % · steal 0.1 %" in said
        if measurement.placement:
            assert "312 on CPUExecutionProvider; none astray" in said


def test_every_verdict_of_a_cell_is_told_with_its_numbers_its_words_and_what_settles_it() -> None:
    comparison = comparison_of(JUDGED)
    assert comparison is not None
    planned = {row.cell for row in rows_of(JUDGED)}
    told = [(cell, row) for cell, rows in comparison.cells.items() if cell in planned for row in rows]
    assert len(told) == len(VERDICTS) - 1
    for cell, row in told:
        said = text("judged", cell)
        for words in (row.metric, row.outcome, row.values, row.settle, row.could_see, *row.remarks):
            assert words.lower() in said.lower()
        if row.change != numbers.DASH:
            assert row.change in said


def test_what_was_promised_of_a_cell_stands_with_it() -> None:
    budget = Judged("budget", "translate in time", TURN, Answer.MISSED, "", metric="latency_seconds", value=0.082,
                    target=0.07, stage="translate")  # fmt: skip
    assert JUDGED.judgement is not None
    run = replace(JUDGED, judgement=replace(JUDGED.judgement, judged=(budget,)))
    found = articles(markup_of(run, "cells"))
    with_it = [name for name, one in found.items() if "translate in time" in one]
    assert with_it == ["c=smart-turn-v3/fp32/cpu"]
    assert "translate latency 82.0 ms, target 70.0 ms: missed by 12.0 ms (17 %)" in text_of(found[with_it[0]])


def test_a_bound_that_was_loosened_says_by_what() -> None:
    assert "accepted: known since 2026-10; until 2026-12-01" in text("quality", DYNAMIC)


def test_a_live_comparison_has_its_pairs_drawn_twice_as_ratios_and_as_times() -> None:
    for duel in DUELS:
        if duel.is_control:
            continue
        spread, forest = (named(article("judged", duel.cell), kind) for kind in ("spread", "forest"))
        judged = [pair for pair in duel.pairs if pair.stage]
        if not judged:
            assert forest == []
            assert duel.problem in text("judged", duel.cell)
            continue
        assert [len(dots(path(spread[0], kind))) for kind in ("dots then", "dots now")] == [len(judged)] * 2
        assert len(dots(path(forest[0], "first")) + dots(path(forest[0], "second"))) == len(judged)


def test_against_stored_sessions_their_passes_are_drawn_beside_those_of_now() -> None:
    origin = Origin(
        TURN_STATIC, "m", "abc", "2026-11-18T00:00:00+00:00", ((0.006, 0.0061, 0.0062), (0.0063, 0.0064, 0.006))
    )
    assert JUDGED.judgement is not None
    run = replace(JUDGED, duels=(), judgement=replace(JUDGED.judgement, origins=(origin,)))
    found = articles(markup_of(run, "cells"))
    (spread,) = named(found["c=smart-turn-v3/int8-static/cpu"], "spread")
    assert len(dots(path(spread, "dots then"))) == 6
    assert len(dots(path(spread, "dots now"))) == 12
    assert spread.all("svg")[0].attributes["aria-label"].startswith("Seconds by pass: baseline ")
    (alone,) = named(found["c=piper-joe/fp32/cpu"], "spread")
    assert path(alone, "dots then") == ""


def test_samples_and_memory_are_drawn_with_their_numbers_in_the_name() -> None:
    (strip,) = named(article("run", PLANNED[0]), "samples")
    assert [len(dots(path(strip, kind))) for kind in ("dots then", "dots now")] == [8, 48]
    (memory,) = named(article("run", PLANNED[0]), "memory")
    assert memory.all("svg")[0].attributes["aria-label"] == (
        "Highest memory by phase: load 243 MB, first inference 303 MB, steady 316 MB"
    )


def test_a_cell_without_numbers_has_no_drawing() -> None:
    for row in rows_of(RUN):
        assert ("<svg" in ARTICLES["run"][row.anchor]) is bool(row.figures)


def test_every_score_stands_with_value_interval_and_examples() -> None:
    said = text("quality", STATIC)
    # 13 of 120 are wrong, by Wilson
    assert "accuracy 0.892 [0.823, 0.936] 120 exam" in said
    # Four of 24 and four of 25: 24.5 ± 2.3646 · 0.5345 / √8.
    assert "sqnr 24.5 dB [24.05, 24.95] 8 timed" in said
    assert "recall untrusted: noise did not lower it 0.983" in said
    assert "Shown only positive share 0.500 [0.411, 0.589] (120 exam)" in said
    assert "auc 120 examples do not define it" in said
    assert "flips 12 of 120 decisions" in said
    assert "outputs are those of fp32, bit for bit" in text("quality", VOICE)


def test_slices_have_a_bar_each_and_the_worst_is_named() -> None:
    of = Tree(article("quality", STATIC)).root
    (table,) = [one for one in of.all("table") if "slices" in one.attributes["class"]]
    rows = table.all("tbody")[0].all("tr")
    assert [row.words for row in rows] == [
        "length long the worst 0.700 [0.54, 0.82] 40",
        "length short 0.988 [0.932, 0.998] 80",
        "noise quiet 0.892 [0.823, 0.936] 120",
    ]
    assert [len(row.all("svg")) for row in rows] == [1, 1, 1]
    assert "worst: length long, 0.700" in text("quality", STATIC)


def test_flipped_examples_are_listed_and_folded_beyond_ten() -> None:
    said = text("quality", STATIC)
    first, rest = said.split("2 more", 1)
    assert f"turn-{FLIPS[9]:03}" in first
    assert rest.strip().startswith(f"turn-{FLIPS[10]:03}, turn-{FLIPS[11]:03}")
    assert "more" not in text("quality", DYNAMIC).split("Decided otherwise")[1].split("By kind")[0]


def test_the_command_that_measures_it_again_is_code_by_itself() -> None:
    for row in rows_of(RUN):
        (code,) = [one for one in Tree(ARTICLES["run"][row.anchor]).root.all("code") if one.text == row.rerun]
        assert code.children == []


@pytest.mark.parametrize("name", MARKUP)
def test_tables_are_tables_and_drawings_have_names(name: str) -> None:
    root = Tree(MARKUP[name]).root
    for table in root.all("table"):
        assert len(table.all("caption")) == 1
        width = len(table.all("thead")[0].all("th"))
        for row in table.all("tbody")[0].all("tr"):
            cells = row.all("td") + row.all("th")
            assert sum(int(cell.attributes.get("colspan", 1)) for cell in cells) == width
            assert all(cell.text for cell in cells)
    drawn = [svg for svg in root.all("svg") if svg.attributes.get("role") == "img"]
    assert drawn
    assert all(svg.attributes["aria-label"] for svg in drawn)


@pytest.mark.parametrize("name", HOSTILES)
def test_hostile_text_stays_text(name: str) -> None:
    for element in everything(Tree(MARKUP[name]).root):
        assert element.tag not in ("script", "img", "marquee", "i", "u", "s")
        assert not [key for key in element.attributes if key.startswith("on") or key == "style"]
    assert not re.search("[\u202e\u2066\x1b\x00]", MARKUP[name])
    if name != "hostile":
        assert "<script>alert(" in text_of(MARKUP[name])
        assert "{{ 7*7 }}" in text_of(MARKUP[name])


def test_an_article_is_small_enough_for_sixty_of_them() -> None:
    unjudged = [one for one in ARTICLES["run"].values() if "<svg" in one]
    judged = [one for one in ARTICLES["judged"].values() if "<svg" in one]
    assert max(len(one.encode()) for one in unjudged) < 8_000
    assert max(elements(one) for one in unjudged) <= 132
    assert max(len(one.encode()) for one in judged) < 11_000
    assert max(elements(one) for one in judged) <= 200


def test_a_long_sample_makes_no_longer_a_drawing() -> None:
    from fixed_run import samples

    def size(passes: int) -> int:
        one = measured(PLANNED[0], 0.04, 1, 1.0, sample=samples(0.04, passes=passes))
        return len(markup_of(replace(RUN, planned=(), measurements=(one,)), "cells"))

    assert size(2_000) < size(60) * 1.3


def test_of_many_cells_the_others_of_a_model_wait_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(context, "_INLINE_CELLS", 3)
    markup = markup_of(RUN, "cells")
    assert at_load(markup).count("<article") == context._INLINE_OF_MANY
    assert sorted(articles(markup)) == sorted(row.anchor for row in rows_of(RUN))
    says = re.findall(r'<noscript class="later" data-says="([^"]+)"', markup)
    inline = context.page_of(RUN).inline
    waiting = [row for row in rows_of(RUN) if row.cell not in inline]
    models = dict.fromkeys(row.cell.model for row in waiting)
    of_model = {model: [row for row in waiting if row.cell.model == model] for model in models}
    started = {cell.model for cell in inline}
    assert says[:-1] == [
        f"Show {len(rows)}{' more' * (model in started)} cells of {model}" if len(rows) > 1 else f"Show {rows[0].name}"
        for model, rows in of_model.items()
    ]
    assert len(says) > 2
    for folded in re.findall(r"<noscript.*?</noscript>", markup, re.DOTALL):
        assert "<noscript" not in folded[9:]
        inside = {re.findall(r"c=([^/]+)/", anchor)[0] for anchor in articles(folded)}
        assert len(inside) <= 1


def test_a_page_that_has_not_room_for_all_says_for_how_many_it_has(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "have an article here" not in MARKUP["run"]
    monkeypatch.setattr(context, "_room", lambda cells: 4)
    markup = markup_of(RUN, "cells")
    assert markup.count("<article") == 4
    assert "4 of 11 cells, those that tell most, have an article here" in text_of(markup)


def test_what_each_reading_is_waits_at_the_end() -> None:
    waiting = re.findall(r"<noscript.*?</noscript>", MARKUP["run"], re.DOTALL)[-1]
    said = text_of(waiting)
    for name in ("latency_seconds", "peak_bytes", "energy_joules_per_inference"):
        assert f"{numbers.metric_words(name)} {METRICS[name].summary}" in said
    assert "service" not in said


def test_readings_that_no_subject_claims_are_listed_all_the_same() -> None:
    subjects = re.compile("latency_|corrected_|device_|throughput_|limit_|real_time_|audio_|first_|chunk_|underrun")
    odd = Reading("token_seconds", 0.0123)
    assert not subjects.match(odd.metric)
    one: Measurement = measured(PLANNED[0], 0.04, 1, 1.0)
    run: Run = replace(RUN, planned=(), measurements=(replace(one, readings=(*one.readings, odd)),))
    assert "other token 12.3 ms" in text_of(markup_of(run, "cells"))
