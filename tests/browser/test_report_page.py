"""A real browser opens the report: one visit to a page answers many questions."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from axe import axe_source
from devtools import Tab, pixels, present_browser

from harness.render.page.assemble import write_report
from harness.render.rows import rows_of
from harness.results import Run

PAGES = ("usual", "hostile", "judged", "judged-hostile", "quality", "quality-hostile")
DECENT = ("usual", "judged", "quality")


def run_called(name: str) -> Run:
    """A fixed run by name."""
    from fixed_judgement import HOSTILE_JUDGED, JUDGED
    from fixed_quality import HOSTILE_QUALITY, QUALITY_JUDGED
    from fixed_run import HOSTILE, RUN

    return {
        "usual": RUN,
        "hostile": HOSTILE,
        "judged": JUDGED,
        "judged-hostile": HOSTILE_JUDGED,
        "quality": QUALITY_JUDGED,
        "quality-hostile": HOSTILE_QUALITY,
    }[name]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The reports of the fixed runs."""
    return {name: write_report(run_called(name), tmp_path_factory.mktemp(name)) for name in PAGES}


@dataclass(frozen=True)
class Visit:
    """What was seen of a page, everything on it unfolded."""

    name: str
    width: int
    scheme: str
    scripts: bool
    seen: dict[str, Any]
    complaints: list[str]
    requests: list[str]
    shot: bytes


VISITS = [
    *((name, 1280, "light", True) for name in PAGES),
    *((name, 390, "dark", False) for name in PAGES),
]

UNFOLD = """
document.querySelectorAll('button.unfold').forEach(button => button.click());
document.querySelectorAll('details').forEach(one => { one.open = true; });
"""

LOOK = """(() => {
  const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const known = new Map();
  const plain = colour => {  // whatever way a colour is written: red, green and blue
    if (!known.has(colour)) {
      canvas.fillStyle = colour;
      canvas.fillRect(0, 0, 1, 1);
      known.set(colour, `rgb(${[...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3).join(', ')})`);
    }
    return known.get(colour);
  };
  const solid = colour => colour !== 'rgba(0, 0, 0, 0)' && colour !== 'none';
  const under = element => element === null ? 'rgb(255, 255, 255)'
    : element instanceof SVGElement ? under(element.parentElement)
    : solid(getComputedStyle(element).backgroundColor) ? plain(getComputedStyle(element).backgroundColor)
    : under(element.parentElement);
  const all = selector => [...document.querySelectorAll(selector)];
  const seen = element => element.checkVisibility() && !element.closest('defs, symbol');
  const grounds = ['field', 'band', 'cut', 'kept', 'grid', 'whisker', 'line', 'nothing'];
  return {
    widths: [innerWidth, document.documentElement.scrollWidth, document.body.scrollWidth],
    texts: all('body *').filter(seen)
      .filter(element => [...element.childNodes].some(node => node.nodeType === 3 && node.data.trim()))
      .map(element => [plain(getComputedStyle(element)[element instanceof SVGElement ? 'fill' : 'color']),
        under(element), element.outerHTML.slice(0, 120)]),
    marks: all('svg :is(path, rect, circle, line, polygon, use)').filter(seen)
      .filter(mark => mark.getAttribute('class') && !grounds.some(name => mark.classList.contains(name)))
      .map(mark => [['fill', 'stroke'].map(way => getComputedStyle(mark)[way]).filter(solid).map(plain),
        under(mark), mark.closest('svg').outerHTML.slice(0, 60) + ' … ' + mark.outerHTML.slice(0, 80)]),
    nameless: all('svg[role=img], [role=region], [role=group]').filter(element => !element.getAttribute('aria-label')
      && !document.getElementById(element.getAttribute('aria-labelledby'))).map(one => one.outerHTML.slice(0, 120)),
    captionless: all('table').filter(table => !table.caption?.textContent.trim())
      .map(one => one.outerHTML.slice(0, 120)),
    frames: all('.scroll').filter(frame => frame.scrollWidth > frame.clientWidth + 1)
      .map(frame => [frame.tabIndex, frame.getAttribute('role'), frame.clientWidth,
        Math.max(...[...frame.querySelectorAll('table, tbody, caption')].map(one => one.offsetWidth))]),
    empty: all('td').filter(cell => !cell.textContent.trim() && !cell.querySelector('svg'))
      .map(one => one.parentElement.outerHTML.slice(0, 200)),
    matrix: all('.matrix td:not(.unasked)').map(cell => cell.textContent),
    inserted: all('script, link, img, iframe, object, embed, form, base, marquee').map(one => one.tagName),
    waiting: all('noscript.later').length,
    sans: getComputedStyle(document.body).margin,
  };
})()"""


