"""The folder of a run: chosen, made once though several processes start, and refused where it is of another run."""

from __future__ import annotations

import os
import secrets
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from harness import journal as journals
from harness.cells import Cell
from harness.conduct.order import Order
from harness.consequences import PROFILES, decided_cells
from harness.errors import HarnessError, UsageProblem
from harness.results import Fact

SUITES = "suites_digest"
_MAY_CHANGE = ("time_budget_seconds", "profile", "has_gate")


def choose_folder(order: Order) -> Path:
    """A new folder named by the time, or the newest one where the run is to go on."""
    if order.resume:
        latest = order.reports / "latest"
        if not (latest / journals.EVENTS_FILE).exists():
            raise UsageProblem(f"--resume: {order.reports}/latest holds no run; run without it")
        return latest.resolve()
    # The suffix keeps two runs apart that start in the same second.
    return order.reports / f"{datetime.now(UTC):%Y-%m-%dT%H-%M-%S}-{secrets.token_hex(2)}"


def is_first(folder: Path) -> bool:
    """Make the run's folder and journal; whether this process, and no other, has done so."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        os.close(os.open(folder / journals.EVENTS_FILE, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644))
    except FileExistsError:
        return False
    except OSError as error:
        raise HarnessError(f"{folder} cannot be made: {error.strerror}; choose another place with --reports") from error
    journals.point_latest(folder)
    return True


def decided_before(order: Order) -> frozenset[Cell]:
    """The cells that the newest run of before could decide; none where nothing follows, or there is none to read."""
    if not PROFILES[order.profile].fails_undecided:
        return frozenset()  # a record of a large run takes long to read
    try:
        run = journals.read_run(order.reports / "latest")
    except HarnessError:
        return frozenset()
    return decided_cells(run.judgement)


def check_same(folder: Path, options: dict[str, Fact]) -> None:
    """Refuse to go on with a run that was made otherwise."""
    before = journals.fold(folder).options
    must = [name for name in options if name not in (*_MAY_CHANGE, SUITES)]
    differing = [name for name in must if before.get(name) != msgspec.to_builtins(options[name])]
    if differing:
        raise UsageProblem(f"--resume: the newest run had other options ({', '.join(differing)}); give the same ones")
    if before.get(SUITES) != options[SUITES]:
        raise UsageProblem(
            "--resume: the suites have changed since; what was measured is of other code: run without it"
        )
