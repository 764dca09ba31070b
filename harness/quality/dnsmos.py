"""DNSMOS: a network's guess at how people would rate a recording. A tripwire, and no measure of small differences.

Some noise raises it, and it has no reference. Owns the running of the model `sig_bak_ovr.onnx` that the package
speechmos carries (Reddy et al. 2022, ITU-T P.835); its code is not imported, as it needs far more than the model does.
"""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from harness.models import Need
from harness.packages import installed_version
from harness.quality.audio import heard, is_audible, voice_case
from harness.quality.checks import Trial, self_checked
from harness.quality.metric import Array, CannotScore, Case, Kind
from harness.quality.resampling import resample
from harness.quality_metrics import QUALITY
from harness.scores import Terms

RATE = 16_000
WINDOW = 144_160
"""Samples that the model hears at once: 9.01 s."""
WORST = 1.0
"""The lowest rating of the scale: what is given to what failed or is silent."""

_OVERALL = (-0.06766283, 1.11546468, 0.04602535)
"""From the third output to the scale of P.835: second, first and zeroth order, as published with the model."""
_NEED = Need("speechmos", 'pip install "quantgate[speech]"')
_FILE = "dnsmos_models/sig_bak_ovr.onnx"


def windows(samples: Array) -> Array:
    """What the model hears of a recording at 16 kHz: whole windows, one after the other, the last one up to its end.

    A recording shorter than a window is repeated until it fills one. The published script goes on repeating and takes
    a window a second: five times the work for what moved the ratings here by less than 0.1.
    """
    import numpy as np

    if samples.size <= WINDOW:
        return np.resize(samples, (1, WINDOW)).astype(np.float32)
    starts = [*range(0, samples.size - WINDOW, WINDOW), samples.size - WINDOW]
    return np.stack([samples[start : start + WINDOW] for start in starts]).astype(np.float32)


def dnsmos(case: Case) -> Terms | None:
    """The overall rating, 1 to 5, the mean of the windows; the worst for what failed or is silent."""
    import numpy as np

    samples = heard(case)
    if not is_audible(samples, case.sample_rate):
        return (WORST,)
    audible = np.clip(resample(samples, case.sample_rate, RATE), -1.0, 1.0)  # as a player would
    session = _session()
    name = session.get_inputs()[0].name
    raw = [session.run(None, {name: window[None, :]})[0][0, 2] for window in windows(audible)]
    return (float(np.polyval(_OVERALL, np.asarray(raw, dtype=np.float64)).mean()),)


@cache
def _session() -> Any:
    model = _model()
    try:
        import onnxruntime
    except ImportError as problem:
        raise CannotScore(f'the model needs onnxruntime ({problem}); run: pip install "quantgate[onnx]"') from problem
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])


def _model() -> Path:
    spec = find_spec("speechmos")
    found = [Path(folder, _FILE) for folder in (spec.submodule_search_locations or ())] if spec else []
    path = next((path for path in found if path.is_file()), None)
    if path is None:
        raise CannotScore(f"speechmos does not carry {_FILE}; install the tested version: {_NEED.install}")
    return path


def _trial() -> Trial:
    """A voice-like signal, then in noise 20 and 0 dB below it."""
    from harness.quality.signals import voice_like, with_noise

    voice = voice_like(RATE)
    return Trial((voice_case(voice),), tuple((voice_case(with_noise(voice, snr_db)),) for snr_db in (20.0, 0.0)))


def _note() -> str:
    return f"a tripwire only: the model of speechmos {installed_version('speechmos') or 'of unknown version'}"


METRICS = (self_checked(QUALITY["dnsmos"], Kind.SPEECH, _trial, terms=dnsmos, needs=(_NEED,), note=_note),)
