"""Speech as a recogniser hears it: word and character errors against the text that was to be spoken.

Owns the text's normal form, the edit distance and the choice of the recogniser: the first that an installed package
offers, else pocketsphinx, which carries its model in its package. Refuses to download one, and to leave a failed
synthesis away: all of its words are errors.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import cache
from hashlib import blake2b
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Protocol

from harness.packages import installed_version
from harness.quality.audio import heard, is_audible, voice_case
from harness.quality.metric import Array, CannotScore, Case, Kind, QualityMetric
from harness.quality.resampling import resample
from harness.quality_metrics import QUALITY
from harness.scores import Terms

RECOGNISERS_GROUP = "quantgate.recognisers"
"""The entry points by which a package offers a recogniser; each names a callable without arguments that makes one."""

RATE = 16_000
_PAUSE_SECONDS = 0.3
_ROOM = 1e-4


class Recogniser(Protocol):
    """What hears speech."""

    def transcribe(self, samples: Array) -> str:
        """The words in mono audio at 16 kHz; the same for the same samples, whatever it heard before."""


class PocketSphinx:
    """The recogniser and the American English model of the package pocketsphinx; weak, small and repeatable."""

    def __init__(self) -> None:
        try:
            from pocketsphinx import Decoder
        except ImportError as problem:
            raise CannotScore(
                f'no recogniser is installed ({problem}); run: pip install "quantgate[speech]"'
            ) from problem
        # fewer hypotheses at a time than by default: a quarter faster, and the same words on the voices here
        self._decoder: Any = Decoder(loglevel="FATAL", cmn="batch", maxhmmpf=3000, maxwpf=10)

    def transcribe(self, samples: Array) -> str:
        """The words in it. Faint noise of a room stands around them: of digital silence it makes words up."""
        import numpy as np

        quiet = np.pad(samples, round(_PAUSE_SECONDS * RATE))
        room = np.random.default_rng(0).standard_normal(quiet.size) * _ROOM
        pcm = (np.clip(quiet + room, -1.0, 1.0) * 32767).astype("<i2").tobytes()
        self._decoder.reinit_feat()  # else what it heard before moves what it hears now
        self._decoder.start_utt()
        self._decoder.process_raw(pcm, full_utt=True)
        self._decoder.end_utt()
        best = self._decoder.hyp()
        return best.hypstr if best else ""


class Ear:
    """A recogniser that remembers what it heard, so that words and characters cost one hearing."""

    def __init__(self, recogniser: Recogniser, name: str) -> None:
        self.name = name
        self._recogniser = recogniser
        self._transcripts: dict[bytes, str] = {}

    def text(self, case: Case) -> str:
        """What it hears in a case; nothing where nothing came out."""
        import numpy as np

        samples = heard(case)
        if not is_audible(samples, case.sample_rate):
            return ""
        at_rate = np.ascontiguousarray(resample(samples, case.sample_rate, RATE), dtype=np.float32)
        key = blake2b(at_rate.tobytes()).digest()
        if key not in self._transcripts:
            self._transcripts[key] = self.anew(at_rate)
        return self._transcripts[key]

    def anew(self, samples: Array) -> str:
        """What the recogniser hears in audio at 16 kHz, asked even where it heard the same before."""
        return self._recogniser.transcribe(samples)


@cache
def ear() -> Ear:
    """The recogniser of this installation; of several that packages offer, the first by name."""
    if offered := sorted(entry_points(group=RECOGNISERS_GROUP), key=lambda entry: entry.name):
        return _offered(offered[0])
    return Ear(PocketSphinx(), f"pocketsphinx {installed_version('pocketsphinx') or 'of unknown version'}")


def _offered(entry: EntryPoint) -> Ear:
    package = f"{entry.dist.name} {entry.dist.version}" if entry.dist else entry.value
    try:
        recogniser = entry.load()()
    except Exception as error:
        raise CannotScore(
            f"the recogniser {entry.name!r} of {package} does not load: {type(error).__name__}: {error};"
            " mend or uninstall its package"
        ) from error
    return Ear(recogniser, f"{entry.name}, {package}")


def words(text: str) -> tuple[str, ...]:
    """The words of a text: lower case, no punctuation but the apostrophe within a word."""
    plain = unicodedata.normalize("NFKC", text).lower().replace("\u2019", "'")
    return tuple(re.findall(r"[^\W_]+(?:'[^\W_]+)*", plain))


def edits(wanted: Sequence[object], found: Sequence[object]) -> int:
    """The fewest insertions, deletions and substitutions that make one sequence of the other (Levenshtein 1966)."""
    above = list(range(len(found) + 1))
    for row, one in enumerate(wanted, start=1):
        line = [row]
        for column, other in enumerate(found, start=1):
            line.append(min(above[column] + 1, line[-1] + 1, above[column - 1] + (one != other)))
        above = line
    return above[-1]


def word_errors(wanted: str, found: str) -> Terms | None:
    """Word errors, and words of the text that was wanted; None where it has none."""
    spoken = words(wanted)
    return (float(edits(spoken, words(found))), float(len(spoken))) if spoken else None


def character_errors(wanted: str, found: str) -> Terms | None:
    """Character errors, and characters of the text that was wanted, one space between words."""
    spoken = " ".join(words(wanted))
    return (float(edits(spoken, " ".join(words(found)))), float(len(spoken))) if spoken else None


def word_error_rate(case: Case) -> Terms | None:
    """Word errors of one synthesis, and words it was to say."""
    return None if case.label is None else word_errors(case.label, ear().text(case))


def character_error_rate(case: Case) -> Terms | None:
    """Character errors of one synthesis, and characters it was to say."""
    return None if case.label is None else character_errors(case.label, ear().text(case))


@cache
def self_check() -> str | None:
    """What is wrong with the count of errors or with the recogniser, or None.

    No speech is shipped with the harness. So this proves the count; that what is heard does not hang on what was heard
    before; that no words come out of noise that were never said; and, where the recogniser takes a voice-like signal
    for words, that noise costs it some. That it hears speech rightly is proved by a test, on a recording.
    """
    from harness.quality.signals import voice_like, with_noise

    known = (("Yes, of course.", "yes of course", 0.0), ("Turn left here", "turn right", 2.0), ("yes", "", 1.0))
    for wanted, found, errors in known:
        if (terms := word_errors(wanted, found)) is None or terms[0] != errors:
            return f"{found!r} for {wanted!r} counts as {terms} word errors and not as {errors:g}"
    name, voice = ear().name, voice_like(RATE, 1.0)
    noise = with_noise(0 * voice + 0.1, 0.0)
    said, of_noise, again = (ear().anew(samples) for samples in (voice, noise, voice))
    if said != again:
        return f"{name} heard {said!r}, and in the same samples after others {again!r}"
    if word_errors("turn left here", of_noise) == (0.0, 3.0):
        return f"{name} hears in noise what was never said"
    noisy = ear().text(voice_case(with_noise(voice, -10.0)))
    if words(said) and not edits(words(said), words(noisy)):
        return f"{name} hears {said!r} whatever the noise"
    return None


def _note() -> str:
    return f"heard by {ear().name}"


METRICS = (
    QualityMetric(QUALITY["word_error_rate"], Kind.SPEECH, self_check, word_error_rate, note=_note),
    QualityMetric(QUALITY["character_error_rate"], Kind.SPEECH, self_check, character_error_rate, note=_note),
)
