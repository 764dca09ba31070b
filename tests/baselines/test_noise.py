import pytest

from harness.baselines.noise import MOST_SPEED_CHANGE, other_speed


@pytest.mark.parametrize("before", [[], [None, None]])
def test_nothing_is_said_of_a_speed_that_is_not_known(before: list[float | None]) -> None:
    assert other_speed(1e-3, before) is None
    assert other_speed(None, [1e-3]) is None


@pytest.mark.parametrize("ratio", [1 / MOST_SPEED_CHANGE, 1.0, MOST_SPEED_CHANGE])
def test_cores_of_about_the_same_speed_are_no_reason(ratio: float) -> None:
    assert other_speed(ratio, [1.0, None]) is None


def test_slower_cores_and_faster_ones_are_named_beside_the_middle_session() -> None:
    assert "took 1.80 times as long too: the cores are slower" in str(other_speed(1.8e-3, [1e-3, None, 1e-3, 9e-3]))
    assert "took 0.50 of the time too: the cores are faster" in str(other_speed(0.5e-3, [1e-3, 1e-4, 2e-3]))
