"""Workers whose model is small, real, and may misbehave."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.worker import protocol
from harness.worker.link import Worker
from tests.fakes import declare, root_onnx


@pytest.fixture(scope="session")
def root_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The ONNX file that all these workers load."""
    return root_onnx(tmp_path_factory.mktemp("root") / "root.onnx")


@pytest.fixture(scope="session")
def filled_store(tmp_path_factory: pytest.TempPathFactory, root_file: Path) -> Path:
    """A store that has that file converted."""
    folder = tmp_path_factory.mktemp("declared")
    (folder / "root.onnx").hardlink_to(root_file)
    assignment = declare(folder)
    with Worker({}) as worker:
        assert isinstance(worker.ask(protocol.Convert(assignment), 60), protocol.Converted)
    return Path(assignment.store)


@pytest.fixture
def assigned(tmp_path: Path, root_file: Path, filled_store: Path) -> Callable[..., protocol.Assignment]:
    """Declare a model whose functions have the bodies given; its artifact is there already."""
    (tmp_path / "root.onnx").hardlink_to(root_file)
    return lambda **given: declare(tmp_path, store=filled_store, **given)


@pytest.fixture
def opened_worker(assigned: Callable[..., protocol.Assignment]) -> Any:
    """Start a worker and open such a model; it is gone when the test ends."""
    workers = []

    def start(**given: Any) -> Worker:
        workers.append(Worker({}))
        worker = workers[-1].__enter__()
        reply = worker.ask(protocol.Open(assigned(**given)), 60)
        assert isinstance(reply, protocol.Opened), reply
        return worker

    yield start
    for worker in workers:
        worker.__exit__(None, None, None)
