"""Every option, read once, into one value. `config.getoption` appears here and in `benchmark_options`, nowhere else."""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path
from typing import Any, cast

import pytest

from harness.benchmark_options import add_benchmark_options, read_benchmarks
from harness.cells import PRECISIONS, CellGlob, Device
from harness.conduct.arms import Against
from harness.conduct.order import CELL_SECONDS, TINY_CELL_SECONDS, Order
from harness.consequences import PROFILES
from harness.errors import UsageProblem

ENGINES = ("x86", "fbgemm", "qnnpack", "onednn")
SIZES = ("tiny", "full")


def add_options(parser: pytest.Parser) -> None:
    """Declare the options to pytest."""
    group = parser.getgroup("quantgate", "quantgate: measure quantized models, model x precision x device")

    def add(name: str, **details: Any) -> None:
        try:
            group.addoption(name, **details)
        except ValueError as error:
            raise pytest.UsageError(
                f"quantgate's {name} is also an option of another pytest plugin ({error});"
                " leave one of them out with -p no:NAME"
            ) from None

    add(
        "--device",
        action="append",
        metavar="D",
        help="where to measure: cpu (default), cuda, cuda:N, mps or coreml; repeat it for several",
    )
    add("--model", metavar="GLOB", default="*", help="models to measure, by name; globs, separated by commas")
    add(
        "--precision",
        metavar="GLOB",
        default="*",
        help=f"precisions to measure: {', '.join(PRECISIONS)}; globs too, or auto: what a careful user would load on"
        " each device (bf16 where the hardware computes in it, else fp16 on a GPU and fp32 on a CPU)",
    )
    add(
        "--cell",
        action="append",
        default=[],
        metavar="M/P/D",
        help="only these cells, MODEL/PRECISION/DEVICE, globs too; repeat it: fp32 on a GPU beside int8 on the CPU",
    )
    add("--size", choices=SIZES, help="which size of models that have sizes (default: tiny where there is one)")
    add(
        "--checkpoint",
        action="append",
        default=[],
        metavar="NAME=PATH",
        help="real weights for a model that is otherwise built with random ones",
    )
    add("--threads", type=int, default=1, metavar="N", help="threads of the runtime (default 1: the least noise)")
    add("--single-core", action="store_true", help="pin the worker to one core, with one thread")
    add("--engine", choices=ENGINES, help="quantized engine of torch (default: the platform's own)")
    add("--low-memory", action="store_true", help="load examples one at a time, keep no outputs")
    add("--sample-percent", type=float, default=100.0, metavar="P", help="use a balanced part of each workload")
    add("--seed", type=int, default=0, metavar="N", help="seed of random weights and of the sampling")
    add(
        "--cell-seconds",
        metavar="T",
        help="how long to time each cell (500ms, 2m; default 3s, and 1s for tiny models); three passes at least,"
        " about 5,000 inferences at most",
    )
    add("--cell-limit", default="10m", metavar="T", help="kill a cell's worker when one step takes longer than this")
    add(
        "--resume",
        action="store_true",
        help="go on from the newest run: what it measured is kept, what failed or was cut off is tried again;"
        " refused where the suites have changed since",
    )
    add(
        "--against",
        metavar="SIDE",
        help="compare live, in turns, with another side: a git revision, python=PATH, env=NAME=VALUE or precision=P",
    )
    add_benchmark_options(add)
    add(
        "--profile",
        choices=tuple(PROFILES),
        default="gate",
        help="how long to compare and what makes a run red: smoke (2 min; failures), gate (30 min; what got worse,"
        " failed or is missing), nightly (4 h; also what can no longer be decided, claims and budgets,"
        " and that nothing could be compared)",
    )
    add("--time-budget", metavar="T", help="compare for so long at most (10m, 1h); default: the profile's")
    add(
        "--pair-seconds",
        default="3s",
        metavar="T",
        help="how long to time each pair of fresh processes (default 3s); three rounds of both sides at least",
    )
    add("--no-gate", action="store_true", help="show verdicts, and let none of them fail the run")
    add(
        "--settle",
        action="store_true",
        help="compare what is suspect by the baselines live with the baseline's revision, at once",
    )
    add("--baselines", default="baselines", metavar="DIR", help="where accepted results are kept (default baselines/)")
    add(
        "--expectations",
        metavar="FILE",
        help="margins, budgets and claims (default: expectations.toml beside the folder of models)",
    )
    add(
        "--other-kernels",
        action="store_true",
        help="run int8 ONNX cells on other kernels too and report which answers flip (always under --profile nightly)",
    )
    add(
        "--keep-outputs",
        action="store_true",
        help="leave the outputs of every cell in reports/<run>/outputs/, audio also as .wav files to listen to",
    )
    add("--reports", default="reports", metavar="DIR", help="where runs are written (default reports/)")
    add("--artifact-cache", metavar="DIR", help="where converted models are kept (default: the user's cache folder)")


