"""Every cell of the grid against its other side: stored baselines, or live with `--against`; and what was promised.

These tests run after all others, because measuring goes to where a verdict is still open. Where nothing is to be
compared (no `--against`, nothing in `baselines/`), all but those of promises are deselected.
"""

from harness.plugin import Absent, Promises, Verdicts


def test_speed(verdicts: Verdicts) -> None:
    """It has not become slower, on the whole or in its slowest inferences."""
    verdicts.check("latency_seconds", "latency_p95_seconds", "latency_p99_seconds")


def test_peak_memory(verdicts: Verdicts) -> None:
    """It has not come to need more memory."""
    verdicts.check("peak_bytes")


def test_loading(verdicts: Verdicts) -> None:
    """It is not slower to load."""
    verdicts.check("import_seconds", "open_seconds", "first_inference_seconds")


def test_artifact(verdicts: Verdicts) -> None:
    """What is shipped has the size, the parameters and the converted weights that it had."""
    verdicts.check("artifact_bytes", "parameters_count", "weights_covered_fraction")


def test_quality(verdicts: Verdicts) -> None:
    """What comes out is as good as it was: every metric of quality that its outputs have."""
    verdicts.check_quality()


def test_promises(promises: Promises) -> None:
    """What `expectations.toml` claims of it, the targets it has to meet and what it may lose are kept."""
    promises.check()


def test_nothing_is_missing(absent_cells: Absent) -> None:
    """Every cell that has a baseline is still there."""
    absent_cells.check()
