"""The `quantgate` command: the parser, and what an ending means. The commands themselves are in `harness.commands`.

Exit codes: 0 pass, 1 regression, 2 usage, 3 internal, 10 inconclusive, 11 nothing comparable.
"""

from __future__ import annotations

import argparse
import io
import sys
import traceback
from collections.abc import Sequence

from harness import __version__
from harness.commands import accept, check, compare, doctor, export, init, listing, pick, quantizing, report, try_model
from harness.commands.exits import Exit
from harness.errors import HarnessError

COMMANDS = (init, listing, doctor, try_model, quantizing, pick, accept, compare, check, report, export)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; print what went wrong in one line."""
    options = _parser().parse_args(arguments)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
    try:
        code: int = options.run(options)
    except HarnessError as error:
        print(f"quantgate: {error}", file=sys.stderr)
        return Exit.USAGE
    except BrokenPipeError:
        return Exit.PASS
    except Exception:  # noqa: BLE001 -- a script must tell a bug of ours (3) from a regression (1), Python's own code
        traceback.print_exc()
        print("quantgate: internal error; please report the lines above", file=sys.stderr)
        return Exit.INTERNAL
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
    for command in COMMANDS:
        command.add(commands)
    return parser


if __name__ == "__main__":
    sys.exit(main())
