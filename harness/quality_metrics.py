"""The metrics of what came out, by name; their functions live in `harness.quality` and in other people's packages.

Owns the built-in table, and what installed packages add to it by entry point.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.metadata import entry_points

from harness.errors import UsageProblem
from harness.metrics import METRICS, Better, Metric, Pool

_LOWER, _HIGHER, _NEITHER = Better.LOWER, Better.HIGHER, Better.NEITHER

_OF_REFERENCE = (
    *("sqnr_db", "cosine_similarity", "largest_difference", "top1_agreement", "kl_divergence"),
    *("decision_agreement", "frame_agreement", "token_agreement", "embedding_cosine", "neighbour_overlap"),
    *("log_mel_distance", "si_sdr_db", "mcd_dtw_db", "duration_drift", "speaker_similarity"),
)
"""What is measured against the outputs of fp32; the rest is of the outputs by themselves, or against right answers."""


def _quality(
    name: str,
    unit: str,
    better: Better,
    margin: float,
    pool: Pool,
    summary: str,
    *,
    ceiling: float | None = None,
    unusable: float | None = None,
    is_judged: bool = True,
) -> Metric:
    of_reference = name in _OF_REFERENCE
    return Metric(name, unit, better, margin, summary, pool, ceiling, unusable, is_judged, of_reference)


QUALITY: Mapping[str, Metric] = {
    metric.name: metric
    for metric in (
        # Of any output, against fp32 on the same inputs.
        _quality(
            "sqnr_db", "dB", _HIGHER, 3.0, Pool.MEAN, "signal to quantization noise, capped at 100 dB", ceiling=100.0
        ),
        _quality(
            "cosine_similarity", "", _HIGHER, 0.01, Pool.MEAN, "cosine between outputs and those of fp32", ceiling=1.0
        ),
        _quality(
            "largest_difference",
            "",
            _LOWER,
            0.0,
            Pool.GREATEST,
            "largest difference of one value from fp32's",
            ceiling=0.0,
            is_judged=False,
        ),
        # Of logits.
        _quality(
            "top1_agreement",
            "",
            _HIGHER,
            0.02,
            Pool.RATIO,
            "share of positions with the first choice of fp32",
            ceiling=1.0,
        ),
        _quality(
            "kl_divergence",
            "nat",
            _LOWER,
            0.01,
            Pool.RATIO,
            "divergence from fp32's distribution, a position",
            ceiling=0.0,
        ),
        # Of a decision an example.
        _quality(
            "decision_agreement",
            "",
            _HIGHER,
            0.02,
            Pool.SHARE,
            "share of decisions that are those of fp32",
            ceiling=1.0,
            unusable=0.7,
        ),
        _quality("accuracy", "", _HIGHER, 0.02, Pool.SHARE, "share of decisions that are right", ceiling=1.0),
        _quality(
            "decision_precision",
            "",
            _HIGHER,
            0.02,
            Pool.RATIO,
            "of what was called positive, the share that is",
            ceiling=1.0,
        ),
        _quality(
            "recall", "", _HIGHER, 0.02, Pool.RATIO, "of what is positive, the share that was called so", ceiling=1.0
        ),
        _quality("f1", "", _HIGHER, 0.02, Pool.RATIO, "harmonic mean of precision and recall", ceiling=1.0),
        _quality("auc", "", _HIGHER, 0.01, Pool.RANKED, "area under the ROC curve", ceiling=1.0),
        _quality(
            "calibration_error",
            "",
            _LOWER,
            0.02,
            Pool.CALIBRATED,
            "expected calibration error, ten bins",
            ceiling=0.0,
            is_judged=False,
        ),
        _quality("positive_share", "", _NEITHER, 0.0, Pool.SHARE, "share of examples called positive", is_judged=False),
        # Of a decision a frame.
        _quality(
            "frame_agreement",
            "",
            _HIGHER,
            0.02,
            Pool.RATIO,
            "share of frames decided as by fp32",
            ceiling=1.0,
            unusable=0.7,
        ),
        _quality("frame_accuracy", "", _HIGHER, 0.02, Pool.RATIO, "share of frames decided rightly", ceiling=1.0),
        _quality(
            "frame_precision", "", _HIGHER, 0.02, Pool.RATIO, "of frames called speech, the share that is", ceiling=1.0
        ),
        _quality(
            "frame_recall", "", _HIGHER, 0.02, Pool.RATIO, "of frames of speech, the share that was found", ceiling=1.0
        ),
        _quality(
            "frame_f1", "", _HIGHER, 0.02, Pool.RATIO, "harmonic mean of the frames' precision and recall", ceiling=1.0
        ),
        # Of audio that was made, against fp32's of the same text.
        _quality(
            "log_mel_distance",
            "ln",
            _LOWER,
            0.1,
            Pool.MEAN,
            "mean difference of log-mel spectra from fp32's",
            ceiling=0.0,
            unusable=1.5,
        ),
        _quality(
            "si_sdr_db",
            "dB",
            _HIGHER,
            3.0,
            Pool.MEAN,
            "scale-invariant signal to distortion, capped at 100 dB",
            ceiling=100.0,
            is_judged=False,
        ),
        _quality(
            "mcd_dtw_db",
            "dB",
            _LOWER,
            0.5,
            Pool.MEAN,
            "mel-cepstral distance from fp32 after time warping",
            ceiling=0.0,
            unusable=6.0,
        ),
        _quality(
            "duration_drift",
            "",
            _LOWER,
            0.01,
            Pool.MEAN,
            "by what share the audio is longer or shorter than fp32's",
            ceiling=0.0,
            unusable=0.5,
        ),
        _quality(
            "silent_share",
            "",
            _LOWER,
            0.05,
            Pool.RATIO,
            "share of the audio that is silence; hiss in the pauses lowers it",
            unusable=0.95,
            is_judged=False,
        ),
        _quality(
            "clipped_share", "", _LOWER, 0.001, Pool.RATIO, "share of samples at full scale", ceiling=0.0, unusable=0.2
        ),
        # Of speech, as it is heard.
        _quality(
            "failed_share",
            "",
            _LOWER,
            0.0,
            Pool.SHARE,
            "share of syntheses that failed or are silent",
            ceiling=0.0,
            unusable=0.5,
        ),
        _quality(
            "word_error_rate",
            "",
            _LOWER,
            0.03,
            Pool.RATIO,
            "words misheard by a speech recogniser",
            ceiling=0.0,
            unusable=0.8,
        ),
        _quality(
            "character_error_rate",
            "",
            _LOWER,
            0.02,
            Pool.RATIO,
            "characters misheard by a speech recogniser",
            ceiling=0.0,
        ),
        _quality("dnsmos", "MOS", _HIGHER, 0.3, Pool.MEAN, "DNSMOS overall: a tripwire, it rises with some noise"),
        _quality(
            "speaker_similarity",
            "",
            _HIGHER,
            0.05,
            Pool.MEAN,
            "cosine of the speaker's embedding with fp32's",
            ceiling=1.0,
        ),
        # Of text.
        _quality(
            "token_agreement", "", _HIGHER, 0.02, Pool.RATIO, "share of tokens that are those of fp32", ceiling=1.0
        ),
        _quality(
            "chrf", "", _HIGHER, 1.0, Pool.CHRF, "chrF++ against the reference translation, 0 to 100", ceiling=100.0
        ),
        _quality(
            "bleu", "", _HIGHER, 1.0, Pool.BLEU, "BLEU against the reference translation, 0 to 100", ceiling=100.0
        ),
        # Of embeddings.
        _quality("embedding_cosine", "", _HIGHER, 0.01, Pool.MEAN, "cosine of embeddings with fp32's", ceiling=1.0),
        _quality(
            "neighbour_overlap",
            "",
            _HIGHER,
            0.05,
            Pool.MEAN,
            "share of the nearest neighbours that are fp32's",
            ceiling=1.0,
        ),
    )
}

METRICS_GROUP = "quantgate.metrics"
"""The entry points by which other packages add metrics; each names an object with `metric: Metric`."""


@cache
def known() -> Mapping[str, Metric]:
    """Every metric by name: what is measured, of quality, and what installed packages add."""
    found = {**METRICS, **QUALITY}
    for entry in entry_points(group=METRICS_GROUP):
        try:
            metric = entry.load().metric
        except Exception as error:
            raise UsageProblem(
                f"the metric {entry.name!r} of {entry.value} does not load: {type(error).__name__}: {error};"
                " mend or uninstall its package"
            ) from error
        if not isinstance(metric, Metric) or not metric.is_quality:
            raise UsageProblem(
                f"the metric {entry.name!r} of {entry.value} needs a Metric with a pool; see docs/adding-a-metric.md"
            )
        if metric.name in found:
            raise UsageProblem(f"{entry.value} adds a metric {metric.name!r}, and there is one; give it another name")
        found[metric.name] = metric
    return found
