"""What the script adds to matrix and table: ways to look, a filter, sorting, and that a large page stays quick."""

from __future__ import annotations

from pathlib import Path

import pytest
from devtools import Tab

from harness.render.page.assemble import write_report
from harness.render.rows import rows_of

SHOWN = """[...document.querySelectorAll('.matrix td:not(.unasked):not(.out)')]
  .filter(cell => cell.checkVisibility()).map(cell => cell.innerText.replace(/\\s+/g, ' ').trim())"""
LINES = """[...document.querySelectorAll('table.all tbody tr')].filter(row => row.checkVisibility())
  .map(row => [0, 1, 2].map(place => row.cells[place].textContent.trim()).join(' '))"""
CHIPS = "[...document.querySelectorAll('.chip-of-filter')].filter(one => !one.hidden).map(one => one.innerText)"


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of the fixed run, judged."""
    from fixed_judgement import JUDGED

    return write_report(JUDGED, tmp_path_factory.mktemp("judged"))


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of a run of many cells."""
    from large_run import large_run

    return write_report(large_run(1_200), tmp_path_factory.mktemp("large"))


def column(tab: Tab, title: str) -> list[str]:
    """What a column of the table shows, from the top down."""
    place = (
        f"[...document.querySelectorAll('table.all thead th')].findIndex(head => head.innerText.startsWith({title!r}))"
    )
    cells: list[str] = tab.evaluate(
        f"(place => [...document.querySelectorAll('table.all tbody tr')]"
        f".map(row => row.cells[place]?.innerText ?? 'none'))({place})"
    )
    return cells


def type_only(tab: Tab, words: str) -> None:
    """Type into the field of the filter."""
    field = "document.querySelector('.sift input')"
    tab.evaluate(f"{field}.value = {words!r}; {field}.dispatchEvent(new Event('input'))")


def press(tab: Tab, title: str) -> str | None:
    """Press the heading of a column, as Enter on it does; how the column says that it is sorted."""
    sort: str | None = tab.evaluate(
        f"""(() => {{
          const heads = [...document.querySelectorAll('table.all thead th')];
          const head = heads.find(one => one.innerText.startsWith({title!r}));
          head.querySelector('button').focus();
          document.activeElement.click();
          return head.getAttribute('aria-sort');
        }})()"""
    )
    return sort


def test_each_way_to_look_shows_its_own_value_and_never_a_blank(page_tab: Tab, judged: Path) -> None:
    page_tab.open(judged, width=1280)
    found = {}
    for way in ("verdict", "change", "latency", "speed"):
        page_tab.evaluate(f"document.querySelector('[data-way={way}]').click()")
        found[way] = page_tab.evaluate(SHOWN)
        pressed = "[...document.querySelectorAll('.ways [aria-pressed=true]')].map(one => one.dataset.way)"
        assert page_tab.evaluate(pressed) == [way]
    first = {way: texts[0] for way, texts in found.items()}
    assert first == {
        "verdict": "· unchanged +0.4 %",
        "change": "· +0.4 % 41.1 ms",
        "latency": "· 41.1 ms ref",
        "speed": "· ref 41.1 ms",
    }
    dynamic = {
        way: next(text for text in texts if "53.2 ms" in text or "+0.0017 %" in text) for way, texts in found.items()
    }
    assert dynamic["change"] == "▲ +0.0017 % artifact size · 53.2 ms"
    assert dynamic["speed"] == "▲ ≈0.8× 53.2 ms"
    unsupported = {way: next(text for text in texts if text.startswith("∅")) for way, texts in found.items()}
    assert set(unsupported.values()) == {"∅ unsupported NO_KERNEL"}
    assert len({len(texts) for texts in found.values()}) == 1


def test_a_verdict_in_the_link_shows_only_its_cells_in_both_and_a_chip_takes_it_away(
    page_tab: Tab, judged: Path
) -> None:
    page_tab.open(judged, width=1280, fragment="f=regressed")
    wanted = ["piper-joe int8-dynamic cpu", "smart-turn-v3 fp32 cpu", "smart-turn-v3 int8-static cpu"]
    assert page_tab.evaluate(LINES) == wanted
    assert len(page_tab.evaluate(SHOWN)) == 3
    assert all(text.startswith("▲") for text in page_tab.evaluate(SHOWN))
    assert page_tab.evaluate(CHIPS) == ["▲ 3 regressed ✕3 of 12 cells are shown"] * 2
    page_tab.evaluate("document.querySelector('#table .chip-of-filter button').click()")
    assert page_tab.evaluate(CHIPS) == []
    assert len(page_tab.evaluate(LINES)) == 12
    assert page_tab.evaluate("location.hash") == "#matrix"


def test_a_word_that_no_cell_has_shows_none_and_the_chip_leads_back(page_tab: Tab, judged: Path) -> None:
    page_tab.open(judged, width=1280, fragment="f=%E0%A4%A")
    assert page_tab.evaluate(CHIPS) == ["%E0%A4%A ✕0 of 12 cells are shown"] * 2
    page_tab.evaluate("document.querySelector('#matrix .chip-of-filter button').click()")
    assert len(page_tab.evaluate(LINES)) == 12
    assert page_tab.complaints() == []


