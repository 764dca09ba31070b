"""How often code that did not change is called slower: by `pytest --gate-benchmarks`, and by pytest-benchmark itself.

    python bench/benchmark_gate.py --runs 8

Makes a repository with one test that uses pytest-benchmark, and has it compared with itself again and again: by
`--benchmark-compare-fail=mean:5%` and `min:5%` against a file stored a moment before, and live by Quantgate's rule at
its margin of 3 %. Then the function is made slower by a tenth, and found or not. Every run is a process of its own;
nothing is simulated. Needs only what the package needs; a run of the gate takes up to `--time-budget` and some seconds.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

WORK = """
def loop(rounds):
    total = 0
    for number in range(rounds):
        total += number * number % 7
    return total
"""
TEST = "from work import loop\n\n\ndef test_loop(benchmark):\n    benchmark(loop, {rounds})\n"
ROUNDS, SLOWER_ROUNDS = 10_000, 11_000


class Project:
    """A repository with one test, all of it committed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        (folder / "work.py").write_text(WORK)
        (folder / ".gitignore").write_text("reports/\n.benchmarks/\n__pycache__/\n")
        (folder / "pyproject.toml").write_text('[tool.pytest.ini_options]\npythonpath = ["."]\n')
        self.times(ROUNDS)
        for words in (("init", "--quiet"), ("add", "--all"), ("commit", "--quiet", "--message", "one")):
            identity = ("-c", "user.name=bench", "-c", "user.email=bench@example.org")
            subprocess.run(["git", *identity, *words], cwd=folder, check=True)

    def times(self, rounds: int) -> None:
        """Let the test time so many rounds of the loop."""
        (self.folder / "test_work.py").write_text(TEST.format(rounds=rounds))

    def pytest(self, *arguments: str) -> int:
        """Run pytest; return its exit code."""
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments]
        return subprocess.run(command, cwd=self.folder, check=False, capture_output=True).returncode

    def store(self) -> None:
        """Store what the test takes as it was committed."""
        self.times(ROUNDS)
        if self.pytest("-p", "no:quantgate", "--benchmark-save=before"):
            raise SystemExit("the test cannot be run; run pytest by hand to see why")

    def compared(self, bound: str) -> str:
        """What pytest-benchmark says of the test as it is now, without Quantgate beside it."""
        code = self.pytest("-p", "no:quantgate", "--benchmark-compare", f"--benchmark-compare-fail={bound}")
        return "slower" if code else "passes"

    def gated(self, budget: str) -> tuple[str, float]:
        """What the gate says of the test as it is now, and the seconds it took."""
        began = time.monotonic()
        self.pytest("--gate-benchmarks", "--against", "HEAD", "--time-budget", budget, "--benchmark-max-time=0.3")
        record = json.loads((self.folder / "reports" / "latest" / "run.json").read_text())
        (verdict,) = record["judgement"]["verdicts"]
        return str(verdict["outcome"]), time.monotonic() - began


def main() -> None:
    """Run it all, and print a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=8, help="comparisons of unchanged code (default 8)")
    parser.add_argument("--slower-runs", type=int, default=3, help="comparisons of code slower by a tenth (default 3)")
    parser.add_argument("--time-budget", default="40s", help="of each run of the gate (default 40s)")
    options = parser.parse_args()
    found: dict[tuple[str, str], Counter[str]] = {}
    seconds: list[float] = []
    with tempfile.TemporaryDirectory(prefix="quantgate-bench-") as folder:
        project = Project(Path(folder) / "project")
        for change, rounds, runs in (("none", ROUNDS, options.runs), ("+10 %", SLOWER_ROUNDS, options.slower_runs)):
            for number in range(runs):
                for bound in ("mean:5%", "min:5%"):
                    project.store()
                    project.times(rounds)
                    found.setdefault((change, f"pytest-benchmark {bound}"), Counter())[project.compared(bound)] += 1
                outcome, took = project.gated(options.time_budget)
                seconds.append(took)
                found.setdefault((change, "--gate-benchmarks, 3 %"), Counter())[outcome] += 1
                load = os.getloadavg()[0]
                print(f"{change} {number + 1}/{runs}: {outcome} in {took:.0f} s, load {load:.1f}", flush=True)
    print("\n| change | rule | said |\n|---|---|---|")
    for (change, rule), said in found.items():
        print(f"| {change} | `{rule}` | {', '.join(f'{count} {word}' for word, count in said.most_common())} |")
    print(f"\na run of the gate took {min(seconds):.0f} to {max(seconds):.0f} s")


if __name__ == "__main__":
    main()
