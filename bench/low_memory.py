"""--low-memory within 1 GB: the small models, converted and measured, with a hard limit on every process.

The limit is on address space (`ulimit -v`), so it is stricter than one on resident memory: mapped files and reserved
pages count too. It holds for each process by itself; the whole is watched from outside as the sum of what the parent
and its workers had resident at once (shared pages counted twice). Artifacts go to an empty cache, so that conversions
run under the limit as well. To have a container or a cgroup limit the whole instead, start this script inside one with
`--limit outside`. Bounds: every cell that this machine can run is measured, and all stay within 1 GiB together.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
from common import ROOT, Bound, conclude, mebibytes, parser, report

from harness.journal import read_run
from harness.results import Run, Status

_GIGABYTE = 1 << 30
_SMALL = "piper-joe,smart-turn-v3,smart-turn-v2-tiny,silero-vad,silero-vad-torchscript"
_LOOK_SECONDS = 0.02
_UNDER_A_LIMIT = ("sh", "-c", f'ulimit -v {_GIGABYTE // 1024} && exec "$@"', "sh")


def main() -> int:
    options = parser(__doc__)
    options.add_argument("--model", default=_SMALL, metavar="GLOB", help="which models (default: the small ones)")
    options.add_argument("--precision", default="fp32,int8-dynamic", metavar="GLOB", help="default fp32,int8-dynamic")
    options.add_argument("--limit", choices=("address-space", "outside"), default="address-space")
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        together = _run(given.model, given.precision, Path(folder), limited=given.limit == "address-space")
        run = read_run(Path(folder, "reports", "latest"))
    report(
        f"--low-memory, limit by {given.limit.replace('-', ' ')}",
        ("cell", "status", "peak resident", "what went wrong"),
        _rows(run),
        (f"all processes together, at their highest: {mebibytes(together)}",),
    )
    measured = sum(one.status is Status.MEASURED for one in run.measurements)
    return conclude(
        [
            Bound("cells measured, of those this machine can run", measured, len(run.planned), _possible(run)),
            Bound("parent and workers together, resident", together / _GIGABYTE, 1, unit=" GiB"),
        ]
    )


def _run(models: str, precisions: str, folder: Path, *, limited: bool) -> int:
    """Measure; return the most that all processes together had resident at one look."""
    command = [
        *(_UNDER_A_LIMIT if limited else ()),
        *(sys.executable, "-m", "pytest", str(ROOT / "suites"), "-p", "no:cacheprovider", "--device", "cpu"),
        *("--low-memory", "--model", models, "--precision", precisions, "--cell-seconds", "300ms"),
        *("--artifact-cache", str(folder / "cache"), "--reports", str(folder / "reports")),
    ]
    most = 0
    with subprocess.Popen(command, cwd=ROOT, stdout=sys.stderr) as process:
        while process.poll() is None:
            most = max(most, _resident(process.pid))
            time.sleep(_LOOK_SECONDS)
    if not (folder / "reports" / "latest").exists():
        raise SystemExit(f"pytest ended with {process.returncode} before it measured anything; see its words above")
    return most


def _resident(pid: int) -> int:
    """Bytes of a process and all that it has started; none for those that end while being looked at."""
    total = 0
    try:
        parent = psutil.Process(pid)
        family = [parent, *parent.children(recursive=True)]
    except psutil.NoSuchProcess:
        return 0
    for one in family:
        try:
            total += one.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return total


def _rows(run: Run) -> list[tuple[str, ...]]:
    rows = []
    for one in run.measurements:
        peak = one.value("peak_bytes")
        wrong = one.failure.text if one.failure else one.text
        rows.append((str(one.cell), str(one.status), mebibytes(peak) if peak else "-", wrong[:80]))
    return rows


def _possible(run: Run) -> int:
    unsupported = sum(one.status is Status.UNSUPPORTED for one in run.measurements)
    return len(run.planned) - unsupported


if __name__ == "__main__":
    sys.exit(main())
