"""GitHub-flavoured markdown of texts from outside: what they say is shown, and nothing of it is markup.

Owns the escaping. GitHub does more than markdown: it links `@names`, `#12`, commits and addresses, also in plain text
and after entities were decoded; only inside code it leaves them alone. So such words become code, and of the rest
every sign that could mean something is written as an entity.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from harness.render.text import clip, one_line

_PLAIN = frozenset(",;:/%?'\"=.-+()")
_LINKED = re.compile(
    r"""[@#] | :// | www\. | \bGH-\d | :[\w+-]+: | (?<![\w.])[0-9a-f]{7,}(?![\w.])""",
    re.IGNORECASE | re.VERBOSE,
)
_WITHIN = re.compile(r"(?<=[A-Za-z0-9])_(?=[A-Za-z0-9])")
_BEGINS_A_LIST = re.compile(r"\d+[.)]|[-+=]+")


def text(said: str, limit: int = 400) -> str:
    """Return a text from outside as the same words in markdown, on one line and no longer than `limit` signs."""
    first, *rest = clip(one_line(said), limit).split(" ")
    head = "".join(map(_entity, first)) if _BEGINS_A_LIST.fullmatch(first) else _word(first)
    return " ".join((head, *map(_word, rest)))


def code(said: str, limit: int = 400) -> str:
    """Return a name or a command as code; where it has a sign that code cannot hold in a table, as code around it."""
    return "".join(_code(clip(one_line(said), limit))) or "&#8203;"


def table(heads: Sequence[str], rows: Iterable[Sequence[str]], *, right: Sequence[int] = ()) -> tuple[str, ...]:
    """Return the lines of a table of texts that are markdown already; `right` are the columns set to the right."""
    rule = ("---:" if column in right else "---" for column in range(len(heads)))
    return (_line(heads), _line(tuple(rule)), *map(_line, rows))


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cell or ' ' for cell in cells)} |"


def _word(word: str) -> str:
    if _LINKED.search(word):
        return "".join(_code(word))
    # Within a word an underscore means nothing, and names of reasons and metrics are full of them.
    return "_".join("".join(map(_sign, part)) for part in _WITHIN.split(word))


def _sign(sign: str) -> str:
    """Return a sign as itself where it means nothing in markdown; digits and letters do not, nor what is not ASCII."""
    return sign if not sign.isascii() or sign.isalnum() or sign in _PLAIN else _entity(sign)


def _entity(sign: str) -> str:
    return f"&#{ord(sign)};"


def _code(said: str) -> Iterable[str]:
    """Split at the two signs that end a code span or a table's cell, and leave these outside."""
    for part in re.split(r"([|`])", said):
        if part in ("|", "`"):
            yield _entity(part)
        elif part.strip():
            yield f"`{part.strip()}`"
