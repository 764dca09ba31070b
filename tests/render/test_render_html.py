from __future__ import annotations

import base64
import hashlib
import os
import re
from dataclasses import replace
from pathlib import Path

import pytest
from fixed_judgement import HOSTILE_JUDGED, JUDGED, JUDGEMENT
from fixed_quality import QUALITY_JUDGED
from fixed_run import HOSTILE, HOSTILE_NAME, PLANNED, RUN
from large_run import large_run
from page_tree import Element, Tree, everything

from harness.consequences import of_cells
from harness.errors import HarnessError
from harness.render.gate import gate_headline
from harness.render.page.assemble import render_html, write_report
from harness.render.page.context import page_of
from harness.render.rows import rows_of
from harness.render.verdict_rows import GLYPHS
from harness.results import Run

PAGE = render_html(RUN)
ROOT = Tree(PAGE).root
OUTCOMES = of_cells(JUDGEMENT.verdicts)


@pytest.mark.parametrize("run", [RUN, HOSTILE, JUDGED, HOSTILE_JUDGED], ids=["usual", "hostile", "judged", "evil"])
def test_the_page_holds_its_own_script_alone_and_nothing_to_load(run: Run) -> None:
    found = everything(Tree(render_html(run)).root)
    assert [element.tag for element in found if element.tag in ("script", "style")] == ["style", "script"]
    for element in found:
        assert element.tag not in ("link", "img", "iframe", "object", "embed", "form", "base")
        assert not [name for name in element.attributes if name.startswith("on") or name in ("src", "style")]
        holds_its_file = "download" in element.attributes
        assert element.attributes.get("href", "#").startswith("data:" if holds_its_file else "#")


def test_the_policy_allows_this_style_and_this_script_and_nothing_else() -> None:
    style, script = (_digest("".join(ROOT.all(tag)[0].pieces)) for tag in ("style", "script"))
    policies = [meta.attributes["content"] for meta in ROOT.all("meta") if "http-equiv" in meta.attributes]
    allowed = f"style-src 'sha256-{style}'; script-src 'sha256-{script}'"
    assert policies == [f"default-src 'none'; {allowed}; base-uri 'none'; form-action 'none'"]


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


@pytest.mark.parametrize("run", [RUN, JUDGED, QUALITY_JUDGED], ids=["usual", "judged", "quality"])
def test_every_link_leads_to_exactly_one_place_and_every_cell_can_be_reached(run: Run) -> None:
    root = Tree(render_html(run)).root
    ids = [element.attributes["id"] for element in everything(root) if "id" in element.attributes]
    assert len(ids) == len(set(ids))
    links = {link.attributes["href"].removeprefix("#") for link in root.all("a") if "download" not in link.attributes}
    assert links <= set(ids)
    assert {row.anchor for row in rows_of(run)} <= links


def test_every_planned_cell_is_in_the_matrix_the_table_and_has_its_own_part() -> None:
    matrix, table = _tables(ROOT, "matrix"), _tables(ROOT, "all")
    articles = [article.attributes["id"] for article in ROOT.all("article")]
    anchors = [row.anchor for row in rows_of(RUN)]
    assert sorted(a.attributes["href"][1:] for t in matrix for a in t.all("a")) == sorted(anchors)
    assert [a.attributes["href"][1:] for t in table for a in t.all("a")] == anchors
    assert sorted(articles) == sorted(anchors)


def _tables(root: Element, name: str) -> list[Element]:
    return [table for table in root.all("table") if table.attributes["class"] == name]


@pytest.mark.parametrize("run", [RUN, HOSTILE, JUDGED, QUALITY_JUDGED], ids=["usual", "hostile", "judged", "quality"])
def test_no_cell_of_a_table_is_blank(run: Run) -> None:
    tables = Tree(render_html(run)).root.all("table")
    cells = [cell for table in tables for cell in table.all("td")]
    assert len(cells) > 30
    assert [cell for cell in cells if not cell.text and not cell.all("svg")] == []


@pytest.mark.parametrize("run", [RUN, JUDGED, QUALITY_JUDGED], ids=["usual", "judged", "quality"])
def test_tables_are_tables(run: Run) -> None:
    for table in Tree(render_html(run)).root.all("table"):
        assert len(table.all("caption")) == 1
        assert all(head.attributes.get("scope") in ("col", "row") for head in table.all("th"))
        width = sum(int(head.attributes.get("colspan", 1)) for head in table.all("thead")[0].all("th"))
        reaching: list[int] = []
        """How many rows more each cell reaches that is higher than one."""
        for row in table.all("tbody")[0].all("tr"):
            cells = row.all("td") + row.all("th")
            spans = [int(cell.attributes.get("colspan", 1)) for cell in cells]
            assert sum(spans) + len(reaching) == width, row.text
            reaching = [left - 1 for left in reaching if left > 1]
            reaching += [high - 1 for cell in cells if (high := int(cell.attributes.get("rowspan", 1))) > 1]


