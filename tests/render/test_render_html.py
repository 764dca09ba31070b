from __future__ import annotations

import base64
import hashlib
import os
import re
from pathlib import Path

import pytest
from fixed_run import HOSTILE, HOSTILE_NAME, PLANNED, RUN
from page_tree import Tree, everything

from harness.errors import HarnessError
from harness.render.page.assemble import render_html, write_report
from harness.render.rows import rows_of

PAGE = render_html(RUN)
ROOT = Tree(PAGE).root


@pytest.mark.parametrize("run", [RUN, HOSTILE], ids=["usual", "hostile"])
def test_the_page_holds_no_script_and_nothing_to_load(run: object) -> None:
    for element in everything(Tree(render_html(run)).root):  # type: ignore[arg-type]
        assert element.tag not in ("script", "link", "img", "iframe", "object", "embed", "form", "base")
        assert not [name for name in element.attributes if name.startswith("on") or name in ("src", "style")]
        assert element.attributes.get("href", "#").startswith("#")


def test_the_policy_allows_these_styles_and_nothing_else() -> None:
    (style,) = ROOT.all("style")
    digest = base64.b64encode(hashlib.sha256("".join(style.pieces).encode()).digest()).decode()
    policies = [meta.attributes["content"] for meta in ROOT.all("meta") if "http-equiv" in meta.attributes]
    assert policies == [f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"]


def test_every_link_leads_to_exactly_one_place() -> None:
    ids = [element.attributes["id"] for element in everything(ROOT) if "id" in element.attributes]
    assert len(ids) == len(set(ids))
    links = {link.attributes["href"].removeprefix("#") for link in ROOT.all("a")}
    assert links <= set(ids)
    assert {row.anchor for row in rows_of(RUN)} <= links


def test_every_planned_cell_is_in_the_matrix_the_table_and_has_its_own_part() -> None:
    matrix = [t for t in ROOT.all("table") if t.attributes["class"] == "matrix"]
    (table,) = [t for t in ROOT.all("table") if t.attributes["class"] == "all"]
    articles = [article.attributes["id"] for article in ROOT.all("article")]
    anchors = [row.anchor for row in rows_of(RUN)]
    assert sorted(a.attributes["href"][1:] for t in matrix for a in t.all("a")) == sorted(anchors)
    assert [a.attributes["href"][1:] for a in table.all("a")] == anchors
    assert articles == anchors


def test_no_cell_of_a_table_is_empty() -> None:
    cells = [cell for table in ROOT.all("table") for cell in table.all("td") + table.all("th")]
    assert len(cells) > 100
    assert all(cell.text for cell in cells)


def test_tables_are_tables() -> None:
    for table in ROOT.all("table"):
        assert len(table.all("caption")) == 1
        assert all(head.attributes.get("scope") in ("col", "row") for head in table.all("th"))
        width = len(table.all("thead")[0].all("th"))
        for row in table.all("tbody")[0].all("tr"):
            spans = [int(cell.attributes.get("colspan", 1)) for cell in row.all("td") + row.all("th")]
            assert sum(spans) == width


def test_a_missing_value_says_why_to_the_eye_and_to_the_ear() -> None:
    dashes = [span for span in ROOT.all("span") if span.attributes.get("class") == "none"]
    assert dashes
    for dash in dashes:
        assert dash.attributes["title"]
        assert dash.text == f"– not available: {dash.attributes['title']}"


def test_colour_never_speaks_alone() -> None:
    matrix = [t for t in ROOT.all("table") if t.attributes["class"] == "matrix"]
    words = {"unsupported": "unsupported", "failed": "failed", "not_measured": "not measured", "unasked": "not asked"}
    for cell in (cell for table in matrix for cell in table.all("td")):
        kind = cell.attributes["class"]
        assert words.get(kind, " ms") in cell.text


def test_what_has_no_numbers_is_told_in_full() -> None:
    assert "ConvTranspose(float16) has no kernel in CPUExecutionProvider" in ROOT.text
    assert "terminate called after throwing an instance of 'std::bad_alloc'" in ROOT.all("pre")[0].text
    assert "pytest suites/ --model piper-joe --precision int4-weight-only --device cpu" in ROOT.text


def test_every_reading_of_a_measured_cell_is_shown() -> None:
    article = next(a for a in ROOT.all("article") if a.attributes["id"] == "c=piper-joe/fp32/cpu")
    for words in (
        *("latency", "latency p50", "corrected p50", "real time factor", "conversion", "peak steady"),
        *("0 B", "15 750 000".replace(" ", "\u00a0"), "48 inferences; 64 are needed: raise --cell-seconds"),
        *("4f2a00000000", "dec.ups.0.weight", "312 on CPUExecutionProvider; none astray", "8 inferences", "38 %"),
    ):
        assert " ".join(words.split()) in article.text


def test_hostile_text_stays_text() -> None:
    page = render_html(HOSTILE)
    root = Tree(page).root
    assert "<script>alert('x')</script>" in root.text
    assert "{{ 7*7 }}" in root.text
    assert "<b>run</b>" in root.text
    assert not re.search(r"[\x00-\x08\x0b-\x1f\u202a-\u202e\u2066-\u2069]", page)
    assert len(page) < 200_000
    assert HOSTILE_NAME[:8] not in page


def test_the_banner_says_what_happened_when_and_where() -> None:
    banner = next(s for s in ROOT.all("section") if s.attributes.get("class", "").startswith("banner"))
    for words in (
        *("interrupted", "Measured 5 of 11 cells", "4 unsupported", "1 failed", "1 not measured"),
        *("2026-11-21 02:55 UTC, took 6m45s", "AMD EPYC 7B13 · ", "onnxruntime 1.31.1"),
    ):
        assert words in banner.text


def test_a_run_of_nothing_is_a_page_all_the_same() -> None:
    from dataclasses import replace

    page = Tree(render_html(replace(RUN, planned=(), measurements=(), finished=None))).root
    assert "Measured 0 of 0 cells" in page.text


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
