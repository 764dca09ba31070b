"""How a pair is measured: who is first, on which core, for how long, and what is said where a side cannot go on.

Workers here are scripts on a clock of their own; what real ones answer is shown in tests/worker and tests/plugin, and
what a pair's record tells in test_pairing.
"""

from __future__ import annotations

import math
import os
import random
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, Self, cast

import msgspec
import pytest

from harness.comparisons import Clock, Difference
from harness.conduct.duel import BLOCK_SECONDS, Corner, CornerLost, Manner, NotConverted, Ring
from harness.conduct.pairing import OtherWork
from harness.conduct.patience import Patience
from harness.results import Phase
from harness.worker import protocol
from harness.worker.link import Worker, WorkerDied
from tests.samples import closed, opened

OLD, NEW = "the old side", "the new side"
QUICK, SLOW = 0.001, 0.050


class Hall:
    """Where two sides meet: a clock that goes on as they work, and a note of all that they were asked."""

    def __init__(self, *, old: float = QUICK, new: float = QUICK, examples: int = 2) -> None:
        self.seconds: dict[str, Callable[[int], float]] = {OLD: lambda _: old, NEW: lambda _: new}
        self.opened = {OLD: opened(examples=examples), NEW: opened(examples=examples)}
        self.closed = closed()
        self.laps: dict[str, dict[str, Any]] = {OLD: {}, NEW: {}}
        self.instead: dict[tuple[str, str], list[Any]] = {}
        self.starting_seconds = 0.0
        self.now = 0.0
        self.asked: list[tuple[str, Any]] = []
        self.limits: list[tuple[float, dict[Phase, float]]] = []
        self.alive = 0

    def ring(self, seed: int = 0, **assigned: Any) -> Ring:
        """Both sides, on assignments that may be changed."""
        old, new = (assigned.pop(name, {}) for name in ("old", "new"))
        return Ring(
            self._corner(OLD, {**assigned, **old}),
            self._corner(NEW, {**assigned, **new}),
            random.Random(seed),
            clock=lambda: self.now,
        )

    def _corner(self, name: str, assigned: dict[str, Any]) -> Corner:
        plain = protocol.Assignment("m", None, "tone", "fp32", "cpu", "-", "-")
        return Corner(name, msgspec.structs.replace(plain, **assigned), lambda: cast("Worker", _Scripted(self, name)))

    def requests(self, kind: type[Any], *sides: str) -> list[Any]:
        """What was asked of a kind, in order."""
        return [request for side, request in self.asked if isinstance(request, kind) and side in (sides or (OLD, NEW))]

    def who(self, kind: type[Any]) -> list[str]:
        """Who was asked it, in order."""
        return [side for side, request in self.asked if isinstance(request, kind)]

    def quads(self) -> list[tuple[str, ...]]:
        """Whose blocks were timed, four at a time."""
        timed = [side for side, request in self.asked if isinstance(request, protocol.Lap) and request.seconds]
        assert len(timed) % 4 == 0
        return [tuple(timed[start : start + 4]) for start in range(0, len(timed), 4)]


class _Scripted:
    def __init__(self, hall: Hall, side: str) -> None:
        self._hall, self._side = hall, side

    def hear(self, on_phase: Callable[[Phase], None], on_tick: Callable[[], None]) -> Self:
        return self

    def __enter__(self) -> Self:
        self._hall.alive += 1
        return self

    def __exit__(self, *_: object) -> None:
        self._hall.alive -= 1

    def last_words(self) -> str:
        return "a traceback\nso long"

    def ask(self, request: Any, limit_seconds: float, phase_limits: Mapping[Phase, float]) -> Any:  # noqa: C901 - a case a kind
        hall = self._hall
        hall.limits.append((limit_seconds, dict(phase_limits)))
        hall.asked.append((self._side, request))
        if instead := hall.instead.get((self._side, type(request).__name__)):
            reply = instead.pop(0)
            if isinstance(reply, Exception):
                raise reply
            if reply is not None:
                return reply
        match request:
            case protocol.Hello():
                hall.now += hall.starting_seconds / 2
                return protocol.Ready()
            case protocol.Open():
                return hall.opened[self._side]
            case protocol.CheckOutputs():
                return protocol.Checked((0.1,), (None,), (None,), (1,))
            case protocol.Convert():
                return protocol.Converted(1.0)
            case protocol.Rebuild():
                return protocol.Rebuilt(0.1)
            case protocol.Close():
                return hall.closed
            case protocol.Lap(example, seconds, discard):
                one = hall.seconds[self._side](example)
                count = max(1, math.ceil(seconds / one))
                hall.now += (count + discard) * one
                plain = {"wall_seconds": (one,) * count, "corrected_seconds": (one,) * count, "device_seconds": None}
                return protocol.Laps(**{**plain, "cpu_seconds": one * count, **hall.laps[self._side]})
        raise AssertionError(request)


