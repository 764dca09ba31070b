"""A page read as a tree, with what waits in <noscript> as a reader without scripts sees it."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"meta", "wbr", "br", "img", "input", "link", "hr"}
ENDED_BY = {"td": {"td", "th", "tr"}, "th": {"td", "th", "tr"}, "tr": {"tr"}, "li": {"li"}}
"""The elements whose end may be left out, as HTML allows it: what begins behind them ends them."""


@dataclass
class Element:
    tag: str
    attributes: dict[str, str]
    children: list[Element] = field(default_factory=list)
    pieces: list[str] = field(default_factory=list)
    parts: list[Element | str] = field(default_factory=list)

    def all(self, tag: str) -> list[Element]:
        return [found for child in self.children for found in ([child] if child.tag == tag else []) + child.all(tag)]

    @property
    def words(self) -> str:
        """The text in the order it is read."""
        return " ".join("".join(one if isinstance(one, str) else f" {one.words} " for one in self.parts).split())

    def of(self, tag: str, name: str) -> list[Element]:
        """The elements within that have a class."""
        return [one for one in self.all(tag) if name in one.attributes.get("class", "").split()]

    @property
    def text(self) -> str:
        """The text of this element itself, then that of those within."""
        return " ".join(" ".join((*self.pieces, *(child.text for child in self.children))).split())


class Tree(HTMLParser):
    """The page as a tree; a tag that is closed out of order is an error."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.root = Element("root", {})
        self._open = [self.root]
        self.feed(page)
        assert self._open == [self.root], [element.tag for element in self._open]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        while tag in ENDED_BY.get(self._open[-1].tag, ()):
            self._open.pop()
        element = Element(tag, {name: value or "" for name, value in attrs})
        self._add(element)
        if tag not in VOID:
            self._open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._add(Element(tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        while (ended := self._open.pop().tag) != tag:
            assert ended in ENDED_BY, (ended, tag, self.getpos())

    def handle_data(self, data: str) -> None:
        self._open[-1].pieces.append(data)
        self._open[-1].parts.append(data)

    def _add(self, element: Element) -> None:
        self._open[-1].children.append(element)
        self._open[-1].parts.append(element)


def everything(root: Element) -> list[Element]:
    return [found for child in root.children for found in (child, *everything(child))]