def read_options(config: pytest.Config) -> Order:
    """Read what the user asked for; raise UsageProblem, in one line, where it means nothing."""
    option = config.getoption
    root = config.rootpath
    benchmarks = read_benchmarks(config, _own_options())
    _refuse_spread_out(config)
    cells = tuple(CellGlob.parse(text) for text in option("cell"))
    return Order(
        root=root,
        models_folder=models_folder(root),
        devices=tuple(dict.fromkeys(Device.parse(text) for text in option("device") or _devices_of(cells) or ["cpu"])),
        cells=cells,
        models=option("model"),
        precisions=option("precision"),
        size=option("size"),
        checkpoints=dict(_checkpoint(text, root) for text in option("checkpoint")),
        threads=option("threads"),
        single_core=option("single_core"),
        engine=option("engine"),
        low_memory=option("low_memory"),
        sample_percent=option("sample_percent"),
        seed=option("seed"),
        cell_seconds=_cell_seconds(option("cell_seconds"), CELL_SECONDS),
        tiny_cell_seconds=_cell_seconds(option("cell_seconds"), TINY_CELL_SECONDS),
        cell_limit_seconds=seconds(option("cell_limit"), "--cell-limit"),
        cache=cache_folder(option("artifact_cache")),
        reports=config.invocation_params.dir / option("reports"),
        resume=option("resume"),
        against=Against.parse(option("against")) if option("against") is not None else None,
        time_budget_seconds=seconds(option("time_budget"), "--time-budget") if option("time_budget") else None,
        pair_seconds=seconds(option("pair_seconds"), "--pair-seconds"),
        profile=option("profile"),
        has_gate=not option("no_gate"),
        settle=option("settle"),
        baselines=root / option("baselines"),
        expectations=_expectations(root, option("expectations")),
        expects=option("expectations") is not None,
        build=project_settings(root).get("build"),
        benchmarks=benchmarks,
        tries_other_kernels=option("other_kernels") or PROFILES[option("profile")].tries_other_kernels,
        keeps_outputs=option("keep_outputs"),
    )


def _own_options() -> dict[str, bool]:
    """The names of our options, and whether a value belongs to each."""
    found: dict[str, bool] = {}

    class Recorder:
        def getgroup(self, *_: str) -> Recorder:
            return self

        def addoption(self, name: str, **details: Any) -> None:
            found[name] = details.get("action") != "store_true"

    add_options(cast("pytest.Parser", Recorder()))
    return found


def _devices_of(cells: tuple[CellGlob, ...]) -> list[str]:
    """The devices that `--cell` names; a glob names none."""
    parts = [part.strip() for cell in cells for part in cell.device.split(",")]
    return [part for part in parts if not set(part) & set("*?[")]


