"""Outputs put into folders as a session would have kept them, and a real worker that scores them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.models import Example
from harness.scores import Examples, Part, Quality
from harness.worker import protocol
from harness.worker.answers import keep, keep_part
from harness.worker.link import Worker
from tests.samples import workload

LABELLED = """
return Workload("labelled", 1, [Example(str(n), dict, label=l) for n, l in enumerate({labels!r})], "labels")
"""
EXAM = """
def exam(setting):
    return Workload("exam", 1, [Example(f"x{{n}}", dict, label=l) for n, l in enumerate({labels!r})], "exam")
"""


def put(
    folder: Path, timed: Sequence[Any], exam: Sequence[Any] = (), *, asked: str = "asked", steady: bool = True
) -> Path:
    """Keep one output `y` an example; of the exam, a text in its place is why the example failed."""

    def part(which: Part, prefix: str, values: Sequence[Any]) -> tuple[Examples, str]:
        def run(index: int) -> tuple[Mapping[str, Any]]:
            match values[index]:
                case str(why):
                    raise ValueError(why)
                case dict(outputs):
                    return (outputs,)
                case output:
                    return ({"y": output},)

        examples = workload(*(Example(f"{prefix}{number}", dict) for number in range(len(values))))
        found, digest = keep_part(folder, which, examples, run, may_fail=True)
        return Examples(found.name, f"{asked} {which}", found.ids, found.slices, found.failed), digest

    kept, digest = part(Part.TIMED, "", timed)
    examined, exam_digest = part(Part.EXAM, "x", exam) if exam else (None, "")
    keep(folder, protocol.Answered(digest, exam_digest, steady, kept, examined, 0.0))
    return folder


def score(
    assignment: protocol.Assignment,
    own: Path,
    reference: Path | None,
    environment: Mapping[str, str] | None = None,
    **more: Any,
) -> Quality:
    """Have a fresh worker score what a folder holds."""
    request = protocol.Score(assignment, str(own), str(reference) if reference else None, "fp32 on cpu", **more)
    with Worker(environment or {}) as worker:
        reply = worker.ask(request, 60)
    assert isinstance(reply, protocol.Scored), reply
    return reply.quality


def values(quality: Quality) -> dict[str, float]:
    """What has a value."""
    return {one.metric: one.value for one in quality.scores if one.value is not None}


def reasons(quality: Quality) -> dict[str, str]:
    """Why the others have none."""
    return {one.metric: one.unavailable for one in quality.scores if one.unavailable is not None}
