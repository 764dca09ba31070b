"""axe-core finds nothing on the report, with everything on it unfolded."""

from __future__ import annotations

import os
import subprocess
import sys
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
        ("judged", 390, "dark"),
        ("quality", 1280, "dark"),
        ("usual", 390, "light"),
        ("hostile", 1280, "light"),
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


@pytest.mark.parametrize(("ci", "word"), [("1", "error"), ("", "skipped")], ids=["in CI", "elsewhere"])
def test_a_missing_checker_is_never_passed_over_in_silence(ci: str, word: str, tmp_path: Path) -> None:
    """Without npm and without a kept copy, the fixture fails or skips, and says what to install."""
    test = tmp_path / "test_it.py"
    test.write_text(
        f"import sys\nsys.path.insert(0, {str(Path(__file__).parent)!r})\n"
        "import pytest\nfrom axe import axe_source\n"
        "@pytest.fixture\ndef axe():\n    return axe_source()\n"
        "def test_it(axe): ...\n",
        encoding="utf-8",
    )
    environment = {**os.environ, "PATH": "/nowhere", "CI": ci, "XDG_CACHE_HOME": str(tmp_path)}
    command = [sys.executable, "-m", "pytest", "-q", "-rsE", "-p", "no:cacheprovider", "-p", "no:quantgate", str(test)]
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, timeout=120, check=False)
    assert f"1 {word}" in done.stdout.decode()
    assert "install npm" in done.stdout.decode()
