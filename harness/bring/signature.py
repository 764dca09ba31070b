"""What a model's file says of its inputs, and which shapes they are given: what was asked for, else what is assumed.

Pure: reads no file and makes no array. Every guess is a line that can be shown.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.errors import UsageProblem, suggestion

Dim = int | str | None
"""A length; the name of one that is chosen by whoever calls; None where it is open and has no name."""

DTYPES = ("float32", "float16", "float64", "int64", "int32", "int16", "int8", "uint8", "bool")

_BATCHES = ("batch", "batch_size", "b", "n", "bs", "num_batches", "unk_batch")
_USUAL: Mapping[str, int] = {
    **dict.fromkeys(
        ("sequence", "sequence_length", "seq", "seq_len", "seq_length", "length", "tokens", "phonemes"), 64
    ),
    **dict.fromkeys(("time", "frames", "n_frames", "num_frames", "mel_len", "time_steps", "timesteps"), 800),
    **dict.fromkeys(("samples", "n_samples", "num_samples", "audio_length", "audio"), 16_000),
    **dict.fromkeys(("height", "width", "h", "w"), 224),
    **dict.fromkeys(("channels", "num_channels", "c"), 3),
    **dict.fromkeys(("mels", "n_mels"), 80),
}
_PAST = re.compile(r"past")
_ELSE = 64
_IMAGE_SIDE = 224
_LENGTHS = re.compile(r"(^|_)(lengths?|lens?)$")


@dataclass(frozen=True, slots=True)
class Input:
    """One input as the file tells it. `dims` is None where the file tells no shape; `like` is a shape it worked with.

    `rows`: it picks rows of a table with so many, so its values lie below.
    """

    name: str
    dtype: str
    dims: tuple[Dim, ...] | None
    rows: int | None = None
    like: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class Signature:
    """What a file is: its format as a reference, its inputs, the names of its outputs where it tells them."""

    format: str
    inputs: tuple[Input, ...]
    outputs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Given:
    """An array of a file of inputs: what it is called, its dtype and its shape."""

    name: str
    dtype: str
    shape: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """A shape as asked for: `1x80`, `1x80:int64`; also the length of a named dimension."""

    shape: tuple[int, ...]
    dtype: str | None = None


@dataclass(frozen=True, slots=True)
class Shaped:
    """An input with the shape that it is given. `assumed` says what of it was guessed."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    rows: int | None = None
    assumed: str = ""

    @property
    def line(self) -> str:
        """As it is told to whoever has to judge the guesses."""
        size = "×".join(map(str, self.shape)) or "a single value"
        guess = f" (assumed: {self.assumed}; --shape {self.name}=… changes it)" if self.assumed else ""
        return f"{self.name}: {size} {self.dtype}{guess}"


def parse_shapes(texts: Sequence[str]) -> dict[str, Asked]:
    """Read `NAME=1x80` and `NAME=1x80:int64`, as written on the command line."""
    return dict(_asked(text) for text in texts)


def _asked(text: str) -> tuple[str, Asked]:
    name, equals, rest = text.rpartition("=")
    lengths, colon, dtype = rest.partition(":")
    found = re.fullmatch(r"\d+([x×]\d+)*", lengths.strip())
    if not (name and equals and found) or (colon and dtype not in DTYPES):
        raise UsageProblem(f"--shape {text!r}; write NAME=1x80, or NAME=1x80:int64 with one of {', '.join(DTYPES)}")
    shape = tuple(int(one) for one in re.split("[x×]", lengths.strip()))
    return name, Asked(shape, dtype or None)


def shaped(signature: Signature, asked: Mapping[str, Asked]) -> tuple[Shaped, ...]:
    """Give every input a shape; refuse what does not fit the file, and what it does not tell and nobody said."""
    _refuse_unknown(signature, asked)
    _refuse_untold(signature, asked)
    lengths = _told_lengths(signature, asked)
    return tuple(_shaped(one, asked.get(one.name), lengths) for one in signature.inputs)


def sequence_length(inputs: Sequence[Shaped]) -> int:
    """How long the sequence is: along the second dimension of the first input that has two, the last of more."""
    for one in inputs:
        if len(one.shape) >= 2 and not is_length(one.name):
            return one.shape[1] if len(one.shape) == 2 else one.shape[-1]
    return 1


def is_length(name: str) -> bool:
    """Whether an input says how long another one is."""
    return bool(_LENGTHS.search(name.lower()))


