"""The class of a machine: what must agree before stored numbers of two machines say anything about each other.

Made of `Environment.identity` alone, which holds no host name and nothing of a person.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping

from harness.baselines.numbers import rounded
from harness.comparisons import Difference
from harness.results import Fact

Identity = Mapping[str, Fact]

_DIGEST_DIGITS = 8
_MOST_NAME = 40


def settled(facts: Mapping[str, Fact]) -> dict[str, Fact]:
    """Facts as they are after a trip through JSON, where 2.0 cores and 2 cores are one number."""
    return {
        name: rounded(fact) if isinstance(fact, float) and not isinstance(fact, bool) else fact
        for name, fact in sorted(facts.items())
    }


def machine_class(identity: Identity) -> str:
    """A folder name that a person can read and that differs whenever a fact of the identity does."""
    facts = settled(identity)
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:_DIGEST_DIGITS]
    return "_".join((*_words(facts), digest))


def machine_differences(old: Identity, new: Identity) -> tuple[Difference, ...]:
    """The facts by which two machines differ; a fact that only one of them tells is a difference too."""
    return differences(settled(old), settled(new))


def differences(old: Mapping[str, Fact], new: Mapping[str, Fact]) -> tuple[Difference, ...]:
    """Every key whose values differ."""
    return tuple(
        Difference(key, said(old.get(key)), said(new.get(key)))
        for key in sorted({*old, *new})
        if old.get(key) != new.get(key)
    )


def said(fact: Fact) -> str:
    """A fact as a message shows it."""
    return "none" if fact is None else str(fact)


def _words(facts: Mapping[str, Fact]) -> list[str]:
    cores, threads = facts.get("usable_cores"), facts.get("threads")
    words = [
        _plain(facts.get("cpu_model") or facts.get("architecture") or "unknown-cpu"),
        "" if cores is None else f"{cores}-cores",
        "" if threads is None else f"{threads}-threads",
        "" if facts.get("gpu_name") is None else _plain(facts["gpu_name"]),
    ]
    return [word for word in words if word]


def _plain(fact: Fact) -> str:
    return re.sub(r"[^a-z0-9]+", "-", str(fact).lower()).strip("-")[:_MOST_NAME].strip("-")
