"""The worker process: reads requests from its standard input, answers on the descriptor named by its argument.

Standard output and error belong to whatever the libraries print; the parent keeps their end as last words.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Callable
from typing import BinaryIO

from harness.cells import Unsupported
from harness.errors import HarnessError, ModelProblem, WorkloadProblem
from harness.phases import Phase
from harness.worker import protocol
from harness.worker.arm import Arm

_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Answer requests until the pipe is closed."""
    _die_with_parent()
    requests = _requests()
    replies = int(sys.argv[1])
    os.set_inheritable(replies, False)

    def say(message: protocol.Reply) -> None:
        line = protocol.encode(message) + b"\n"
        while line:
            line = line[os.write(replies, line) :]

    phase = Phase.START

    def enter(new: Phase) -> None:
        nonlocal phase
        phase = new
        say(protocol.Progress(new))

    arm = Arm(enter)
    for line in requests:
        say(_answer(arm.answer, protocol.decode_request(line), lambda: phase))


def _answer(
    answer: Callable[[protocol.Request], protocol.Reply], request: protocol.Request, phase: Callable[[], Phase]
) -> protocol.Reply:
    """Answer a request; whatever goes wrong is an answer too."""
    try:
        return answer(request)
    except Unsupported as cannot:
        return protocol.CannotRun(cannot.reason, one_line(cannot.text))
    except HarnessError as error:
        if isinstance(error, ModelProblem | WorkloadProblem) and error.__cause__ is not None:
            _print_traceback(error.__cause__)
        return protocol.Broke(phase(), one_line(str(error)))
    except MemoryError as error:
        return protocol.Broke(phase(), f"out of memory: {one_line(str(error))}; free some or choose a smaller size")
    except Exception as error:  # noqa: BLE001 - a model's own code may raise anything; the other cells go on
        _print_traceback(error)
        return protocol.Broke(phase(), one_line(f"{type(error).__name__}: {error}"))


def _print_traceback(error: BaseException) -> None:
    """Leave file and line of a model's own mistake among the last words of this process."""
    import traceback

    traceback.print_exception(error)


def one_line(text: str) -> str:
    """A text on one line. A long one loses its middle: engines name themselves first and the cause last."""
    folded = " ".join(text.split())
    return folded if len(folded) <= 600 else f"{folded[:200]} ... {folded[-395:]}"


def _requests() -> BinaryIO:
    """Take the requests' pipe out of reach: whoever else reads standard input, or asks for an answer, finds its end."""
    requests = os.fdopen(os.dup(0), "rb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    return requests


def _die_with_parent() -> None:
    """Ask the kernel to end this process when its parent is killed; elsewhere the closed pipe ends it."""
    if sys.platform == "linux":
        parent = os.getppid()
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)


if __name__ == "__main__":
    main()
