"""A real browser opens the report."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from devtools import FLAGS, Tab, find_browser, pixels

from harness.render.page.assemble import write_report
from harness.render.rows import rows_of
from harness.results import Run


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


@pytest.fixture(scope="module", params=["usual", "hostile", "judged", "judged-hostile", "quality", "quality-hostile"])
def page(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A rendered report."""
    return write_report(run_called(request.param), tmp_path_factory.mktemp(request.param, numbered=False))


@pytest.fixture(scope="module", params=["usual", "judged", "quality"])
def decent(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of a fixed run, judged or not."""
    return write_report(run_called(request.param), tmp_path_factory.mktemp("decent"))


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of the fixed run."""
    return write_report(run_called("usual"), tmp_path_factory.mktemp("usual"))


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of the fixed run, judged."""
    return write_report(run_called("judged"), tmp_path_factory.mktemp("judged"))


def luminance(pixel: tuple[int, int, int]) -> float:
    red, green, blue = pixel
    return (0.2126 * red + 0.7152 * green + 0.0722 * blue) / 255


@pytest.mark.parametrize("width", [1280, 390])
def test_the_page_does_not_scroll_sideways(tab: Tab, page: Path, width: int) -> None:
    tab.open(page, width=width)
    assert tab.evaluate("innerWidth") == width
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    assert tab.evaluate("document.body.scrollWidth") <= width


def test_the_overflow_check_can_fail(tab: Tab, tmp_path: Path) -> None:
    wide = tmp_path / "wide.html"
    wide.write_text("<!doctype html><body><div style='width:2000px'>wide</div></body>")
    tab.open(wide, width=390)
    assert tab.evaluate("document.documentElement.scrollWidth") > 390


def test_the_matrix_shows_each_planned_cell(tab: Tab, usual: Path) -> None:
    from fixed_run import RUN

    tab.open(usual, width=1280)
    shown = tab.evaluate("[...document.querySelectorAll('.matrix td:not(.unasked)')].map(cell => cell.innerText)")
    assert len(shown) == len(RUN.planned)
    texts = [row.figures["latency"].text if row.figures else row.state.value for row in rows_of(RUN)]
    assert all(any(text in cell for cell in shown) for text in texts)


def test_the_first_screen_holds_the_headline_and_the_first_line_of_the_matrix(tab: Tab, usual: Path) -> None:
    tab.open(usual, width=1280, height=800)
    assert tab.evaluate("document.querySelector('h1').getBoundingClientRect().bottom") < 800
    assert tab.evaluate("document.querySelector('.matrix tbody tr').getBoundingClientRect().bottom") < 800


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_each_colour_scheme_paints_a_page_in_its_own_tone(tab: Tab, decent: Path, scheme: str, width: int) -> None:
    tab.open(decent, width=width, scheme=scheme)
    seen = pixels(tab.screenshot(width, 800, scale=0.25))
    assert len(set(seen)) > 50
    background = sorted(map(luminance, seen))[len(seen) // 2]
    assert background > 0.8 if scheme == "light" else background < 0.2


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_stands_out_from_what_it_stands_on(tab: Tab, decent: Path, scheme: str) -> None:
    """WCAG 2.2, 1.4.3: 4.5 to 1. The ratio is worked out from the computed colours."""
    tab.open(decent, width=1280, scheme=scheme)
    pairs = tab.evaluate(
        """(() => {
          const solid = colour => colour !== 'rgba(0, 0, 0, 0)';
          const under = element => element === null ? 'rgb(255, 255, 255)'
            : solid(getComputedStyle(element).backgroundColor) ? getComputedStyle(element).backgroundColor
            : under(element.parentElement);
          return [...document.querySelectorAll('body *')]
            .filter(element => [...element.childNodes].some(node => node.nodeType === 3 && node.data.trim()))
            .map(element => [getComputedStyle(element).color, under(element), element.outerHTML.slice(0, 90)]);
        })()"""
    )
    assert len(pairs) > 300
    for ink, ground, where in pairs:
        light, dark = sorted((relative(ink), relative(ground)), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 4.5, where


def relative(colour: str) -> float:
    """Relative luminance of `rgb(r, g, b)`, by WCAG 2.2."""
    channels = [int(value) / 255 for value in re.findall(r"\d+", colour)[:3]]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_a_link_to_a_cell_brings_it_into_view_and_marks_it(tab: Tab, page: Path) -> None:
    for row in rows_of(run_called(page.parent.name))[-2:]:
        tab.open(page, width=1280, fragment=row.anchor)
        assert tab.evaluate("document.querySelector(':target')?.id") == row.anchor
        assert -1 <= tab.evaluate("document.querySelector(':target').getBoundingClientRect().top") < 800


def test_wide_tables_scroll_in_their_own_frame_by_keyboard_too(tab: Tab, usual: Path) -> None:
    tab.open(usual, width=390)
    frames = tab.evaluate(
        "[...document.querySelectorAll('.scroll')].filter(frame => frame.scrollWidth > frame.clientWidth)"
        ".map(frame => [frame.tabIndex, frame.getAttribute('role'), frame.clientWidth])"
    )
    assert len(frames) >= 2
    assert all(frame[:2] == [0, "region"] and frame[2] <= 390 for frame in frames)


def test_the_browser_blocks_nothing_and_loads_nothing(tab: Tab, page: Path) -> None:
    tab.open(page, width=1280)
    assert tab.complaints() == []
    assert tab.evaluate("performance.getEntriesByType('resource').length") == 0
    assert tab.evaluate("document.scripts.length") == 0
    assert tab.evaluate("getComputedStyle(document.body).margin") == "0px"


def test_the_policy_stops_a_script_that_got_into_the_page(tab: Tab, usual: Path, tmp_path: Path) -> None:
    tampered = tmp_path / "tampered.html"
    text = usual.read_text(encoding="utf-8")
    tampered.write_text(text.replace("</body>", "<script>document.title = 'ran'</script></body>"), encoding="utf-8")
    tab.open(tampered, width=1280)
    assert tab.evaluate("document.title") != "ran"
    assert tab.complaints()


def test_the_dumped_page_shows_the_cells(browser: object, usual: Path, tmp_path: Path) -> None:
    from fixed_run import RUN

    path = find_browser()
    assert path is not None
    flags = [flag for flag in FLAGS if not flag.startswith("--remote")]
    command = [path, *flags, f"--user-data-dir={tmp_path}", "--dump-dom", usual.as_uri()]
    dumped = subprocess.run(command, capture_output=True, timeout=120, check=True).stdout.decode()
    for row in rows_of(RUN):
        assert f'<article id="{row.anchor}"' in dumped
        assert (row.figures["latency"].text if row.figures else row.state.value) in dumped


@pytest.mark.parametrize(("ci", "outcome"), [("1", "errors=1"), ("", "skipped=1")], ids=["in CI", "elsewhere"])
def test_a_missing_browser_is_never_passed_over_in_silence(ci: str, outcome: str, tmp_path: Path) -> None:
    environment = {**os.environ, "PATH": "/nowhere", "CI": ci}
    test = f"{__file__}::test_the_overflow_check_can_fail"
    command = [sys.executable, "-m", "pytest", "-q", "-rsE", "-p", "no:cacheprovider", "--junitxml", "x.xml", test]
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, timeout=120, check=False)
    report = (tmp_path / "x.xml").read_text(encoding="utf-8")
    said = dict(re.findall(r'(errors|skipped)="(\d+)"', report))
    name, number = outcome.split("=")
    assert said[name] == number, done.stdout.decode()
    assert "install one" in done.stdout.decode()


def test_the_page_prints_its_tables_in_full(tab: Tab, decent: Path) -> None:
    tab.open(decent, width=794, media="print")
    assert tab.evaluate("getComputedStyle(document.querySelector('nav')).display") == "none"
    assert tab.evaluate("getComputedStyle(document.querySelector('.scroll')).overflowX") == "visible"
    assert tab.evaluate("Math.max(...[...document.querySelectorAll('table')].map(table => table.offsetWidth))") <= 794
    assert tab.evaluate("[...document.querySelectorAll('details .subjects')].every(part => part.offsetHeight > 50)")


def test_the_first_screen_holds_the_state_of_the_gate_the_counts_and_the_first_verdict(tab: Tab, judged: Path) -> None:
    tab.open(judged, width=1280, height=800)
    for place in (".banner .state", "h1", ".counts li:last-child", "#verdicts tbody tr"):
        assert tab.evaluate(f"document.querySelector('{place}').getBoundingClientRect().bottom") < 800
    assert tab.evaluate("document.querySelector('.banner .state').innerText").upper().endswith("GATE FAILED")


@pytest.mark.parametrize("width", [1280, 390])
def test_a_forest_is_drawn_to_scale_at_every_width(tab: Tab, judged: Path, width: int) -> None:
    """The line of no change stands over the word 0 %, the field is as high as its pairs need, no word is cut off."""
    tab.open(judged, width=width, fragment="c=piper-joe/fp32/cpu")
    drawn = tab.evaluate(
        """[...document.querySelectorAll('.forest')].map(figure => {
          const box = element => element.getBoundingClientRect();
          const middle = element => (box(element).left + box(element).right) / 2;
          const words = [...figure.querySelectorAll('text')];
          const nought = words.find(word => word.textContent === '0 %');
          return {
            apart: Math.abs(middle(figure.querySelector('.nothing')) - middle(nought)),
            wide: box(figure.querySelector('.field')).width - box(figure).width,
            high: box(figure.querySelector('.field')).height,
            out: words.filter(w => box(w).left < box(figure).left - 1 || box(w).right > box(figure).right + 1).length,
            overlap: words.filter((w, i) => i && box(words[i - 1]).right > box(w).left).length,
          };
        })"""
    )
    assert len(drawn) == 6
    for figure in drawn:
        assert figure["apart"] < 1.5
        assert abs(figure["wide"]) < 1
        assert 50 < figure["high"] < 250
        assert figure["out"] == figure["overlap"] == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_mark_of_a_forest_stands_out_from_its_ground(tab: Tab, judged: Path, scheme: str) -> None:
    """WCAG 2.2, 1.4.11: 3 to 1 for what must be seen; thin lines and the band are told in words, too."""
    tab.open(judged, width=1280, scheme=scheme)
    colours = tab.evaluate(
        """[...document.querySelectorAll('.forest')].flatMap(figure =>
          ['first', 'second', 'interval', 'centre', 'nothing'].flatMap(name =>
            [...figure.querySelectorAll('.' + name)].map(mark =>
              [getComputedStyle(mark).stroke, getComputedStyle(figure.querySelector('.field')).fill])))"""
    )
    assert len(colours) > 20
    for ink, ground in colours:
        light, dark = sorted((relative(ink), relative(ground)), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 3


def test_every_drawing_and_every_table_has_a_name(tab: Tab, page: Path) -> None:
    tab.open(page, width=1280)
    nameless = tab.evaluate(
        """[...document.querySelectorAll('svg[role=img], [role=region]')].filter(element =>
          !element.getAttribute('aria-label')
          && !document.getElementById(element.getAttribute('aria-labelledby'))).length"""
    )
    assert nameless == 0
    assert (
        tab.evaluate("[...document.querySelectorAll('table')].filter(t => !t.caption?.textContent.trim()).length") == 0
    )
