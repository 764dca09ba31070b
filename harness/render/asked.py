"""The command that asks for the same run again, read back from the options that a record keeps. Pure.

Paths are of the machine that measured and are not recorded: where one was given, `PATH` stands for it.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath

from harness.conduct.order import Order
from harness.consequences import PROFILES
from harness.render.text import one_line
from harness.results import Fact

_PATH = "PATH"

_LISTS = (("devices", "--device", ","), ("cells", "--cell", None))
_TEXTS = (
    ("models", "--model"),
    ("precisions", "--precision"),
    ("size", "--size"),
    ("engine", "--engine"),
    ("profile", "--profile"),
)
_NUMBERS = (("threads", "--threads"), ("sample_percent", "--sample-percent"), ("seed", "--seed"))
_SECONDS = (
    ("cell_seconds", "--cell-seconds"),
    ("cell_limit_seconds", "--cell-limit"),
    ("pair_seconds", "--pair-seconds"),
    ("time_budget_seconds", "--time-budget"),
)
_FLAGS = (("single_core", "--single-core"), ("low_memory", "--low-memory"), ("settle", "--settle"))


def command_of(options: Mapping[str, Fact]) -> str:
    """The command with every option that is not at its default; empty where the record does not tell the suites."""
    folder = options.get("models_folder")
    if not isinstance(folder, str):
        return ""
    usual = Order(root=Path()).recorded()
    given = {name: fact for name, fact in options.items() if fact not in (None, "") and fact != usual.get(name)}
    suites = f"{PurePosixPath(folder).parent}/"
    return one_line(" ".join(("pytest", shlex.quote(suites), *_words(given))))


def _words(given: Mapping[str, Fact]) -> Iterable[str]:
    yield from _values(given)
    yield from (flag for name, flag in _FLAGS if given.get(name) is True)
    if (against := given.get("against")) is not None:
        yield f"--against {f'python={_PATH}' if against == 'python' else shlex.quote(str(against))}"
    if (checkpoints := given.get("checkpoints")) is not None:
        yield from (f"--checkpoint {shlex.quote(f'{name}={_PATH}')}" for name in str(checkpoints).split(","))
    profile = PROFILES.get(str(given.get("profile")))
    if given.get("tries_other_kernels") is True and not (profile and profile.tries_other_kernels):
        yield "--other-kernels"
    if given.get("has_gate") is False:
        yield "--no-gate"


def _values(given: Mapping[str, Fact]) -> Iterable[str]:
    for name, flag, apart in _LISTS:
        yield from (f"{flag} {shlex.quote(part)}" for part in (str(given[name]).split(apart) if name in given else ()))
    for name, flag in _TEXTS:
        if name in given:
            yield f"{flag} {shlex.quote(str(given[name]))}"
    for name, flag in (*_NUMBERS, *_SECONDS):
        value = given.get(name)
        if isinstance(value, int | float) and not isinstance(value, bool):
            yield f"{flag} {value:g}{'s' * name.endswith('_seconds')}"
