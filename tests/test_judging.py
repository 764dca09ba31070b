"""A judgement put together: what is counted, what is fatal under which profile, what the control and the store add."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from harness.baselines.accepting import file_run
from harness.baselines.approvals import append_acceptance
from harness.baselines.store import Store
from harness.baselines.tolerating import acceptance_of
from harness.cells import Cell
from harness.comparisons import Answer, Basis, Duel, Judgement, Outcome, Verdict
from harness.conduct.arms import Against, Kind
from harness.conduct.order import Order
from harness.errors import UsageProblem
from harness.expectations import Expectations
from harness.expectations_file import read_expectations
from harness.judging import Bench, bench_of, heavier, suspects
from harness.results import Run
from harness.stats.sequential import stage_rate
from harness.verdict.times import LATENCY, MEMORY, TIMED
from tests.baselines.made import CELL, OTHER, measured, run
from tests.comparisons_samples import around, duel, pair

REVISION = Against(Kind.REVISION, "HEAD")
SLOWER, SAME, FASTER = (around(centre) for centre in (0.1, 0.0, -0.1))

Maker = Callable[..., Bench]


@pytest.fixture
def bench(tmp_path: Path) -> Maker:
    """A bench of a project with these expectations and options."""

    def make(text: str = "", *, decided_before: frozenset[Cell] = frozenset(), **asked: object) -> Bench:
        path = tmp_path / "expectations.toml"
        path.write_text(text)
        plain = {"against": REVISION, "baselines": tmp_path / "baselines"}
        order = Order(tmp_path, **{**plain, **asked})  # type: ignore[arg-type]
        offered = frozenset({("tone", "fp32"), ("tone", "int8-dynamic")})
        return Bench(order, read_expectations(path), offered, decided_before)

    return make


def latency(judgement: Judgement, cell: Cell = CELL) -> Verdict:
    (found,) = [one for one in judgement.verdicts if (one.cell, one.metric) == (cell, LATENCY)]
    return found


RUN = run(measured())


# Live


@pytest.mark.parametrize(
    ("pairs", "outcome", "is_fatal"),
    [
        ((SLOWER, SLOWER), Outcome.REGRESSED, True),
        ((SAME,), Outcome.UNCHANGED, False),
        ((FASTER, FASTER), Outcome.IMPROVED, False),
        ((SLOWER,), Outcome.INCONCLUSIVE, False),
    ],
)
def test_pairs_become_verdicts_and_only_the_worse_is_fatal(bench: Maker, pairs, outcome, is_fatal) -> None:
    found = latency(bench().live(RUN, [duel(*pairs)]))
    assert (found.outcome, found.is_fatal) == (outcome, is_fatal)


def test_how_sure_the_run_is_counts_the_cells_that_were_compared(bench: Maker) -> None:
    gone = Duel(OTHER, "the past", outcome=Outcome.MISSING, problem="gone")
    found = bench().live(RUN, [duel(SAME), gone, duel(SAME, is_control=True)])
    # One cell, nine comparisons, two stages of 1 % each: 9 · 0.01².
    assert (found.comparisons, found.stage_rate) == (TIMED, 0.01)
    assert found.error_rate == pytest.approx(0.0009)
    assert {one.cell: one.outcome for one in found.verdicts if one.metric in (None, LATENCY)} == {
        CELL: Outcome.UNCHANGED,
        OTHER: Outcome.MISSING,
    }
    assert [one.outcome for one in found.controls if one.metric == LATENCY] == [Outcome.UNCHANGED]
    assert len(found.controls) + 1 == len(found.verdicts)


def test_where_nothing_was_compared_no_error_rate_is_claimed(bench: Maker) -> None:
    found = bench().live(RUN, [Duel(CELL, "the past", outcome=Outcome.NEW, problem="new")])
    assert (found.comparisons, found.error_rate, found.stage_rate) == (0, None, None)


def test_a_run_that_ends_early_is_judged_at_the_rate_by_which_it_was_measured(bench: Maker) -> None:
    # The gate asked for pairs at the rate of forty cells; that three of them were reached makes none of them surer.
    cells = tuple(Cell(f"tone-{number}", "fp32", "cpu") for number in range(40))
    whole = run(*(measured(cell) for cell in cells))
    reached = [replace(duel(SAME), cell=cell) for cell in cells[:3]]
    found = bench().live(whole, reached)
    assert found.stage_rate == stage_rate(40 * TIMED) < 0.01
    assert found.comparisons == 3 * TIMED
    assert found.error_rate == pytest.approx(3 * TIMED * stage_rate(40 * TIMED) ** 2)


def test_a_control_that_trips_takes_back_every_timing_and_no_count(bench: Maker) -> None:
    sizes = {"values": {"artifact_bytes": 100.0}, "new_values": {"artifact_bytes": 90.0}}
    pairs = [pair(ratio, stage, **sizes) for stage in (1, 2) for ratio in SLOWER]
    slower = duel(pairs=tuple(pairs))
    control = duel(SLOWER, SLOWER, is_control=True)
    found = bench().live(RUN, [slower, control])
    assert latency(found).outcome is Outcome.INCONCLUSIVE
    assert "the control of this run tripped" in latency(found).text
    assert not latency(found).is_fatal
    assert {one.outcome for one in found.verdicts if one.metric == "artifact_bytes"} == {Outcome.IMPROVED}
    assert bench().live(RUN, [slower]).verdicts[0].outcome is Outcome.REGRESSED


def test_against_another_precision_being_slower_is_a_finding_and_no_failure(bench: Maker) -> None:
    against = Against(Kind.PRECISION, "fp32")
    counted = {"parameters_count": 10.0, "weights_covered_fraction": 0.5, "artifact_bytes": 9.0}
    other = {"parameters_count": 5.0, "weights_covered_fraction": 1.0, "artifact_bytes": 18.0}
    sides = [pair(0.1, stage, values=counted, new_values=other) for stage in (1, 1, 1, 1, 2, 2, 2, 2)]
    slower = replace(duel(), cell=OTHER, pairs=tuple(sides))
    found = bench(against=against).live(RUN, [slower])
    assert latency(found, OTHER).outcome is Outcome.REGRESSED
    assert not any(one.is_fatal for one in found.verdicts)
    said = {one.metric for one in found.verdicts}
    assert said >= {LATENCY, "artifact_bytes"}
    assert not said & {"parameters_count", "weights_covered_fraction"}
    failed = Duel(OTHER, "fp32", outcome=Outcome.FAILED, problem="it broke")
    assert bench(against=against).live(RUN, [failed]).verdicts[0].is_fatal


@pytest.mark.parametrize(
    ("asked", "regressed", "undecided", "failed"),
    [
        ({"profile": "smoke"}, False, False, True),
        ({"profile": "gate"}, True, False, True),
        ({"profile": "nightly"}, True, True, True),
        ({"profile": "nightly", "has_gate": False}, False, False, False),
    ],
)
def test_what_is_fatal_is_the_profile_s(bench: Maker, asked, regressed, undecided, failed) -> None:
    judge = bench(decided_before=frozenset({CELL}), **asked)
    ends = [duel(SLOWER, SLOWER), duel(around(0.0, 0.2)), Duel(CELL, "-", outcome=Outcome.FAILED, problem="it broke")]
    assert [judge.live(RUN, [one]).verdicts[0].is_fatal for one in ends] == [regressed, undecided, failed]


def test_the_margin_is_the_expected_one(bench: Maker) -> None:
    judge = bench("[margins]\nlatency_seconds = 0.2\n")
    found = latency(judge.live(RUN, [duel(SLOWER)]))
    assert (found.outcome, found.margin) == (Outcome.UNCHANGED, 0.2)


CLAIM = """
[[claim]]
name = "int8 is quicker"
cells = "tone/int8-dynamic/*"
over = "fp32"
quantity = "speed"
at_least = 1.05
source = "a test"
"""


@pytest.mark.parametrize(
    ("against", "answer"), [("fp32", Answer.HOLDS), ("bf16", Answer.CANNOT_TELL), ("HEAD at 1", Answer.CANNOT_TELL)]
)
def test_a_claim_is_judged_by_pairs_with_the_precision_that_it_names(
    bench: Maker, against: str, answer: Answer
) -> None:
    quicker = replace(duel(FASTER, FASTER), cell=OTHER, against=against)
    (judged,) = bench(CLAIM).live(run(measured(), measured(OTHER)), [quicker]).judged
    assert (judged.cell, judged.answer) == (OTHER, answer)


@pytest.mark.parametrize(("asked", "is_fatal"), [({}, False), ({"profile": "nightly"}, True)])
def test_a_claim_that_fails_is_fatal_at_night(bench: Maker, asked: dict[str, str], is_fatal: bool) -> None:
    slower = replace(duel(SLOWER, SLOWER), cell=OTHER, against="fp32")
    (judged,) = bench(CLAIM, **asked).live(run(measured(OTHER)), [slower]).judged
    assert (judged.answer, judged.is_fatal) == (Answer.FAILS, is_fatal)


# Stored


@pytest.fixture
def kept(tmp_path: Path) -> Callable[..., None]:
    """Have these runs accepted."""

    def keep(*runs: Run) -> None:
        for one in runs:
            list(file_run(Store(tmp_path / "baselines"), one))

    return keep


def sessions(**values: float) -> list[Run]:
    return [run(measured(**values), id=f"run-{day}", day=day) for day in (1, 2, 3)]


def now(**values: float) -> Run:
    return run(measured(**values), id="now", day=9)


def test_a_cell_without_a_baseline_is_new_and_a_stored_one_that_is_declared_no_more_is_missing(bench, kept) -> None:
    kept(run(measured(Cell("gone", "fp32", "cpu")), id="run-1"))
    found = bench(against=None).stored(now())
    assert {one.cell.model: (one.outcome, one.is_fatal) for one in found.verdicts} == {
        "tone": (Outcome.NEW, False),
        "gone": (Outcome.MISSING, True),
    }
    narrowed = bench(against=None, models="tone").stored(now())
    assert {one.cell.model for one in narrowed.verdicts} == {"tone"}


def test_a_heavier_cell_is_weighed_again_before_anything_is_said_and_then_judged_by_all_peaks(bench, kept) -> None:
    kept(*sessions())
    judge, heavy = bench(against=None), now(peak_bytes=230_000_000.0)
    first = judge.stored(heavy)
    assert heavier(first) == (CELL,)
    assert not any(one.is_fatal for one in first.verdicts if one.metric == MEMORY)
    again = judge.stored(heavy, (), {CELL: (230_000_000.0, 231_000_000.0)})
    (memory,) = [one for one in again.verdicts if one.metric == MEMORY]
    assert (memory.outcome, memory.is_fatal, memory.pairs) == (Outcome.REGRESSED, True, 3)
    assert heavier(again) == ()


def test_a_cell_as_heavy_as_ever_is_not_weighed_again(bench: Maker, kept: Callable[..., None]) -> None:
    kept(*sessions())
    assert heavier(bench(against=None).stored(now())) == ()


def test_with_fewer_sessions_stored_than_needed_weighing_again_ends_inconclusive(bench, kept) -> None:
    kept(*sessions()[:1])
    found = bench(against=None).stored(now(peak_bytes=230_000_000.0), (), {CELL: (230_000_000.0, 230_000_000.0)})
    (memory,) = [one for one in found.verdicts if one.metric == MEMORY]
    assert memory.outcome is Outcome.INCONCLUSIVE


def test_what_was_suspect_and_settled_live_is_said_as_the_pairs_say_it_and_the_rest_stays(bench, kept) -> None:
    kept(*sessions())
    judge, slow = bench(against=None), run(measured(seconds=(0.0112,) * 4), id="now", day=9)
    before = judge.stored(slow)
    assert latency(before).outcome is Outcome.SUSPECT
    assert [one.metric for one in suspects(before)] == [LATENCY]
    settled = judge.stored(slow, [duel(SAME), duel(SAME, is_control=True)])
    assert (latency(settled).outcome, latency(settled).basis) == (Outcome.UNCHANGED, Basis.LIVE)
    assert suspects(settled) == ()
    assert any(one.metric == LATENCY for one in settled.controls)
    tripped = judge.stored(slow, [duel(SAME), duel(SLOWER, SLOWER, is_control=True)])
    assert latency(tripped).outcome is Outcome.INCONCLUSIVE
    others = [[one for one in found.verdicts if one.metric != LATENCY] for found in (before, settled)]
    assert others[0] == others[1]


def test_a_live_comparison_that_could_not_be_made_leaves_it_suspect(bench: Maker, kept: Callable[..., None]) -> None:
    kept(*sessions())
    slow = run(measured(seconds=(0.0112,) * 4), id="now", day=9)
    failed = Duel(CELL, "the past", outcome=Outcome.NOT_COMPARABLE, problem="it does not start")
    assert latency(bench(against=None).stored(slow, [failed])).outcome is Outcome.SUSPECT


def test_a_baseline_that_cannot_be_read_is_a_line_and_its_cell_is_not_comparable(bench, kept, tmp_path) -> None:
    kept(run(measured(), measured(OTHER)))
    (path,) = (tmp_path / "baselines").glob("*/tone/fp32.cpu.json")
    path.write_text(path.read_text()[:-20])
    found = bench(against=None).stored(run(measured(), measured(OTHER), id="now", day=9))
    assert len(found.problems) == 1
    whole = {one.cell: one.outcome for one in found.verdicts if one.metric is None}
    assert whole == {CELL: Outcome.NOT_COMPARABLE}
    assert latency(found, OTHER).outcome is not Outcome.NOT_COMPARABLE


# What it is judged by


def test_what_was_promised_is_judged_also_where_nothing_is_compared(bench: Maker) -> None:
    assert not bench().has_promises
    budget = '[[budget]]\nname = "quick"\ncells = "*/*/*"\nmetric = "latency_seconds"\nat_most = 1\nsource = "a test"\n'
    assert bench(budget).has_promises
    (judged,) = bench(budget).live(RUN, []).judged
    assert judged.answer is Answer.MET
    claim = (
        '[[claim]]\nname = "c"\ncells = "*/*/*"\nover = "fp32"\nquantity = "speed"\nat_least = 1\nsource = "a test"\n'
    )
    assert bench(claim).has_promises


def test_expectations_that_were_named_and_are_not_there_are_refused(tmp_path: Path) -> None:
    absent = Order(tmp_path, expectations=tmp_path / "mine.toml")
    assert bench_of(absent, (), frozenset()).expectations == Expectations(name=str(tmp_path / "mine.toml"))
    with pytest.raises(UsageProblem, match=r"mine\.toml does not exist"):
        bench_of(replace(absent, expects=True), (), frozenset())


def test_a_pattern_that_matches_no_declared_cell_is_refused_before_anything_is_measured(tmp_path: Path) -> None:
    path = tmp_path / "expectations.toml"
    path.write_text('[[margin]]\ncells = "tome/*/*"\nlatency_seconds = 0.1\n')
    with pytest.raises(UsageProblem, match="tome"):
        bench_of(Order(tmp_path, expectations=path), (), frozenset())


def test_acceptances_that_cannot_be_read_are_refused_before_anything_is_measured(tmp_path: Path) -> None:
    (tmp_path / "baselines").mkdir()
    (tmp_path / "baselines" / "accepted.toml").write_text("[[accepted]\n")
    with pytest.raises(UsageProblem, match=r"accepted\.toml:1: no valid TOML"):
        bench_of(Order(tmp_path, baselines=tmp_path / "baselines", expectations=tmp_path / "none"), (), frozenset())


def test_an_accepted_change_is_not_fatal_and_its_reason_stands_beside_it(tmp_path: Path) -> None:
    folder = tmp_path / "baselines"
    order = Order(tmp_path, against=REVISION, baselines=folder, expectations=tmp_path / "none.toml")
    regressed = bench_of(order, (), frozenset()).live(RUN, [duel(SLOWER, SLOWER)])
    judged = replace(RUN, judgement=regressed)
    append_acceptance(folder, acceptance_of(judged, str(CELL), LATENCY, "a safer kernel", None, date(2030, 1, 2)))
    found = bench_of(order, (), frozenset()).live(RUN, [duel(SLOWER, SLOWER)])
    assert latency(regressed).is_fatal
    assert (latency(found).outcome, latency(found).is_fatal) == (Outcome.REGRESSED, False)
    assert latency(found).accepted is not None
    assert "a safer kernel" in latency(found).accepted
