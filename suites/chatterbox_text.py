"""Text for Chatterbox: ids, and long texts cut at their sentences. Imports nothing heavy.

Without a checkpoint's own `tokenizer.json` an id is a character's: random weights know no words. The published
tokenizer makes fewer ids of a text, by pairs of letters that are common.
"""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

from harness.errors import WorkloadProblem

_SENTENCE_END = re.compile(r"(?<=[.!?…])[\"'”’)]*\s+")
_CLAUSE_END = re.compile(r"(?<=[,;:—])\s+")
_SPACE = re.compile(r"\s+")
_FIRST_ID, _IDS = 1, 254
"""Between the marks that stand for the beginning and the end of a text."""


def chunks(text: str, most: int) -> tuple[str, ...]:
    """Cut a text at the ends of its sentences into pieces of at most so many characters.

    Sentences that fit together stay together. One that is longer alone is cut at its clauses, then between words; a
    word that is longer alone is cut where it must be.
    """
    if most < 1:
        raise ValueError(f"a chunk of {most} characters holds nothing")
    whole = " ".join(text.split())
    if not whole:
        raise WorkloadProblem("a text of zero length has nothing to be spoken; give at least one word")
    return tuple(_packed(whole, most, (_SENTENCE_END, _CLAUSE_END, _SPACE)))


def _packed(text: str, most: int, ends: tuple[re.Pattern[str], ...]) -> list[str]:
    """Cut at the first kind of end; what is still too long, at the next."""
    if len(text) <= most:
        return [text]
    if not ends:
        return [text[start : start + most] for start in range(0, len(text), most)]
    packed: list[str] = []
    for piece in _cut(text, ends[0]):
        if packed and len(packed[-1]) + 1 + len(piece) <= most:
            packed[-1] = f"{packed[-1]} {piece}"
        else:
            packed.extend(_packed(piece, most, ends[1:]))
    return packed


def _cut(text: str, end: re.Pattern[str]) -> list[str]:
    """The pieces of a text; what closes a quotation stays with the sentence it closes."""
    places = [0, *(found.end() for found in end.finditer(text)), len(text)]
    return [text[first:last].rstrip() for first, last in pairwise(places) if text[first:last].strip()]


def ids_of(text: str, tokenizer: Path | None = None) -> list[int]:
    """The ids of a text: by the checkpoint's tokenizer, or one for each character."""
    if tokenizer is None:
        return [_FIRST_ID + ord(character) % _IDS for character in text]
    from tokenizers import Tokenizer

    ids: list[int] = Tokenizer.from_file(str(tokenizer)).encode(text.replace(" ", "[SPACE]")).ids
    return ids
