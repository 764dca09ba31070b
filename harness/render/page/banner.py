"""The first thing on the page: how the run ended, what is worst, what came of it in numbers, against what and where.

Only arranges: the word is the ending's, counts and sentences are the rows'.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from harness.comparisons import LOST_SUPPORT, Outcome, Verdict
from harness.consequences import COMPARED, fatal_lines
from harness.ending import Tone
from harness.render import machine, numbers, origin_words
from harness.render.gate import TONE_GLYPHS, Comparison
from harness.render.judged_rows import JudgedRow
from harness.render.page.context import Page
from harness.render.rows import GLYPHS, State
from harness.render.text import one_line
from harness.render.verdict_rows import VerdictRow
from harness.results import Run

_REASONS_OPEN = 2
_DIFFERENCES_OPEN = 3


@dataclass(frozen=True, slots=True)
class Chip:
    """A word with its sign and how often it occurs; `href` leads to what it counts."""

    kind: str
    glyph: str
    text: str
    href: str


@dataclass(frozen=True, slots=True)
class Fact:
    """A line beneath the headline: a name, what is said at once, and what is folded or stands at `href`."""

    name: str
    open: tuple[str, ...]
    folded: tuple[str, ...] = ()
    href: str = ""
    is_loud: bool = False


@dataclass(frozen=True, slots=True)
class Banner:
    """The first screen's upper half."""

    tone: str
    glyph: str
    state: str
    extent: str
    worst: VerdictRow | None
    quiet: str
    reasons: tuple[str, ...]
    more_reasons: tuple[str, ...]
    chips: tuple[Chip, ...]
    facts: tuple[Fact, ...]
    measured: str


def view(page: Page) -> Banner:
    """Say how the run ended, in the words of its ending and its rows."""
    reasons = _reasons(page)
    if page.comparison is not None:
        comparison, head = page.comparison, page.comparison.headline
        state, extent, tone, chips = head.state, head.coverage, head.tone, tuple(_outcomes(page))
        worst = _worst(comparison, tone)
        quiet = "" if worst or reasons else _all_is_well(comparison)
    else:
        state, extent, tone, chips = page.headline.state, f"{page.headline.coverage} cells", page.headline.tone, ()
        worst, quiet, chips = None, "", tuple(_states(page))
    if worst is None and reasons:
        quiet, *others = reasons
        reasons = tuple(others)
    return Banner(
        tone=str(tone),
        glyph=TONE_GLYPHS[tone],
        state=state,
        extent=extent.removeprefix(f"{state}: "),
        worst=worst,
        quiet=quiet,
        reasons=reasons[:_REASONS_OPEN],
        more_reasons=reasons[_REASONS_OPEN:],
        chips=chips,
        facts=tuple(_compared(page.run, page.comparison)),
        measured=_measured(page),
    )


def when(run: Run) -> str:
    """Return when the run was, to the minute, and how long it took; a text that is no time is shown as it is."""
    try:
        started = datetime.fromisoformat(run.started)
    except ValueError:
        return run.started
    said = started.strftime("%Y-%m-%d %H:%M %Z").strip()
    try:
        return (
            f"{said}, took {numbers.duration((datetime.fromisoformat(run.finished or '') - started).total_seconds())}"
        )
    except (ValueError, TypeError):
        return said


def _outcomes(page: Page) -> Iterable[Chip]:
    assert page.comparison is not None
    for word, glyph, text in page.comparison.headline.chips:
        href = _filter_of(word) if isinstance(word, Outcome) else "claims"
        yield Chip(f"v-{word.name.lower()}", glyph, text, href)


def _states(page: Page) -> Iterable[Chip]:
    for state, n in page.headline.rest:
        yield Chip(f"s-{state.name.lower()}", GLYPHS[state], f"{n} {state}", _filter_of(state))


def _filter_of(word: Outcome | State) -> str:
    """The fragment that shows the cells of a word, in the matrix."""
    return f"f={word.name.lower()}"


def _all_is_well(comparison: Comparison) -> str:
    """What is unchanged, by the metric that is told first."""
    if not comparison.unchanged:
        return ""
    first, *others = comparison.unchanged
    more = f"; and {len(others)} more metric{'s' * (len(others) != 1)}" if others else ""
    return f"unchanged: {first}{more}"


def _worst(comparison: Comparison, tone: Tone) -> VerdictRow | None:
    """The verdict that the banner tells: of a failed run one that fails it, and none where something else does."""
    if tone is Tone.FAILED:
        return next((row for row in comparison.worse if row.verdict.is_fatal), None)
    return comparison.worse[0] if comparison.worse else None


def _promise(row: JudgedRow) -> str:
    return f"{row.cell}: {row.kind} {row.name!r} {row.judged.answer}: {row.text}"


def _reasons(page: Page) -> tuple[str, ...]:
    """Why it is not green, but for the verdicts, which stand beneath by themselves."""
    run = page.run
    told: set[str] = set()
    broken: tuple[Verdict, ...] = ()
    if run.judgement is not None:
        told = set(fatal_lines(run.judgement))
        broken = tuple(one for one in run.judgement.verdicts if one.is_fatal and one.outcome is Outcome.FAILED)
    cells = tuple(f"{one.cell}: failed in " for one in broken if one.metric is None)
    found = (line for line in page.headline.ending.reasons if line not in told and not line.startswith(cells))
    promised = page.comparison.judged if page.comparison else ()
    broken_promises = (_promise(row) for row in promised if row.judged.is_fatal)
    return tuple(map(one_line, (*broken_promises, *found)))


def _compared(run: Run, comparison: Comparison | None) -> Iterable[Fact]:
    """What it was held against, by what both differ, what was let pass."""
    if comparison is None or run.judgement is None:
        return
    yield Fact("Baseline", (_baseline(run),))
    if comparison.headline.compared:
        yield _differing(run, comparison)
    if comparison.control is not None:
        yield Fact("Control", (comparison.control.text,), is_loud=comparison.control.is_loud)
    if comparison.accepted:
        yield Fact("Accepted", comparison.accepted[:1], comparison.accepted[1:], "accepted")


def _differing(run: Run, comparison: Comparison) -> Fact:
    beside = (one_line(str(one)) for duel in run.duels for one in duel.differences if one != LOST_SUPPORT)
    differs = tuple(dict.fromkeys((*comparison.differences, *beside))) or ("nothing that was recorded",)
    return Fact("Differs", differs[:_DIFFERENCES_OPEN], differs[_DIFFERENCES_OPEN:])


def _baseline(run: Run) -> str:
    judgement = run.judgement
    assert judgement is not None
    if not judgement.origins and any(not duel.is_control and duel.pairs for duel in run.duels):
        return "live: both sides ran here, in turns"
    if not judgement.origins:
        # A record of before origins were kept says it with each verdict.
        told = list(dict.fromkeys(one.against for one in judgement.verdicts if one.metric and one.outcome in COMPARED))
        more = f" +{len(told) - 1} more" if len(told) > 1 else ""
        return f"{one_line(told[0])}{more}" if told else "none that is comparable"
    parts = (
        origin_words.commits(judgement.origins),
        origin_words.age(judgement.origins, run.started),
        "same machine class",
        f"{len(judgement.origins)} of {len(run.planned)} comparable",
    )
    return " · ".join(part for part in parts if part)


def _measured(page: Page) -> str:
    """When, how much and on what, in a line."""
    others = (f"{n} {state}" for state, n in page.headline.rest) if page.comparison else ()
    cells = (page.headline.coverage,) if page.comparison else ()
    return " · ".join((when(page.run), *cells, *others, machine.machine_line(page.run.environment)))
