"""The last word on a precision and the clause that says it: quality first, then speed, then size.

Pure. Owns the decision and its words; the numbers come in a `Standing`, the bounds as they were judged.
"""

from __future__ import annotations

from collections.abc import Sequence

from harness.comparisons import Answer, Judged
from harness.stats.sequential import Shown
from harness.verdict.words import amount
from harness.worth.standing import BASE, NOTABLE, Standing, Worth

_PAIRED = "pytest --against precision=fp32"


def conclusion(told: Standing, lacks: str, broken: Sequence[Judged]) -> tuple[Worth, str]:
    """Whether it is worth it, and why: a quality that is lost settles it, then the speed, then the size."""
    lead, shown = told.lead, told.speed.shown if told.speed else Shown.NOTHING
    if lacks:
        return Worth.CANNOT_TELL, f"cannot tell whether it is worth it: fp32 beside it has no result ({lacks})"
    if lead and lead.answer is Answer.FAILS and not lead.is_mere_distance:
        return Worth.NOT_WORTH_IT, f"not worth it: its {lead.loss_words}, where {lead.margin_words} may be lost"
    if broken:
        return Worth.NOT_WORTH_IT, f"not worth it: {_broken_words(broken[0])}"
    holds = lead is not None and lead.answer is Answer.HOLDS
    saved = _saved(told)
    match shown:
        case Shown.SLOWER:
            unless = f", unless the size of the {saved} is what counts" if saved and holds else ""
            return Worth.NOT_WORTH_IT, f"not worth it on this machine{unless}"
        case Shown.FASTER:
            return (Worth.WORTH_IT, "worth it") if holds else (Worth.CANNOT_TELL, f"faster; {_untold(told)}")
        case Shown.WITHIN if not saved:
            return Worth.NOT_WORTH_IT, "not worth it: it gains nothing here"
        case Shown.WITHIN:
            return (Worth.WORTH_IT, "worth it for its size") if holds else (Worth.CANNOT_TELL, _smaller(told, saved))
        case Shown.NOTHING:
            return _undecided(told, saved, holds=holds)


def over(bound: Judged) -> str:
    """The precision that a bound is held against; older records do not say, and there it was fp32."""
    return bound.over or BASE


def _broken_words(bound: Judged) -> str:
    beside = "" if over(bound) == BASE else f" over {bound.over}"
    return f"it breaks the bound {bound.name!r}{beside}"


def _undecided(told: Standing, saved: str, *, holds: bool) -> tuple[Worth, str]:
    """What is said where neither faster nor slower nor the same was shown."""
    is_paired = told.speed is not None and told.speed.is_paired
    settle = "more pairs would tell the speed" if is_paired else f"{_PAIRED} would tell the speed"
    if saved and holds:
        return Worth.CANNOT_TELL, f"worth it for its size if it is no slower; {settle}"
    if saved:
        return Worth.CANNOT_TELL, f"{_smaller(told, saved)}; {settle}"
    differs = f"{_untold(told)}; " if told.lead and told.lead.answer is Answer.FAILS else ""
    return Worth.CANNOT_TELL, f"cannot tell whether it is worth it: {differs}{settle}"


def _smaller(told: Standing, saved: str) -> str:
    return f"{'smaller' if saved == 'file' else 'needs less memory'}; {_untold(told)}"


def _untold(told: Standing) -> str:
    """Say that nothing is shown of the quality, and what would show it.

    A distance that is too great is such a case: how far signals are apart is not how much worse they are.
    """
    lead = told.lead
    if lead is None:
        return f"what its outputs are worth is not known: {told.unknown}"
    if lead.answer is Answer.FAILS:
        value = amount(lead.score.value, lead.score.unit) if lead.score.value is not None else "of no value"
        lacking = f" ({lead.lacking})" if lead.lacking else ""
        return (
            f"its outputs differ from those of fp32 ({lead.name} {value});"
            f" what that is worth cannot be told without a metric of the task{lacking}"
        )
    if lead.why:
        return f"whether the quality holds cannot be told: {lead.why}"
    examples = lead.loss.examples if lead.loss else 0
    needed = f" (about {lead.needed:,} would tell)" if lead.needed else ""
    return f"whether the quality holds cannot be told from {examples} examples{needed}"


def _saved(told: Standing) -> str:
    """What it saves a notable share of; empty where nothing."""
    if told.size is not None and told.size <= 1 - NOTABLE:
        return "file"
    return "memory" if told.memory is not None and told.memory <= 1 - NOTABLE else ""
