"""`quantgate list`: what is declared, and what of it this machine can run."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from harness import zoo
from harness.cells import Device, expand
from harness.commands.exits import Exit
from harness.commands.project import add_root, project_root
from harness.conduct.campaign import worker_environment
from harness.conduct.support import Support
from harness.options import cache_folder, models_folder


def add(commands: argparse._SubParsersAction[Any]) -> None:  # argparse gives the type no public name
    """Declare the command."""
    listing = commands.add_parser("list", help="models, precisions, devices; what this machine can run and why not")
    add_root(listing)
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
    listing.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print the grid."""
    from harness.render.listing import Entry, listing

    root = project_root(options.root)
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
    return Exit.PASS
