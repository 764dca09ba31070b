"""The labelled set of the turn detectors: sentences that are over, and the same ones broken off at a hesitation.

What it can tell and what not is said in docs/labelled-sets.md.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.models import Arrays, Example, Setting, Workload
from suites.clips import PHRASES, SENTENCE_ENDS, Clip, identity
from suites.joe import Recording, recording

if TYPE_CHECKING:
    from suites.speech import Samples

COMPLETE, INCOMPLETE = "complete", "incomplete"

_SENTENCES = Path(__file__).parent / "data" / "turn_sentences.json"
_VERSION = 1
_KIND = 8
"""Sentences of one length, form and filler; they stand one after the other."""

_NOISES: Sequence[tuple[str, float | None]] = (("none", None), ("20dB", 20.0), ("none", None), ("10dB", 10.0))
"""Of the sentences of a kind, in turn."""

_PAUSE_MS = 200
"""Silence behind what was said: a voice activity detector waits about so long before it asks whether a turn is over."""

Features = Callable[["Samples"], Arrays]


@dataclass(frozen=True, slots=True)
class Turn:
    """Something said until now: a sentence of the voice by name, or a piece of a recording of a reader."""

    id: str
    label: str
    slices: Mapping[str, str]
    decibels: float | None
    sentence: str | None = None
    clip: Clip | None = None

    def samples(self, voice: Recording) -> Samples:
        """What is heard, the pause and the noise included."""
        import numpy as np

        from suites.speech import RATE
        from suites.voicing import with_noise

        said = voice.samples(self.sentence) if self.clip is None else self.clip.samples()  # type: ignore[arg-type]
        pause = _PAUSE_MS * RATE // 1000 if self.clip is None else 0
        return with_noise(np.pad(said, (0, pause)), self.decibels, self.id)


def turns() -> tuple[Turn, ...]:
    """All of the set, in order: each sentence whole, then broken off; then the pieces of the recording."""
    return (*_said(), *_read())


def quarter() -> tuple[Turn, ...]:
    """A balanced part for models that take a second an example."""
    said = tuple(_said())
    return tuple(turn for place, turn in enumerate(said) if place // 2 % _KIND < 2)


def turn_exam(
    setting: Setting, features: Features, treatment: str, chosen: tuple[Turn, ...], name: str = "turns-labelled"
) -> Workload:
    """The set as a workload, for a model that hears it by these features; `treatment` names them."""
    voice = recording(_ids(), setting.made)
    examples = tuple(
        Example(
            id=turn.id,
            load=lambda turn=turn: features(turn.samples(voice)),
            slices=turn.slices,
            label=turn.label,
        )
        for turn in chosen
    )
    clips = [turn.clip for turn in chosen if turn.clip is not None]
    described = [[turn.id, turn.label, turn.decibels] for turn in chosen]
    content = json.dumps([voice.identity, _PAUSE_MS, described, identity(clips, treatment=treatment)])
    return Workload(name=name, version=_VERSION, examples=examples, content=content)


def _said() -> Iterator[Turn]:
    for place, entry in enumerate(entries()):
        noise, decibels = _NOISES[place % len(_NOISES)]
        for part, label, ending in (
            ("complete", COMPLETE, entry["form"]),
            ("cut", INCOMPLETE, entry["filler"]),
        ):
            yield Turn(
                id=f"{entry['id']}-{part}",
                label=label,
                slices={"length": entry["length"], "ending": ending, "noise": noise, "voice": "joe"},
                decibels=decibels,
                sentence=f"{entry['id']}-{part}",
            )


def _read() -> Iterator[Turn]:
    """The reader within a phrase, and at the one place where his sentence ends."""
    for clips, label, ending in ((PHRASES, INCOMPLETE, "phrase"), (SENTENCE_ENDS, COMPLETE, "sentence")):
        for clip in clips:
            length = "short" if clip.length == "short" else "long"
            slices = {"length": length, "ending": ending, "noise": "none", "voice": "read"}
            yield Turn(id=f"read-{clip.id}", label=label, slices=slices, decibels=None, clip=clip)


def entries() -> Sequence[Mapping[str, Any]]:
    """The sentences as they are committed."""
    kept: Sequence[Mapping[str, Any]] = _file()["sentences"]
    return kept


@lru_cache(maxsize=1)
def _file() -> Mapping[str, Any]:
    lists: Mapping[str, Any] = json.loads(_SENTENCES.read_text(encoding="utf-8"))
    return lists


def _ids() -> Mapping[str, Sequence[int]]:
    return {f"{entry['id']}-{part}": entry[part]["ids"] for entry in entries() for part in ("complete", "cut")}
