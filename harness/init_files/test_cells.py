"""Every cell of the grid: what must hold before a number of it may be read by anybody.

The first test that asks for a cell has it measured in a fresh process; the others read the same measurement. Verdicts
against baselines are not made here.
"""

from collections.abc import Callable

import pytest

from harness.results import Measurement


def test_latency(measured: Measurement, as_benchmark: Callable[[], None]) -> None:
    """A cell's time is made of whole passes, and is entered into pytest-benchmark as it was measured."""
    assert measured.sample is not None
    passes = measured.sample.passes
    # Where three do not fit --cell-limit, a note says so.
    is_slow = any(note.startswith("timed in ") for note in measured.notes)
    assert passes >= 3 or is_slow, f"{passes} passes are too few to say how far off the time is"
    as_benchmark()


def test_memory(measured: Measurement) -> None:
    """A peak is above what was resident before the model was loaded, or it says why there is none."""
    peak, artifact = measured.reading("peak_bytes"), measured.reading("artifact_bytes")
    assert peak is not None
    assert artifact is not None
    if artifact.value is None:
        assert peak.value or peak.unavailable  # of a service on another machine nothing is seen
        return
    if peak.value is None:
        pytest.fail(f"peak memory unavailable: {peak.unavailable}", pytrace=False)
    assert peak.value > artifact.value / 4, "a peak far below the artifact's own size is no peak of this model"


def test_conversion(measured: Measurement) -> None:
    """A precision that is not fp32 has converted something, and the record says how much."""
    covered = measured.reading("weights_covered_fraction")
    assert covered is not None
    if measured.value("artifact_bytes") is None:
        pytest.skip(f"nothing was converted here: {covered.unavailable}")
    assert covered.value is not None, covered.unavailable
    assert 0 < covered.value <= 1


def test_quality(measured: Measurement) -> None:
    """Beside every time stands what the outputs are worth that were timed; the session gave them before and after."""
    assert measured.quality is not None
    if measured.quality.problem is not None:
        pytest.fail(f"nothing is known of the outputs: {measured.quality.problem}", pytrace=False)
    assert measured.quality.was_steady, "the session did not give the same before and after it was timed"
    assert any(score.value is not None for score in measured.quality.scores)
