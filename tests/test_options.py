"""What the user asked for becomes one value, or one line that says what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from harness.cells import Device
from harness.conduct.arms import Against, Kind
from harness.conduct.order import Order
from harness.errors import UsageProblem
from harness.options import build_command, cache_folder, models_folder, read_options, seconds

pytest_plugins = ["pytester"]


@pytest.fixture
def order(pytester: pytest.Pytester) -> Callable[..., Order]:
    """Read options as pytest hands them over."""
    return lambda *arguments: read_options(pytester.parseconfig(*arguments))


@pytest.mark.parametrize(
    ("text", "expected"),
    [("500ms", 0.5), ("3s", 3), ("10m", 600), ("2h", 7200), ("2", 2), ("1.5s", 1.5), (" 3s ", 3), ("0.25h", 900)],
)
def test_a_duration_is_read_in_seconds(text: str, expected: float) -> None:
    assert seconds(text, "--cell-seconds") == pytest.approx(expected)


@pytest.mark.parametrize("text", ["", "s", "3 s", "-3s", "3sec", "1e3s", ".5s", "3d", "nan", "inf", "3s 4s"])
def test_what_is_no_duration_is_refused_with_the_option_and_examples(text: str) -> None:
    with pytest.raises(UsageProblem, match=r"--cell-limit .* is no duration; write 500ms, 3s or 10m"):
        seconds(text, "--cell-limit")


def test_without_options_the_defaults_hold(order: Callable[..., Order], pytester: pytest.Pytester) -> None:
    asked = order()
    assert asked.devices == (Device("cpu"),)
    assert (asked.models, asked.precisions, asked.size) == ("*", "*", None)
    assert (asked.threads, asked.single_core, asked.engine) == (1, False, None)
    assert (asked.timing_seconds("full"), asked.timing_seconds("tiny"), asked.cell_limit_seconds) == (3.0, 1.0, 600.0)
    assert (asked.sample_percent, asked.seed, asked.low_memory, asked.resume) == (100.0, 0, False, False)
    assert asked.root == pytester.path
    assert asked.reports == pytester.path / "reports"
    assert asked.checkpoints == {}


def test_devices_are_repeated_and_kept_once(order: Callable[..., Order]) -> None:
    asked = order("--device", "cuda:1", "--device", "cpu", "--device", "cuda:1")
    assert asked.devices == (Device("cuda", 1), Device("cpu"))


@pytest.mark.parametrize(
    ("asked", "devices"),
    [
        (("--cell", "net/fp32/cuda:1", "--cell", "net/int8-*/cpu"), (Device("cuda", 1), Device("cpu"))),
        (("--cell", "net/fp32/cuda,cpu"), (Device("cuda"), Device("cpu"))),
        (("--cell", "net/fp32/*"), (Device("cpu"),)),
        (("--cell", "net/fp32/cuda", "--device", "mps"), (Device("mps"),)),
    ],
)
def test_the_devices_of_cells_are_implied_where_none_is_given(
    order: Callable[..., Order], asked: tuple[str, ...], devices: tuple[Device, ...]
) -> None:
    made = order(*asked)
    assert made.devices == devices
    assert [str(cell) for cell in made.cells] == [text for text in asked if "/" in text]


def test_everything_asked_is_in_the_order(order: Callable[..., Order], tmp_path: Path) -> None:
    (tmp_path / "w.pt").touch()
    asked = order(
        *("--model", "a*,b"),
        *("--precision", "int8*"),
        *("--size", "full"),
        *("--checkpoint", f"net={tmp_path / 'w.pt'}"),
        *("--threads", "2"),
        *("--engine", "qnnpack"),
        "--low-memory",
        *("--sample-percent", "12.5"),
        *("--seed", "7"),
        *("--cell-seconds", "250ms"),
        *("--cell-limit", "1m"),
        "--resume",
        *("--artifact-cache", str(tmp_path / "kept")),
    )
    assert (asked.models, asked.precisions, asked.size) == ("a*,b", "int8*", "full")
    assert asked.checkpoints == {"net": tmp_path / "w.pt"}
    assert (asked.threads, asked.engine, asked.low_memory) == (2, "qnnpack", True)
    assert (asked.sample_percent, asked.seed) == (12.5, 7)
    assert asked.timing_seconds("full") == asked.timing_seconds("tiny") == 0.25
    assert (asked.cell_limit_seconds, asked.resume) == (60.0, True)
    assert asked.cache == tmp_path / "kept"


def test_what_is_compared_and_how_is_in_the_order(order: Callable[..., Order], pytester: pytest.Pytester) -> None:
    asked = order(
        *("--against", "origin/main"),
        *("--time-budget", "10m"),
        *("--pair-seconds", "500ms"),
        *("--profile", "nightly"),
        "--no-gate",
        "--keep-outputs",
        *("--baselines", "kept"),
        *("--expectations", "mine.toml"),
    )
    assert asked.against == Against(Kind.REVISION, "origin/main")
    assert (asked.time_budget_seconds, asked.pair_seconds) == (600.0, 0.5)
    assert (asked.profile, asked.has_gate, asked.settle) == ("nightly", False, False)
    assert asked.keeps_outputs
    assert asked.baselines == pytester.path / "kept"
    assert (asked.expectations, asked.expects) == (pytester.path / "mine.toml", True)


def test_unless_told_nothing_is_compared_live_and_the_gate_is_that_of_a_pull_request(order) -> None:
    asked = order()
    assert (asked.against, asked.settle) == (None, False)
    assert (asked.profile, asked.has_gate, asked.keeps_outputs) == ("gate", True, False)
    assert (asked.time_budget_seconds, asked.pair_seconds) == (None, 3.0)
    assert asked.baselines == asked.root / "baselines"
    assert (asked.expectations, asked.expects) == (asked.root / "suites" / "expectations.toml", False)


@pytest.mark.parametrize(
    ("arguments", "tries"),
    [
        ((), False),
        (("--other-kernels",), True),
        (("--profile", "nightly"), True),
        (("--profile", "smoke"), False),
        (("--profile", "smoke", "--other-kernels"), True),
    ],
)
def test_other_kernels_are_tried_where_asked_and_always_at_night(
    order, arguments: tuple[str, ...], tries: bool
) -> None:
    assert order(*arguments).tries_other_kernels is tries


def test_where_outputs_are_kept_is_no_part_of_what_a_run_is_and_what_is_tried_is(order: Callable[..., Order]) -> None:
    assert order("--keep-outputs").recorded() == order().recorded()
    assert order("--other-kernels").recorded() != order().recorded()


def test_expectations_lie_beside_the_folder_of_models_wherever_that_is(order, pytester: pytest.Pytester) -> None:
    pytester.makepyprojecttoml("[tool.quantgate]\nmodels = 'zoo/models'\n")
    assert order().expectations == pytester.path / "zoo" / "expectations.toml"


def test_spreading_a_run_over_processes_is_refused_for_live_comparisons_only(order: Callable[..., Order]) -> None:
    assert order("-n", "2").against is None


def test_a_checkpoint_s_path_is_of_the_project(order: Callable[..., Order], pytester: pytest.Pytester) -> None:
    (pytester.path / "weights").mkdir()
    (pytester.path / "weights" / "a=b.pt").touch()
    assert order("--checkpoint", "net=weights/a=b.pt").checkpoints == {"net": pytester.path / "weights" / "a=b.pt"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--device", "tpu"), "unknown device 'tpu'; choose cpu, cuda, cuda:N, mps or coreml"),
        (("--cell", "net/fp32/tpu"), "unknown device 'tpu'; choose cpu, cuda, cuda:N, mps or coreml"),
        (("--cell", "net/fp32"), "--cell 'net/fp32'; write MODEL/PRECISION/DEVICE, as in smart-turn-v2/int8-*/cpu"),
        (("--checkpoint", "weights.pt"), "--checkpoint 'weights.pt'; write NAME=PATH"),
        (("--checkpoint", "=weights.pt"), "write NAME=PATH"),
        (("--checkpoint", "net="), "write NAME=PATH"),
        (("--checkpoint", "net=nowhere.pt"), "--checkpoint net: nowhere.pt does not exist; check the path"),
        (("--threads", "0"), "--threads 0: at least 1"),
        (("--threads", "2", "--single-core"), "--single-core means one thread"),
        (("--sample-percent", "0"), "--sample-percent 0: choose more than 0 and at most 100"),
        (("--sample-percent", "100.5"), "--sample-percent 100.5"),
        (("--sample-percent", "nan"), "--sample-percent nan"),
        (("--cell-seconds", "0s"), "need a time above zero"),
        (("--cell-limit", "0"), "need a time above zero"),
        (("--cell-seconds", "soon"), "--cell-seconds 'soon' is no duration"),
        (("--time-budget", "0s"), "--time-budget needs a time above zero"),
        (("--time-budget", "later"), "--time-budget 'later' is no duration"),
        (("--pair-seconds", "0"), "--pair-seconds needs a time above zero"),
        (("--pair-seconds", "long"), "--pair-seconds 'long' is no duration"),
        (("--against", ""), "--against is empty; write a git revision, python=PATH, env=K=V or precision=P"),
        (("--against", "precision=fp23"), "that is no precision; did you mean fp32?"),
        (("--against", "env=X"), "write env=NAME=VALUE"),
        (("--against", "HEAD", "--settle"), "--settle compares with the baselines' revisions"),
        (("--against", "HEAD", "-n", "2"), "--against compares in one process; leave pytest-xdist's -n away"),
        (("--settle", "-n", "2"), "--settle compares in one process; leave pytest-xdist's -n away"),
    ],
)
def test_what_means_nothing_is_refused_in_one_line(order: Callable[..., Order], arguments, said: str) -> None:
    with pytest.raises(UsageProblem) as caught:
        order(*arguments)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_cache_is_where_it_was_asked_for_else_in_the_user_s_cache(monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder(None) == tmp_path / "quantgate"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", "/home/someone")
    assert cache_folder(None) == Path("/home/someone/.cache/quantgate")
    monkeypatch.chdir(tmp_path)
    assert cache_folder("kept") == tmp_path / "kept"


@pytest.mark.parametrize(
    ("text", "folder"),
    [
        (None, "suites/models"),
        ("[tool.other]\nmodels = 3\n", "suites/models"),
        ("[tool.quantgate]\nmodels = 'zoo'\n", "zoo"),
    ],
)
def test_the_folder_of_models_is_the_project_s_setting(tmp_path: Path, text: str | None, folder: str) -> None:
    if text is not None:
        (tmp_path / "pyproject.toml").write_text(text)
    assert models_folder(tmp_path) == folder


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[tool.quantgate\n", r"pyproject\.toml cannot be read: .*; mend it"),
        ("[tool.quantgate]\nmodels = 3\n", "models = 3 in pyproject.toml; give a folder below the project"),
        ("[tool.quantgate]\nmodels = '/zoo'\n", "give a folder below the project"),
        ("[tool.quantgate]\nmodel = 'zoo'\nweight = 1\n", "unknown keys: model, weight"),
        ("[tool]\nquantgate = 3\n", "tool.quantgate in pyproject.toml is no table but 3"),
    ],
)
def test_a_setting_that_means_nothing_is_refused(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "pyproject.toml").write_text(text)
    with pytest.raises(UsageProblem, match=said):
        models_folder(tmp_path)


def test_the_build_hook_is_the_project_s_setting_and_there_is_none_unless_told(tmp_path: Path) -> None:
    assert build_command(tmp_path) is None
    (tmp_path / "pyproject.toml").write_text("[tool.quantgate]\nbuild = 'make -C native'\n")
    assert build_command(tmp_path) == "make -C native"


@pytest.mark.parametrize("value", ["3", "''", "' '", "['make']", "true"])
def test_a_build_hook_that_is_no_command_is_refused(tmp_path: Path, value: str) -> None:
    (tmp_path / "pyproject.toml").write_text(f"[tool.quantgate]\nbuild = {value}\n")
    with pytest.raises(UsageProblem, match=r"build = .* in pyproject\.toml; give a command of the shell"):
        build_command(tmp_path)