def _refuse_spread_out(config: pytest.Config) -> None:
    """Two sides are compared in turns, by one process that sees all cells and shares the time among them."""
    live = [name for name in ("against", "settle") if config.getoption(name)]
    if live and getattr(config.option, "numprocesses", None):
        raise UsageProblem(f"--{live[0]} compares in one process; leave pytest-xdist's -n away")


def _expectations(root: Path, named: str | None) -> Path:
    return root / named if named else (root / models_folder(root)).parent / "expectations.toml"


def quiet_benchmark_table(config: pytest.Config) -> None:
    """Leave pytest-benchmark's own table away unless one of its options was given: the cells have a table already."""
    asked = any(str(argument).startswith("--benchmark") for argument in config.invocation_params.args)
    if asked and getattr(config.option, "numprocesses", None):
        raise UsageProblem("pytest-benchmark keeps nothing under pytest-xdist; leave -n or the --benchmark option away")
    if config.pluginmanager.hasplugin("benchmark") and not asked:
        config.option.benchmark_quiet = True


def seconds(text: str, option: str) -> float:
    """Read a duration: `500ms`, `3s`, `10m`, or a bare number of seconds."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)(ms|s|m|h)?", text.strip())
    if not found:
        raise UsageProblem(f"{option} {text!r} is no duration; write 500ms, 3s or 10m")
    return float(found[1]) * {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, None: 1.0}[found[2]]


def _cell_seconds(asked: str | None, usual: float) -> float:
    return usual if asked is None else seconds(asked, "--cell-seconds")


def cache_folder(asked: str | None) -> Path:
    """Where artifacts are kept: as asked, else `$XDG_CACHE_HOME/quantgate`, else `~/.cache/quantgate`."""
    if asked:
        folder = Path(asked).resolve()
        if folder.exists() and not folder.is_dir():
            raise UsageProblem(f"--artifact-cache {asked} is a file; name a folder")
        return folder
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "quantgate"


def models_folder(root: Path) -> str:
    """The folder of model declarations, from `[tool.quantgate]` of pyproject.toml."""
    settings = project_settings(root)
    folder = settings.get("models", "suites/models")
    if not isinstance(folder, str) or Path(folder).is_absolute():
        raise UsageProblem(f"[tool.quantgate] models = {folder!r} in pyproject.toml; give a folder below the project")
    return folder


def build_command(root: Path) -> str | None:
    """What makes a checked-out revision ready to be measured: `build` of `[tool.quantgate]` in pyproject.toml."""
    command = project_settings(root).get("build")
    if command is not None and not (isinstance(command, str) and command.strip()):
        raise UsageProblem(f"[tool.quantgate] build = {command!r} in pyproject.toml; give a command of the shell")
    return command


def project_settings(root: Path) -> dict[str, Any]:
    """The `[tool.quantgate]` table, empty where there is none."""
    file = root / "pyproject.toml"
    if not file.is_file():
        return {}
    try:
        table = tomllib.loads(file.read_text(encoding="utf-8")).get("tool", {}).get("quantgate", {})
    except (OSError, ValueError) as error:
        raise UsageProblem(f"{file.name} cannot be read: {error}; mend it") from error
    if not isinstance(table, dict):
        raise UsageProblem(f"tool.quantgate in pyproject.toml is no table but {table!r}; write [tool.quantgate]")
    unknown = set(table) - {"models", "build"}
    if unknown:
        raise UsageProblem(f"[tool.quantgate] in pyproject.toml has unknown keys: {', '.join(sorted(unknown))}")
    return dict(table)


def _checkpoint(text: str, root: Path) -> tuple[str, Path]:
    name, equals, path = text.partition("=")
    if not (name and equals and path):
        raise UsageProblem(f"--checkpoint {text!r}; write NAME=PATH, as in smart-turn-v2=weights.safetensors")
    full = (root / Path(path).expanduser()).resolve()
    if not full.exists():
        raise UsageProblem(f"--checkpoint {name}: {path} does not exist; check the path")
    return name, full
