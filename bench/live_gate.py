"""The gate end to end: real changes in a clone of this repository, judged by `pytest suites/ --against`.

A change is committed to a copy of a model's declaration: nothing, real work, memory that is held, a sleep, a slower
tail. How much work takes the wanted share of the model's own time is found beforehand on a bare session, by timing the
work right after each output; then both drives are timed in turns, for longer, as a check of its own. Where that is
exact and says otherwise (work may cost a quick model its cache), it decides, and is made once more.
The verdict is read from the record of the run. Runs take one to five minutes each; the CPU's lease is taken as by any.

    python bench/live_gate.py                                  all scenarios: 11 runs
    python bench/live_gate.py --scenario work+5% --runs 3      one of them, three times
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bare.slowed import ONE_IN
from common import CPU, ROOT, Ratio, conclude, order, parser, ratio_of, report
from live_rows import HEADERS, HELD_BYTES, SCENARIOS, Ran, Scenario, Truth, bounds, next_amount, row

from harness import journal, zoo
from harness.conduct.campaign import plan, worker_environment
from harness.errors import HarnessError
from harness.worker.lease import lease

BARE = Path(__file__).parent / "bare"
PRECISION = "fp32"
_FIRST_GUESS = {"work": 200.0, "tail": 20.0, "sleep": 0.001}
_ROUNDS = 2
_AUTHOR = ("-c", "user.name=live_gate", "-c", "user.email=live_gate@localhost", "-c", "commit.gpgsign=false")


@dataclass(frozen=True, slots=True)
class Clone:
    """A copy of the repository in which changes are committed; `base` is the commit of the plain code."""

    folder: Path
    base: str

    def models(self, name: str) -> zoo.Declared:
        """A model as the plain code declares it; the clone's suites are imported, not those beside this script."""
        _git(self.folder, "checkout", "--quiet", "--detach", "--force", self.base)
        return plan(order(root=self.folder, models=name, precisions=PRECISION)).models[name]

    def change(self, declared: zoo.Declared, scenario: Scenario, amount: float) -> None:
        """Commit a change on top of the base."""
        _git(self.folder, "checkout", "--quiet", "--detach", "--force", self.base)
        file = self.folder / Path(*declared.origin.module.split(".")).with_suffix(".py")
        if scenario.what is None:
            addition = "\n# Changed by live_gate.py: this comment.\n"
        else:
            call = f"slowed(model, {scenario.what!r}, {amount!r}) if model.name == {declared.model.name!r} else model"
            addition = (
                f"\nfrom suites.slowed import slowed  # by live_gate.py\n\nMODELS = tuple({call} for model in MODELS)\n"
            )
        file.write_text(file.read_text() + addition)
        _git(self.folder, "add", "suites")
        _git(self.folder, *_AUTHOR, "commit", "--quiet", "--no-verify", "-m", scenario.name)


def main() -> int:
    given = _options().parse_args()
    wanted = [one for one in SCENARIOS if given.scenario in (None, one.name)]
    try:
        with _cloned(given) as clone:
            return _run_all(clone, wanted, given)
    except HarnessError as error:
        raise SystemExit(str(error)) from error


def _run_all(clone: Clone, wanted: Sequence[Scenario], given: argparse.Namespace) -> int:
    rans: list[Ran] = []
    for scenario in wanted:
        model = given.model or scenario.model or "smart-turn-v3"
        declared = clone.models(model)
        amount, true = _calibrated(declared, scenario, given)
        said = true.said(scenario, ONE_IN)
        print(f"{scenario.name}: {model}, true change {said}", flush=True)
        clone.change(declared, scenario, amount)
        for _ in range(scenario.times * given.runs):
            rans.append(_gate(clone, model, scenario, said, given, seed=given.seed + len(rans)))
            print("  " + "  ".join(filter(None, row(rans[-1])[2:])), flush=True)
    notes = (
        "true change: of CPU time (a sleep: of wall), as timed by itself; in turns: the check and its 95 % interval",
        "pairs took: of the cell; in all: pytest from start to end, with its own measuring and the null control",
    )
    report(f"{len(rans)} runs of pytest --against, {PRECISION} on {CPU}", HEADERS, map(row, rans), notes)
    return conclude(list(bounds(rans)))


def _options() -> argparse.ArgumentParser:
    options = parser(__doc__)
    options.add_argument(
        "--runs", type=int, default=1, metavar="N", help="of each scenario; unchanged: 5 N (default 1)"
    )
    options.add_argument("--scenario", choices=[one.name for one in SCENARIOS], help="only this one")
    options.add_argument("--model", metavar="NAME", help="for all (default: smart-turn-v3; the tail: a short Silero)")
    options.add_argument("--time-budget", default="5m", metavar="T", help="of each run, as pytest's (default 5m)")
    options.add_argument("--margin", type=float, metavar="PERCENT", help="of the latency (default: the repository's)")
    options.add_argument("--calibrate-seconds", type=float, default=5.0, metavar="S", help="a round (default 5)")
    options.add_argument("--check-seconds", type=float, default=40.0, metavar="S", help="independently (default 40)")
    options.add_argument("--keep", action="store_true", help="leave the clone with its runs, and say where it is")
    return options


