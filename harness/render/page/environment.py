"""The machine, its libraries, and what was asked for."""

from __future__ import annotations

from dataclasses import dataclass

from harness.render import machine
from harness.render.page.context import Page

Facts = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Facts under titles, each with what they mean."""

    facts: tuple[tuple[str, str, Facts], ...]


def view(page: Page) -> Surroundings:
    """Show what it was measured on."""
    run = page.run
    rates = machine.rates_of(run.rates)
    found = [
        ("Identity", "must match for two runs to compare", machine.facts_of(run.environment.identity)),
        (
            "Libraries",
            "a difference can change a number",
            machine.facts_of(run.environment.libraries, absent="not found"),
        ),
        ("Further facts", "", machine.facts_of(run.environment.info)),
        ("Options", "what was asked for", machine.facts_of(run.options, absent="not set")),
        *([("Rates", "the best that was seen here: what limits are made of", rates)] if rates else []),
    ]
    return Surroundings(tuple((title, meaning, tuple(facts)) for title, meaning, facts in found))
