from __future__ import annotations

import io
import math
import re
import threading

import pytest
from fixed_judgement import FP32, HOSTILE_JUDGED, JUDGED, VERDICTS
from fixed_run import ENVIRONMENT, HOSTILE, MEASUREMENTS, PLANNED, RUN

from harness.render.look import is_terminal, look_of
from harness.render.progress import Progress
from harness.results import Phase


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


class Latin(io.StringIO):
    """A stream that cannot show everything."""

    encoding = "latin-1"


def lines(stream: io.StringIO) -> list[str]:
    return [line for line in stream.getvalue().splitlines() if line]


def screen(text: str) -> list[str]:
    """What is left on a terminal after its control codes: only those that the bar uses are known here."""
    rows, at = [""], 0
    for code, plain in re.findall(r"(\x1b\[[?\d;]*[A-Za-z]|[\r\n])|([^\x1b\r\n]+)", text):
        if code == "\n":
            at += 1
            rows += [""] * (at + 1 - len(rows))
        elif code.endswith("A"):
            at -= int(code[2:-1])
        elif code == "\x1b[2K":
            rows[at] = ""
        elif plain:
            rows[at] += plain
    return [row for row in rows if row.strip()]


def test_each_finished_cell_has_one_line() -> None:
    stream = io.StringIO()
    shown = Progress(stream, clock=Clock(), environ={}, width=160)
    shown.started(len(PLANNED), cells=PLANNED)
    for measurement in MEASUREMENTS[:3]:
        shown.cell_started(measurement.cell)
        shown.phase(measurement.cell, Phase.TIMING)
        shown.tick()
        shown.cell_finished(measurement)
    told = [line[:6] for line in lines(stream) if not line.startswith("      ! ")]
    assert told == ["  1/11", "  2/11", "  3/11"]


def test_the_time_left_is_the_mean_time_of_a_cell_times_the_cells_left() -> None:
    stream, clock = io.StringIO(), Clock()
    shown = Progress(stream, clock=clock, environ={}, width=160)
    shown.started(11)
    clock.now = 30.0
    shown.cell_finished(MEASUREMENTS[0])
    assert lines(stream)[0].endswith("eta 5m00s")


def test_no_time_left_is_guessed_before_anything_was_measured() -> None:
    stream = io.StringIO()
    shown = Progress(stream, clock=Clock(), environ={}, width=160)
    shown.started(11)
    shown.cell_finished(MEASUREMENTS[1])
    assert "eta" not in stream.getvalue()


def test_silence_is_broken_once_a_minute_and_only_by_the_callers_tick() -> None:
    stream, clock = io.StringIO(), Clock()
    shown = Progress(stream, clock=clock, environ={}, width=160)
    shown.started(11)
    shown.cell_started(PLANNED[0])
    shown.phase(PLANNED[0], Phase.WARM_UP)
    for second in range(1, 131):
        clock.now = float(second)
        shown.tick()
    assert lines(stream) == [
        "   ... piper-joe fp32 cpu: warm-up, 1m00s · 0 of 11 cells after 1m00s",
        "   ... piper-joe fp32 cpu: warm-up, 2m00s · 0 of 11 cells after 2m00s",
    ]


def test_a_finished_cell_puts_the_heartbeat_off() -> None:
    stream, clock = io.StringIO(), Clock()
    shown = Progress(stream, clock=clock, environ={}, width=160)
    shown.started(11)
    clock.now = 50.0
    shown.cell_finished(MEASUREMENTS[0])
    shown.tick(100.0)
    assert "..." not in stream.getvalue()
    shown.tick(110.0)
    assert "..." in stream.getvalue()


def test_the_end_leaves_the_same_report_on_a_terminal_as_in_a_file() -> None:
    ends = []
    for stream in (Terminal(), io.StringIO()):
        shown = Progress(stream, clock=Clock(), environ={"NO_COLOR": "1", "TERM": "xterm"}, width=160)
        shown.started(len(PLANNED), cells=PLANNED, environment=ENVIRONMENT)
        for measurement in MEASUREMENTS:
            shown.cell_started(measurement.cell)
            shown.tick()
            shown.cell_finished(measurement)
        shown.finished(RUN, report="reports/x/report.html")
        ends.append(screen(stream.getvalue()))
    assert ends[0] == ends[1]
    assert ends[0][-2].split("#")[0] == "report  reports/x/report.html"


