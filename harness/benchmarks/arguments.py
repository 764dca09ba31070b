"""What of a command line a pytest of either side must be told too: all but what this run alone is about. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import takewhile

_FLAGS = (
    *("-x", "--exitfirst", "--lf", "--last-failed", "--ff", "--failed-first", "--nf", "--new-first", "--sw"),
    *("--stepwise", "--co", "--collect-only", "-q", "--quiet", "-v", "-vv", "-vvv", "--verbose", "-s", "-l"),
    *("--pdb", "--trace", "--benchmark-autosave", "--benchmark-save-data", "--benchmark-verbose"),
)
_VALUED = (
    *("--rootdir", "--maxfail", "--junitxml", "--junit-xml", "--durations", "--benchmark-save", "--benchmark-json"),
    *("--benchmark-storage", "--benchmark-csv", "--benchmark-cprofile", "--benchmark-cprofile-dump"),
)
_OPEN_ENDED = ("--benchmark-compare", "--benchmark-compare-fail", "--benchmark-histogram")
"""Take none, one or several values, none of which begins with a dash."""


def forwarded(words: Sequence[str], targets: Sequence[str], own: Mapping[str, bool]) -> tuple[str, ...]:
    """The words to pass on: without tests, our own options, and what stops, saves or shows this run.

    `own` are our options and whether a value belongs to each. An option that nobody here knows is another plugin's, or
    the project's own: it is passed on.
    """
    return tuple(_kept(list(words), frozenset(targets), own))


def _kept(words: list[str], targets: frozenset[str], own: Mapping[str, bool]) -> Iterator[str]:
    valued = {*_VALUED, *(name for name, has_value in own.items() if has_value)}
    at = 0
    while at < len(words):
        word = words[at]
        name, equals, _ = word.partition("=")
        at += 1
        if name in _OPEN_ENDED:
            if not equals:
                at += len(list(takewhile(lambda one: not one.startswith("-") and one not in targets, words[at:])))
        elif name in valued:
            at += not equals
        elif name not in _FLAGS and name not in own and word not in targets:
            yield word
