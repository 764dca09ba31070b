"""What the metrics of quality say of themselves on this machine: each checks itself, in a worker of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from harness.errors import HarnessError
from harness.worker import protocol
from harness.worker.link import Worker

_LIMIT_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class MetricChecks:
    """Which metrics do what they should, which failed and cannot be trusted here, which cannot be computed at all."""

    passed: tuple[str, ...] = ()
    failed: Mapping[str, str] = field(default_factory=dict)
    unavailable: Mapping[str, str] = field(default_factory=dict)


def check_metrics(environment: Mapping[str, str]) -> MetricChecks:
    """Have every metric check itself."""
    with Worker(environment) as worker:
        reply = worker.ask(protocol.SelfCheck(), _LIMIT_SECONDS)
    if not isinstance(reply, protocol.SelfChecked):
        assert isinstance(reply, protocol.Broke | protocol.CannotRun), reply
        raise HarnessError(f"the metrics could not check themselves: {reply.text}")
    return MetricChecks(reply.passed, reply.failed, reply.unavailable)


def metric_lines(checks: MetricChecks) -> Iterator[str]:
    """The same for a person: a line in all, and one each for what is not well."""
    of = len(checks.passed) + len(checks.failed) + len(checks.unavailable)
    yield f"metrics    {len(checks.passed)} of {of} checked themselves and do what they should"
    for name, why in checks.failed.items():
        yield f"           {name} failed its self-check and passes no gate here: {why}"
    by_reason: dict[str, list[str]] = {}
    for name, why in checks.unavailable.items():
        by_reason.setdefault(why, []).append(name)
    for why, names in by_reason.items():
        yield f"           {', '.join(names)} cannot be computed: {why}"