def test_a_missing_value_of_the_table_says_why_by_a_number() -> None:
    (table,) = _tables(ROOT, "all")
    marks = [mark.text for cell in table.all("td") if cell.text.startswith("–") for mark in cell.all("sup")]
    assert len(marks) == len([cell for cell in table.all("td") if cell.text.startswith("–")]) > 2
    reasons = [item.text for item in _section("table").all("ol")[0].all("li")]
    assert {int(mark.strip("[]")) for mark in marks} == set(range(1, len(reasons) + 1))
    assert reasons == ["the runtime did not say where the compute is", "no audio in this model"]


def test_a_column_that_says_the_same_of_all_is_a_sentence() -> None:
    alike = replace(RUN, measurements=tuple(one for one in RUN.measurements if one.placement or not one.sample))
    for run, is_column in ((RUN, True), (alike, False)):
        section = _section("table", Tree(render_html(run)).root)
        heads = [head.text for head in section.all("thead")[0].all("th")]
        assert ("Placed" in heads) is is_column
        assert ("Alike of every cell with numbers: placed proven." in section.text) is not is_column


def _section(name: str, root: Element = ROOT) -> Element:
    (found,) = [section for section in root.all("section") if section.attributes.get("id") == name]
    return found


def test_every_cell_of_the_matrix_has_a_sign_a_word_and_a_value_in_its_colour() -> None:
    expected = {
        "piper-joe fp32": ("v-measured", "●", "measured", "41.1 ms ref"),
        "piper-joe fp16": ("v-unsupported", "∅", "unsupported", "unsupported NO_KERNEL"),
        "piper-joe int8-dynamic": ("v-measured", "●", "measured", "53.2 ms ≈0.8×"),
        "piper-joe int4-weight-only": ("v-failed", "✕", "failed", "failed in convert"),
        "smart-turn-v3 fp16": ("unasked", "", "", "not asked"),
    }
    found = _matrix(ROOT, "cpu")
    assert {name: found[name] for name in expected} == expected
    assert _matrix(ROOT, "cuda")["piper-joe fp16"] == (
        "v-not_measured",
        "◌",
        "not measured",
        "not measured interrupted",
    )


def test_a_judged_matrix_says_the_outcome_of_the_cell_and_the_change_behind_it() -> None:
    root = Tree(render_html(JUDGED)).root
    found = _matrix(root, "cpu")
    expected = {
        "piper-joe fp32": ("v-unchanged", "·", "unchanged", "+0.4 % 41.1 ms"),
        "piper-joe int8-dynamic": ("v-regressed", "▲", "regressed", "+0.0017 % artifact size · 53.2 ms"),
        "piper-joe int8-static": ("v-improved", "▼", "improved", "−8.7 % 30.0 ms"),
        "piper-joe int4-weight-only": ("v-failed", "✕", "failed", "failed in convert"),
        "smart-turn-v3 fp32": ("v-regressed", "▲", "regressed", "2.31 × 8.15 ms"),
        "silero-vad fp32": ("v-new", "○", "new", "new NO_PACKAGE"),
        "marian-de fp32": ("v-missing", "□", "missing", "missing not in this run"),
    }
    assert {name: found[name] for name in expected} == expected
    outcomes = {
        f"{cell.model} {cell.precision}": f"v-{word.name.lower()}"
        for cell, word in OUTCOMES.items()
        if cell.device == "cpu"
    }
    assert {name: kind for name, (kind, *_) in found.items() if kind != "unasked"} == outcomes


def test_the_signs_are_counted_as_the_headline_counts_them() -> None:
    legend = [item.words for item in _section("matrix", Tree(render_html(JUDGED)).root).of("ul", "legend")[0].all("li")]
    counts = gate_headline(JUDGED, JUDGEMENT).counts
    assert legend == [f"{GLYPHS[word]} {count} {word}" for word, count in counts.items()] + ["◌ 1 not measured"]


def test_a_word_of_verdicts_and_of_states_is_counted_once() -> None:
    legend = _section("matrix", Tree(render_html(HOSTILE_JUDGED)).root).of("ul", "legend")[0].all("li")
    assert [item.words for item in legend] == ["✕ 2 failed", "∅ 1 unsupported", "○ 1 new"]


