"""What is read off the machine. Every probe answers with a value or with why there is none; never with 0."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Unavailable:
    """Why a quantity cannot be had here; goes into `Reading.unavailable` as it is."""

    why: str

    def __post_init__(self) -> None:
        if not self.why.strip():
            raise ValueError("an unavailable quantity says why")
