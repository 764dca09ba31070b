"""What is noted of timed passes, between two inferences, and made into a block afterwards."""

from __future__ import annotations

from itertools import pairwise

from harness.probes.stopwatch import Playback, StreamLap
from harness.worker import protocol


class Record:
    """What is noted while timing; plain lists, because it is filled between two inferences."""

    def __init__(self) -> None:
        self.example_ids: list[str] = []
        self.wall: list[float] = []
        self.corrected: list[float | None] = []
        self.device: list[float | None] = []
        self.pass_seconds: list[float] = []
        self.gaps: list[float] = []
        self.heard: list[float] = []
        self.stages: list[tuple[float, ...]] = []
        self.underruns: list[tuple[float, ...]] = []
        self.first_bytes: list[float] = []

    def add(self, name: str, wall: float, corrected: float | None, device: float | None, heard: float | None) -> None:
        """Note an inference."""
        self.example_ids.append(name)
        self.wall.append(wall)
        self.corrected.append(corrected)
        self.device.append(device)
        if heard is not None:
            self.heard.append(heard)

    def add_stream(self, name: str, lap: StreamLap, playback: Playback | None) -> None:
        """Note a stream, chunk by chunk."""
        arrivals = lap.arrival_seconds
        for seconds in lap.chunk_seconds:
            self.add(name, seconds, None, None, None)
        self.gaps.extend(later - earlier for earlier, later in pairwise(arrivals))
        if playback is not None:
            self.underruns.append(playback.underrun_seconds)
            if playback.first_audible_seconds is not None:
                self.heard.append(playback.first_audible_seconds)

    def add_served(self, name: str, wall: float, first_byte: float, heard: float | None) -> None:
        """Note a request that a service answered."""
        self.add(name, wall, None, None, heard)
        self.first_bytes.append(first_byte)

    def add_stages(self, name: str, lap: StreamLap, heard: float | None) -> None:
        """Note an inference whose chunks are stages."""
        self.add(name, lap.wall_seconds, lap.corrected_seconds, None, heard)
        self.stages.append(lap.chunk_seconds)

    def block(self, uncorrected: str | None) -> protocol.Block:
        """Everything noted, as it is told to the parent."""
        return protocol.Block(
            example_ids=tuple(self.example_ids),
            wall_seconds=tuple(self.wall),
            passes=len(self.pass_seconds),
            corrected_seconds=all_or_none(self.corrected),
            corrected_unavailable=uncorrected,
            device_seconds=all_or_none(self.device),
            pass_seconds=tuple(self.pass_seconds),
            chunk_gaps=tuple(self.gaps),
            first_audible_seconds=tuple(self.heard),
            stage_seconds=tuple(self.stages),
            underruns=tuple(self.underruns),
            first_byte_seconds=tuple(self.first_bytes),
        )


def all_or_none(values: list[float | None]) -> tuple[float, ...] | None:
    """The values where every one is known; one that is missing for an inference is missing for the block."""
    known = tuple(value for value in values if value is not None)
    return known if len(known) == len(values) else None