def test_the_bar_says_what_is_being_done_and_goes_when_asked() -> None:
    stream, clock = Terminal(), Clock()
    shown = Progress(stream, clock=clock, environ={"TERM": "xterm"}, width=100)
    shown.started(11)
    shown.cell_started(PLANNED[0])
    shown.phase(PLANNED[0], Phase.TIMING)
    clock.now = 3.0
    shown.tick()
    assert "piper-joe fp32 cpu: timing, 3s · 0 of 11 cells after 3s" in screen(stream.getvalue())[-1]
    shown.hide()
    assert screen(stream.getvalue()) == []


def test_the_bar_takes_no_thread() -> None:
    before = threading.active_count()
    shown = Progress(Terminal(), clock=Clock(), environ={"TERM": "xterm"}, width=100)
    shown.started(11)
    shown.cell_started(PLANNED[0])
    assert threading.active_count() == before
    shown.hide()


@pytest.mark.parametrize("live", [True, False], ids=["bar", "lines"])
def test_a_hostile_name_is_shown_as_text(live: bool) -> None:
    stream, clock = io.StringIO(), Clock()
    shown = Progress(stream, clock=clock, environ={"NO_COLOR": "1"}, width=100, live=live)
    shown.started(3, cells=HOSTILE.planned, environment=HOSTILE.environment)
    for measurement in HOSTILE.measurements:
        shown.cell_started(measurement.cell)
        clock.now += 70
        shown.tick()
        shown.cell_finished(measurement)
    shown.finished(HOSTILE)
    text = stream.getvalue()
    assert "<script>" in text
    assert "\\u2066[red]x[/red]" in text
    assert not re.search(r"[\x00\u202e\u2066]|\x1b\]|\x1b\[31m", text)


def test_colour_is_for_terminals_and_never_against_the_users_wish() -> None:
    assert look_of(Terminal(), {"TERM": "xterm"}).colour
    assert not look_of(Terminal(), {"TERM": "xterm", "NO_COLOR": "1"}).colour
    assert not look_of(Terminal(), {"TERM": "dumb"}).colour
    assert not look_of(io.StringIO(), {"TERM": "xterm"}).colour


@pytest.mark.parametrize("environ", [{"CI": "true"}, {"TERM": "dumb"}], ids=["ci", "dumb"])
def test_no_bar_is_drawn_where_it_cannot_be_redrawn(environ: dict[str, str]) -> None:
    assert not is_terminal(Terminal(), environ)


def test_without_colour_the_bar_has_none() -> None:
    stream = Terminal()
    shown = Progress(stream, clock=Clock(), environ={"TERM": "xterm", "NO_COLOR": "1"}, width=100)
    shown.started(11)
    shown.cell_started(PLANNED[0])
    shown.cell_finished(MEASUREMENTS[4])
    shown.hide()
    assert not re.search(r"\x1b\[[\d;]+m", stream.getvalue())


def test_the_users_width_is_kept() -> None:
    assert look_of(io.StringIO(), {"COLUMNS": "77"}).width == 77
    assert look_of(io.StringIO(), {}, 60).width == 60


def test_an_old_terminal_gets_only_what_it_can_show() -> None:
    stream = Latin()
    shown = Progress(stream, clock=Clock(), environ={}, width=100)
    shown.started(11, environment=ENVIRONMENT)
    shown.cell_finished(MEASUREMENTS[1])
    shown.finished(RUN)
    stream.getvalue().encode("latin-1")
    assert "/ unsupported: NO_KERNEL" in stream.getvalue()


def compared(shown: Progress, clock: Clock, *, seconds: int = 5) -> None:
    """Six pairs of one comparison, seconds apart, and its verdict."""
    shown.gate_started(8, 600.0)
    for made in range(1, 7):
        clock.now += seconds
        bounds = (math.log(0.98), math.log(1.021)) if made >= 4 else (None, None)
        shown.gate_pair(FP32, 1, made, *bounds, 8, 600.0 - clock.now)
    shown.gate_decided(VERDICTS[0])