def unfit(signature: Signature, given: Sequence[Given], file: str) -> str | None:
    """Why the arrays of a file are no inputs of the model; None where they are."""
    wanted = {one.name: one for one in signature.inputs}
    found = {one.name: one for one in given}
    if wrong := sorted(found.keys() - wanted.keys()):
        return f"{file} has an array {wrong[0]!r}; {suggestion(wrong[0], wanted)}"
    if missing := [name for name in wanted if name not in found]:
        return f"{file} lacks {', '.join(missing)}; it needs an array for each of {', '.join(wanted)}"
    for name, array in found.items():
        if array.dtype != wanted[name].dtype and wanted[name].dims is not None:
            return f"{file}: {name} is {array.dtype}, and the model takes {wanted[name].dtype}; save it as that"
        if problem := _mismatch(wanted[name].dims, array.shape):
            return f"{file}: {name} is {_words(array.shape)}, {problem}"
    return None


def _refuse_unknown(signature: Signature, asked: Mapping[str, Asked]) -> None:
    inputs = [one.name for one in signature.inputs]
    names = [*inputs, *_symbols(signature)]
    for name in asked:
        if name not in names:
            raise UsageProblem(
                f"--shape {name}=…: the model has no input or dimension of that name; {_known(names, name)}"
            )
    for name, one in asked.items():
        if name not in inputs and (len(one.shape) != 1 or one.dtype):
            raise UsageProblem(f"--shape {name}=…: {name} is a dimension; give it one length, as in --shape {name}=64")


def _known(names: Sequence[str], name: str) -> str:
    return suggestion(name, dict.fromkeys(names))


def _symbols(signature: Signature) -> list[str]:
    dims = [dim for one in signature.inputs for dim in one.dims or ()]
    return list(dict.fromkeys(dim for dim in dims if isinstance(dim, str)))


def _refuse_untold(signature: Signature, asked: Mapping[str, Asked]) -> None:
    untold = [one for one in signature.inputs if one.dims is None and one.name not in asked]
    if untold:
        named = ", ".join(f"{one.name} ({one.dtype})" for one in signature.inputs)
        example = " ".join(f"--shape {one.name}=1x80" for one in untold)
        raise UsageProblem(
            f"the file does not tell the shapes of its inputs {named}: give them, as in {example}"
            " (:int64 behind a shape for whole numbers), or real ones with --input FILE.npz"
        )


def _told_lengths(signature: Signature, asked: Mapping[str, Asked]) -> dict[str, int]:
    """The lengths of named dimensions that the shapes asked for settle."""
    inputs = {one.name: one for one in signature.inputs}
    lengths = {name: one.shape[0] for name, one in asked.items() if name not in inputs}
    for name, one in asked.items():
        dims = inputs[name].dims if name in inputs else None
        if dims is None:
            continue
        if problem := _mismatch(dims, one.shape):
            raise UsageProblem(f"--shape {name}={'x'.join(map(str, one.shape))}: {problem}")
        for dim, length in zip(dims, one.shape, strict=True):
            if isinstance(dim, str) and lengths.setdefault(dim, length) != length:
                raise UsageProblem(
                    f"--shape {name}=…: {dim} is {length} there and {lengths[dim]} elsewhere; give it one length"
                )
    return lengths


def _mismatch(dims: tuple[Dim, ...] | None, shape: tuple[int, ...]) -> str | None:
    """Why a shape does not fit what the file says."""
    if dims is None:
        return None
    fits = len(dims) == len(shape) and all(
        not isinstance(dim, int) or dim == length for dim, length in zip(dims, shape, strict=True)
    )
    return None if fits else f"and the model takes {_words(dims)}"


def _words(dims: Sequence[Dim]) -> str:
    return "×".join("?" if dim is None else str(dim) for dim in dims) or "a single value"


def _shaped(one: Input, asked: Asked | None, lengths: Mapping[str, int]) -> Shaped:
    dtype = asked.dtype if asked and asked.dtype else one.dtype
    if asked is not None:
        return Shaped(one.name, dtype, asked.shape, one.rows)
    assert one.dims is not None, "refused before"
    chosen: list[int] = []
    guesses: list[str] = []
    for place, dim in enumerate(one.dims):
        if isinstance(dim, int):
            chosen.append(dim)
        elif isinstance(dim, str) and dim in lengths:
            chosen.append(lengths[dim])
        else:
            chosen.append(_guess(one, dim, place))
            guesses.append(f"{chosen[-1]} for {f'`{dim}`' if dim else f'dimension {place}'}")
    return Shaped(one.name, dtype, tuple(chosen), one.rows, ", ".join(guesses))


def _guess(one: Input, dim: str | None, place: int) -> int:
    """A length for a dimension that nobody said: what the export was made with, else what is usual for its name."""
    assert one.dims is not None
    name = (dim or "").lower()
    if _PAST.search(name):
        return 0
    if one.like is not None:
        return one.like[place]
    if name in _USUAL:
        return _USUAL[name]
    if name in _BATCHES or "batch" in name or place == 0:
        return 1
    if len(one.dims) == 4:
        return _IMAGE_SIDE if place >= 2 else _USUAL["channels"]
    return _ELSE
