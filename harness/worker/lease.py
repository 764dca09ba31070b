"""Who may measure on a device now: one process of this machine at a time, whatever started it.

A lease is a lock on a file, so it ends with the process that holds it, however that dies.
"""

from __future__ import annotations

import fcntl
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

_RETRY_SECONDS = 0.2


def lease_path(device: str) -> Path:
    """The file that stands for a device, the same for every run of this user on this machine."""
    return Path(tempfile.gettempdir()) / f"quantgate-{os.getuid()}-{device.replace(':', '-')}.lease"


@contextmanager
def lease(devices: tuple[str, ...], on_wait: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Hold the devices until the block ends. Taken in sorted order, so that two runs cannot wait for each other."""
    if not devices:
        yield
        return
    first, *rest = sorted(devices)
    with lease_path(first).open("w") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                on_wait()
                time.sleep(_RETRY_SECONDS)
        with lease(tuple(rest), on_wait):
            yield