ABBA, BAAB = (OLD, NEW, NEW, OLD), (NEW, OLD, OLD, NEW)


def test_quads_are_abba_or_baab_by_chance_and_either_about_as_often() -> None:
    hall = Hall()
    hall.ring().pair(Manner(seconds=10.0))
    counts = Counter(hall.quads())
    assert set(counts) == {ABBA, BAAB}
    assert len(hall.quads()) > 200
    assert 0.4 < counts[ABBA] / len(hall.quads()) < 0.6


def test_the_same_seed_takes_the_same_turns_and_another_seed_others() -> None:
    halls = [Hall() for _ in range(3)]
    for hall, seed in zip(halls, (1, 1, 2), strict=True):
        hall.ring(seed).pair(Manner(seconds=1.0))
    first, same, other = (hall.asked for hall in halls)
    assert first == same
    assert first != other


@pytest.mark.parametrize("kind", [protocol.Hello, protocol.Open])
def test_either_side_is_the_first_to_start_and_to_open_about_as_often(kind: type[Any]) -> None:
    hall = Hall(old=SLOW, new=SLOW)
    ring = hall.ring()
    for _ in range(100):
        ring.pair(Manner(seconds=0.01))
    first = Counter(hall.who(kind)[::2])
    assert sum(first.values()) == 100
    assert 30 < first[OLD] < 70


def test_both_processes_are_up_before_either_opens_and_both_open_before_either_is_timed() -> None:
    hall = Hall()
    hall.ring().pair(Manner(seconds=0.1))
    order = [type(request).__name__ for _, request in hall.asked]
    assert order[:4] == ["Hello", "Hello", "Open", "Open"]
    assert set(order[4:-2]) == {"Lap"}
    assert order[-2:] == ["Close", "Close"]


def test_two_sides_of_one_thread_on_the_cpu_share_a_core_which_changes_from_pair_to_pair(monkeypatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: {2, 5, 7})
    hall = Hall(old=SLOW, new=SLOW)
    ring = hall.ring()
    for _ in range(40):
        ring.pair(Manner(seconds=0.01))
    cores = [request.assignment.cores for request in hall.requests(protocol.Open)]
    assert cores[::2] == cores[1::2]
    assert set(cores) == {(2,), (5,), (7,)}


@pytest.mark.parametrize(
    ("assigned", "cores"),
    [
        ({"threads": 2}, [None, None]),
        ({"old": {"threads": 2}}, [None, None]),
        ({"device": "cuda:0"}, [None, None]),
        ({"cores": (1,)}, [(1,), (1,)]),
        ({"new": {"cores": (1,)}}, [(1,), None]),
    ],
)
def test_elsewhere_each_side_stays_where_it_was_told(monkeypatch, assigned: dict[str, Any], cores: list[Any]) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: {2, 5, 7})
    hall = Hall()
    hall.ring(**assigned).pair(Manner(seconds=0.1))
    found = [request.assignment.cores for request in hall.requests(protocol.Open)]
    assert sorted(found, key=str) == cores


@pytest.mark.parametrize(("seconds", "discard"), [(QUICK, 1), (0.0099, 1), (0.0101, 0), (SLOW, 0)])
def test_the_first_inference_after_a_switch_is_left_out_where_inferences_are_short(seconds, discard) -> None:
    hall = Hall(old=seconds, new=seconds)
    hall.ring().pair(Manner(seconds=0.2))
    timed = [lap for lap in hall.requests(protocol.Lap) if lap.seconds]
    assert {(lap.seconds, lap.discard) for lap in timed} == {(BLOCK_SECONDS, discard)}


def test_three_quads_are_made_however_long_they_take() -> None:
    hall = Hall(old=20.0, new=20.0)
    measured = hall.ring().pair(Manner(seconds=3.0))
    assert len(hall.quads()) == measured.pair.quads == 3


