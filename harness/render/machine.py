"""The machine and the options in one line each. Knows no key by name: whatever was recorded is shown.

The words come from the keys, so that a fact that is recorded one day is shown the same day.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice

from harness.limits import Rates
from harness.render import numbers
from harness.render.text import one_line, shorten
from harness.results import Environment, Fact

_LONG = 48
_MAX_LIBRARIES = 6


def machine_line(environment: Environment) -> str:
    """Return the machine in one line: `AMD EPYC · 2 usable cores · 1 threads`; long facts are left to the report."""
    facts = [fact_text(key, fact) for key, fact in environment.identity.items() if fact not in (None, "", False)]
    short = [text for text in facts if len(text) <= _LONG]
    return " · ".join(short) or "not recorded"


def library_line(environment: Environment) -> str:
    """Return the libraries with their versions: `python 3.11.2 · onnxruntime 1.31.1`."""
    known = {key: one_line(str(fact)) for key, fact in environment.libraries.items() if fact not in (None, "")}
    short = {key: text for key, text in known.items() if len(text) <= _LONG}
    shown = [f"{words(key)} {text}" for key, text in islice(short.items(), _MAX_LIBRARIES)]
    more = len(known) - len(shown)
    return " · ".join((*shown, f"+{more} more") if more else shown) or "not recorded"


def facts_of(facts: Mapping[str, Fact], absent: str = "not known") -> tuple[tuple[str, str], ...]:
    """Return every fact as a pair of words; what is not there is said too."""
    return tuple(
        (words(key.removesuffix("_bytes")), absent if fact in (None, "") else fact_value(key, fact))
        for key, fact in facts.items()
    )


def rates_of(rates: Iterable[Rates]) -> tuple[tuple[str, str], ...]:
    """Return what each runtime reached on each device, a line for each kind of arithmetic and each size read."""
    found = []
    for one in rates:
        where = f"{one.runtime} on {one.device}, {one.threads} thread{'s' * (one.threads != 1)}"
        for kind, rate in one.operations_per_second.items():
            found.append((f"{where}: {kind}", f"{numbers.plain(rate / 1e9)} GFLOP/s"))
        for size, rate in sorted(one.read_bytes_per_second.items()):
            found.append((f"{where}: reading {numbers.bytes_(size)}", f"{numbers.bytes_(rate)}/s"))
        found += [(f"{where}: {name}", f"not known: {one_line(why)}") for name, why in one.unavailable.items()]
    return tuple(found)


def fact_text(key: str, fact: Fact) -> str:
    """Return a fact as a phrase: a text speaks for itself, a number needs its name."""
    value = fact_value(key, fact)
    if isinstance(fact, str):
        return value
    name = words(key.removesuffix("_bytes"))
    return f"{value} {name.removesuffix('s') if fact == 1 else name}"


def fact_value(key: str, fact: Fact) -> str:
    """Return the value of a fact alone, with its unit."""
    if isinstance(fact, bool):
        return "yes" if fact else "no"
    if isinstance(fact, int | float) and key.endswith("_bytes"):
        return numbers.bytes_(fact)
    return f"{fact:g}" if isinstance(fact, float) else one_line(str(fact))


def words(key: str) -> str:
    """Return a key as words, cut where it is endless."""
    return shorten(one_line(key.replace("_", " ")), _LONG)
