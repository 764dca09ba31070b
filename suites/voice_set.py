"""The labelled set of the voice activity detectors: speech laid at known places, a label for every window.

What it can tell and what not is said in docs/labelled-sets.md.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.models import Example, Setting, Workload
from suites.clips import SPEECH_LABELLED, Clip, identity
from suites.joe import Recording, recording
from suites.turn_set import entries

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from suites.speech import Samples

_VERSION = 1

_NOISES: Sequence[tuple[str, float | None]] = (("none", None), ("20dB", 20.0), ("10dB", 10.0))

_SILENCES_MS = ((700, 500, 600), (400, 900, 500), (1100, 650, 400), (600, 400, 1000))
"""Before, between and behind the sentences of a clip, in turn."""

_SHORT_CLIPS, _LONG_CLIPS = 12, 12
"""Clips of two short sentences; clips of one long sentence."""


@dataclass(frozen=True, slots=True)
class Heard:
    """A clip: sentences of the voice laid into silence, or a piece of a recording of a reader."""

    id: str
    slices: Mapping[str, str]
    decibels: float | None
    sentences: tuple[str, ...] = ()
    silences_ms: tuple[int, ...] = ()
    clip: Clip | None = None

    def clean(self, voice: Recording) -> Samples:
        """The clip without noise: what the labels are made of."""
        if self.clip is not None:
            return self.clip.samples()
        return laid([voice.samples(name) for name in self.sentences], self.silences_ms)

    def noisy(self, voice: Recording) -> Samples:
        """What the model hears."""
        from suites.voicing import with_noise

        return with_noise(self.clean(voice), self.decibels, self.id)

    def labels(self, voice: Recording) -> NDArray[np.int64]:
        """1 for each window that holds speech, else 0."""
        from suites.voicing import speech_windows

        return speech_windows(self.clean(voice))


def laid(spoken: Sequence[Samples], silences_ms: Sequence[int]) -> Samples:
    """Sentences one after the other, with silence before, between and behind them."""
    import numpy as np

    from suites.speech import RATE

    silences = [np.zeros(each * RATE // 1000, dtype=np.float32) for each in silences_ms]
    parts = [silences[0]]
    for samples, silence in zip(spoken, silences[1:], strict=True):
        parts += [samples, silence]
    return np.concatenate(parts)


def clips() -> tuple[Heard, ...]:
    """All of the set, in order."""
    return (*_said(), *_read())


def voice_exam(setting: Setting) -> Workload:
    """The set as a workload."""
    from suites.voicing import RULE

    said = {entry["id"]: entry["complete"]["ids"] for entry in entries()}
    chosen = clips()
    names = [name for one in chosen for name in one.sentences]
    voice = recording({name: said[name] for name in names}, setting.made)
    examples = tuple(
        Example(
            id=one.id,
            load=lambda one=one: {"audio": one.noisy(voice)},
            slices=one.slices,
            truth=lambda one=one: one.labels(voice),
        )
        for one in chosen
    )
    described: list[Any] = [[one.id, one.decibels, one.sentences, one.silences_ms] for one in chosen]
    content = json.dumps([voice.identity, RULE, described, identity(SPEECH_LABELLED, treatment="16 kHz")])
    return Workload(name="speech-labelled", version=_VERSION, examples=examples, content=content)


def _said() -> Iterator[Heard]:
    short = [entry["id"] for entry in entries() if entry["length"] == "short"]
    long = [entry["id"] for entry in entries() if entry["length"] == "long"]
    pairs = list(zip(short[::2], short[1::2], strict=True))[:_SHORT_CLIPS]
    singles = [(name,) for name in long[::2]][:_LONG_CLIPS]
    kinds: Sequence[tuple[str, Sequence[tuple[str, ...]]]] = (("short", pairs), ("long", singles))
    for length, chosen in kinds:
        for place, names in enumerate(chosen):
            noise, decibels = _NOISES[place % len(_NOISES)]
            before, between, behind = _SILENCES_MS[place % len(_SILENCES_MS)]
            yield Heard(
                id=f"joe-{'-'.join(names)}",
                slices={"noise": noise, "voice": "joe", "length": length},
                decibels=decibels,
                sentences=names,
                silences_ms=(before, between, behind) if len(names) == 2 else (before, behind),
            )


def _read() -> Iterator[Heard]:
    for place, clip in enumerate(SPEECH_LABELLED):
        noise, decibels = _NOISES[place % len(_NOISES)]
        slices = {"noise": noise, "voice": "read", "length": "long"}
        yield Heard(id=clip.id, slices=slices, decibels=decibels, clip=clip)
