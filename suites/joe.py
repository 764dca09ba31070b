"""Sentences spoken by the Piper voice joe, at 16 kHz, for labelled sets: made on first use and kept.

Both noise scales are 0, so that the same sentence is the same sound each time. What is kept is 16-bit, as a recording.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness import packages
from suites.installed import JOE, file_digest, installed_file, write_atomically

if TYPE_CHECKING:
    from suites.speech import Samples

MODEL_FILE = "data/en_US-joe-medium.onnx"
RATE = 22_050
"""Samples a second that the voice speaks at."""

_VERSION = 1
"""Raised whenever the same sentences would sound otherwise."""

_NO_NOISE = (0.0, 1.0, 0.0)
_FULL_SCALE = 32_767


@dataclass(frozen=True, slots=True)
class Recording:
    """Sentences (phoneme ids by name) as the voice says them. `identity` names all that decides how they sound."""

    sentences: Mapping[str, Sequence[int]]
    folder: Path
    identity: str

    def samples(self, name: str) -> Samples:
        """One sentence; the first one asked for has all of them spoken."""
        import numpy as np

        path = self._path
        if not path.is_file():
            write_atomically(path, self._record)
        with np.load(path) as kept:
            whole: Samples = kept[name].astype(np.float32) / np.float32(_FULL_SCALE)
        return whole

    @property
    def _path(self) -> Path:
        """Another onnxruntime may round otherwise, and then makes a file of its own."""
        runtime = packages.installed_version("onnxruntime")
        made_from = hashlib.sha256(json.dumps([self.identity, runtime]).encode()).hexdigest()
        return self.folder / f"joe-{made_from[:16]}.npz"

    def _record(self, path: Path) -> None:
        import numpy as np

        from harness.quality.resampling import resample
        from suites.speech import RATE as HEARD_RATE

        speak = _voice()
        spoken = {name: resample(speak(ids), RATE, HEARD_RATE) for name, ids in self.sentences.items()}
        whole = {name: np.rint(samples.clip(-1, 1) * _FULL_SCALE).astype(np.int16) for name, samples in spoken.items()}
        np.savez(path, **whole)


def recording(sentences: Mapping[str, Sequence[int]], folder: Path) -> Recording:
    """Name what the voice would say; nothing is spoken yet. Raises Unsupported where the voice is not installed."""
    voice = file_digest(installed_file(JOE, MODEL_FILE))
    described = json.dumps([_VERSION, voice, _NO_NOISE, {name: list(ids) for name, ids in sentences.items()}])
    return Recording(sentences, folder, hashlib.sha256(described.encode()).hexdigest())


def call_inputs(ids: Any, scales: tuple[float, float, float] = _NO_NOISE) -> dict[str, Any]:
    """What the voice's graph is called with for one sentence; scales: noise of the audio, length, of the durations."""
    import numpy as np

    sentence = np.asarray(ids, dtype=np.int64).reshape(1, -1)
    return {
        "input": sentence,
        "input_lengths": np.array([sentence.size], dtype=np.int64),
        "scales": np.array(scales, dtype=np.float32),
    }


def _voice() -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(installed_file(JOE, MODEL_FILE), options, providers=["CPUExecutionProvider"])
    return lambda ids: session.run(None, call_inputs(ids))[0].ravel()