@contextmanager
def _cloned(given: argparse.Namespace) -> Iterator[Clone]:
    """A clone of what is committed here; what both sides need is part of its base: the margin, a quick model."""
    folder = Path(tempfile.mkdtemp(prefix="live-gate-"))
    try:
        _git(ROOT, "clone", "--quiet", "--no-hardlinks", str(ROOT), str(folder / "clone"))
        clone = folder / "clone"
        shutil.copy(BARE / "slowed.py", clone / "suites")
        shutil.copy(BARE / "silero_short.py", clone / "suites" / "models")
        if given.margin is not None:
            (clone / "suites" / "expectations.toml").write_text(
                f"[margins]\nlatency_seconds = {given.margin / 100:g}\n"
            )
        _git(clone, "add", "suites")
        _git(clone, *_AUTHOR, "commit", "--quiet", "--no-verify", "-m", "what live_gate.py needs on both sides")
        yield Clone(clone, _git(clone, "rev-parse", "HEAD"))
    finally:
        if given.keep:
            print(f"\nthe clone with its runs: {folder / 'clone'}")
        else:
            shutil.rmtree(folder, ignore_errors=True)


def _git(folder: Path, *arguments: str) -> str:
    plain = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    done = subprocess.run(
        ["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=False, env=plain
    )
    if done.returncode:
        raise SystemExit(f"git {' '.join(arguments[:3])} … says: {done.stderr.strip()}; this needs a git repository")
    return done.stdout.strip()


def _calibrated(declared: zoo.Declared, scenario: Scenario, given: argparse.Namespace) -> tuple[float, Truth]:
    """How much takes the wanted share, and what it really takes."""
    if scenario.what is None:
        return 0.0, Truth()
    if scenario.what == "held":
        return float(HELD_BYTES), Truth()
    amount = _FIRST_GUESS[scenario.what]
    for number in range(_ROUNDS):
        achieved = _ratio("within", declared, scenario, amount, given.calibrate_seconds, given.seed + number)
        amount = next_amount(amount, achieved.median - 1, scenario.share)
    found = _checked(declared, scenario, amount, given)
    if found.turns is not None and found.is_doubtful(scenario.share):
        amount = next_amount(amount, found.turns.median - 1, scenario.share)
        found = _checked(declared, scenario, amount, given)
    return amount, found


def _checked(declared: zoo.Declared, scenario: Scenario, amount: float, given: argparse.Namespace) -> Truth:
    """The change timed by itself, and then in turns with the plain model."""
    within = _ratio("within", declared, scenario, amount, given.calibrate_seconds, given.seed + _ROUNDS)
    return Truth(within, _ratio("turns", declared, scenario, amount, given.check_seconds, given.seed))


def _ratio(how: str, declared: zoo.Declared, scenario: Scenario, amount: float, seconds: float, seed: int) -> Ratio:
    """With ÷ without the change on a bare session; of a tail, each inference is slowed."""
    assert scenario.what is not None
    what = "work" if scenario.what == "tail" else scenario.what
    made = order().cache / "made"
    words = (how, declared.origin.root, declared.origin.module, declared.model.name, made, what, amount, seconds, seed)
    with lease((str(CPU),)):
        done = subprocess.run(
            [sys.executable, str(BARE / "drives.py"), *map(str, words)],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, **worker_environment(1)},
        )
    if done.returncode:
        raise SystemExit(f"the bare session ended with:\n{done.stderr}\nrun pytest suites/ --model NAME to see why")
    clock = 1 if scenario.what == "sleep" else 0
    compared = [[float(word) for word in line.split()] for line in done.stdout.splitlines()]
    return ratio_of((one[2 + clock], one[clock]) for one in compared)


def _gate(clone: Clone, model: str, scenario: Scenario, said: str, given: argparse.Namespace, *, seed: int) -> Ran:
    """One run of pytest in the clone, as a user starts it."""
    command = [
        *(sys.executable, "-P", "-m", "pytest", "suites/", "--device", str(CPU), "--model", model),
        *("--precision", PRECISION, "--against", clone.base, "--time-budget", given.time_budget, "--seed", str(seed)),
    ]
    reports = clone.folder / "reports"
    before = _latest(reports)
    began = time.monotonic()
    done = subprocess.run(command, cwd=clone.folder, capture_output=True, text=True, check=False)
    seconds = time.monotonic() - began
    words = " ".join((done.stdout + done.stderr).split())[-200:]
    if _latest(reports) == before:
        return Ran(scenario, said, done.returncode, seconds, None, words)
    try:
        return Ran(scenario, said, done.returncode, seconds, journal.read_run(reports / "latest"))
    except HarnessError as error:
        return Ran(scenario, said, done.returncode, seconds, None, f"{error}; {words}")


def _latest(reports: Path) -> Path | None:
    """The folder of the newest run: a run that wrote none must not be taken for the one before."""
    newest = reports / "latest"
    return newest.resolve() if newest.exists() else None


if __name__ == "__main__":
    sys.exit(main())
