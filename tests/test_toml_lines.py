"""The lines of keys, against documents whose lines are known because they were written here."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.toml_lines import Place, line_numbers


def places(value: Any, at: Place = ()) -> set[Place]:
    """Every place of what tomllib returns."""
    inner: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        inner = list(value.items())
    elif isinstance(value, list):
        inner = list(enumerate(value))
    return {at}.union(*(places(one, (*at, key)) for key, one in inner))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a = 1\nb = 2", {("a",): 1, ("b",): 2}),
        ("\r\na = 1\r\n\r\nb = 2\r\n", {("a",): 2, ("b",): 4}),
        ("[t] # [no]\n# k = 1\nk = 1", {("t",): 1, ("t", "k"): 3}),
        ("[ a . 'b.c' ]\nk=0", {("a",): 1, ("a", "b.c"): 1, ("a", "b.c", "k"): 2}),
        ("[[a]]\n[[a]]\nk = 1", {("a",): 1, ("a", 0): 1, ("a", 1): 2, ("a", 1, "k"): 3}),
        (
            "[[a]]\n[[a.b]]\n[[a.b]]\n[a.b.c]\n[[a]]\n[[a.b]]",
            {
                ("a",): 1,
                ("a", 0): 1,
                ("a", 0, "b"): 2,
                ("a", 0, "b", 0): 2,
                ("a", 0, "b", 1): 3,
                ("a", 0, "b", 1, "c"): 4,
                ("a", 1): 5,
                ("a", 1, "b"): 6,
                ("a", 1, "b", 0): 6,
            },
        ),
        ("a.b.c = 1\na.d = 2", {("a",): 1, ("a", "b"): 1, ("a", "b", "c"): 1, ("a", "d"): 2}),
        ("a = [ # ]\n 1,\n [2], ]\nb=1", {("a",): 1, ("a", 0): 2, ("a", 1): 3, ("a", 1, 0): 3, ("b",): 4}),
        ("a = [{b = 1},\n{c = 2}]", {("a",): 1, ("a", 0): 1, ("a", 0, "b"): 1, ("a", 1): 2, ("a", 1, "c"): 2}),
        ("a = {b.c = '}', d = {}}\ne=0", {("a",): 1, ("a", "b"): 1, ("a", "b", "c"): 1, ("a", "d"): 1, ("e",): 2}),
        ('a = """\n[no]\nk = 1\n"""\nb = 1', {("a",): 1, ("b",): 5}),
        ('a = """\n\\""" ""\n"""""\nb = 1', {("a",): 1, ("b",): 4}),
        ("a = '''\n\\'''\nb = 1", {("a",): 1, ("b",): 3}),
        ("a = ''''''\nb = ''''a'''''\nc = 1", {("a",): 1, ("b",): 2, ("c",): 3}),
        (r'a = "\" # \\"' + "\nb = '\\'\nc = 1", {("a",): 1, ("b",): 2, ("c",): 3}),
        (r'"\u0061=\"]" = 1', {('a="]',): 1}),
        ("'' = 1\n\"x\" .b = 1", {("",): 1, ("x",): 2, ("x", "b"): 2}),
        ("a = 1979-05-27 07:32:00 # b = 1\nc = [ 1e+5, nan ]", {("a",): 1, ("c",): 2, ("c", 0): 2, ("c", 1): 2}),
        ("a = '\u2028'\nb = '\x85\t'\nc = 1", {("a",): 1, ("b",): 2, ("c",): 3}),
        ("# nothing", {}),
        ("", {}),
    ],
)
def test_each_key_table_and_element_has_the_line_it_is_first_mentioned_on(
    text: str, expected: dict[Place, int]
) -> None:
    assert places(tomllib.loads(text)) == {(), *expected}, "the example itself"
    assert line_numbers(text) == {(): 1, **expected}


@dataclass
class Page:
    """A document being written: its text, and the line of every place, by counting newlines as they are written."""

    text: str = ""
    lines: dict[Place, int] = field(default_factory=lambda: {(): 1})

    def write(self, text: str) -> None:
        self.text += text

    def mention(self, place: Place) -> None:
        self.lines.setdefault(place, self.text.count("\n") + 1)


