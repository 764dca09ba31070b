"""Whether a cell fits into memory: by what it needed before, else by its weights, and never by a guess that is near."""

from __future__ import annotations

import pytest

from harness.conduct.room import too_little

GB = 1e9


@pytest.mark.parametrize(
    ("available", "peak", "weights", "refused"),
    [
        (1.1 * GB, 2.6 * GB, 1.0 * GB, True),
        (2.4 * GB, 2.6 * GB, 1.0 * GB, False),  # 2.34 of 2.6: a tenth less may do
        (2.3 * GB, 2.6 * GB, 1.0 * GB, True),
        (1.1 * GB, None, 1.2 * GB, True),
        (1.2 * GB, None, 1.2 * GB, False),  # the guess is 3.2 GB, and a guess refuses nothing
        (0.1 * GB, None, None, False),
        (4.0 * GB, 2.6 * GB, 9.0 * GB, False),  # what was measured stands above what is guessed
    ],
)
def test_only_what_cannot_fit_is_refused(
    available: float, peak: float | None, weights: float | None, refused: bool
) -> None:
    assert (too_little(available, peak_bytes=peak, weight_bytes=weights) is not None) is refused


def test_a_refusal_tells_what_is_needed_what_there_is_and_what_to_do() -> None:
    assert too_little(1.1 * GB, peak_bytes=2.6 * GB, weight_bytes=None) == (
        "needs about 2.6 GB of memory (as it did before), 1.1 GB is available:"
        " close something, or take --low-memory or a smaller size"
    )
    # 2.2 · 2 GB + 600 MB
    assert too_little(0.5 * GB, peak_bytes=None, weight_bytes=2 * GB) == (
        "needs about 5.0 GB of memory (2.0 GB of weights and what converts them), 500 MB is available:"
        " close something, or take --low-memory or a smaller size"
    )
