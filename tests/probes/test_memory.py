import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import harness
from harness.probes import Unavailable
from harness.probes.memory import LinuxGauge, Peak, PeakMeter, PsutilGauge

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="the mark that can be set back is Linux's")

SPIKE = """
import json, mmap, sys, threading, time
from harness.probes.memory import PeakMeter

def spike(size):
    memory = mmap.mmap(-1, size)
    memory[:: mmap.PAGESIZE] = b"x" * -(-size // mmap.PAGESIZE)
    time.sleep(0.005)
    memory.close()

ballast = bytearray(b"x") * int(sys.argv[3])
meter = PeakMeter()
with meter.phase() as before:
    spike(64 << 20)
with meter.phase() as phase:
    if sys.argv[2] == "thread":
        thread = threading.Thread(target=spike, args=(int(sys.argv[1]),))
        thread.start()
        thread.join()
    else:
        spike(int(sys.argv[1]))
with meter.phase() as after:
    pass
print(json.dumps([phase.peak.growth_bytes, after.peak.growth_bytes, before.peak.growth_bytes]))
"""


def growth_of_a_spike(size: int, where: str, ballast: int = 1) -> tuple[int, int]:
    """Bytes that the meter of a fresh process saw a spike grow by, and the phase after it."""
    shown = subprocess.run(
        [sys.executable, "-c", SPIKE, str(size), where, str(ballast)],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(harness.__file__).parents[1],
    )
    during, afterwards, _ = json.loads(shown.stdout)
    return during, afterwards


@linux_only
@pytest.mark.parametrize("where", ["main", "thread"])
@pytest.mark.parametrize(
    ("size", "within"),
    [(8_000_000, 1_000_000), (200_000_000, 2_000_000)],
    ids=["8 MB within 1 MB", "200 MB within 1 %"],
)
def test_a_spike_of_five_milliseconds_is_seen(size: int, within: int, where: str) -> None:
    during, afterwards = growth_of_a_spike(size, where)
    assert abs(during - size) <= within
    # The earlier spikes (64 MB, then this one) are forgotten when the next phase begins.
    assert afterwards <= within


@linux_only
def test_a_spike_on_top_of_much_memory_is_seen() -> None:
    during, _ = growth_of_a_spike(8_000_000, "main", ballast=300_000_000)
    assert abs(during - 8_000_000) <= 1_000_000


def fake_proc(folder: Path, hwm_kib: int, rss_kib: int) -> Path:
    (folder / "status").write_text(f"Name:\tx\nVmHWM:\t{hwm_kib} kB\nVmRSS:\t{rss_kib} kB\nThreads:\t1\n")
    return folder


def test_a_phase_resets_the_mark_and_reads_it(tmp_path: Path) -> None:
    meter = PeakMeter(LinuxGauge(fake_proc(tmp_path, 100, 100), cores=2, usable=2))
    meter.start()
    assert (tmp_path / "clear_refs").read_text() == "5"
    fake_proc(tmp_path, 300, 120)
    assert meter.stop() == Peak(300 * 1024, 100 * 1024, missed_bytes=meter._gauge._missed)


def test_what_is_resident_at_the_end_is_part_of_the_peak(tmp_path: Path) -> None:
    meter = PeakMeter(LinuxGauge(fake_proc(tmp_path, 100, 100)))
    meter.start()
    fake_proc(tmp_path, 150, 180)
    peak = meter.stop()
    assert isinstance(peak, Peak)
    assert peak.peak_bytes == 180 * 1024


def test_a_refused_reset_is_unavailable_with_the_kernels_word(tmp_path: Path) -> None:
    (tmp_path / "clear_refs").mkdir()
    meter = PeakMeter(LinuxGauge(fake_proc(tmp_path, 100, 100)))
    with meter.phase() as phase:
        pass
    assert isinstance(phase.peak, Unavailable)
    assert "refused" in phase.peak.why
    assert "Is a directory" in phase.peak.why


def test_a_reset_without_effect_is_found_out(tmp_path: Path) -> None:
    # The fake tree takes the write and keeps a mark of 500 MB over 100 MB resident.
    meter = PeakMeter(LinuxGauge(fake_proc(tmp_path, 500_000, 100_000), cores=2, usable=2))
    with meter.phase() as phase:
        pass
    assert isinstance(phase.peak, Unavailable)
    assert "kept the old peak" in phase.peak.why


@pytest.mark.parametrize("status", [None, "Name:\tx\n", "VmHWM:\tmany kB\n"])
def test_a_kernel_without_the_mark_is_unavailable(tmp_path: Path, status: str | None) -> None:
    if status is not None:
        (tmp_path / "status").write_text(status)
    meter = PeakMeter(LinuxGauge(tmp_path))
    meter.start()
    assert isinstance(meter.stop(), Unavailable)


def test_a_machine_with_many_cores_says_how_much_may_be_missed(tmp_path: Path) -> None:
    # 64 cores: batches of 128 pages of 4 KiB on each make 32 MiB.
    peak = LinuxGauge(fake_proc(tmp_path, 100, 100), cores=64, usable=64).end(1024)
    assert isinstance(peak, Peak)
    assert peak.missed_bytes == 128 * os.sysconf("SC_PAGE_SIZE") * 64
    assert "MiB" in (peak.note or "")
    quiet = LinuxGauge(tmp_path, cores=2, usable=2).end(1024)
    assert isinstance(quiet, Peak)
    assert quiet.note is None


def test_phases_do_not_nest(tmp_path: Path) -> None:
    meter = PeakMeter(LinuxGauge(fake_proc(tmp_path, 100, 100)))
    with meter.phase(), pytest.raises(RuntimeError, match="going on"):
        meter.start()
    with pytest.raises(RuntimeError, match="start one first"):
        meter.stop()


def test_a_block_that_raises_still_has_its_peak(tmp_path: Path) -> None:
    meter = PeakMeter(LinuxGauge(fake_proc(tmp_path, 100, 100)))
    with pytest.raises(KeyError), meter.phase() as phase:
        raise KeyError
    assert isinstance(phase.peak, Peak)


class FakeInfo:
    def __init__(self, **fields: int) -> None:
        self.__dict__.update(fields)


@pytest.mark.parametrize(
    ("fields", "peak_bytes", "word"),
    [({"rss": 700}, 700, "not a peak"), ({"rss": 700, "peak_wset": 900}, 900, "not of the phase")],
)
def test_elsewhere_the_note_says_what_the_number_is(monkeypatch, fields, peak_bytes: int, word: str) -> None:
    import psutil

    monkeypatch.setattr(psutil.Process, "memory_info", lambda self: FakeInfo(**fields))
    meter = PeakMeter(PsutilGauge())
    meter.start()
    peak = meter.stop()
    assert isinstance(peak, Peak)
    assert peak.peak_bytes == peak_bytes
    assert word in (peak.note or "")


def test_no_memory_at_all_is_no_measurement() -> None:
    with pytest.raises(ValueError, match="always has memory"):
        Peak(0, 100)
