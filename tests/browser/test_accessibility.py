"""axe-core finds nothing on the report, with everything on it unfolded."""

from __future__ import annotations

from pathlib import Path

import pytest
from axe import axe_source
from devtools import Tab

from harness.render.page.assemble import write_report

FOUND = """axe.run(document, {resultTypes: ['violations']}).then(found => found.violations.map(one =>
  [one.id, one.help, one.nodes.slice(0, 3).map(node => [node.html.slice(0, 200), node.failureSummary])]))"""

UNFOLD = """
document.querySelectorAll('button.unfold').forEach(button => button.click());
document.querySelectorAll('details').forEach(one => { one.open = true; });
"""


@pytest.fixture(scope="module")
def axe(browser: object) -> str:
    """The checker's script."""
    return axe_source()


@pytest.mark.parametrize(
    ("name", "width", "scheme"),
    [
        ("judged", 1280, "light"),
        ("quality", 390, "dark"),
        ("usual", 1280, "dark"),
        ("judged-hostile", 390, "light"),
    ],
)
def test_nothing_is_found(page_tab: Tab, axe: str, tmp_path: Path, name: str, width: int, scheme: str) -> None:
    from test_report_page import run_called

    page_tab.open(write_report(run_called(name), tmp_path), width=width, scheme=scheme)
    page_tab.evaluate(UNFOLD)
    page_tab.evaluate(axe)
    assert page_tab.evaluate(FOUND) == []


def test_the_checker_finds_what_is_wrong(page_tab: Tab, axe: str, tmp_path: Path) -> None:
    bad = tmp_path / "bad.html"
    bad.write_text("<!doctype html><body><p style='color:#bbb'>pale</p><svg role=img></svg></body>", encoding="utf-8")
    page_tab.open(bad, width=1280)
    page_tab.evaluate(axe)
    assert {"color-contrast", "svg-img-alt"} <= {name for name, *_ in page_tab.evaluate(FOUND)}
