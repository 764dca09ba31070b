"""The drawings of a cell in a real browser: to scale, inside their frames, to be told from their ground."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from devtools import Tab

from harness.render.page.assemble import write_report

LOOK = """(() => {
  document.querySelectorAll('#cells details').forEach(one => { one.open = true; });
  const box = element => { const r = element.getBoundingClientRect();
    return {left: r.left, right: r.right, top: r.top, bottom: r.bottom, middle: (r.left + r.right) / 2}; };
  const within = (inner, outer) => inner.left >= outer.left - 1 && inner.right <= outer.right + 1
    && inner.top >= outer.top - 1 && inner.bottom <= outer.bottom + 1;
  const apart = (one, other) => one.right <= other.left + .5 || other.right <= one.left + .5
    || one.bottom <= other.top + 3 || other.bottom <= one.top + 3;
  const figures = [...document.querySelectorAll('#cells figure')];
  return figures.map(figure => {
    const svg = figure.querySelector('svg'), frame = box(svg);
    const texts = [...figure.querySelectorAll('text')], paths = [...figure.querySelectorAll('path')];
    return {
      kind: figure.className, wide: frame.right - frame.left, high: frame.bottom - frame.top,
      name: svg.getAttribute('aria-label'), says: figure.querySelector('figcaption').textContent,
      out: [...texts, ...paths].filter(one => !within(box(one), frame)).map(one => one.outerHTML.slice(0, 120)),
      held: within(frame, box(figure.closest('article'))),
      overlap: texts.flatMap((one, i) => texts.slice(i + 1).filter(other => !apart(box(one), box(other)))
        .map(other => [one.textContent, other.textContent])),
      words: texts.map(one => [one.getAttribute('class') || '', one.textContent, box(one).middle]),
      nothing: [...figure.querySelectorAll('.nothing')].map(one => box(one).middle),
      bars: [...figure.querySelectorAll('.bar')].map(one => [one.getAttribute('class'), box(one).left, box(one).right]),
      lengths: [...figure.querySelectorAll('.fill')].map(one => box(one).right - box(one).left),
      ink: paths.filter(one => !/^(field|band|cut|half|median|whisker)/.test(one.getAttribute('class') || ''))
        .map(one => [one.getAttribute('class'), getComputedStyle(one).stroke, getComputedStyle(one).fill]),
      grounds: [getComputedStyle(figure.querySelector('.field') || document.body).fill,
        getComputedStyle(figure.closest('article')).backgroundColor],
    };
  });
})()"""


@pytest.fixture(scope="module", params=[(1280, "light"), (390, "dark")], ids=["wide and light", "narrow and dark"])
def drawn(request: pytest.FixtureRequest, page_tab: Tab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """What is seen of every drawing, without scripts: nothing waits then."""
    from fixed_cells import EVERY_DRAWING

    file: Path = write_report(EVERY_DRAWING, tmp_path_factory.mktemp("cells"))
    width, scheme = request.param
    page_tab.open(file, width=width, scheme=scheme, scripts=False)
    return page_tab.evaluate(LOOK)


def seconds(text: str) -> float:
    number, unit = re.match(r"([\d.]+) (s|ms|µs)", text).groups()  # type: ignore[union-attr]
    return float(number) * {"s": 1.0, "ms": 1e-3, "µs": 1e-6}[unit]


def test_every_kind_of_drawing_is_there_and_has_a_name_and_words(drawn: list[dict[str, Any]]) -> None:
    kinds = [figure["kind"] for figure in drawn]
    assert {"drawn spread", "forest", "drawn samples", "drawn memory", "drawn"} == set(kinds)
    assert kinds.count("drawn samples") == 8
    assert kinds.count("forest") == 2
    assert all(re.search(r"\d", figure["name"]) and figure["says"].strip() for figure in drawn)


def test_no_mark_and_no_word_leaves_its_frame_or_lies_on_another(drawn: list[dict[str, Any]]) -> None:
    for figure in drawn:
        assert figure["out"] == [], figure["name"]
        assert figure["overlap"] == [], figure["name"]
        assert figure["held"]
        assert 280 < figure["wide"] < 1200
        assert figure["high"] < 260


def test_the_line_of_no_change_stands_over_nought(drawn: list[dict[str, Any]]) -> None:
    for figure in (one for one in drawn if one["kind"] == "forest"):
        (nought,) = [middle for _, text, middle in figure["words"] if text == "0 %"]
        assert abs(figure["nothing"][0] - nought) < 1.5


def test_the_bars_of_both_sides_lie_where_their_words_say(drawn: list[dict[str, Any]]) -> None:
    checked = 0
    for figure in (one for one in drawn if one["kind"] == "drawn spread"):
        ticks = [(seconds(text), middle) for name, text, middle in figure["words"] if name == "at"]
        if len(ticks) < 2:
            continue
        (v0, x0), (v1, x1) = ticks[0], ticks[-1]
        said = {name: re.findall(r"([\d.]+) to ([\d.]+) (s|ms|µs)", text) for name, text, _ in figure["words"]}
        for name, left, right in figure["bars"]:
            ((low, high, unit),) = said[name.removeprefix("bar ")]
            ends = [x0 + (seconds(f"{end} {unit}") - v0) / (v1 - v0) * (x1 - x0) for end in (low, high)]
            # Half of the last digit that is written, and the width of the stroke.
            digit = 10.0 ** -len(low.partition(".")[2]) * seconds(f"1 {unit}") / 2 * (x1 - x0) / (v1 - v0)
            assert [left, right] == pytest.approx(ends, abs=digit + 2)
            checked += 1
    assert checked >= 8


def test_bars_of_memory_are_as_long_as_their_numbers(drawn: list[dict[str, Any]]) -> None:
    found = [one for one in drawn if one["kind"] == "drawn memory" and "device while timing" in one["name"]]
    (figure,) = found
    megabytes = [float(number) for number in re.findall(r"([\d.]+) MB", figure["name"])]
    of_host, of_device = (length / figure["wide"] for length in figure["lengths"])
    assert of_host == pytest.approx(1, abs=0.01)
    assert of_device == pytest.approx(megabytes[4] / max(megabytes), abs=0.01)


def test_every_mark_stands_out_from_its_ground(drawn: list[dict[str, Any]]) -> None:
    """WCAG 2.2, 1.4.11: 3 to 1 for what must be seen; bands, thin lines and shades are told in words, too."""
    seen = 0
    for figure in drawn:
        for kind, stroke, fill in figure["ink"]:
            ink = fill if stroke == "none" else stroke
            for ground in figure["grounds"] if figure["grounds"][0].startswith("rgb") else figure["grounds"][1:]:
                light, dark = sorted((relative(ink), relative(ground)), reverse=True)
                assert (light + 0.05) / (dark + 0.05) >= 3, (figure["kind"], kind, ink, ground)
                seen += 1
    assert seen > 60


def relative(colour: str) -> float:
    """Relative luminance of `rgb(r, g, b)`, by WCAG 2.2."""
    channels = [int(value) / 255 for value in re.findall(r"\d+", colour)[:3]]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
