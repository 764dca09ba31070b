"""A worker ahead: up before it is needed, taken once, given up when it is of no use any more."""

import os
import signal

import pytest

from harness.worker import protocol
from harness.worker.pool import Pool
from tests.fakes import wait_gone


def pids(pool: Pool) -> int:
    pool.refill()
    pool.settle()
    worker = pool.worker()
    with worker:
        assert isinstance(worker.ask(protocol.Hello(), 60), protocol.Ready)
        return worker.pid


def test_the_worker_ahead_is_the_one_that_is_given() -> None:
    pool = Pool({}, wanted=lambda: True)
    pool.refill()
    pool.settle()
    ahead = pool._ahead
    assert ahead is not None
    with pool.worker() as worker:
        assert worker is ahead
        assert worker.is_alive
    wait_gone(worker.pid)


def test_each_worker_is_a_process_of_its_own_and_gone_afterwards() -> None:
    pool = Pool({}, wanted=lambda: True)
    first, second = pids(pool), pids(pool)
    assert first != second
    wait_gone(first)
    wait_gone(second)


def test_none_is_started_ahead_when_none_is_wanted() -> None:
    pool = Pool({}, wanted=lambda: False)
    pool.refill()
    pool.settle()
    with pool.worker() as worker:
        assert isinstance(worker.ask(protocol.Hello(), 60), protocol.Ready)


def test_a_worker_that_died_while_it_waited_is_replaced() -> None:
    pool = Pool({}, wanted=lambda: True)
    pool.refill()
    pool.settle()
    assert pool._ahead is not None
    dead = pool._ahead.pid
    os.kill(dead, signal.SIGKILL)
    pool._ahead._process.wait(60)
    with pool.worker() as worker:
        assert worker.pid != dead
        assert isinstance(worker.ask(protocol.Hello(), 60), protocol.Ready)


@pytest.mark.parametrize("settled", [True, False])
def test_closing_ends_the_worker_ahead(settled: bool) -> None:
    pool = Pool({}, wanted=lambda: True)
    pool.refill()
    if settled:
        pool.settle()
    assert pool._ahead is not None
    pid = pool._ahead.pid
    pool.close()
    wait_gone(pid)


def test_the_converter_is_kept_until_it_dies_or_the_pool_closes() -> None:
    pool = Pool({}, wanted=lambda: True)
    converter = pool.converter()
    assert isinstance(converter.ask(protocol.Hello(), 60), protocol.Ready)
    assert pool.converter() is converter
    os.kill(converter.pid, signal.SIGKILL)
    converter._process.wait(60)
    other = pool.converter()
    assert other is not converter
    assert isinstance(other.ask(protocol.Hello(), 60), protocol.Ready)
    pool.close()
    wait_gone(other.pid)
