"""Looks at what came out of an example: how much was made, and whether it can be used at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.errors import WorkloadProblem
from harness.models import Arrays, GivesTokens, Model


@dataclass(frozen=True, slots=True)
class Made:
    """How much an inference makes, where more of it takes longer: the work that a time is of."""

    audio_seconds: float | None = None
    tokens: int | None = None


def made_of(model: Model, chunks: Sequence[Arrays]) -> Made:
    """How much audio, how many tokens are in the outputs of an example."""
    audio = model.audio
    samples = sum(outputs[audio.output].size for outputs in chunks if audio.output in outputs) if audio else 0
    counted = [one.output for one in model.meanings if isinstance(one, GivesTokens)]
    tokens = sum(outputs[name].size for outputs in chunks for name in counted if name in outputs)
    return Made(samples / audio.sample_rate if audio else None, tokens if counted else None)


def no_output(example: str) -> WorkloadProblem:
    """What it means where nothing came out."""
    return WorkloadProblem(f"the model gave no output for example {example!r}; check its drive function")


def usable(chunks: Sequence[Arrays], example: str) -> Sequence[Arrays]:
    """The outputs of an example, where they are numbers that can be used."""
    if not chunks:
        raise no_output(example)
    for outputs in chunks:
        _refuse_unusable(outputs, example)
    return chunks


def _refuse_unusable(outputs: Arrays, example: str) -> None:
    """A number that is not finite makes every figure of the cell worthless."""
    import numpy as np

    if not outputs:
        raise no_output(example)
    if not any(values.size for values in outputs.values()):
        raise WorkloadProblem(f"the outputs for example {example!r} are empty; this precision does not work here")
    for name, values in outputs.items():
        if not np.issubdtype(values.dtype, np.number):
            continue
        bad = values.size - int(np.count_nonzero(np.isfinite(values)))
        if bad:
            what = "NaN" if np.isnan(values).any() else "infinite"
            raise WorkloadProblem(
                f"output {name!r} holds {bad} {what} of {values.size} values for example {example!r};"
                " this precision does not work here"
            )