@pytest.fixture(
    scope="module", params=VISITS, ids=lambda visit: f"{visit[0]}-{visit[1]}-{visit[2]}-{'on' if visit[3] else 'off'}"
)
def visit(request: pytest.FixtureRequest, page_tab: Tab, files: dict[str, Path]) -> Visit:
    """A page, opened, unfolded and looked at."""
    name, width, scheme, scripts = request.param
    page_tab.open(files[name], width=width, scheme=scheme, scripts=scripts)
    page_tab.evaluate(UNFOLD)
    seen = page_tab.evaluate(LOOK)
    shot = page_tab.screenshot(width, 800, scale=0.25)
    return Visit(name, width, scheme, scripts, seen, page_tab.complaints(), page_tab.requests(), shot)


def test_the_page_does_not_scroll_sideways(visit: Visit) -> None:
    inner, document, body = visit.seen["widths"]
    assert inner == visit.width
    assert max(document, body) <= visit.width


def test_nothing_is_loaded_and_nothing_is_complained_of(visit: Visit) -> None:
    assert visit.complaints == []
    assert len(visit.requests) == 1
    assert visit.requests[0].startswith("file:")
    assert visit.seen["sans"] == "0px"


def test_the_page_holds_no_element_but_its_own(visit: Visit) -> None:
    assert visit.seen["inserted"] == ["SCRIPT"]


def test_every_text_stands_out_from_what_it_stands_on(visit: Visit) -> None:
    """WCAG 2.2, 1.4.3: 4.5 to 1. The ratio is worked out from the computed colours."""
    assert len(visit.seen["texts"]) > 100
    for ink, ground, where in visit.seen["texts"]:
        assert contrast(ink, ground) >= 4.5, (ink, ground, where)


def test_every_mark_stands_out_from_what_it_stands_on(visit: Visit) -> None:
    """WCAG 2.2, 1.4.11: 3 to 1 for what must be seen; grounds, bands and thin lines are told in words, too."""
    for inks, ground, where in visit.seen["marks"]:
        assert max(contrast(ink, ground) for ink in inks) >= 3, (inks, ground, where)
    assert visit.seen["marks"] or visit.name not in DECENT


def test_every_drawing_and_every_table_has_a_name(visit: Visit) -> None:
    assert visit.seen["nameless"] == []
    assert visit.seen["captionless"] == []


def test_no_cell_of_a_table_is_blank(visit: Visit) -> None:
    assert visit.seen["empty"] == []


def test_what_scrolls_in_its_own_frame_does_so_by_keyboard_too(visit: Visit) -> None:
    assert all(frame[:2] == [0, "region"] and frame[2] <= visit.width for frame in visit.seen["frames"])
    assert visit.seen["frames"] or visit.width > 390


def test_a_frame_scrolls_only_to_something(visit: Visit) -> None:
    assert [frame for frame in visit.seen["frames"] if frame[3] <= frame[2]] == []


def test_nothing_waits_where_no_script_could_show_it(visit: Visit) -> None:
    assert visit.seen["waiting"] == 0 or not visit.scripts


def test_the_matrix_shows_each_planned_cell(visit: Visit) -> None:
    shown = visit.seen["matrix"]
    rows = rows_of(run_called(visit.name))
    assert len(shown) >= len(rows)
    latencies = [row.figures["latency"].text for row in rows if row.figures]
    assert all(any(text in cell for cell in shown) for text in latencies)


