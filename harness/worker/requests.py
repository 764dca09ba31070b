"""What a parent asks of a worker: each of these is answered with exactly one reply."""

from __future__ import annotations

import msgspec


class Message(msgspec.Struct, frozen=True, tag=True, omit_defaults=True):
    """Any line of the conversation."""


class Assignment(msgspec.Struct, frozen=True):
    """The arm a worker hosts: which cell, from which source, tuned how."""

    module: str
    root: str | None
    model: str
    precision: str
    device: str
    store: str
    made: str
    threads: int = 1
    engine: str | None = None
    session_options: dict[str, str] = {}
    cores: tuple[int, ...] | None = None
    checkpoint: str | None = None
    seed: int = 0
    sample_percent: float = 100.0
    low_memory: bool = False
    shunned: str | None = None
    """A source tree that nothing may be imported from: that of the other side."""


class Hello(Message, frozen=True):
    """Say that you have come up."""


class Declare(Message, frozen=True):
    """Say which models a source tree declares. The process is used for nothing else."""

    root: str
    folder: str
    shunned: str | None = None


class Inspect(Message, frozen=True):
    """Say what a model's file takes, and what is in files of inputs. The process is used for nothing else."""

    path: str
    inputs: tuple[str, ...] = ()


class Convert(Message, frozen=True):
    """Make the artifact and put it into the store. The process is used for nothing else."""

    assignment: Assignment


class Open(Message, frozen=True):
    """Find the artifact, import the runtime, load the model, prove where it is, run the first inference."""

    assignment: Assignment


class CheckOutputs(Message, frozen=True):
    """Run every example once, untimed, and look at what comes out.

    It is given up as soon as it is clear that all of them would take longer than `max_seconds`.
    """

    max_seconds: float | None = None


class WarmUp(Message, frozen=True):
    """Run until the curve is flat, or a cap is reached."""

    max_seconds: float


class Time(Message, frozen=True):
    """Time whole passes of the workload until the seconds are spent, or that many inferences are made.

    `min_passes` are made in any case, and a pass that was begun is ended.
    """

    seconds: float
    min_passes: int
    max_inferences: int


class Crowd(Message, frozen=True):
    """After the timing, have a service answer so many requests at once for so long. `Answer` or `Close` follows."""

    at_once: int
    seconds: float


class Lap(Message, frozen=True):
    """Time one example, called as a whole, until the seconds are spent: one block of a duel.

    `discard` inferences before it are not timed: the first after another process had the core is slower.
    """

    example: int
    seconds: float
    discard: int = 0


class Rebuild(Message, frozen=True):
    """Let the session go and open the artifact again, with so many bytes of padding allocated before it.

    Where a process keeps a speed of its own because of how its memory happens to lie, this lays it anew.
    """

    padding_bytes: int


class Answer(Message, frozen=True):
    """End the counting; run every timed example once more, and the model's exam; keep what comes out in a folder.

    `is_for_people`: audio is written as recordings, too. An exam for which `max_seconds` are not enough is left away.
    """

    folder: str
    is_for_people: bool = False
    max_seconds: float | None = None


class Score(Message, frozen=True):
    """Say what outputs kept before are worth. The process is used for nothing else.

    `reference` is the folder of fp32's outputs, None where there is none: `reference_problem` says why.
    `untrusted` are the metrics that failed their self-check on this machine, with what they did wrong.
    """

    assignment: Assignment
    folder: str
    reference: str | None
    reference_name: str
    reference_problem: str = ""
    untrusted: dict[str, str] = {}


class SelfCheck(Message, frozen=True):
    """Have the metrics of some kinds of outputs check themselves; all of them where none is named."""

    kinds: tuple[str, ...] = ()


class Close(Message, frozen=True):
    """Give the peaks and counters, close the session and end."""


class CountWork(Message, frozen=True):
    """After closing: open the artifact once more and count what a pass of the workload does at least."""


class MeasureRates(Message, frozen=True):
    """After closing: say what the runtime reaches on the device at its best, in about so many seconds."""

    seconds: float


class Check(Message, frozen=True):
    """Prove with a tiny model that a runtime can run a precision on a device."""

    runtime: str
    device: str
    precision: str
    engine: str | None = None


Request = (
    Hello
    | Declare
    | Inspect
    | Convert
    | Open
    | CheckOutputs
    | WarmUp
    | Time
    | Crowd
    | Lap
    | Rebuild
    | Answer
    | Close
    | CountWork
    | MeasureRates
    | Check
    | Score
    | SelfCheck
)
