"""What a baseline keeps of quality: the terms of every example, so that a later run is compared example by example.

Owns what is kept and what is left away. Decides nothing: that is `verdict.quality`.
"""

from __future__ import annotations

from dataclasses import replace

from harness.baselines.numbers import rounded
from harness.scores import Examples, Quality, Score

_NO_OUTPUT = "no output"


def kept(quality: Quality | None) -> Quality | None:
    """What is stored of a cell's quality; None where nothing could be said of it.

    Left away is what no later run is compared by: scores without a value or that cannot be trusted, slices (the digest
    of the examples tells whether they are the same), and the words of failures, which may tell of the machine.
    """
    if quality is None or not_kept(quality):
        return None
    return replace(
        with_kept_digits(quality),
        timed=_named(quality.timed),
        exam=_named(quality.exam),
        scores=tuple(_rounded(score) for score in quality.scores if score.is_trusted),
        sensitivity=(),
        seconds=0.0,
    )


def with_kept_digits(quality: Quality) -> Quality:
    """The quality with as many digits as a stored one has: of the same outputs, both sides then are the same."""
    return replace(quality, scores=tuple(map(_rounded, quality.scores)))


def not_kept(quality: Quality | None) -> str | None:
    """Why nothing of a cell's quality is stored; None where some of it is."""
    if quality is None:
        return "its quality was not measured"
    if quality.wrong:
        return f"its outputs are wrong: {quality.wrong}"
    if quality.problem:
        return f"nothing could be said of its quality: {quality.problem}"
    return None


def untrusted(quality: Quality | None) -> tuple[str, ...]:
    """The scores that are not stored because their metric failed its self-check on this machine, each with why."""
    scores = quality.scores if quality else ()
    return tuple(f"{score.metric} ({score.untrusted})" for score in scores if score.untrusted is not None)


def _named(examples: Examples | None) -> Examples | None:
    if examples is None:
        return None
    return replace(examples, slices=(), failed=dict.fromkeys(sorted(examples.failed), _NO_OUTPUT))


def _rounded(score: Score) -> Score:
    return replace(
        score,
        value=None if score.value is None else float(rounded(score.value)),
        terms=tuple(None if terms is None else tuple(float(rounded(term)) for term in terms) for terms in score.terms),
    )
