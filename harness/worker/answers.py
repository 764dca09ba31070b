"""Keeps what came out of a session, example by example, and reads it again: one file an example, and an index.

The index is written last, so that a folder without one is of a worker that died. Judges nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from harness.errors import HarnessError
from harness.models import Arrays, AudioOutput, Workload
from harness.scores import Examples, Part
from harness.worker.protocol import Answered
from harness.worker.sets import workload_digest

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]
else:
    Array = Any

INDEX_FILE = "answers.json"

_NOTHING = hashlib.sha256(b"nothing came out").digest()
"""Stands for an example that failed: which one it was is part of what a set gave."""

Run = Callable[[int], Sequence[Arrays]]
"""Runs the example at a place of its set: one set of outputs a chunk."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A folder of outputs, as its index tells it."""

    folder: Path
    answered: Answered

    def examples(self, part: Part) -> Examples | None:
        """The examples of a part."""
        return self.answered.timed if part is Part.TIMED else self.answered.exam

    def outputs(self, part: Part, index: int) -> dict[str, Array] | None:
        """What came out of an example, by the names of the outputs; None where nothing did."""
        import numpy as np

        path = _file(self.folder, part, index)
        if not path.exists():
            return None
        try:
            with np.load(path) as stored:
                names = stored["names"].tolist()
                return {name: stored[f"output{place}"] for place, name in enumerate(names)}
        except Exception as error:
            named = "/".join(path.parts[-5:])
            raise HarnessError(f"{named} is no longer what was kept: {type(error).__name__}; run it again") from error

    def verify(self) -> None:
        """Refuse outputs that are not, to the last bit, those that the session gave."""
        told = self.answered
        for part, digest in ((Part.TIMED, told.outputs_digest), (Part.EXAM, told.exam_outputs_digest)):
            examples = self.examples(part)
            if examples is None:
                continue
            found = (self.outputs(part, index) for index in range(len(examples.ids)))
            if digest_of(_NOTHING if one is None else outputs_digest(one) for one in found) != digest:
                named = "/".join(self.folder.parts[-3:])
                raise HarnessError(f"the {part} outputs of {named} are no longer what was kept; run it again")


def kept(folder: Path) -> Kept | None:
    """The outputs of a folder; None where they were not kept to the end."""
    try:
        raw = (folder / INDEX_FILE).read_bytes()
    except FileNotFoundError:
        return None
    return Kept(folder, msgspec.json.decode(raw, type=Answered))


def clear(folder: Path) -> None:
    """Take away what a folder held before: an old index would vouch for outputs of two sessions."""
    import shutil

    shutil.rmtree(folder, ignore_errors=True)


def keep(folder: Path, answered: Answered) -> Answered:
    """Write the index: from now on the folder is whole."""
    try:
        (folder / INDEX_FILE).write_bytes(msgspec.json.encode(answered))
    except OSError as error:
        raise _unwritable(folder, error) from error
    return answered


def keep_part(
    folder: Path,
    part: Part,
    workload: Workload,
    run: Run,
    *,
    may_fail: bool,
    audio: AudioOutput | None = None,
) -> tuple[Examples, str]:
    """Run a set, keep its outputs, give their digest. With `may_fail` an example that raises is counted as failed.

    `audio` is also written for people, as a recording an example.
    """
    digests: list[bytes] = []
    failed: dict[str, str] = {}
    for index, example in enumerate(workload.examples):
        try:
            outputs = joined(run(index))
        except Exception as error:
            if not may_fail:
                raise
            failed[example.id] = " ".join(f"{type(error).__name__}: {error}".split())[:300]
            digests.append(_NOTHING)
            continue
        digests.append(outputs_digest(outputs))
        _write(_file(folder, part, index), outputs)
        if audio is not None:
            _record(_file(folder, part, index), example.id, outputs[audio.output], audio.sample_rate)
    grouped = any(example.group for example in workload.examples)
    examples = Examples(
        name=workload.name,
        digest=workload_digest(workload),
        ids=tuple(example.id for example in workload.examples),
        slices=tuple(dict(example.slices) for example in workload.examples),
        failed=failed,
        groups=tuple(example.group or example.id for example in workload.examples) if grouped else (),
    )
    return examples, digest_of(digests)


def joined(chunks: Sequence[Arrays]) -> dict[str, Array]:
    """One set of outputs an example: what one chunk alone has as it is, else the values of all one after another."""
    import numpy as np

    names = dict.fromkeys(name for chunk in chunks for name in chunk)
    pieces = {name: [np.asarray(chunk[name]) for chunk in chunks if name in chunk] for name in names}
    return {
        name: found[0] if len(found) == 1 else np.concatenate([np.ravel(one) for one in found])
        for name, found in pieces.items()
    }


def outputs_digest(outputs: dict[str, Array]) -> bytes:
    """What an example's outputs are, to the last bit."""
    import numpy as np

    digest = hashlib.sha256()
    for name, values in outputs.items():
        digest.update(repr((name, str(values.dtype), values.shape)).encode())
        digest.update(np.ascontiguousarray(values).tobytes())
    return digest.digest()


def digest_of(each: Iterable[bytes]) -> str:
    """The digest of a set out of those of its examples."""
    whole = hashlib.sha256()
    for one in each:
        whole.update(one)
    return whole.hexdigest()


def _file(folder: Path, part: Part, index: int) -> Path:
    return folder / part / f"{index:05d}.npz"


def _write(path: Path, outputs: dict[str, Array]) -> None:
    import numpy as np

    arrays: dict[str, Any] = {f"output{place}": values for place, values in enumerate(outputs.values())}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez(path, names=np.array(list(outputs), dtype=np.str_), **arrays)
    except OSError as error:
        raise _unwritable(path.parent, error) from error


def _record(path: Path, name: str, samples: Array, rate: int) -> None:
    """Audio as a WAV file beside its numbers, named by its example."""
    import re
    import wave

    import numpy as np

    loud = np.clip(np.ravel(samples).astype(np.float64), -1.0, 1.0)
    plain = re.sub(r"[^\w.-]+", "_", name)[:80]
    try:
        with wave.open(str(path.with_name(f"{path.stem}-{plain}.wav")), "wb") as file:
            file.setparams((1, 2, rate, 0, "NONE", "not compressed"))
            file.writeframes((loud * 32767).round().astype("<i2").tobytes())
    except OSError as error:
        raise _unwritable(path.parent, error) from error


def _unwritable(folder: Path, error: OSError) -> HarnessError:
    return HarnessError(
        f"the outputs cannot be kept in {folder.name}: {error.strerror}; make room or choose another --reports folder"
    )