def _matrix(root: Element, device: str) -> dict[str, tuple[str, str, str, str]]:
    """Of each cell its class, its sign, the sign's name and what is written beside it."""
    (table,) = [one for one in _tables(root, "matrix") if one.all("thead")[0].all("bdi")[0].text == device]
    _, *precisions = [head.text for head in table.all("thead")[0].all("th")]
    found = {}
    for row in table.all("tbody")[0].all("tr"):
        for precision, cell in zip(precisions, row.all("td"), strict=True):
            signs = [one for one in cell.all("span") if one.attributes.get("role") == "img"]
            sign, word = (signs[0].text, signs[0].attributes["aria-label"]) if signs else ("", "")
            said = cell.words.removeprefix(sign).replace("_ ", "_").strip()
            found[f"{row.all('th')[0].words} {precision}"] = (cell.attributes["class"], sign, word, said)
    return found


def test_what_has_no_numbers_is_told_in_full() -> None:
    assert "ConvTranspose(float16) has no kernel in CPUExecutionProvider" in ROOT.text
    assert "terminate called after throwing an instance of 'std::bad_alloc'" in ROOT.all("pre")[0].text
    assert "pytest suites/ --model piper-joe --precision int4-weight-only --device cpu" in ROOT.text


def test_hostile_text_stays_text() -> None:
    page = render_html(HOSTILE)
    root = Tree(page).root
    assert "<script>alert('x')</script>" in root.text
    assert "{{ 7*7 }}" in root.text
    assert "<b>run</b>" in root.text
    assert not re.search(r"[\x00-\x08\x0b-\x1f\u202a-\u202e\u2066-\u2069]", page)
    assert len(page) < 400_000
    assert "w" * 700 not in page
    assert HOSTILE_NAME[:14] not in page


def test_a_run_of_nothing_is_a_page_all_the_same() -> None:
    page = Tree(render_html(replace(RUN, planned=(), measurements=(), finished=None))).root
    assert "measured 0 of 0" in page.text.lower()


def test_the_report_is_written_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert write_report(RUN, tmp_path).read_text(encoding="utf-8") == PAGE

    def no_room(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", no_room)
    monkeypatch.setattr(Path, "replace", no_room)
    with pytest.raises(HarnessError, match="No space left"):
        write_report(HOSTILE, tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["report.html"]
    assert (tmp_path / "report.html").read_text(encoding="utf-8") == PAGE


def test_the_fixed_run_holds_something_of_every_state() -> None:
    assert {row.state.value for row in rows_of(RUN)} == {"measured", "unsupported", "failed", "not measured"}
    assert len(PLANNED) == 11


def test_a_small_run_has_an_article_for_each_cell_and_all_of_them_at_once() -> None:
    page = page_of(RUN)
    assert page.detailed == page.inline == set(PLANNED)


def test_of_many_cells_those_that_tell_most_have_an_article_and_all_have_a_line() -> None:
    run = large_run(600)
    page = page_of(run)
    assert run.judgement is not None
    outcomes = of_cells(run.judgement.verdicts)
    telling = {cell for cell, word in outcomes.items() if word in ("failed", "regressed", "missing")}
    assert len(telling) > 5
    assert telling <= page.detailed
    assert page.inline < page.detailed < set(run.planned)
    least = next(cell for cell in reversed(run.planned) if cell not in page.detailed)
    asked = page_of(run, frozenset({least}))
    assert least in asked.inline
    assert len(asked.detailed) == len(page.detailed)


def test_what_is_asked_for_has_the_article_and_the_rest_has_lines_that_links_lead_to() -> None:
    run = large_run(400)
    asked = run.planned[377]
    root = Tree(render_html(run, frozenset({asked}))).root
    articles = {article.attributes["id"] for article in root.all("article")}
    lines = {
        row.attributes["id"] for table in _tables(root, "all") for row in table.all("tr") if "id" in row.attributes
    }
    anchors = {row.anchor for row in rows_of(run)}
    assert f"c={asked.model}/{asked.precision}/{asked.device}" in articles
    assert articles | lines >= anchors
    assert not articles & lines
    assert len(articles) < len(lines)
    assert "quantgate report RUN --cell GLOB" in _section("table", root).text


def test_a_page_of_1200_cells_keeps_its_budget_of_bytes_and_of_elements() -> None:
    page = render_html(large_run(1_200))
    assert len(page.encode()) <= 1_500_000
    at_load = re.sub(r"<noscript.*?</noscript>", "<noscript></noscript>", page, flags=re.DOTALL)
    assert len(re.findall(r"<[a-z]", at_load)) <= 5_000
