"""How close the shipped models come to what this machine allows: rates, work and shares, fp32 and what else is asked.

A run of the harness itself, without quality; what it prints is what a report would show. No bound but one: no cell is
faster than its limit.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from common import Bound, Deaf, conclude, order, parser, report

from harness.conduct.campaign import Campaign, plan
from harness.journal import Journal, fold
from harness.render.machine import rates_of
from harness.results import Environment, Run

_MODELS = "smart-turn-v2-tiny,smart-turn-v2,smart-turn-v3,piper-joe,silero-vad,silero-vad-torchscript"


def main() -> int:
    options = parser(__doc__)
    options.add_argument("--model", default=_MODELS, metavar="NAMES", help="which, separated by commas")
    options.add_argument("--precision", default="fp32", metavar="NAMES", help="which; fp32 must be among them")
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        run = _measured(Path(folder), given.model, given.precision)
    report("Rates, the best of the run", ("what", "rate"), list(rates_of(run.rates)))
    rows, bounds = [], []
    for one in run.measurements:
        share = one.value("limit_share_fraction")
        limit, latency = one.reading("limit_seconds"), one.value("latency_seconds")
        if share is None or limit is None or limit.value is None or latency is None:
            rows.append((str(one.cell), "-", "-", "-", (limit and limit.unavailable) or one.text or str(one.failure)))
            continue
        rows.append(
            (str(one.cell), f"{latency * 1e3:.4g} ms", f"{limit.value * 1e3:.3g} ms", f"{share:.1%}", limit.note or "")
        )
        bounds.append(Bound(f"share of the limit, {one.cell}", share, 1.0))
    report("Share of the limit", ("cell", "latency", "limit", "share", "why"), rows)
    return conclude(bounds)


def _measured(folder: Path, models: str, precisions: str) -> Run:
    asked = order(models=models, precisions=precisions, examines=False)
    grid = plan(asked)
    journal = Journal(folder)
    journal.write("run-started", planned=grid.cells, options={}, environment=Environment())
    campaign = Campaign(asked, grid, journal, Deaf(), grid.cells)
    try:
        for cell in grid.cells:
            campaign.measurement(cell)
    finally:
        campaign.close()
    return fold(folder)


if __name__ == "__main__":
    sys.exit(main())
