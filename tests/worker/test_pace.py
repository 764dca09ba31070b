"""When a pass is given up, and when there is no time for an exam: by hand-worked numbers."""

from __future__ import annotations

import pytest

from harness.cells import Reason, Unsupported
from harness.worker.pace import exam_too_long, refuse_hopeless, span


@pytest.mark.parametrize(
    ("spent", "done", "examples", "limit"),
    [
        (107.0, 1, 13, None),  # nobody set a limit
        (59.0, 1, 13, 600.0),  # less than a tenth is spent: examples differ in length
        (599.0, 13, 13, 600.0),  # it is done
        (700.0, 13, 13, 600.0),  # late, but there
        (90.0, 2, 13, 600.0),  # 585 s in all
    ],
)
def test_a_pass_that_may_end_in_time_goes_on(spent: float, done: int, examples: int, limit: float | None) -> None:
    refuse_hopeless(spent, done, examples, limit)


def test_a_pass_that_cannot_end_in_time_is_given_up_after_a_tenth_of_it_in_words() -> None:
    with pytest.raises(Unsupported) as caught:
        refuse_hopeless(100.0, 2, 13, 600.0)
    assert caught.value.reason is Reason.TOO_SLOW
    assert caught.value.text == (
        "13 examples at 50 s each take 11 min, and --cell-limit allows 600 s: not timed; raise it, or take fewer"
        " examples with --sample-percent"
    )


@pytest.mark.parametrize(
    ("seconds", "timed", "examined", "limit", "said"),
    [
        (1.6, 13, 200, None, ""),
        (1.6, 13, 200, 600.0, ""),
        (3.0, 13, 187, 600.0, ""),  # 600 s exactly
        (
            21.0,
            13,
            100,
            600.0,
            "its 100 examples at 21 s each would not end within --cell-limit (600 s): raise it",
        ),
    ],
)
def test_an_exam_is_left_away_where_it_would_not_end(seconds, timed, examined, limit, said: str) -> None:
    assert exam_too_long(seconds, timed, examined, limit) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.0123, "0.0123 s"), (1.6, "1.6 s"), (107.2, "107 s"), (600.0, "600 s"), (1_391.0, "23 min"), (9_000, "2.5 h")],
)
def test_a_duration_is_said_in_the_unit_that_people_use(seconds: float, said: str) -> None:
    assert span(seconds) == said
