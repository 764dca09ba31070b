"""The data of the page in a real browser: what is held by a link arrives as a file, by a click, offline."""

from __future__ import annotations

import gzip
import json
import time
from pathlib import Path

import pytest
from devtools import Tab

from harness.render.exports.table import as_csv
from harness.render.page.assemble import write_report

PATIENCE_SECONDS = 20.0


def arrived(folder: Path, name: str) -> bytes:
    """The file, when the browser has written all of it."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (folder / name).exists():
        assert time.monotonic() < deadline, f"{name} did not arrive: {sorted(folder.iterdir())}"
        time.sleep(0.02)
    return (folder / name).read_bytes()


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts on", "scripts off"])
def test_a_link_gives_its_file_under_the_page_s_own_policy(tab: Tab, tmp_path: Path, scripts: bool) -> None:
    from fixed_judgement import JUDGED

    page = write_report(JUDGED, tmp_path)
    folder = tmp_path / "taken"
    folder.mkdir()
    tab._browser.send("Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(folder)})
    tab._send("Emulation.setScriptExecutionDisabled", {"value": not scripts})
    tab.open(page, width=1280)
    names = tab.evaluate("[...document.querySelectorAll('a[download]')].map(link => link.download)")
    assert len(names) == 2
    for number, name in enumerate(names):
        tab.evaluate(f"document.querySelectorAll('a[download]')[{number}].click()")
        data = arrived(folder, name)
        text = (gzip.decompress(data) if name.endswith(".gz") else data).decode()
        assert text == as_csv(JUDGED) if ".csv" in name else json.loads(text)["run"] == JUDGED.id
    assert tab.complaints() == []
    assert tab.evaluate("location.protocol") == "file:", "the page stays where it is"
