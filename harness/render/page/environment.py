"""The machine, its libraries, what was asked for: what differed first, then what disturbed, then all that is known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.baselines.disturbance import noise_of
from harness.baselines.relevance import Differing, differing
from harness.render import machine
from harness.render.page.context import Page
from harness.render.page.surroundings import NoiseLine, noise_lines, noise_words
from harness.render.text import clip, one_line
from harness.results import Fact

DIFFERENCES_SHOWN = 8
NOISE_SHOWN, NOISE_LISTED = 6, 48
_LONG = 44
_VALUE_SHOWN = 200


@dataclass(frozen=True, slots=True)
class DifferenceLine:
    """A fact that is not what it was, in how many cells, and whether it can change a time."""

    key: str
    old: str
    new: str
    cells: str
    changes_times: bool


@dataclass(frozen=True, slots=True)
class Facts:
    """Facts under a title. `long` ones are folded; what is not there is told in one line of names."""

    title: str
    meaning: str
    short: tuple[tuple[str, str], ...]
    long: tuple[tuple[str, str], ...]
    absent: str


@dataclass(frozen=True, slots=True)
class Surroundings:
    """All of it. `compared` is whether anything was held against another side; `further` facts wait to be asked for."""

    compared: bool
    differences: tuple[DifferenceLine, ...]
    noise: tuple[str, ...]
    disturbed: tuple[NoiseLine, ...]
    facts: tuple[Facts, ...]
    further: tuple[Facts, ...]
    differences_shown = DIFFERENCES_SHOWN
    noise_shown = NOISE_SHOWN
    noise_listed = NOISE_LISTED

    @property
    def further_says(self) -> str:
        """What unfolds the rest."""
        return f"Show {', '.join(one.title.lower() for one in self.further)}"


def view(page: Page) -> Surroundings:
    """Show what it was measured on."""
    run = page.run
    noise = noise_of(run)
    libraries = run.environment.libraries
    # A runtime's own words on its build have its name before them.
    own = {key: fact for key, fact in libraries.items() if ": " not in key}
    builds = {key: fact for key, fact in libraries.items() if ": " in key}
    rates = machine.rates_of(run.rates)
    return Surroundings(
        compared=page.comparison is not None and page.comparison.headline.compared > 0,
        differences=tuple(map(_difference, differing(run.judgement.verdicts))) if run.judgement else (),
        noise=noise_words(noise, page),
        disturbed=noise_lines(noise),
        facts=(
            _facts("Identity", "must match for two runs to compare", run.environment.identity),
            _facts("Libraries", "a difference can change a number", own, "not found"),
        ),
        further=(
            *([_facts("Builds", "what each runtime says of itself", builds)] if builds else []),
            _facts("Options", "what was asked for", run.options, "not set"),
            _facts("Further facts", "", run.environment.info),
            *([_of(rates, "Rates", "the best that was seen here: what limits are made of")] if rates else []),
        ),
    )


def _difference(found: Differing) -> DifferenceLine:
    one = found.difference
    key, old, new = (clip(one_line(text), _VALUE_SHOWN) for text in (machine.words(one.key), one.old, one.new))
    return DifferenceLine(key, old, new, str(found.cells), found.changes_times)


def _facts(title: str, meaning: str, facts: Mapping[str, Fact], absent: str = "not known") -> Facts:
    there = {key: fact for key, fact in facts.items() if fact not in (None, "")}
    lacks = [machine.words(key.removesuffix("_bytes")) for key in facts if key not in there]
    said = f"{absent.capitalize()}: {', '.join(lacks)}." if lacks else ""
    return _of(machine.facts_of(there), title, meaning, said)


def _of(pairs: Sequence[tuple[str, str]], title: str, meaning: str, absent: str = "") -> Facts:
    return Facts(
        title,
        meaning,
        tuple((key, value) for key, value in pairs if len(value) <= _LONG),
        tuple((key, value) for key, value in pairs if len(value) > _LONG),
        absent,
    )