words = st.text(st.sampled_from("ab-[]{}\"'#=., \n\\"), max_size=4)
keys = st.text(st.sampled_from("ab.=#[]\"' \\"), max_size=3)
values = st.recursive(
    words | st.sampled_from(["1", "true", "1979-05-27 07:32:00", "-inf"]).map(lambda raw: (raw,)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=6,
)
spaces = st.sampled_from(["", " ", "\t"])
breaks = st.sampled_from(["", " ", "\n", "\n\n  ", ' # it\'s [a] = """ {\n', "#\n"])
ends = st.sampled_from(["\n", " # '''\n", "\n\n# [x]\n", "\r\n"])


class Writer:
    """Writes tables and values in any of the ways that TOML has."""

    def __init__(self, draw: Any) -> None:
        self.draw = draw
        self.page = Page()

    def document(self) -> None:
        tables = self.draw(st.dictionaries(keys, st.tuples(st.integers(0, 3), st.integers(0, 2)), max_size=4))
        self.page.write(self.draw(breaks))
        self.entries((), besides=set(tables))
        for name, (elements, children) in tables.items():
            for index in range(max(1, elements)):
                place: Place = (name,)
                opening, closing = ("[[", "]]") if elements else ("[", "]")
                self.page.mention(place)
                if elements:
                    place = (name, index)
                    self.page.mention(place)
                self.page.write(opening + self.padded(self.key(name)) + closing + self.draw(ends))
                child_names = [f"child {number}" for number in range(children)]
                self.entries(place, besides=set(child_names))
                for child in child_names:
                    self.page.mention((*place, child))
                    self.page.write(f"[{self.key(name)}{self.padded('.')}{self.key(child)}]" + self.draw(ends))
                    self.entries((*place, child), besides=set())

    def entries(self, table: Place, besides: set[str]) -> None:
        for name, value in self.draw(st.dictionaries(keys, values, max_size=3)).items():
            if name not in besides:
                self.entry((*table, name), value)
                self.page.write(self.draw(ends))

    def entry(self, place: Place, value: Any) -> None:
        self.page.mention(place)
        self.page.write(self.key(place[-1]))
        if self.draw(st.booleans()):
            place = (*place, "dotted")
            self.page.mention(place)
            self.page.write(self.padded(".") + "dotted")
        self.page.write(self.padded("="))
        self.value(place, value)

    def value(self, place: Place, value: Any) -> None:
        match value:
            case str():
                self.page.write(self.string(value, multiline=self.draw(st.booleans())))
            case (str() as raw,) if isinstance(value, tuple):
                self.page.write(raw)
            case list():
                self.page.write("[")
                for index, one in enumerate(value):
                    self.page.write("," if index else "")
                    self.page.write(self.draw(breaks))
                    self.page.mention((*place, index))
                    self.value((*place, index), one)
                    self.page.write(self.draw(breaks))
                self.page.write(self.draw(st.sampled_from([",", ""])) if value else "")
                self.page.write(self.draw(breaks) + "]")
            case dict():
                self.page.write("{")
                for index, (name, one) in enumerate(value.items()):
                    self.page.write("," if index else "")
                    self.page.write(self.draw(spaces))
                    self.entry((*place, name), one)
                    self.page.write(self.draw(spaces))
                self.page.write("}")

    def key(self, name: str | int) -> str:
        text = str(name)
        bare = text.isalnum() and self.draw(st.booleans())
        return text if bare else self.string(text, multiline=False)

    def string(self, text: str, *, multiline: bool) -> str:
        if "'" not in text and ("\n" not in text or multiline) and self.draw(st.booleans()):
            return f"'''{text}'''" if multiline else f"'{text}'"
        escaped = text.replace("\\", "\\\\").replace('"', '\\"')
        return f'"""{escaped}"""' if multiline else '"' + escaped.replace("\n", "\\n") + '"'

    def padded(self, text: str) -> str:
        return self.draw(spaces) + text + self.draw(spaces)


@st.composite
def pages(draw: Any) -> Page:
    writer = Writer(draw)
    writer.document()
    return writer.page


@given(pages())
def test_the_lines_of_a_generated_document_are_those_it_was_written_on(page: Page) -> None:
    assert places(tomllib.loads(page.text)) == set(page.lines), "the generator itself"
    assert line_numbers(page.text) == page.lines


fragments = ["a", "b", "1", "=", ".", ",", "[", "]", "[[", "]]", "{", "}", "\n", " ", "#", "'", '"', "'''", '"""', "\\"]


@given(
    st.lists(
        st.sampled_from([*fragments, "a=1\n", "[a]\n", "[[b]]\n", "\nc=[", "\nd={", "e='''", 'f="""']), max_size=25
    )
)
def test_whatever_tomllib_accepts_has_a_line_for_every_place(pieces: list[str]) -> None:
    text = "".join(pieces)
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    found = line_numbers(text)
    assert set(found) == places(content)
    assert all(1 <= line <= text.count("\n") + 1 for line in found.values())