def test_a_decided_comparison_has_one_line() -> None:
    stream, clock = io.StringIO(), Clock()
    compared(Progress(stream, clock=clock, environ={}, width=160), clock)
    assert [line.rstrip() for line in lines(stream)[:1]] == ["gate     8 comparisons, at most 10m00s"]
    (decided,) = lines(stream)[1:]
    assert decided.startswith(
        " 1/8 piper-joe fp32 cpu  · unchanged   +0.4 % [−1.0, +1.8]   margin 3 %   live, 9 pairs "
    )
    assert decided.endswith("  9m30s left")


def test_pairs_are_told_once_a_minute_where_there_is_no_terminal() -> None:
    stream, clock = io.StringIO(), Clock()
    compared(Progress(stream, clock=clock, environ={}, width=160), clock, seconds=25)
    assert lines(stream)[1:-1] == [
        "   ... piper-joe fp32 cpu: 3 pairs · 8 undecided · 8m45s left · 1m15s so far",
        "   ... piper-joe fp32 cpu: 6 pairs, [−2.0, +2.1] % · 8 undecided · 7m30s left · 2m30s so far",
    ]


def test_the_bar_follows_the_pairs_and_the_decisions() -> None:
    stream, clock = Terminal(), Clock()
    shown = Progress(stream, clock=clock, environ={"TERM": "xterm", "NO_COLOR": "1"}, width=120)
    shown.started(1, cells=[FP32])
    shown.cell_started(FP32)
    shown.cell_finished(MEASUREMENTS[0])
    shown.gate_started(8, None)
    clock.now = 9.0
    shown.gate_pair(FP32, 2, 6, math.log(0.98), math.log(1.021), 8, None)
    said = "piper-joe fp32 cpu: confirming, 6 pairs, [−2.0, +2.1] % · 8 undecided · 9s so far"
    assert said in screen(stream.getvalue())[-1]
    shown.gate_decided(VERDICTS[0])
    assert "7 undecided" in screen(stream.getvalue())[-1]
    shown.hide()
    assert "undecided" not in screen(stream.getvalue())[-1]


def test_the_bar_goes_when_all_is_decided() -> None:
    stream, clock = Terminal(), Clock()
    shown = Progress(stream, clock=clock, environ={"TERM": "xterm", "NO_COLOR": "1"}, width=120)
    shown.gate_started(1, None)
    shown.gate_pair(FP32, 1, 4, None, None, 1, None)
    shown.gate_decided(VERDICTS[0])
    assert "undecided" not in screen(stream.getvalue())[-1]


def test_a_cell_that_is_measured_meanwhile_has_the_bar() -> None:
    stream, clock = Terminal(), Clock()
    shown = Progress(stream, clock=clock, environ={"TERM": "xterm", "NO_COLOR": "1"}, width=120)
    shown.started(3)
    shown.gate_started(8, None)
    shown.phase(FP32, Phase.TIMING)  # of a worker of a pair: where the comparison stands says more
    assert "8 undecided" in screen(stream.getvalue())[-1]
    shown.cell_started(FP32)
    shown.phase(FP32, Phase.TIMING)
    assert "piper-joe fp32 cpu: timing" in screen(stream.getvalue())[-1]
    shown.hide()


@pytest.mark.parametrize("live", [True, False], ids=["bar", "lines"])
def test_hostile_names_and_odd_numbers_are_shown_as_text_while_comparing(live: bool) -> None:
    stream, clock = io.StringIO(), Clock()
    shown = Progress(stream, clock=clock, environ={"NO_COLOR": "1"}, width=100, live=live)
    assert HOSTILE_JUDGED.judgement is not None
    shown.gate_started(3, math.nan)
    for verdict in HOSTILE_JUDGED.judgement.verdicts:
        clock.now += 70
        shown.gate_pair(verdict.cell, 1, 1, -math.inf, 1e300, 2, math.nan)
        shown.gate_decided(verdict)
    shown.finished(HOSTILE_JUDGED)
    text = stream.getvalue()
    assert "<script>" in text
    assert not re.search(r"[\x00\u202e\u2066]|\x1b\]|\x1b\[31m|\bnan\b|\binf\b", text)


def test_an_old_terminal_gets_only_what_it_can_show_of_the_gate() -> None:
    stream, clock = Latin(), Clock()
    shown = Progress(stream, clock=clock, environ={}, width=100)
    compared(shown, clock)
    shown.finished(JUDGED)
    stream.getvalue().encode("latin-1")
    assert "[-1.0, +1.8]" in stream.getvalue()