def test_a_link_to_a_line_that_the_filter_hides_takes_the_filter_away(page_tab: Tab, large: Path) -> None:
    page_tab.open(large, width=1280)
    type_only(page_tab, "piper-voice-198")
    hidden = page_tab.evaluate("document.querySelector('table.all tr[id][hidden]').id")
    went = "new Promise(done => { addEventListener('hashchange', () => done(1), {once: true}); location.hash = '#%s' })"
    page_tab.evaluate(went % hidden)
    assert page_tab.evaluate("document.querySelector(':target').id") == hidden
    assert -1 <= page_tab.evaluate("document.querySelector(':target').getBoundingClientRect().top") < 800
    assert page_tab.evaluate(CHIPS) == []


def test_the_counts_of_the_banner_lead_to_the_filter(page_tab: Tab, judged: Path) -> None:
    page_tab.open(judged, width=1280)
    page_tab.evaluate("document.querySelector('.banner a[href=\"#f=missing\"]').click()")
    page_tab.evaluate("new Promise(done => setTimeout(done, 50))")
    assert page_tab.evaluate(LINES) == ["marian-de fp32 cpu"]


def test_typed_words_keep_the_cells_that_have_them_all(page_tab: Tab, judged: Path) -> None:
    page_tab.open(judged, width=1280)
    type_only(page_tab, "piper FP16")
    assert page_tab.evaluate(LINES) == ["piper-joe fp16 cpu", "piper-joe fp16 cuda"]
    assert len(page_tab.evaluate(SHOWN)) == 2
    type_only(page_tab, "")
    assert len(page_tab.evaluate(LINES)) == 12


def test_without_scripts_a_count_leads_to_the_first_cell_of_its_kind_and_no_control_is_idle(
    page_tab: Tab, judged: Path
) -> None:
    page_tab.open(judged, width=1280, scripts=False, fragment="f=regressed")
    assert (
        page_tab.evaluate("document.querySelector(':target a').getAttribute('href')") == "#c=piper-joe/int8-dynamic/cpu"
    )
    idle = "[...document.querySelectorAll('button, input, select')].filter(one => one.checkVisibility()).length"
    assert page_tab.evaluate(idle) == 0


def test_numbers_sort_by_what_they_are_worth_and_what_has_none_comes_last(page_tab: Tab, judged: Path) -> None:
    page_tab.open(judged, width=1280)
    assert press(page_tab, "Latency") == "ascending"
    shown = [text.split(" ±")[0].split(" one")[0] for text in column(page_tab, "Latency")]
    assert shown[:5] == ["6.12 ms", "8.15 ms", "30.0 ms", "41.1 ms", "53.2 ms"]
    assert set(shown[5:]) == {"none"}
    assert press(page_tab, "Latency") == "descending"
    shown = [text.split(" ±")[0].split(" one")[0] for text in column(page_tab, "Latency")]
    assert shown[:5] == ["53.2 ms", "41.1 ms", "30.0 ms", "8.15 ms", "6.12 ms"]
    assert press(page_tab, "Model") == "ascending"
    assert column(page_tab, "Model") == sorted(column(page_tab, "Model"))
    assert page_tab.evaluate("document.querySelectorAll('[aria-sort]').length") == 1


def test_every_heading_sorts(page_tab: Tab, judged: Path) -> None:
    page_tab.open(judged, width=1280)
    heads = page_tab.evaluate("[...document.querySelectorAll('table.all thead th')].map(head => head.innerText)")
    assert len(heads) > 10
    assert [press(page_tab, head) for head in heads] == ["ascending"] * len(heads)
    assert page_tab.complaints() == []


def test_a_page_of_many_cells_opens_small_and_has_them_all(page_tab: Tab, large: Path) -> None:
    from large_run import large_run

    run = large_run(1_200)
    assert large.stat().st_size <= 1_500_000
    page_tab.open(large, width=1280)
    assert page_tab.evaluate("document.getElementsByTagName('*').length") <= 5_000
    anchors = [row.anchor for row in rows_of(run)]
    for anchor in (anchors[0], anchors[600], anchors[-1]):
        page_tab.open(large, width=1280, fragment=anchor)
        assert page_tab.evaluate("document.querySelector(':target')?.id") == anchor
        assert -1 <= page_tab.evaluate("document.querySelector(':target').getBoundingClientRect().top") < 800
        assert page_tab.evaluate("document.querySelector('.matrix .here a').getAttribute('href')") == f"#{anchor}"
    page_tab.open(large, width=1280, fragment="f=regressed")
    regressed = [cell for cell, outcome in outcomes(run).items() if outcome == "regressed"]
    assert sorted(page_tab.evaluate(LINES)) == sorted(f"{c.model} {c.precision} {c.device}" for c in regressed)
    page_tab.open(large, width=1280, scripts=False)
    assert len(page_tab.evaluate(LINES)) == 1_200
    ids = set(page_tab.evaluate("[...document.querySelectorAll('[id]')].map(one => one.id)"))
    assert set(anchors) <= ids
    assert page_tab.complaints() == []


def outcomes(run: object) -> dict[object, str]:
    """The one outcome of each cell."""
    from harness.consequences import of_cells

    return {cell: str(outcome) for cell, outcome in of_cells(run.judgement.verdicts).items()}  # type: ignore[attr-defined]
