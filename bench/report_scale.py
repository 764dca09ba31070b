"""How large a report gets, and how long it takes: to render in Python, to open in a real Chromium, to filter and sort.

The run is judged, with quality, pairs and stored baselines, and made by formula (`large_run.py`). The budgets are those
of 1,200 cells; at any other number the script only tells.

    python bench/report_scale.py                   1,200 cells, with budgets
    python bench/report_scale.py --cells 5000      what is still bearable
    python bench/report_scale.py --profile         where the time in Python goes
"""

from __future__ import annotations

import cProfile
import pstats
import re
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from common import ROOT, Bound, conclude, parser, report
from large_run import large_run

from harness.render.page.assemble import VIEWS, render_html
from harness.results import Run

sys.path.insert(0, str(ROOT))
sys.path.insert(0, str(ROOT / "tests" / "browser"))
from devtools import Tab, find_browser, running

CELLS = 1_200
MOST_BYTES, MOST_ELEMENTS, MOST_SECONDS = 1_500_000, 5_000, 2.0
_REPEATS = 3


def main() -> int:
    options = parser(__doc__)
    options.add_argument("--cells", type=int, default=CELLS, metavar="N", help=f"how many cells (default {CELLS:,})")
    options.add_argument("--profile", action="store_true", help="print the functions that take longest to render")
    given = options.parse_args()
    run = large_run(given.cells, given.seed)
    path = find_browser()
    if path is None:
        raise SystemExit("no Chromium or Chrome on PATH; install one (Debian: apt-get install chromium)")
    if given.profile:
        _profile(run)
    rendered = _timed(lambda: render_html(run), time.process_time)
    page = render_html(run)
    with tempfile.TemporaryDirectory(prefix="report-scale-") as folder, running(path) as browser:
        file = Path(folder) / "report.html"
        file.write_text(page, encoding="utf-8")
        tab = Tab(browser)
        opened = [_timed(lambda: _open(tab, file)) for _ in range(_REPEATS)]
        elements = {name: tab.evaluate(f"document.querySelectorAll('#{name} *').length") for name in _names(page)}
        whole = tab.evaluate("document.getElementsByTagName('*').length")
        filtered = _timed(lambda: tab.evaluate("location.hash = '#f=regressed'; document.body.offsetHeight"))
        # The fragment is followed after the script that set it: the next answer comes when the filter is done.
        filtered += _timed(lambda: tab.evaluate("document.body.offsetHeight"))
        kept = tab.evaluate("document.querySelectorAll('table.all tbody tr:not([hidden])').length")
        ordered = _timed(
            lambda: tab.evaluate("document.querySelector('th.n button').click(); document.body.offsetHeight")
        )
        tab.open(file, width=1280, scripts=False)
        plain = tab.evaluate("document.getElementsByTagName('*').length")
    sizes = _sizes(page)
    report(
        f"A report of {given.cells:,} cells, of which {kept} regressed",
        ("view", "kB", "elements when it opens"),
        [(name, f"{size / 1e3:.0f}", elements.get(name, "")) for name, size in sizes.items()],
        (
            f"without scripts the page has {plain:,} elements, with all that waits",
            f"to filter it takes {filtered:.2f} s, which unfolds all; to sort it {ordered:.2f} s",
        ),
    )
    bounds = (
        Bound("size", len(page.encode()) / 1e6, MOST_BYTES / 1e6, unit=" MB"),
        Bound("elements when it opens", whole, MOST_ELEMENTS),
        # The first one of the process, templates and all; its own time, for one core does it and waits for nothing.
        Bound("rendered by Python", rendered, MOST_SECONDS, unit=" s"),
        Bound("opened by the browser", min(opened), MOST_SECONDS, unit=" s"),
    )
    if given.cells == CELLS:
        return conclude(bounds)
    print(*(f"  {bound.name}: {bound.value:.4g}{bound.unit}" for bound in bounds), sep="\n")
    return 0


def _open(tab: Tab, file: Path) -> None:
    """Open the page and lay it out."""
    tab.open(file, width=1280)
    tab.evaluate("document.body.offsetHeight")


def _timed(work: Callable[[], object], clock: Callable[[], float] = time.perf_counter) -> float:
    start = clock()
    work()
    return clock() - start


def _names(page: str) -> list[str]:
    return [view.name for view in VIEWS if f'<section id="{view.name}"' in page]


def _sizes(page: str) -> dict[str, int]:
    """How many bytes each view takes, and what is around them."""
    starts = [
        (found.start(), found[1]) for found in re.finditer(r'^<section (?:id|class)="([a-z]+)', page, re.MULTILINE)
    ]
    known = {view.name for view in VIEWS}
    starts = [(at, name) for at, name in starts if name in known]
    ends = [*(at for at, _ in starts[1:]), page.index("</main>")]
    sizes = {name: len(page[at:end].encode()) for (at, name), end in zip(starts, ends, strict=True)}
    return {**sizes, "styles, scripts, frame": len(page.encode()) - sum(sizes.values())}


def _profile(run: Run) -> None:
    watch = cProfile.Profile()
    watch.runcall(render_html, run)
    pstats.Stats(watch).sort_stats("cumtime").print_stats(60)


if __name__ == "__main__":
    sys.exit(main())
