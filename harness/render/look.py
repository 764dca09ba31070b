"""What a stream can show: how wide it is, which characters and whether colours. Decided once, from the outside."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TextIO

from harness.comparisons import Answer, Outcome
from harness.render.rows import State
from harness.render.text import encodable
from harness.worth.standing import Worth

_LINES_WIDTH = 120
_BAD, _UNSURE, _FAINT, _GOOD = "1;31", "33", "2", "32"
_TONES: Mapping[StrEnum, str] = {
    State.UNSUPPORTED: _FAINT,
    State.FAILED: _BAD,
    State.NOT_MEASURED: _UNSURE,
    Outcome.REGRESSED: _BAD,
    Outcome.MISSING: _BAD,
    Outcome.SUSPECT: _UNSURE,
    Outcome.INCONCLUSIVE: _UNSURE,
    Outcome.NOT_COMPARABLE: _UNSURE,
    Outcome.IMPROVED: _GOOD,
    Answer.FAILS: _BAD,
    Answer.MISSED: _BAD,
    Answer.CANNOT_TELL: _UNSURE,
    Answer.NUMBERS_DISAGREE: _UNSURE,
    Answer.NEEDS_CHECKPOINT: _FAINT,
    Worth.WORTH_IT: _GOOD,
    Worth.CANNOT_TELL: _UNSURE,
    Worth.NO_RESULT: _FAINT,
}


@dataclass(frozen=True, slots=True)
class Look:
    """How to print: columns of characters, the stream's encoding, colours or none."""

    width: int = 100
    encoding: str = "utf-8"
    colour: bool = False

    def paint(self, state: StrEnum | None, text: str) -> str:
        """Colour a text by a state, an outcome or an answer. The words carry the meaning alone."""
        tone = _TONES.get(state) if state else None
        return f"\x1b[{tone}m{text}\x1b[0m" if self.colour and tone else text

    def fit(self, text: str) -> str:
        """Replace what the stream's encoding cannot show."""
        return encodable(text, self.encoding)


def look_of(stream: TextIO, environ: Mapping[str, str], width: int | None = None, *, live: bool | None = None) -> Look:
    """Find out what a stream can show. Colours only on a terminal, and never with NO_COLOR or a dumb terminal."""
    terminal = is_terminal(stream, environ) if live is None else live
    columns = width or _columns(environ) or (shutil.get_terminal_size().columns if terminal else _LINES_WIDTH)
    return Look(
        width=max(columns, 40),
        encoding=getattr(stream, "encoding", None) or "utf-8",
        colour=terminal and not environ.get("NO_COLOR"),
    )


def is_terminal(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """Whether a bar can be redrawn in place."""
    return stream.isatty() and environ.get("TERM") != "dumb" and not environ.get("CI")


def _columns(environ: Mapping[str, str]) -> int | None:
    text = environ.get("COLUMNS", "")
    return int(text) if text.isdecimal() and int(text) else None
