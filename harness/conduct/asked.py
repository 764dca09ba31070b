"""Which cells an order asks for: by the globs of models and precisions, by devices, by `--cell`, by `auto`.

The one rule for all who ask: what is planned, what the other side of a comparison would have had, what of the baselines
is missing.
"""

from __future__ import annotations

from collections.abc import Iterable

from harness.cells import Cell, CellGlob, expand, matches
from harness.conduct.auto import Choice, Machine, chosen, fits, says_auto
from harness.conduct.order import Order
from harness.errors import UsageProblem

_REAL = Machine()


def model_patterns(order: Order) -> str:
    """The globs that pick models: those of `--cell` where it was given, else those of `--model`."""
    return ",".join(dict.fromkeys(asked.model for asked in order.cells)) or order.models


def cells_asked(
    order: Order, models: Iterable[tuple[str, tuple[str, ...]]], machine: Machine = _REAL
) -> tuple[Cell, ...]:
    """Make the cells of these models that the order takes, each model given with the precisions it asks for."""
    precisions, means = dict(models), choices_of(order, machine)
    return tuple(
        cell
        for cell in expand(precisions.items(), order.devices)
        if _takes(order, cell, precisions[cell.model], means.get(cell.device))
    )


def is_asked(order: Order, cell: Cell, precisions: tuple[str, ...], machine: Machine = _REAL) -> bool:
    """Whether the order takes a cell of a model with these precisions."""
    return matches(cell.model, order.models) and cell in cells_asked(order, [(cell.model, precisions)], machine)


def choices_of(order: Order, machine: Machine = _REAL) -> dict[str, Choice]:
    """What `auto` means on each device, where the order says `auto`."""
    patterns = (order.precisions, *(asked.precision for asked in order.cells))
    if not any(says_auto(pattern) for pattern in patterns):
        return {}
    return {str(device): chosen(device, machine) for device in order.devices}


def refuse_what_takes_nothing(order: Order, models: Iterable[tuple[str, tuple[str, ...]]]) -> None:
    """Refuse a glob of precisions or of cells that would take none."""
    precisions, means = dict(models), choices_of(order)
    offered = dict.fromkeys(precision for several in precisions.values() for precision in several)
    for pattern in order.precisions.split(","):
        if not says_auto(pattern) and not any(matches(precision, pattern) for precision in offered):
            raise UsageProblem(f"no cell has a precision that matches {pattern!r}; offered: {', '.join(offered)}")
    there = expand(precisions.items(), order.devices)
    for asked in order.cells:
        if not any(_is_one_of(asked, cell, precisions[cell.model], means.get(cell.device)) for cell in there):
            devices = ", ".join(map(str, order.devices))
            raise UsageProblem(
                f"--cell {asked}: there is no such cell on {devices}; write MODEL/PRECISION/DEVICE as in {there[0]}"
            )


def _takes(order: Order, cell: Cell, precisions: tuple[str, ...], choice: Choice | None) -> bool:
    if not fits(cell.precision, precisions, order.precisions, choice):
        return False
    return not order.cells or any(_is_one_of(asked, cell, precisions, choice) for asked in order.cells)


def _is_one_of(asked: CellGlob, cell: Cell, precisions: tuple[str, ...], choice: Choice | None) -> bool:
    is_there = matches(cell.model, asked.model) and matches(cell.device, asked.device)
    return is_there and fits(cell.precision, precisions, asked.precision, choice)
