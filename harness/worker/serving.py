"""What is asked of a session whose model is a service: its memory, what a client hears, many requests at once."""

from __future__ import annotations

from collections.abc import Sequence

from harness.models import Arrays, AudioOutput, Model, once
from harness.probes import Unavailable
from harness.probes.memory import Peak, PeakMeter
from harness.probes.stopwatch import Playback, play
from harness.runtimes import Served, Serving, Session
from harness.worker import protocol

UNCORRECTED = "the work is the server's: whether it waits for a core is not seen from here"


def serving(session: Session, model: Model) -> Serving | None:
    """The session where it is a service, and an inference is one request to it."""
    return session if isinstance(session, Serving) and model.drive is once else None


def weighed(session: Session, loading: protocol.Peak, own: PeakMeter) -> tuple[protocol.Peak, PeakMeter]:
    """The peak of loading and the meter of what follows: of a service, those of its processes instead of our own."""
    if not isinstance(session, Serving):
        return loading, own
    gauge = session.gauge()
    match gauge.so_far():
        case Unavailable(why):
            loading = protocol.Peak(unavailable=why)
        case (peak_bytes, note):
            loading = protocol.Peak(peak_bytes=peak_bytes, note=f"since it was started; {note}")
    return loading, PeakMeter(gauge)


def listened(served: Served, audio: AudioOutput) -> Playback:
    """What a listener hears of an answer that is played as it comes."""
    return play(served.arrival_seconds, served.pieces, audio.sample_rate)


def crowded(session: Session, inputs: Sequence[Arrays], request: protocol.Crowd) -> protocol.Crowded:
    """Send the examples' requests, so many at once, and weigh the service meanwhile."""
    assert isinstance(session, Serving)
    peaks = PeakMeter(session.gauge())
    with peaks.phase() as phase:
        found = session.crowd(inputs, request.at_once, request.seconds)
    return protocol.Crowded(
        at_once=found.at_once,
        requests=found.requests,
        failed=found.failed,
        seconds=found.seconds,
        median_seconds=found.median_seconds,
        first_error=found.first_error,
        peak_bytes=phase.peak.peak_bytes if isinstance(phase.peak, Peak) else None,
    )
