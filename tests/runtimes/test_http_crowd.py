"""Clients at once, against a function in place of a server."""

from __future__ import annotations

import threading

import pytest

from harness.errors import HarnessError
from harness.runtimes.http_crowd import crowd


def test_each_client_asks_twice_at_least_and_texts_go_round() -> None:
    asked: list[str] = []
    found = crowd(asked.append, ["a", "b", "c"], 4, 0.0)
    assert sorted(asked) == sorted(["a", "b", "c"] * 2 + ["a", "b"])
    assert (found.requests, found.failed) == (8, 0)


def test_clients_go_on_until_the_time_is_over() -> None:
    found = crowd(lambda _: threading.Event().wait(0.02), ["a"], 2, 0.3)
    assert found.requests > 2 * 2
    assert found.seconds >= 0.3


@pytest.mark.parametrize("error", [HarnessError("refused"), ValueError("odd")], ids=["told", "unforeseen"])
def test_however_a_request_fails_it_counts(error: Exception) -> None:
    turn = iter(range(100))

    def ask(_: str) -> None:
        if next(turn) == 1:
            raise error

    found = crowd(ask, ["a"], 2, 0.0)
    assert (found.requests, found.failed) == (4, 1)
    assert found.first_error in ("refused", "ValueError: odd")


def test_one_that_always_refuses_is_not_asked_as_fast_as_it_refuses() -> None:
    def refuses(_: str) -> None:
        raise HarnessError("refused")

    found = crowd(refuses, ["a"], 2, 0.3)
    assert found.failed == found.requests
    assert found.requests <= 2 * (2 + 0.3 / 0.05)  # every 50 ms each of the two, and the first ones
    assert found.median_seconds is None
