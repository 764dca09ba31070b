"""Which pieces of which recordings the speech models hear: measured ones, and others for calibration.

The recordings lie in the package moonshine-voice. Everything measured is cut from `two_cities.wav`, whose own tags say
who reads it (Pete Warden) and how it is licensed (CC Zero). Calibration hears other recordings altogether.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from suites.installed import MOONSHINE, file_digest, installed_file

if TYPE_CHECKING:
    from suites.speech import Samples

_STORY = "assets/two_cities.wav"
_SAYING = "assets/beckett.wav"
_VOICE = "assets/clone-test.wav"


@dataclass(frozen=True, slots=True)
class Clip:
    """A piece of a recording."""

    id: str
    file: str
    start_ms: int
    end_ms: int

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return (self.end_ms - self.start_ms) / 1000

    @property
    def length(self) -> str:
        """The slice it belongs to."""
        return "short" if self.seconds <= 2.5 else "medium" if self.seconds <= 5 else "long"

    def samples(self) -> Samples:
        """Read it, at 16 kHz."""
        from suites.speech import read_clip

        return read_clip(installed_file(MOONSHINE, self.file), self.start_ms, self.end_ms)


# A turn detector hears what was said until now: half of the clips end in a pause, half within a phrase. Prose read
# aloud pauses at commas as well, so an ending in a pause does not tell whether the turn was over: no label here.
TURNS = (
    Clip("short-pause-1", _STORY, 1200, 3150),
    Clip("short-pause-2", _STORY, 10800, 13050),
    Clip("short-phrase-1", _STORY, 15200, 16300),
    Clip("short-phrase-2", _STORY, 26600, 28000),
    Clip("medium-pause-1", _STORY, 5000, 8500),
    Clip("medium-pause-2", _STORY, 38700, 42000),
    Clip("medium-phrase-1", _STORY, 17600, 21800),
    Clip("medium-phrase-2", _STORY, 32800, 36000),
    Clip("long-pause-1", _STORY, 1200, 8500),
    Clip("long-pause-2", _STORY, 34000, 42000),
    Clip("long-phrase-1", _STORY, 13500, 20000),
    Clip("long-phrase-2", _STORY, 24000, 31500),
)

# Within a phrase no turn is over, and once in the recording one is: the book's first sentence lasts as long as it does.
PHRASES = tuple(clip for clip in TURNS if "phrase" in clip.id)
SENTENCE_ENDS = (
    Clip("short-end", _STORY, 40500, 41900),
    Clip("long-end", _STORY, 35700, 41900),
)

TURNS_FOR_CALIBRATION = (
    Clip("saying-1", _SAYING, 300, 1400),
    Clip("saying-2", _SAYING, 300, 4400),
    Clip("saying-3", _SAYING, 3500, 9000),
    Clip("saying-4", _SAYING, 1900, 9900),
    Clip("voice-1", _VOICE, 500, 2000),
    Clip("voice-2", _VOICE, 500, 3400),
    Clip("voice-3", _VOICE, 0, 4100),
)

# The first begins and the last ends with more than a second of the room without the voice.
SPEECH = (
    Clip("silence-then-speech", _STORY, 0, 5000),
    Clip("short-phrases", _STORY, 8200, 12200),
    Clip("steady", _STORY, 33000, 36500),
    Clip("with-pauses", _STORY, 16000, 21900),
    Clip("speech-then-silence", _STORY, 40000, 44300),
)

# Nearly all of the recording, cut at pauses.
SPEECH_LABELLED = (
    Clip("read-1", _STORY, 4700, 8700),
    Clip("read-2", _STORY, 8400, 13300),
    Clip("read-3", _STORY, 12900, 17400),
    Clip("read-4", _STORY, 16800, 21000),
    Clip("read-5", _STORY, 20500, 24500),
    Clip("read-6", _STORY, 23900, 29000),
    Clip("read-7", _STORY, 28300, 32700),
    Clip("read-8", _STORY, 32300, 36800),
    Clip("read-9", _STORY, 38500, 42500),
)

SPEECH_FOR_CALIBRATION = (
    Clip("saying", _SAYING, 0, 5000),
    Clip("voice", _VOICE, 0, 4100),
)


def identity(clips: Sequence[Clip], *, treatment: str) -> str:
    """Name a list of clips by content: digests of the recordings, the cuts, and the version of what is done to them."""
    files = {clip.file: file_digest(installed_file(MOONSHINE, clip.file)) for clip in clips}
    described = json.dumps([files, [asdict(clip) for clip in clips], treatment], sort_keys=True)
    return hashlib.sha256(described.encode()).hexdigest()
