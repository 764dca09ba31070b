"""Whether stored numbers may be compared with new ones: what must agree, and what is only named beside the verdict."""

from __future__ import annotations

from harness.baselines.machine import differences, machine_differences, said
from harness.baselines.records import Baseline, Content
from harness.comparisons import Difference

_MUST_AGREE = ("reference_digest", "size", "workload_digest")
_IS_NAMED = ("artifact_digest", "artifact_format", "calibration_digest")
_DIGITS = 12


def incomparable(old: Baseline, new: Baseline) -> tuple[Difference, ...]:
    """What forbids a comparison: another machine, other weights or examples, another way of measuring."""
    return (
        *machine_differences(old.identity, new.identity),
        *_of_content(old.content, new.content, _MUST_AGREE),
        *differences(old.settings, new.settings),
    )


def named(old: Baseline, new: Baseline) -> tuple[Difference, ...]:
    """What may explain a change: versions of libraries, the artifact that the conversion made, its calibration."""
    return (*_of_libraries(old, new), *_of_content(old.content, new.content, _IS_NAMED))


def unlike(old: Baseline, new: Baseline) -> tuple[Difference, ...]:
    """What forbids to count both as sessions of one thing."""
    return (*incomparable(old, new), *_of_content(old.content, new.content, _IS_NAMED))


def _of_content(old: Content, new: Content, keys: tuple[str, ...]) -> tuple[Difference, ...]:
    pairs = ((key, said(getattr(old, key)), said(getattr(new, key))) for key in keys)
    return tuple(Difference(key, a[:_DIGITS], b[:_DIGITS]) for key, a, b in pairs if a != b)


def _of_libraries(old: Baseline, new: Baseline) -> tuple[Difference, ...]:
    """A runtime tells its own facts only where it ran, so that only what both sides know is compared."""
    now = new.libraries[new.newest.libraries]
    before = [old.libraries[session.libraries] for session in old.sessions]
    found = []
    for key in sorted(now):
        olds = {said(known[key]): None for known in before if key in known}
        if set(olds) - {said(now[key])}:
            found.append(Difference(key, " or ".join(olds), said(now[key])))
    return tuple(found)
