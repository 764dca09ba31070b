"""Makes text from outside safe to show: nothing invisible, nothing that moves its surroundings, nothing endless.

Owns what a name, a reason or the last words of a process look like on any surface. Escaping for HTML is not here:
the template engine does that to everything.
"""

from __future__ import annotations

import unicodedata

_KEPT = {"\n", "\t", "\u200d"}  # U+200D joins emoji
_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}

_ASCII = str.maketrans(
    {
        "µ": "u",
        "×": "x",
        "±": "+/-",
        "−": "-",
        "–": "-",
        "—": "-",
        "·": "-",
        "…": "...",
        "→": "->",
        "≈": "~",
        "≤": "<=",
        "≥": ">=",
        "≠": "#",
        "“": '"',
        "”": '"',
        "═": "=",
        "▲": "^",
        "▼": "v",
        "●": "*",
        "∅": "/",
        "✕": "x",
        "◌": "~",
        "△": "A",
        "□": "_",
        "○": "o",
        "✓": "+",
        "÷": "/",
        "\u00a0": " ",
    }
)


def visible(text: str) -> str:
    """Replace what cannot be seen or turns the reading direction by its code, as in a Python string."""
    if text.isprintable():
        return text  # all that Python calls printable is none of these, and a page has a hundred thousand such texts
    return "".join(
        character if character in _KEPT or unicodedata.category(character) not in _HIDDEN else _code(character)
        for character in text
    )


def first_line(text: str) -> str:
    """Return the line of a failing test's words that says what was wrong: pytest marks it with an E."""
    lines = [line for line in text.splitlines() if line.strip()]
    said = next((line for line in lines if line.startswith("E ")), lines[0] if lines else "")
    return clip(one_line(said.removeprefix("E ")), 600)


def one_line(text: str) -> str:
    """Return the text on a single line, with every run of white space as one space."""
    return visible(" ".join(text.split()))


def shorten(text: str, limit: int) -> str:
    """Cut the middle out of what is longer than `limit`: both ends of a name tell it from its neighbours."""
    if len(text) <= limit:
        return text
    kept = max(limit - 1, 1)
    tail = kept // 3
    return text[: kept - tail] + "…" + (text[-tail:] if tail else "")


def clip(text: str, limit: int) -> str:
    """Cut the end off what is longer than `limit`: of a sentence, the beginning tells."""
    return text if len(text) <= limit else text[: max(limit - 1, 0)] + "…"


def encodable(text: str, encoding: str) -> str:
    """Return the text with stand-ins for what the encoding lacks; unchanged where it lacks nothing."""
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        plain = text.translate(_ASCII)
        return plain.encode(encoding, "backslashreplace").decode(encoding)
    return text


def _code(character: str) -> str:
    number = ord(character)
    if number < 0x100:
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"