def test_quads_go_on_until_the_seconds_are_spent() -> None:
    # Blocks of one inference of 50 ms: a quad takes 0.2 s, and the sixteenth would begin after 3 s.
    hall = Hall(old=SLOW, new=SLOW)
    assert hall.ring().pair(Manner(seconds=2.9)).pair.quads == 15


@pytest.mark.parametrize(("starting_seconds", "quads"), [(0.0, 15), (5.0, 15), (10.0, 25), (100.0, 40)])
def test_where_processes_start_slowly_each_is_timed_longer_up_to_a_bound(starting_seconds, quads) -> None:
    # Half of the time it took to start, 8 s at most, in quads of 0.2 s. A hair less, for sums of 0.05 are not exact.
    hall = Hall(old=SLOW, new=SLOW)
    hall.starting_seconds = starting_seconds
    assert hall.ring().pair(Manner(seconds=2.9)).pair.quads == pytest.approx(quads, abs=1)


def test_as_many_examples_are_taken_as_the_time_allows() -> None:
    # Half a second each: with the second, four times what was seen is beyond the 3 s.
    hall = Hall(old=0.5, new=0.25, examples=10)
    hall.ring().pair(Manner(seconds=3.0))
    timed = {lap.example for lap in hall.requests(protocol.Lap) if lap.seconds}
    assert len(timed) == 2
    assert {lap.example for lap in hall.requests(protocol.Lap)} == timed


def test_all_examples_are_taken_in_turns_where_there_is_time_and_the_order_is_by_chance() -> None:
    hall = Hall(examples=5)
    ring = hall.ring()
    orders = []
    for _ in range(3):
        hall.asked.clear()
        ring.pair(Manner(seconds=2.0))
        timed = [lap.example for lap in hall.requests(protocol.Lap) if lap.seconds][::4]
        assert set(timed[:5]) == {0, 1, 2, 3, 4}
        assert timed == (timed[:5] * len(timed))[: len(timed)]
        orders.append(tuple(timed[:5]))
    assert len(set(orders)) > 1


def test_a_side_that_takes_twice_as_long_is_slower_by_ln_2_on_every_clock_that_speaks() -> None:
    hall = Hall()
    hall.seconds = {OLD: lambda example: 0.02 * (1 + example), NEW: lambda example: 0.04 * (1 + example)}
    pair = hall.ring().pair(Manner(stage=2, seconds=2.0)).pair
    assert pair.log_ratios == pytest.approx(dict.fromkeys((Clock.WALL, Clock.CORRECTED, Clock.CPU), math.log(2)))
    assert pair.errors == pytest.approx(dict.fromkeys(pair.log_ratios, 0.0), abs=1e-12)
    assert pair.stage == 2
    assert not pair.is_rebuilt
    assert pair.new.seconds[Clock.WALL] == pytest.approx(2 * pair.old.seconds[Clock.WALL])
    assert pair.old.inferences == pair.new.inferences == 2 * pair.quads


def test_another_precision_is_another_artifact_which_is_no_news() -> None:
    hall = Hall()
    other = msgspec.structs.replace(hall.opened[NEW].artifact, digest="e" * 64)
    hall.opened[NEW] = opened(artifact=other)
    assert hall.ring().pair(Manner(seconds=0.1)).differences == (Difference("artifact", "d" * 12, "e" * 12),)
    assert hall.ring(new={"precision": "fp16"}).pair(Manner(seconds=0.1)).differences == ()


def test_other_work_is_refused_with_its_key_before_anything_is_timed() -> None:
    hall = Hall()
    hall.opened[NEW] = opened(workload_digest="v" * 64)
    with pytest.raises(OtherWork) as caught:
        hall.ring().pair(Manner())
    assert caught.value.differences == (Difference("workload", "w" * 12, "v" * 12),)
    assert not hall.requests(protocol.Lap)
    assert hall.alive == 0


