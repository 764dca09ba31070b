"""The page of a judged run."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace

import pytest
from fixed_judgement import AGAINST, DUELS, HOSTILE_JUDGED, JUDGED, JUDGEMENT, VERDICTS
from fixed_run import RUN
from test_render_html import Element, Tree, everything

from harness.cells import Cell
from harness.comparisons import Outcome, Verdict
from harness.render.gate import comparison_of
from harness.render.gate_terminal import gate_report
from harness.render.look import Look
from harness.render.page.assemble import render_html
from harness.render.rows import rows_of
from harness.render.verdict_rows import verdict_row
from harness.results import Run

PAGE = render_html(JUDGED)
ROOT = Tree(PAGE).root
SHOWN = comparison_of(JUDGED)
assert SHOWN is not None


def table(root: Element, place: str) -> Element:
    section = next(s for s in root.all("section") if s.attributes.get("id") == place)
    return section.all("table")[0]


def with_verdicts(*verdicts: Verdict) -> Run:
    return replace(JUDGED, judgement=replace(JUDGEMENT, verdicts=verdicts), duels=())


@pytest.mark.parametrize("run", [JUDGED, HOSTILE_JUDGED], ids=["usual", "hostile"])
def test_the_page_holds_no_script_no_style_of_its_own_and_nothing_to_load(run: Run) -> None:
    page = render_html(run)
    root = Tree(page).root
    for element in everything(root):
        assert element.tag not in ("script", "link", "img", "iframe", "object", "embed", "form", "base", "use")
        assert not [name for name in element.attributes if name.startswith("on") or name in ("src", "style")]
        assert element.attributes.get("href", "#").startswith("#")
    (style,) = root.all("style")
    digest = base64.b64encode(hashlib.sha256("".join(style.pieces).encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in page
    assert not re.search(r"[\x00-\x08\x0b-\x1f\u202a-\u202e\u2066-\u2069]", page)
    assert not re.search(r"[ \"](nan|inf)\b", page)


@pytest.mark.parametrize("run", [JUDGED, HOSTILE_JUDGED], ids=["usual", "hostile"])
def test_every_link_leads_to_exactly_one_place(run: Run) -> None:
    root = Tree(render_html(run)).root
    ids = [element.attributes["id"] for element in everything(root) if "id" in element.attributes]
    assert len(ids) == len(set(ids))
    assert {link.attributes["href"].removeprefix("#") for link in root.all("a")} <= set(ids)


@pytest.mark.parametrize("run", [JUDGED, HOSTILE_JUDGED, with_verdicts()], ids=["usual", "hostile", "empty"])
def test_tables_are_tables_without_empty_cells(run: Run) -> None:
    for found in Tree(render_html(run)).root.all("table"):
        assert len(found.all("caption")) == 1
        assert all(head.attributes.get("scope") in ("col", "row") for head in found.all("th"))
        assert all(cell.text for cell in found.all("td") + found.all("th"))
        width = len(found.all("thead")[0].all("th"))
        for row in found.all("tbody")[0].all("tr"):
            assert sum(int(cell.attributes.get("colspan", 1)) for cell in row.all("td") + row.all("th")) == width


def test_the_banner_says_the_same_as_the_terminal() -> None:
    assert SHOWN is not None
    banner = next(s for s in ROOT.all("section") if s.attributes.get("class", "").startswith("banner"))
    assert banner.attributes["class"] == "banner failed"
    terminal = " ".join(gate_report(SHOWN, Look(400)).split())
    assert f"GATE FAILED · {SHOWN.headline.coverage}" in terminal
    assert banner.all("h1")[0].text == SHOWN.headline.coverage[:1].upper() + SHOWN.headline.coverage[1:]
    for _, glyph, text in SHOWN.headline.chips:
        assert text in terminal
        assert f"{text} {glyph}" in [chip.text for chip in banner.all("li")]
    assert SHOWN.headline.sentence in ROOT.all("title")[0].text


def test_the_verdicts_stand_in_the_order_of_the_terminal_with_the_same_numbers() -> None:
    assert SHOWN is not None
    rows = [row.text for row in table(ROOT, "verdicts").all("tbody")[0].all("tr")]
    told = [*SHOWN.worse, *(together.rows[0] for together in SHOWN.together), *SHOWN.better]
    assert len(rows) == len(told) + 2  # what was left undecided in passing, and what is unchanged, in a row each
    assert "In passing: p99 of 1 cell" in rows[-2]
    for said, row in zip(rows, told, strict=False):
        assert f"{row.outcome} {row.glyph}" in said
        assert row.text in said
    for said, row in zip(rows, SHOWN.worse, strict=False):
        for part in (row.cause, row.settle, row.accepted, row.standing, *row.differences):
            assert part in said
        if row.verdict.ratio is not None:
            assert all(part in said for part in (row.change, row.values, row.margin, row.basis[1:]))
    for text in SHOWN.unchanged:
        assert text[1:] in rows[-1]


def test_colour_never_speaks_alone() -> None:
    words = [span for span in ROOT.all("span") if span.attributes.get("class", "").startswith("word ")]
    assert len(words) > 20
    for span in words:
        kind = span.attributes["class"].removeprefix("word v-").replace("_", " ")
        assert kind in span.text.replace("-", " ")


def test_each_cell_has_its_verdicts_and_a_drawing_of_its_pairs() -> None:
    for article in ROOT.all("article"):
        cell = next(row.cell for row in rows_of(JUDGED) if row.anchor == article.attributes["id"])
        mine = [verdict_row(verdict) for verdict in VERDICTS if verdict.cell == cell]
        found = [t for t in article.all("table") if "of-cell" in t.attributes.get("class", "")]
        assert len(found) == (1 if mine else 0)
        for row in mine:
            assert row.change in found[0].text
            assert row.text in found[0].text
        made = [
            pair for duel in DUELS for pair in duel.pairs if duel.cell == cell and not duel.is_control and pair.stage
        ]
        drawings = [f for f in article.all("figure") if f.attributes["class"] == "forest"]
        assert len(drawings) == (1 if made else 0)
        if made:
            marks = [p.attributes["d"].count("h0") for p in drawings[0].all("path") if "h0" in p.attributes["d"]]
            assert sum(marks) == len(made)
            assert drawings[0].all("svg")[0].attributes["aria-label"].startswith(f"{len(made)} pairs by ")


def test_why_there_is_no_pair_is_said_with_the_cell() -> None:
    article = next(a for a in ROOT.all("article") if a.attributes["id"] == "c=piper-joe/int4-weight-only/cpu")
    assert "the new side failed in convert" in article.text


def test_claims_and_budgets_and_how_sure_it_is_are_there() -> None:
    claims = table(ROOT, "claims").text
    for one in JUDGEMENT.judged:
        assert all(part in claims for part in (one.kind, one.name, one.text, one.answer, one.source))
    sure = next(s for s in ROOT.all("section") if s.attributes.get("id") == "sure")
    for words in ("unchanged within 1.1 % — this machine is fit", "two stages of 1 % each", "3m49s", "against itself"):
        assert words in sure.text
    assert len([f for f in sure.all("figure") if f.attributes["class"] == "forest"]) == 1
    for line in (*JUDGEMENT.problems, *JUDGEMENT.accepted):
        assert line in ROOT.text


def test_a_control_that_tripped_is_loud() -> None:
    page = render_html(HOSTILE_JUDGED)
    assert page.count('class="loud"') == 2
    assert "TRIPPED" in page
    assert 'class="loud"' not in PAGE


def test_nothing_compared_is_said_in_so_many_words() -> None:
    root = Tree(render_html(with_verdicts())).root
    assert root.all("h1")[0].text == "Nothing was compared: 0 of 11 cells against origin/main at 1a2b3c4"
    assert "Nothing was compared." in table(root, "verdicts").text


def test_a_run_that_was_not_judged_says_that_nothing_is_judged() -> None:
    page = render_html(RUN)
    assert "is not judged on this page" in page
    assert "verdict" not in page


def test_a_thousand_regressions_keep_the_page_small() -> None:
    slower = tuple(
        Verdict(Cell(f"m{i}", "fp32", "cpu"), "latency_seconds", Outcome.REGRESSED, "slower", AGAINST)
        for i in range(1000)
    )
    root = Tree(render_html(with_verdicts(*slower))).root
    rows = table(root, "verdicts").all("tbody")[0].all("tr")
    assert len(rows) == 201
    assert rows[-1].text == "+800 more Each stands with its cell, below."
