"""Runs side by side in a real browser: no sideways scrolling, nothing axe-core finds, nothing asked of a network."""

from pathlib import Path

import pytest
from axe import axe_source
from devtools import Tab

from harness.render.page.side_by_side import render_side_by_side

WIDTHS = "[innerWidth, document.documentElement.scrollWidth, document.body.scrollWidth]"
FOUND = """axe.run(document, {resultTypes: ['violations']}).then(found => found.violations.map(one =>
  [one.id, one.nodes.slice(0, 3).map(node => [node.html.slice(0, 200), node.failureSummary])]))"""


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from fixed_judgement import HOSTILE_JUDGED, JUDGED
    from fixed_quality import QUALITY_JUDGED
    from fixed_run import HOSTILE, RUN

    path = tmp_path_factory.mktemp("side") / "side-by-side.html"
    path.write_text(render_side_by_side([JUDGED, RUN, QUALITY_JUDGED, HOSTILE, HOSTILE_JUDGED]), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("width", "scheme", "scripts"), [(1280, "light", True), (390, "dark", True), (390, "light", False)]
)
def test_it_fits_and_is_whole_and_asks_for_nothing(
    page_tab: Tab, file: Path, width: int, scheme: str, scripts: bool
) -> None:
    page_tab.open(file, width=width, scheme=scheme, scripts=scripts)
    assert page_tab.evaluate(WIDTHS) == [width] * 3
    assert page_tab.evaluate("document.querySelectorAll('.beside tbody td').length % 5") == 0
    assert page_tab.complaints() == []
    assert page_tab.requests() == [file.as_uri()]


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_axe_finds_nothing(page_tab: Tab, file: Path, width: int, scheme: str) -> None:
    page_tab.open(file, width=width, scheme=scheme)
    page_tab.evaluate("document.querySelectorAll('button.unfold').forEach(button => button.click())")
    page_tab.evaluate(axe_source())
    assert page_tab.evaluate(FOUND) == []
