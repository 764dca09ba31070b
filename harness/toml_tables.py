"""A TOML file that people write, read so that everything wrong with it is told at once, each with its line.

Owns syntax, keys and types. What the keys mean is the reader's; it adds its own complaints to the same list.
"""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from harness.errors import UsageProblem, suggestion
from harness.toml_lines import Place, line_numbers


class Document:
    """A parsed file and what is wrong with it. `name` is how messages call the file."""

    def __init__(self, name: str, raw: bytes) -> None:
        self.name = name
        self.problems: list[tuple[int, str]] = []
        text = self._decoded(raw)
        try:
            self.content: dict[str, Any] = tomllib.loads(text)
        except (ValueError, RecursionError) as error:
            self._refuse_syntax(text, error)
        self._lines = line_numbers(text)

    @property
    def top(self) -> Table:
        """The table that has no header."""
        return Table(self, (), self.content, "the file")

    def tables(self, key: str) -> Iterator[Table]:
        """Every `[[key]]` of the file."""
        found = self.content.get(key, [])
        if not isinstance(found, list) or not all(isinstance(content, dict) for content in found):
            self.complain((key,), f"{key} is a list of tables; write [[{key}]] above each")
            return
        for index, content in enumerate(found):
            yield Table(self, (key, index), content, f"[[{key}]]")

    def table(self, key: str) -> Table:
        """The one `[key]` of the file, empty where there is none."""
        found = self.content.get(key, {})
        if not isinstance(found, dict):
            self.complain((key,), f"{key} is one table; write [{key}] above it")
            found = {}
        return Table(self, (key,), found, f"[{key}]")

    def line(self, place: Place) -> int:
        """Where something stands that is in the file."""
        return self._lines[place]

    def complain(self, place: Place, text: str) -> None:
        """Note a problem; the text ends with the next step."""
        self.problems.append((self.line(place), text))

    def refuse_problems(self) -> None:
        """Raise all that was noted as one error, in the order of the lines."""
        if self.problems:
            raise UsageProblem("\n".join(f"{self.name}:{line}: {text}" for line, text in sorted(self.problems)))

    def _decoded(self, raw: bytes) -> str:
        try:
            return raw.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = raw.count(b"\n", 0, error.start) + 1
            raise UsageProblem(f"{self.name}:{line}: not UTF-8; save the file with that encoding") from error

    def _refuse_syntax(self, text: str, error: Exception) -> None:
        words = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        what, at, where = words.partition(" (at ")
        found = re.match(r"line (\d+), column (\d+)", where)
        line = int(found[1]) if found else text.rstrip("\n").count("\n") + 1 if at else 1
        column = f" at column {found[2]}" if found else ""
        raise UsageProblem(f"{self.name}:{line}: no valid TOML: {what}{column}; mend the line") from error


@dataclass(frozen=True, slots=True)
class Table:
    """One table of a document. A getter that returns None has said why, or the key may be left out and was."""

    document: Document
    place: Place
    content: dict[str, Any]
    title: str

    def line(self, key: str | None = None) -> int:
        """The line of a key, or of the table."""
        return self.document.line(self.place if key is None else (*self.place, key))

    def complain(self, key: str | None, text: str) -> None:
        """Note a problem of a key, or of the table."""
        self.document.complain(self.place if key is None else (*self.place, key), text)

    def refuse_unknown(self, known: Collection[str]) -> None:
        """Complain of every key that is not known."""
        for key in self.content:
            if key not in known:
                self.complain(key, f"{self.title} knows no {key!r}; {suggestion(key, known)}")

    def text(self, key: str, *, needed: str | None = None) -> str | None:
        """A text of one line that says something. `needed` is the next step where the key must be there."""
        found = self.content.get(key)
        if found is None:
            if needed is not None:
                self.complain(None, f"{self.title} has no {key!r}; {needed}")
            return None
        if not isinstance(found, str):
            self.complain(key, f"{key} = {shown(found)} is no text; put it in quotes")
            return None
        if not found.strip() or not found.isprintable():
            self.complain(key, f"{key} = {shown(found)} is empty or more than one line; write one line of text")
            return None
        return found.strip()

    def number(self, key: str) -> float | None:
        """A finite number."""
        found = self.content.get(key)
        if found is None:
            return None
        if isinstance(found, bool) or not isinstance(found, int | float):
            self.complain(key, f"{key} = {shown(found)} is no number; write one without quotes, as in 0.03")
            return None
        try:
            number = float(found)
        except OverflowError:
            number = math.inf
        if not math.isfinite(number):
            self.complain(key, f"{key} = {shown(found)} is no finite number; write one, as in 0.03")
            return None
        return number


def shown(value: object) -> str:
    """A value as a message shows it: short, on one line, true and not True."""
    words = str(value).lower() if isinstance(value, bool) else repr(value)
    return words if len(words) <= 40 else f"{words[:39]}…"
