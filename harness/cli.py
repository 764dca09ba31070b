"""The `quantgate` command: what can be asked without measuring. Exit codes: 0 pass, 2 usage, 3 internal."""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Sequence
from pathlib import Path

from harness import __version__, journal, zoo
from harness.cells import Device, expand
from harness.conduct.campaign import worker_environment
from harness.conduct.support import Support
from harness.errors import HarnessError, UsageProblem
from harness.options import cache_folder, models_folder

EXIT_USAGE = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; print what went wrong in one line."""
    options = _parser().parse_args(arguments)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
    try:
        code: int = options.run(options)
    except HarnessError as error:
        print(f"quantgate: {error}", file=sys.stderr)
        return EXIT_USAGE
    except BrokenPipeError:
        return 0
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="quantgate",
        description="Measures quantized models: model x precision x device. Measuring itself is a pytest run:\n"
        "    pytest suites/ --device cpu",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"quantgate {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    listing = commands.add_parser("list", help="models, precisions, devices; what this machine can run and why not")
    listing.add_argument("--root", type=Path, default=Path(), metavar="DIR", help="the project (default: here)")
    listing.add_argument(
        "--device", action="append", metavar="D", help="devices to show (default: cpu cuda mps coreml)"
    )
    listing.add_argument("--model", default="*", metavar="GLOB", help="models to show")
    listing.add_argument("--artifact-cache", metavar="DIR", help="as given to pytest")
    listing.add_argument(
        "--probe",
        action="store_true",
        help="try every precision on every device with a tiny model, each in a subprocess (a minute or two)",
    )
    listing.set_defaults(run=_list)

    report = commands.add_parser("report", help="write report.html of a run again, from its records alone")
    report.add_argument("folder", type=Path, nargs="?", default=Path("reports/latest"), metavar="RUN")
    report.set_defaults(run=_report)
    return parser


def _list(options: argparse.Namespace) -> int:
    from harness.render.listing import Entry, listing

    root = _project(options.root.resolve())
    devices = tuple(Device.parse(text) for text in options.device or ("cpu", "cuda", "mps", "coreml"))
    declared = zoo.choose_all(zoo.discover(root, models_folder(root)), options.model)
    support = Support(cache_folder(options.artifact_cache))
    runtimes = {one.model.name: one.model.runtime for one in declared}
    if options.probe:
        cells = expand(((one.model.name, one.model.precisions) for one in declared), devices)
        for cell in support.unprobed(cells, runtimes):
            print(f"probing {runtimes[cell.model]} {cell.precision} on {cell.device} ...", file=sys.stderr)
            support.probe(cell, runtimes[cell.model], worker_environment(1))
        support.save()
    entries = [
        Entry(one.model, zoo.blocked(one.model), {cell: support.known(cell, one.model.runtime) for cell in cells})
        for one in declared
        for cells in [expand([(one.model.name, one.model.precisions)], devices)]
    ]
    print(listing(entries, devices))
    return 0


def _report(options: argparse.Namespace) -> int:
    from harness.render.html import write_report

    run = journal.read_run(options.folder)
    folder = options.folder if options.folder.is_dir() else options.folder.parent
    print(write_report(run, folder))
    return 0


def _project(start: Path) -> Path:
    """The nearest folder, from here upwards, that declares models."""
    for folder in (start, *start.parents):
        if (folder / models_folder(folder)).is_dir():
            return folder
    raise UsageProblem(f"no folder of models at or above {start.name or start}; go to the project or give --root")


if __name__ == "__main__":
    sys.exit(main())
