"""What one sees and reaches first: the verdict, what changed and the first line of the matrix; links into the page."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from devtools import Tab

from harness.cells import Cell
from harness.render.page.assemble import write_report
from harness.render.rows import anchor_of
from harness.results import Run

BOTTOM = "document.querySelector({!r})?.getBoundingClientRect().bottom ?? 1e9"
ON_IT = ("h1", ".banner .worst", ".counts li:last-child", ".changes tbody:nth-of-type(5)", ".matrix tbody tr")
NAMES = tuple(f"<b>&amp;\"'{number} %2F☃/ü\u202e" for number in range(120))


def run_called(name: str) -> Run:
    """A fixed run by name."""
    from fixed_judgement import JUDGED
    from fixed_run import RUN, measured
    from fixed_showcase import SHOWCASE

    cells = tuple(Cell(name, "fp32", "cpu") for name in NAMES)
    long = replace(RUN, planned=cells, measurements=tuple(measured(cell, 0.01, 10, 1.0) for cell in cells))
    assert JUDGED.judgement is not None
    fails = next(one for one in JUDGED.judgement.judged if one.is_fatal)
    broken = tuple(replace(fails, name=f"claim {number}") for number in range(4))
    red = replace(JUDGED, judgement=replace(JUDGED.judgement, judged=broken))
    return {"showcase": SHOWCASE, "judged": JUDGED, "long": long, "red": red}[name]


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The reports of some fixed runs."""
    return {
        name: write_report(run_called(name), tmp_path_factory.mktemp(name))
        for name in ("showcase", "judged", "long", "red")
    }


@pytest.mark.parametrize(
    ("name", "scheme", "scripts"),
    [("showcase", "light", False), ("showcase", "dark", True), ("judged", "light", True), ("judged", "dark", False)],
)
def test_verdict_changes_and_the_first_line_of_the_matrix_are_on_the_first_screen(
    page_tab: Tab, reports: dict[str, Path], name: str, scheme: str, scripts: bool
) -> None:
    page_tab.open(reports[name], width=1280, height=800, scheme=scheme, scripts=scripts)
    assert page_tab.evaluate("innerWidth") == 1280
    for place in ON_IT:
        assert page_tab.evaluate(BOTTOM.format(place)) <= 800, place
    assert page_tab.evaluate("document.documentElement.scrollWidth") <= 1280
    assert page_tab.complaints() == []
    assert len(page_tab.requests()) == 1


def test_without_scripts_every_count_leads_to_a_place_and_the_fold_opens_for_what_is_in_it(
    page_tab: Tab, reports: dict[str, Path]
) -> None:
    page_tab.open(reports["judged"], width=1280, scripts=False)
    hrefs = page_tab.evaluate("[...document.querySelectorAll('.banner a')].map(link => link.getAttribute('href'))")
    assert len(hrefs) == 12
    for href in hrefs:
        page_tab.open(reports["judged"], width=1280, scripts=False, fragment=href.removeprefix("#"))
        assert page_tab.evaluate("document.querySelector(':target')?.checkVisibility()"), href
    assert page_tab.evaluate("document.querySelector('.fold').open") is (hrefs[-1] == "#accepted")


def test_more_reasons_than_are_read_at_once_fold_in_the_same_line(page_tab: Tab, reports: dict[str, Path]) -> None:
    page_tab.open(reports["red"], width=1280)
    summary = "document.querySelector('.why > details > summary')"
    assert page_tab.evaluate(f"{summary}.innerText") == "+3 more"
    page_tab.evaluate(f"{summary}.click()")
    assert "claim 3" in page_tab.evaluate("document.querySelector('.banner .why').innerText")
    assert page_tab.evaluate("document.querySelectorAll('.banner p:empty').length") == 0


def test_the_keyboard_reaches_the_first_screen_in_the_order_it_is_read(page_tab: Tab, reports: dict[str, Path]) -> None:
    page_tab.open(reports["showcase"], width=1280)
    seen = []
    for _ in range(60):
        page_tab.press("Tab")
        where, outline = page_tab.evaluate(
            "(one => [one.closest('.skip, nav, .worst, .counts, .changes, .fold, #matrix')?.className"
            " || one.closest('nav, #matrix')?.localName || one.className, getComputedStyle(one).outlineStyle])"
            "(document.activeElement)"
        )
        assert outline != "none", where
        if where not in seen[-1:]:
            seen.append(where)
        if where == "section":
            break
    assert seen == ["skip", "nav", "worst", "counts", "scroll", "changes", "fold", "section"]
    page_tab.press("Tab", shift=True)
    page_tab.press("Enter")
    assert page_tab.evaluate("document.querySelector('.fold').open")


def test_a_link_reaches_a_cell_that_waits_under_any_name_and_back_and_forward_work(
    page_tab: Tab, reports: dict[str, Path]
) -> None:
    first, last = (anchor_of(Cell(name, "fp32", "cpu")) for name in (NAMES[0], NAMES[-1]))
    page_tab.open(reports["long"], width=1280)
    assert page_tab.evaluate(f"document.getElementById({json.dumps(last)}) === null")
    target = "document.querySelector(':target')?.id"
    page_tab.open(reports["long"], width=1280, fragment=last)
    assert page_tab.evaluate(target) == last
    assert -1 <= page_tab.evaluate("document.querySelector(':target').getBoundingClientRect().top") < 800
    went = "new Promise(done => {{ addEventListener('hashchange', () => done(1), {{once: true}}); {} }})"
    page_tab.evaluate(went.format(f"location.hash = {json.dumps('#' + first)}"))
    assert page_tab.evaluate(target) == first
    page_tab.evaluate(went.format("history.back()"))
    assert page_tab.evaluate(target) == last
    page_tab.evaluate(went.format("history.forward()"))
    assert page_tab.evaluate(target) == first
    assert page_tab.complaints() == []


def test_what_waits_is_unfolded_by_its_button_and_by_printing_and_the_keyboard_goes_on_there(
    page_tab: Tab, reports: dict[str, Path]
) -> None:
    page_tab.open(reports["long"], width=1280)
    count = "document.querySelectorAll('{}').length".format
    waiting, articles = page_tab.evaluate(count("noscript.later")), page_tab.evaluate(count("article"))
    assert waiting == page_tab.evaluate(count("button.unfold")) > 0
    page_tab.evaluate("document.querySelector('#cells button.unfold').focus()")
    page_tab.press("Enter")
    assert page_tab.evaluate(count("noscript.later")) == waiting - 1
    assert page_tab.evaluate(count("article")) > articles
    assert page_tab.evaluate("document.activeElement.closest('#cells') !== null")
    page_tab.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page_tab.evaluate(count("noscript.later, button.unfold")) == 0
    written = reports["long"].read_text(encoding="utf-8").count("<article")
    assert page_tab.evaluate(count("article")) == written > articles
