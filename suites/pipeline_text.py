"""What is read aloud: text as ids of the characters that the voice knows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.errors import WorkloadProblem

if TYPE_CHECKING:
    from harness.models import Arrays

ALPHABET = "_ abcdefghijklmnopqrstuvwxyzäöüß-'.,?!"
"""What the voice can read, by id; the first is the blank around each character."""

FRAMES_A_CHARACTER = 4
"""Of 16 ms each: fifteen characters a second, as people speak."""


def characters(text: str) -> Arrays:
    """The ids of what the voice can read of a text, a blank around each; refuses what it cannot read at all."""
    import numpy as np

    known = [place for letter in text.lower() if (place := ALPHABET.find(letter)) > 0]
    if not any(ALPHABET[place].isalpha() for place in known):
        raise WorkloadProblem(
            f"the translation {text!r} has no letter that the voice can speak; give another text or checkpoint"
        )
    ids = np.zeros((1, 2 * len(known) + 1), dtype=np.int64)
    ids[0, 1::2] = known
    return {"text_ids": ids}