@pytest.mark.parametrize("side", [OLD, NEW])
@pytest.mark.parametrize(
    ("request_name", "reply", "text", "last_words", "is_unable"),
    [
        (
            "Lap",
            WorkerDied(Phase.TIMING, "the worker was killed by SIGKILL", "out of memory"),
            "timing: the worker was killed by SIGKILL",
            "out of memory",
            False,
        ),
        ("Open", protocol.Broke(Phase.OPEN, "no such file; look"), "opening: no such file; look", "", False),
        ("Open", protocol.CannotRun("NO_KERNEL", "no kernel for it"), "NO_KERNEL: no kernel for it", "", True),
    ],
)
def test_a_side_that_is_lost_is_named_with_why(side, request_name, reply, text, last_words, is_unable) -> None:
    hall = Hall()
    hall.instead[side, request_name] = [reply]
    with pytest.raises(CornerLost) as caught:
        hall.ring().pair(Manner())
    lost = caught.value
    assert (lost.corner.name, lost.last_words, lost.is_unable) == (side, last_words, is_unable)
    assert lost.text.rpartition(": ")[2] == text.rpartition(": ")[2]
    assert hall.alive == 0


@pytest.mark.parametrize("side", [OLD, NEW])
def test_the_side_whose_artifact_is_lacking_is_named_and_its_artifact_made_in_a_process_of_its_own(side: str) -> None:
    hall = Hall()
    hall.instead[side, "Open"] = [protocol.NeedsConversion()]
    ring = hall.ring()
    with pytest.raises(NotConverted) as caught:
        ring.pair(Manner())
    assert caught.value.corner.name == side
    hall.asked.clear()
    ring.convert(caught.value.corner)
    assert [(who, type(request)) for who, request in hall.asked] == [(side, protocol.Convert)]
    assert hall.alive == 0


def test_laying_models_anew_happens_after_each_so_many_quads_on_both_sides_behind_other_padding() -> None:
    hall = Hall(old=SLOW, new=SLOW)
    pair = hall.ring().pair(Manner(seconds=2.0, quads_a_building=3)).pair
    rebuilt = hall.who(protocol.Rebuild)
    buildings = (pair.quads - 1) // 3
    assert buildings >= 2
    assert Counter(rebuilt) == {OLD: buildings, NEW: buildings}
    assert len({request.padding_bytes for request in hall.requests(protocol.Rebuild)}) == 2 * buildings
    assert pair.is_rebuilt
    kinds = [type(request).__name__ for _, request in hall.asked if getattr(request, "seconds", 1)]
    first = kinds.index("Rebuild")
    assert kinds[:first].count("Lap") == 3 * 4


def test_either_side_is_laid_anew_first_about_as_often() -> None:
    hall = Hall()
    hall.ring().pair(Manner(seconds=20.0, quads_a_building=2))
    first = Counter(hall.who(protocol.Rebuild)[::2])
    assert sum(first.values()) > 100
    assert 0.35 < first[OLD] / sum(first.values()) < 0.65


def test_without_it_nothing_is_laid_anew() -> None:
    hall = Hall()
    hall.ring().pair(Manner(seconds=2.0))
    assert not hall.requests(protocol.Rebuild)


def test_whether_a_side_opens_at_all_is_tried_with_its_artifact_made_where_it_lacks() -> None:
    hall = Hall()
    ring = hall.ring()
    hall.instead[OLD, "Open"] = [protocol.NeedsConversion()]
    ring.opens(ring.old, 60.0)
    assert [type(request).__name__ for _, request in hall.asked] == ["Open", "Convert", "Open"]
    hall.instead[OLD, "Open"] = [protocol.CannotRun("NO_KERNEL", "no kernel for it")]
    with pytest.raises(CornerLost, match="no kernel for it"):
        ring.opens(ring.old, 60.0)
    assert hall.alive == 0


def test_a_side_that_lacks_its_artifact_even_after_it_was_made_does_not_open() -> None:
    hall = Hall()
    ring = hall.ring()
    hall.instead[OLD, "Open"] = [protocol.NeedsConversion(), protocol.NeedsConversion()]
    with pytest.raises(CornerLost, match="not found each time it is made; make its reference the same every time"):
        ring.opens(ring.old, 60.0)


def test_a_side_that_must_be_quick_is_waited_for_no_longer_and_has_to_end_a_pass() -> None:
    hall = Hall()
    ring = hall.ring()
    ring.opens(ring.old, 600.0, Patience(600.0, 1.0))
    assert [request for _, request in hall.asked][1:] == [protocol.CheckOutputs(600.0)]
    assert hall.limits[0] == (600.0, {Phase.FIRST: 40.0})
    hall.instead[OLD, "CheckOutputs"] = [protocol.CannotRun("TOO_SLOW", "a pass would take an hour")]
    with pytest.raises(CornerLost, match="a pass would take an hour"):
        ring.opens(ring.old, 600.0, Patience(600.0, 1.0))
