"""Whether a cell fits into the memory there is: of one measured before that is known, of others their weights say it.

A guess never refuses a cell that might fit: only where not even the weights in fp32 would, nothing is tried.
"""

from __future__ import annotations

_CONVERSION = 2.2
"""The reference and its conversion beside it, as a multiple of the weights in fp32."""

_RUNTIME_BYTES = 600e6
"""An interpreter with its runtime, before any weights: torch and its transformers at the most."""

_LENIENT = 0.9
"""A peak that was read before may come out a tenth lower: less is put into caches where memory is short."""


def too_little(available: float, *, peak_bytes: float | None, weight_bytes: float | None) -> str | None:
    """Why a cell cannot run in the memory there is; None where it may.

    `peak_bytes` is what the cell needed before, `weight_bytes` what its weights take in fp32, where they are known.
    """
    if peak_bytes is not None:
        return _refusal(peak_bytes, "as it did before", available) if _LENIENT * peak_bytes > available else None
    if weight_bytes is not None and weight_bytes > available:
        needed = _CONVERSION * weight_bytes + _RUNTIME_BYTES
        return _refusal(needed, f"{_gb(weight_bytes)} of weights and what converts them", available)
    return None


def _refusal(needed: float, why: str, available: float) -> str:
    return (
        f"needs about {_gb(needed)} of memory ({why}), {_gb(available)} is available:"
        " close something, or take --low-memory or a smaller size"
    )


def _gb(size: float) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 0.95e9 else f"{size / 1e6:.0f} MB"
