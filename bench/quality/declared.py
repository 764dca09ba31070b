"""The shipped models as somebody might break them: what a worker hosts when `quality_power.py` examines damage.

Each is the shipped declaration with one thing changed, and is asked the same examples. `name~weights` opens the file
that is given as its checkpoint; the others hear, speak or decide wrongly, or hear the exam in other noise.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

sys.path.insert(0, str(Path(__file__).parents[2]))  # the suites lie beside bench/, and are no installed package

from harness.models import Arrays, Call, Decides, DecidesFrames, FileReference, Model, Setting, Workload
from suites.models import piper, silero, smart_turn_v3

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]
else:
    Array = Any

WEIGHTS, RATE, DECLARED_RATE, CUT, SWAPPED, OTHER_NOISE = (
    *("weights", "rate", "declared-rate", "cut", "swapped"),
    "other-noise",
)
NOISES = 6
"""In so many noises the ears hear their exam."""

WRONG_RATE, RIGHT_RATE = 22_050, 16_000
CUT_SHARE = 0.05
SWAPPED_PHONEMES = (31, 32)
"""s and t, as the voice numbers them."""

Change = Callable[[Array], Array]
Drive = Callable[[Call, Arrays], Iterator[Arrays]]


def variant(model: str, kind: str) -> str:
    """The name of a changed model."""
    return f"{model}~{kind}"


def _of_file(model: Model) -> Model:
    return _named(model, WEIGHTS, reference=_given_file, takes_checkpoint=True)


def _given_file(setting: Setting) -> FileReference:
    assert setting.checkpoint is not None, "the damaged file is given as a checkpoint"
    return FileReference(setting.checkpoint, "onnx", "damaged on purpose")


def _named(model: Model, kind: str, **changes: Any) -> Model:
    return replace(model, name=variant(model.name, kind), **changes)


def _as_if_slower(samples: Array) -> Array:
    """Audio of 22,050 samples a second taken for audio of 16,000."""
    from harness.quality.resampling import resample

    return resample(samples, RIGHT_RATE, WRONG_RATE)


def _as_if_faster(samples: Array) -> Array:
    """Audio of 16,000 samples a second taken for audio of 22,050."""
    from harness.quality.resampling import resample

    return resample(samples.ravel(), WRONG_RATE, RIGHT_RATE).reshape(*samples.shape[:-1], -1)


def _cut(samples: Array) -> Array:
    """Audio without its last part."""
    return samples[..., : round(samples.shape[-1] * (1 - CUT_SHARE))]


def _loading(model: Model, kind: str, within: Callable[[], AbstractContextManager[Any]]) -> Model:
    """The model with the same examples, each made while something is patched."""

    def changed(workload: Workload) -> Workload:
        examples = tuple(
            replace(example, load=lambda load=example.load: _made_within(within, load)) for example in workload.examples
        )
        return replace(workload, examples=examples)

    exam = model.exam
    assert exam is not None
    return _named(
        model,
        kind,
        workload=lambda setting: changed(model.workload(setting)),
        exam=lambda setting: changed(exam(setting)),  # type: ignore[arg-type]
    )


def _made_within(within: Callable[[], AbstractContextManager[Any]], load: Callable[[], Arrays]) -> Arrays:
    with within():
        return load()


def _in_noise(seed: int) -> Callable[[], AbstractContextManager[Any]]:
    """While an example is made: the noise of the exam drawn otherwise."""

    def within() -> AbstractContextManager[Any]:
        from suites import voicing

        usual = voicing.with_noise
        return mock.patch.object(
            voicing, "with_noise", lambda clean, decibels, text: usual(clean, decibels, f"{text} {seed}")
        )

    return within


def _heard_by_turns(change: Change) -> Callable[[], AbstractContextManager[Any]]:
    """While an example of the turn detector is made: what it hears is changed before its features are made."""

    def within() -> AbstractContextManager[Any]:
        from suites import speech

        usual = speech.turn_window
        return mock.patch.object(speech, "turn_window", lambda heard: usual(change(heard)))

    return within


def _driven(model: Model, kind: str, changed: Callable[[Drive], Drive]) -> Model:
    return _named(
        model,
        kind,
        drive=changed(model.drive),
        exam_drive=None if model.exam_drive is None else changed(model.exam_drive),
    )


def _taking(model: Model, kind: str, name: str, change: Change) -> Model:
    """The model with one of its inputs changed."""

    def changed(drive: Drive) -> Drive:
        return lambda call, inputs: drive(call, {**inputs, name: change(inputs[name])})

    return _driven(model, kind, changed)


def _giving(model: Model, kind: str, name: str, change: Change) -> Model:
    """The model with one of its outputs changed."""

    def changed(drive: Drive) -> Drive:
        return lambda call, inputs: ({**one, name: change(one[name])} for one in drive(call, inputs))

    return _driven(model, kind, changed)


def _otherwise(probability: Array) -> Array:
    return 1 - probability


def _swapped_phonemes(ids: Array) -> Array:
    import numpy as np

    one, other = SWAPPED_PHONEMES
    return np.where(ids == one, other, np.where(ids == other, one, ids))


def _ears(model: Model) -> Iterator[Model]:
    """What is common to models that hear."""
    means = next(one for one in model.meanings if isinstance(one, Decides | DecidesFrames))
    yield _of_file(model)
    yield _giving(model, SWAPPED, means.output, _otherwise)
    for seed in range(NOISES):
        yield _loading(model, f"{OTHER_NOISE}-{seed}", _in_noise(seed))


def _turns(model: Model) -> Iterator[Model]:
    yield from _ears(model)
    yield _loading(model, RATE, _heard_by_turns(_as_if_slower))
    yield _loading(model, CUT, _heard_by_turns(_cut))


def _windows(model: Model) -> Iterator[Model]:
    yield from _ears(model)
    yield _taking(model, RATE, "audio", _as_if_slower)
    yield _taking(model, CUT, "audio", _cut)


def _voice(model: Model) -> Iterator[Model]:
    audio = model.audio
    assert audio is not None
    yield _of_file(model)
    yield _taking(model, SWAPPED, "input", _swapped_phonemes)
    yield _giving(model, RATE, audio.output, _as_if_faster)
    yield _giving(model, CUT, audio.output, _cut)
    yield _named(model, DECLARED_RATE, audio=replace(audio, sample_rate=RIGHT_RATE))


SHIPPED = {
    smart_turn_v3.MODELS[0].name: (smart_turn_v3.MODELS[0], _turns),
    silero.MODELS[0].name: (silero.MODELS[0], _windows),
    piper.MODELS[0].name: (piper.MODELS[0], _voice),
}
"""The shipped models, and who makes what of each."""

MODELS = tuple(model for plain, broken in SHIPPED.values() for model in (plain, *broken(plain)))


def wrong_kinds(model: str) -> tuple[str, ...]:
    """The ways in which a model is declared wrongly."""
    kinds = [name.partition("~")[2] for name in (one.name for one in MODELS) if name.startswith(f"{model}~")]
    return tuple(kind for kind in kinds if kind != WEIGHTS and not kind.startswith(OTHER_NOISE))
