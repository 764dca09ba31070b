"""What was recorded of runs besides the numbers: which facts differ, which are the same, which only some runs have."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from harness.render import machine
from harness.results import Fact, Run

_NOT_RECORDED = "not recorded"
_DIGEST = re.compile(r"[0-9a-f]{20,}")
_DIGEST_SHOWN = 12
_KINDS = (
    ("Machine", "where it differs, times do not compare", _NOT_RECORDED, True),
    ("Libraries", "a difference can change a number", "not found", False),
    ("Options", "what was asked for", "not set", False),
    ("Further facts", "the revision, and what was installed", "not known", False),
)


@dataclass(frozen=True, slots=True)
class Differing:
    """Facts of one kind that are not the same in all runs: a key, and what each run says."""

    title: str
    meaning: str
    lines: tuple[tuple[str, tuple[str, ...]], ...]


@dataclass(frozen=True, slots=True)
class Kind:
    """Facts of one kind. Where only some runs recorded one, they differ only if `is_whole`: all of a machine is told.

    A runtime tells of itself only where it ran, and an older record has fewer options.
    """

    title: str
    meaning: str
    absent: str
    is_whole: bool
    facts: tuple[Mapping[str, Fact], ...]

    def differing(self) -> Differing:
        """What is not the same in all runs that say it."""
        lines = tuple(
            (machine.words(key), tuple(self._said(key, found) for found in self.facts))
            for key, said in self._said_of.items()
            if len(set(said)) > 1
        )
        return Differing(self.title, self.meaning, lines)

    @property
    def agreeing(self) -> int:
        """How many facts all runs say, and the same."""
        return sum(len(said) == len(self.facts) and len(set(said)) == 1 for said in self._said_of.values())

    @property
    def one_sided(self) -> int:
        """How many facts only some runs say, and those the same."""
        return sum(len(said) < len(self.facts) and len(set(said)) == 1 for said in self._said_of.values())

    def _said(self, key: str, facts: Mapping[str, Fact]) -> str:
        if key not in facts:
            return _NOT_RECORDED
        said = self.absent if facts[key] in (None, "") else machine.fact_value(key, facts[key])
        return said[:_DIGEST_SHOWN] if _DIGEST.fullmatch(said) else said

    @property
    def _said_of(self) -> Mapping[str, list[str]]:
        keys = dict.fromkeys(chain.from_iterable(self.facts))
        return {key: [repr(found.get(key)) for found in self.facts if self.is_whole or key in found] for key in keys}


def kinds_of(runs: Sequence[Run]) -> tuple[Kind, ...]:
    """Every fact of every run, by its kind."""
    return tuple(Kind(*told, found) for told, found in zip(_KINDS, _recorded(runs), strict=True))


def _recorded(runs: Sequence[Run]) -> tuple[tuple[Mapping[str, Fact], ...], ...]:
    """What each run recorded, by the kinds of `_KINDS`."""
    environments = [run.environment for run in runs]
    return (
        tuple(one.identity for one in environments),
        tuple(one.libraries for one in environments),
        tuple(run.options for run in runs),
        tuple(one.info for one in environments),
    )