def test_each_colour_scheme_paints_a_page_in_its_own_tone(visit: Visit) -> None:
    seen = pixels(visit.shot)
    assert len(set(seen)) > 50
    background = sorted(map(luminance, seen))[len(seen) // 2]
    assert background > 0.8 if visit.scheme == "light" else background < 0.2


def luminance(pixel: tuple[int, int, int]) -> float:
    red, green, blue = pixel
    return (0.2126 * red + 0.7152 * green + 0.0722 * blue) / 255


def contrast(ink: str, ground: str) -> float:
    light, dark = sorted((relative(ink), relative(ground)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def relative(colour: str) -> float:
    """Relative luminance of `rgb(r, g, b)`, by WCAG 2.2."""
    channels = [int(value) / 255 for value in re.findall(r"\d+", colour)[:3]]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_the_checks_can_fail(page_tab: Tab, tmp_path: Path) -> None:
    bad = tmp_path / "bad.html"
    bad.write_text(
        "<!doctype html><body><div style='width:2000px'>wide</div><table><tr><td></td></tr></table>"
        "<p style='color:#aaa'>pale</p><svg><path class='mark' d='M0 0h9v9z' fill='#ccc'/></svg>"
        "<img src='missing.png'><script>console.log('said')</script></body>",
        encoding="utf-8",
    )
    page_tab.open(bad, width=390)
    seen = page_tab.evaluate(LOOK)
    assert seen["widths"][1] > 390
    assert seen["empty"]
    assert seen["captionless"]
    assert any(contrast(ink, ground) < 3 for ink, ground, _ in seen["texts"])
    assert [contrast(inks[0], ground) < 3 for inks, ground, _ in seen["marks"]] == [True]
    assert len(page_tab.complaints()) >= 2
    assert len(page_tab.requests()) == 2


@pytest.mark.parametrize("name", PAGES)
def test_a_link_to_a_cell_brings_it_into_view_and_marks_it(page_tab: Tab, files: dict[str, Path], name: str) -> None:
    for row in rows_of(run_called(name))[-2:]:
        page_tab.open(files[name], width=1280, fragment=row.anchor)
        assert page_tab.evaluate("document.querySelector(':target')?.id") == row.anchor
        assert -1 <= page_tab.evaluate("document.querySelector(':target').getBoundingClientRect().top") < 800
        assert page_tab.evaluate("document.querySelector('.matrix .here a').getAttribute('href')") == f"#{row.anchor}"


def test_the_policy_stops_a_script_that_got_into_the_page(
    page_tab: Tab, files: dict[str, Path], tmp_path: Path
) -> None:
    tampered = tmp_path / "tampered.html"
    text = files["usual"].read_text(encoding="utf-8")
    tampered.write_text(text.replace("</body>", "<script>document.title = 'ran'</script></body>"), encoding="utf-8")
    page_tab.open(tampered, width=1280)
    assert page_tab.evaluate("document.title") != "ran"
    assert page_tab.complaints()


@pytest.mark.parametrize("name", DECENT)
def test_the_page_prints_its_tables_in_full(page_tab: Tab, files: dict[str, Path], name: str) -> None:
    page_tab.open(files[name], width=718, media="print")
    seen = page_tab.evaluate(
        """({
          nav: getComputedStyle(document.querySelector('nav')).display,
          frames: [...document.querySelectorAll('.scroll')].map(one => getComputedStyle(one).overflowX),
          wide: [...document.querySelectorAll('table')].filter(table => table.offsetWidth > 718)
            .map(table => [table.className, table.offsetWidth]),
          folded: [...document.querySelectorAll('details')]
            .filter(one => one.offsetHeight <= one.firstElementChild.offsetHeight)
            .map(one => one.textContent.slice(0, 80)),
        })"""
    )
    assert seen["nav"] == "none"
    assert set(seen["frames"]) == {"visible"}
    assert seen["wide"] == []
    assert seen["folded"] == []


@pytest.mark.parametrize("ci", ["1", ""], ids=["in CI", "elsewhere"])
def test_a_missing_browser_or_checker_is_never_passed_over_in_silence(
    ci: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("CI", ci)
    expected = pytest.fail.Exception if ci else pytest.skip.Exception
    with pytest.raises(expected, match="install one"):
        present_browser()
    with pytest.raises(expected, match="install npm"):
        axe_source()
