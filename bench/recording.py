"""Records traces of identical code on this machine: pairs as Quantgate measures them, and single processes in a row.

Measures through the harness's own conductor and workers, under the lease of the CPU; decides nothing.
"""

from __future__ import annotations

import os
import random
from dataclasses import dataclass, replace
from typing import TypeVar

from common import CPU, assignment
from traces import Recorded, Spell, slim

from harness import zoo
from harness.cells import Cell
from harness.conduct.campaign import worker_environment
from harness.conduct.duel import Corner, Manner, Ring
from harness.conduct.gate import quads_a_building
from harness.conduct.order import Order
from harness.conduct.pairing import Measured
from harness.worker import protocol
from harness.worker.lease import lease
from harness.worker.link import Worker

Answer = TypeVar("Answer", bound=protocol.Message)

PRECISION = "fp32"
_LIMIT_SECONDS = 600.0
_WARM_UP_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Amount:
    """How much is recorded of each model: pairs of either design, processes in a row, seconds of each.

    `quads_a_building` overrides after how many quads the conductor would rebuild; without it, and where the conductor
    would say that building takes too long, no rebuilt pairs are recorded, as none would ever be measured.
    """

    pairs: int
    stretches: int
    stretch_seconds: float
    quads_a_building: int | None


def record(declared: zoo.Declared, asked: Order, amount: Amount, chance: random.Random) -> Recorded:
    """Record one model against itself."""
    task = assignment(declared, PRECISION, asked.cache)
    corner = Corner("this", task, lambda: Worker(worker_environment(1)))
    ring = Ring(corner, replace(corner), chance)
    ring.opens(corner, _LIMIT_SECONDS)
    loads = [os.getloadavg()[0]]
    measured: list[Measured] = []
    quads: set[int] = set()
    with lease((str(CPU),)):
        for _ in range(amount.pairs):
            measured.append(ring.pair(Manner()))
            every = amount.quads_a_building or quads_a_building(measured[-1].pair)
            if every:
                measured.append(ring.pair(Manner(quads_a_building=every)))
                quads.add(every)
        loads.append(os.getloadavg()[0])
        spells = (_spell(task, amount),) if amount.stretches else ()
    loads.append(os.getloadavg()[0])
    cell = Cell(declared.model.name, PRECISION, str(CPU))
    return Recorded(
        cell=cell,
        clock=measured[0].clock if measured else None,
        pairs=tuple(slim(one.pair) for one in measured),
        spells=spells,
        loads_1m=tuple(round(load, 2) for load in loads),
        quads_a_building=tuple(sorted(quads)),
    )


def _spell(task: protocol.Assignment, amount: Amount) -> Spell:
    """Processes one after the other, each of the example that is quickest in the first."""
    example: int | None = None
    stretches = []
    for _ in range(amount.stretches):
        with Worker(worker_environment(1)) as worker:
            _ask(worker, protocol.Open(task), protocol.Opened)
            checked = _ask(worker, protocol.CheckOutputs(), protocol.Checked)
            if example is None:
                example = min(range(len(checked.first_pass_seconds)), key=checked.first_pass_seconds.__getitem__)
            _ask(worker, protocol.WarmUp(_WARM_UP_SECONDS), protocol.Warm)
            laps = _ask(worker, protocol.Lap(example, amount.stretch_seconds, 3), protocol.Laps)
            stretches.append(tuple(round(seconds, 7) for seconds in laps.wall_seconds))
    assert example is not None
    return Spell(example, tuple(stretches))


def _ask(worker: Worker, request: protocol.Request, wanted: type[Answer]) -> Answer:
    reply = worker.ask(request, _LIMIT_SECONDS)
    if not isinstance(reply, wanted):
        raise SystemExit(f"the worker answered {reply}; run pytest suites/ --device cpu to see what is wrong")
    return reply
