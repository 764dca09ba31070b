"""Turns of two sides made into one pair, with numbers worked by hand."""

import math

import pytest

from harness.benchmarks.pairing import made
from harness.benchmarks.turns import Report, Turn
from harness.comparisons import Clock


def report(*turns: Turn, iterations: int = 1, **more) -> Report:
    return Report("passed", turns=turns, rounds=sum(turn.rounds for turn in turns), iterations=iterations, **more)


def turn(number: int, rounds: int, wall: float, corrected: float | None = None) -> Turn:
    return Turn(number, rounds, wall, wall if corrected is None else corrected, wall)


def pair(old: Report, new: Report, *, is_alone: bool = True):
    return made(old, new, stage=1, seconds=2.0, is_alone=is_alone)


def test_a_turn_tells_the_mean_of_a_call_whatever_rounds_and_iterations_it_had() -> None:
    # 4 rounds of 5 calls in 2 s are 0.1 s a call; 2 rounds of 10 calls in 4 s are 0.2 s.
    told = pair(report(turn(0, 4, 2.0), iterations=5), report(turn(0, 2, 4.0), iterations=10))
    assert told.pair.log_ratios[Clock.WALL] == pytest.approx(math.log(2))
    assert told.pair.old.seconds[Clock.WALL] == pytest.approx(0.1)
    assert (told.pair.old.inferences, told.pair.new.inferences) == (20, 20)


def test_of_turns_beside_each_other_the_disturbed_one_is_left_out() -> None:
    # Ratios 1, 2, 2, 2, 1000: without the lowest and the highest fifth, 2.
    old = report(*(turn(number, 1, 1.0) for number in range(5)))
    new = report(*(turn(number, 1, wall) for number, wall in enumerate((1.0, 2.0, 2.0, 2.0, 1000.0))))
    assert pair(old, new).pair.log_ratios[Clock.WALL] == pytest.approx(math.log(2))


def test_a_turn_that_stood_beside_none_is_left_out() -> None:
    old = report(turn(0, 1, 7.0), turn(1, 1, 1.0), turn(2, 1, 1.0))
    new = report(turn(1, 1, 3.0), turn(2, 1, 3.0), turn(3, 1, 9.0))
    told = pair(old, new).pair
    assert told.log_ratios[Clock.WALL] == pytest.approx(math.log(3))
    assert told.quads == 2


def test_sides_that_timed_in_different_turns_are_compared_as_wholes() -> None:
    told = pair(report(turn(0, 2, 2.0), turn(1, 1, 4.0)), report(turn(5, 2, 8.0))).pair
    assert told.log_ratios[Clock.WALL] == pytest.approx(math.log(4 / 2))
    assert told.quads == 1


@pytest.mark.parametrize(("is_alone", "clock"), [(True, Clock.CORRECTED), (False, Clock.WALL)])
def test_only_a_thread_that_works_alone_is_judged_without_its_waiting(is_alone: bool, clock: Clock) -> None:
    told = pair(report(turn(0, 1, 2.0, 1.0)), report(turn(0, 1, 9.0, 1.0)), is_alone=is_alone)
    assert told.clock is clock
    assert (Clock.CORRECTED in told.pair.log_ratios) is is_alone
    assert told.pair.log_ratios[clock] == pytest.approx(0.0 if is_alone else math.log(4.5))


def test_versions_that_differ_are_named() -> None:
    old = report(turn(0, 1, 1.0), versions={"python": "3.11.7", "numpy": "2.4"})
    new = report(turn(0, 1, 1.0), versions={"python": "3.12.1"})
    assert [str(one) for one in pair(old, new).differences] == ["python: 3.11.7 → 3.12.1", "numpy: 2.4 → absent"]


def test_a_turn_that_only_waited_tells_nothing_and_costs_the_pair_nothing_else() -> None:
    old = report(turn(0, 1, 1.0, 0.5), turn(1, 1, 1.0, 0.0), turn(2, 1, 1.0, 0.5))
    new = report(turn(0, 1, 1.0, 1.0), turn(1, 1, 1.0, 1.0), turn(2, 1, 1.0, 1.0))
    told = pair(old, new)
    assert told.clock is Clock.CORRECTED
    assert told.pair.log_ratios[Clock.CORRECTED] == pytest.approx(math.log(2))
