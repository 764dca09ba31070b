"""On which line each key of a TOML document stands: `tomllib` reads the values and forgets where they were.

Owns places only. The document must be one that `tomllib` has accepted: nothing is checked here a second time.
"""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_right
from itertools import count

Place = tuple[str | int, ...]
"""The way to a key, a table or an element of an array, as one would index what `tomllib` returns."""

_STRING = re.compile(
    r'"""(?:[^\\]|\\.)*?"{3,5}(?!")'  # up to two quotes may stand right before the three that close
    r"|'''.*?'{3,5}(?!')"
    r'|"(?:[^"\\]|\\.)*"'
    r"|'[^']*'",
    re.DOTALL,
)
_SPACE = re.compile(r"(?:[ \t\n]|#[^\n]*)*")
_BARE_KEY = re.compile(r"[^\s.=\]\"']+")
_BARE_VALUE = re.compile(r"[^,\]}#\n]+")


def line_numbers(text: str) -> dict[Place, int]:
    """Return the line, counted from 1, where each place is first mentioned. The document itself, `()`, is on line 1."""
    scanner = _Scanner(text)
    scanner.document()
    return scanner.lines


class _Scanner:
    """Walks a document once from its beginning to its end."""

    def __init__(self, text: str) -> None:
        self.text = text.replace("\r\n", "\n")
        self.lines: dict[Place, int] = {(): 1}
        self._at = 0
        self._line_starts = [0, *(found.end() for found in re.finditer("\n", self.text))]
        self._lengths: dict[Place, int] = {}
        """How many elements each array of tables has by now: `[a.b]` belongs to the last `[[a]]`."""

    def document(self) -> None:
        """Note every place of the document."""
        table: Place = ()
        self._skip_space()
        while self._at < len(self.text):
            if self._takes("[["):
                table = self._header(is_element=True)
                self._at += len("]]")
            elif self._takes("["):
                table = self._header(is_element=False)
                self._at += len("]")
            else:
                self._entry(table)
            self._skip_space()

    def _header(self, *, is_element: bool) -> Place:
        self._skip_space()
        keys = self._keys()
        place: Place = ()
        for depth, key in enumerate(keys, 1):
            place = self._mention((*place, key))
            if is_element and depth == len(keys):
                self._lengths[place] = self._lengths.get(place, 0) + 1
            if place in self._lengths:
                place = self._mention((*place, self._lengths[place] - 1))
        return place

    def _entry(self, table: Place) -> None:
        """Read `key = value`; every part of a dotted key is a place."""
        place = table
        for key in self._keys():
            place = self._mention((*place, key))
        self._at += len("=")
        self._skip_space()
        self._value(place)

    def _keys(self) -> list[str]:
        keys = [self._key()]
        self._skip_space()
        while self._takes("."):
            self._skip_space()
            keys.append(self._key())
            self._skip_space()
        return keys

    def _key(self) -> str:
        if quoted := _STRING.match(self.text, self._at):
            self._at = quoted.end()
            return next(iter(tomllib.loads(f"{quoted[0]} = 0")))
        return self._pass(_BARE_KEY)

    def _value(self, place: Place) -> None:
        if self._takes("["):
            self._array(place)
        elif self._takes("{"):
            self._inline_table(place)
        elif string := _STRING.match(self.text, self._at):
            self._at = string.end()
        else:
            self._pass(_BARE_VALUE)

    def _array(self, place: Place) -> None:
        for index in count():
            self._skip_space()
            if self._takes("]"):
                return
            self._value(self._mention((*place, index)))
            self._skip_space()
            self._takes(",")

    def _inline_table(self, place: Place) -> None:
        self._skip_space()
        while not self._takes("}"):
            self._entry(place)
            self._skip_space()
            self._takes(",")
            self._skip_space()

    def _mention(self, place: Place) -> Place:
        self.lines.setdefault(place, bisect_right(self._line_starts, self._at))
        return place

    def _takes(self, sign: str) -> bool:
        if found := self.text.startswith(sign, self._at):
            self._at += len(sign)
        return found

    def _skip_space(self) -> None:
        self._pass(_SPACE)

    def _pass(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self.text, self._at)
        if found is None:
            raise ValueError(f"line {bisect_right(self._line_starts, self._at)} is no TOML")
        self._at = found.end()
        return found[0]
