from __future__ import annotations

import re
from dataclasses import replace

import pytest
from fixed_quality import (
    DYNAMIC,
    FP32,
    HALF,
    HOSTILE_QUALITY,
    MEASURED,
    ONE_LABEL,
    QUALITY_JUDGED,
    QUALITY_RUN,
    STATIC,
    TURNS,
    VAD_HALF,
    VOICE,
    VOICE_INT8,
    share,
    turns,
)
from page_tree import Element, Tree, everything

from harness.cells import Cell
from harness.comparisons import Outcome, Verdict
from harness.metrics import Better, Pool
from harness.render import changes, numbers
from harness.render.look import Look
from harness.render.page.assemble import render_html
from harness.render.quality_rows import quality_detail, quality_notes
from harness.render.rows import rows_of
from harness.render.terminal import cell_line, final_report
from harness.render.verdict_rows import verdict_row
from harness.render.worth_rows import worth_blocks
from harness.render.worth_terminal import worth_report
from harness.scores import Part, Quality, Score, Sensitivity

ROOT = Tree(render_html(QUALITY_JUDGED)).root
ROWS = {row.cell: row for row in rows_of(QUALITY_RUN)}


def article(cell: Cell) -> Element:
    return next(one for one in ROOT.all("article") if one.attributes["id"] == ROWS[cell].anchor)


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.931, "", "0.931"),
        (1.0, "", "1"),
        (0.0, "", "0"),
        (0.9999, "", "0.9999"),
        (0.9996, "", "0.9996"),
        (99.99, "dB", "99.99 dB"),
        (100.0, "dB", "100 dB"),
        (-12.25, "dB", "−12.2 dB"),
    ],
)
def test_a_value_of_quality_is_never_rounded_to_perfection(value: float, unit: str, text: str) -> None:
    assert numbers.quality(value, unit) == text


@pytest.mark.parametrize(
    ("change", "low", "high", "unit", "text"),
    [
        (-0.025, -0.0411, -0.0082, "", "−0.025 [−0.042, −0.008]"),
        (0.4, -0.11, 0.91, "dB", "+0.40 [−0.11, +0.91] dB"),
        (0.0, 0.0, 0.0, "", "0"),
        (None, None, None, "", "–"),
        (-0.02, None, None, "", "−0.020"),
        (float("nan"), 0.0, 0.0, "", "–"),
    ],
)
def test_a_change_in_a_unit_is_written_with_its_interval_rounded_outwards(
    change: float | None, low: float | None, high: float | None, unit: str, text: str
) -> None:
    assert changes.change_in_unit(change, low, high, unit) == text


def test_a_verdict_on_quality_is_written_in_the_unit_of_its_metric() -> None:
    verdict = Verdict(
        *(FP32, "mcd_dtw_db", Outcome.REGRESSED, "worse", "main"),
        old=1.0,
        new=1.9,
        change=0.9,
        change_low=0.6,
        change_high=1.2,
        margin=0.5,
        examples=40,
    )
    row = verdict_row(verdict)
    assert row.numbers == ("+0.90 [+0.60, +1.20] dB", "margin 0.5 dB", "live, 40 examples")
    assert row.values == "1.00 → 1.90 dB"
    assert row.metric == "mcd dtw"


def test_a_verdict_shows_no_change_beyond_what_its_metric_can_be() -> None:
    verdict = Verdict(
        *(FP32, "decision_agreement", Outcome.INCONCLUSIVE, "", "main"),
        old=1.0,
        new=0.98,
        change=-0.02,
        change_low=-0.05,
        change_high=0.01,
    )
    assert verdict_row(verdict).numbers[0] == "−0.020 [−0.050, 0.000]"


@pytest.mark.parametrize(
    ("subject", "said"),
    [
        (DYNAMIC, "accuracy 0.958 flips 5 of 120"),
        (STATIC, "accuracy 0.892 flips 12 of 120"),
        (VOICE_INT8, "log mel distance 1.42 ln"),
    ],
)
def test_the_line_of_a_cell_says_what_its_outputs_are_worth(subject: Cell, said: str) -> None:
    assert f"   {said}   peak " in cell_line(ROWS[subject], 9, Look(160))


def test_decisions_alone_are_told_by_how_many_flipped() -> None:
    quality = replace(turns((3, 9), ()), scores=(share("decision_agreement", (3, 9)),))
    alone = replace(QUALITY_RUN, planned=(), measurements=(MEASURED[0], replace(MEASURED[1], quality=quality)))
    assert str(rows_of(alone)[1].figures["quality"]) == "flips 2 of 120"


@pytest.mark.parametrize(
    ("subject", "text", "why"),
    [
        (VOICE, "ref", ""),
        (HALF, "–", "the scoring worker was killed"),
        (VAD_HALF, "–", "quality was not measured"),
    ],
)
def test_where_no_score_tells_the_quality_it_is_said_why(subject: Cell, text: str, why: str) -> None:
    figure = ROWS[subject].figures["quality"]
    assert (figure.text, figure.why) == (text, why)


def test_an_untrusted_lead_says_so_beside_its_value() -> None:
    broken = replace(turns((3,), (3,)), scores=(share("accuracy", (3,), untrusted="noise did not lower it"),))
    row = rows_of(replace(QUALITY_RUN, planned=(), measurements=(replace(MEASURED[1], quality=broken),)))[0]
    assert str(row.figures["quality"]) == "accuracy 0.992 untrusted"
    assert "untrusted here: accuracy: noise did not lower it" in row.notes


def test_what_casts_doubt_on_outputs_stands_among_the_notes() -> None:
    assert quality_notes(MEASURED[1].quality)[0] == "the session gave other outputs after it was timed than before"
    assert "quality is not known: the scoring worker was killed" in ROWS[HALF].notes
    assert "1 of 8 timed examples gave no output: s7" in ROWS[VOICE_INT8].notes
    kernels = [note for note in ROWS[STATIC].notes if "with " in note]
    assert kernels == [
        (
            "ISA-sensitive: with session.x64quantprecision=1: flips 2 of 120 (turn-003, turn-006),"
            " largest difference 0.0813"
        ),
        "with arena off: not known, the session does not open",
    ]


@pytest.mark.parametrize(
    ("found", "notes"),
    [
        ((), ()),
        (
            (Sensitivity("x64quantprecision", 0, 120, 0.01), Sensitivity("QDQ fusion off", 0, 120, 0.0)),
            ("no answer flips on other kernels (x64quantprecision, QDQ fusion off)",),
        ),
        (
            (Sensitivity("x64quantprecision", 0, 120, 0.01), Sensitivity("QDQ fusion off", 0, 0, 0.0, problem="gone")),
            ("with QDQ fusion off: not known, gone",),
        ),
        (
            (Sensitivity("x64quantprecision", 0, 0, 0.01), Sensitivity("QDQ fusion off", 0, 0, 0.25)),
            ("on other kernels (x64quantprecision, QDQ fusion off) the largest difference is 0.250",),
        ),
    ],
    ids=["not asked", "no flips", "one not known", "no decisions"],
)
def test_what_other_kernels_leave_as_it_was_is_said_too(found: tuple[Sensitivity, ...], notes: tuple[str, ...]) -> None:
    assert quality_notes(Quality(sensitivity=found)) == notes


def lacking(metric: str, why: str, *, is_judged: bool = True) -> Score:
    return Score(metric, Part.EXAM, "", Better.LOWER, Pool.MEAN, unavailable=why, is_judged=is_judged)


def test_metrics_that_could_not_be_had_are_named_by_the_reason_they_share() -> None:
    missing, raised = "pocketsphinx is not installed: pip install it", "it raised ValueError: no voice"
    scores = (
        lacking("word_error_rate", missing),
        lacking("dnsmos", raised),
        lacking("character_error_rate", missing),
        lacking("silent_share", missing, is_judged=False),
    )
    assert quality_notes(Quality(scores=scores)) == (
        f"word error rate, character error rate: {missing}",
        f"dnsmos: {raised}",
    )


@pytest.mark.parametrize(
    "score",
    [
        lacking("accuracy", "no example has a right answer"),
        lacking("auc", ONE_LABEL),
        lacking("recall", "needs a checkpoint: --checkpoint turn=PATH"),
        lacking("speaker_similarity", "resemblyzer is not installed: pip install resemblyzer"),
    ],
    ids=lambda score: score.metric,
)
def test_what_most_runs_lack_stands_on_the_page_alone(score: Score) -> None:
    quality = Quality(scores=(score,))
    assert quality_notes(quality) == ()
    assert quality_detail(quality, None).gaps == {score.unavailable: (score.metric.replace("_", " "),)}


def test_the_same_outputs_and_the_other_kernels_are_said() -> None:
    assert "outputs are those of fp32, bit for bit" in article(FP32).text
    assert "Other kernels with QDQ fusion off: flips 0 of 120, largest difference 0" in article(STATIC).text


def test_the_speed_of_too_few_pairs_is_rough_and_says_so() -> None:
    few = tuple(replace(duel, pairs=duel.pairs[:3]) for duel in QUALITY_RUN.duels)
    said = worth_report(worth_blocks(replace(QUALITY_RUN, duels=few)), Look(160))
    assert "≈0.8×" in said
    assert "≈ is of fewer pairs of processes than show how far they differ" in said


@pytest.mark.parametrize("width", [40, 60, 100, 160])
def test_what_is_worth_it_keeps_within_the_width(width: int) -> None:
    for run in (QUALITY_RUN, HOSTILE_QUALITY):
        assert max(map(len, worth_report(worth_blocks(run), Look(width)).splitlines())) <= width


@pytest.mark.parametrize(("width", "times"), [(60, 1), (100, 1), (160, 0)])
def test_a_table_that_does_not_fit_is_missed_once(width: int, times: int) -> None:
    said = " ".join(worth_report(worth_blocks(QUALITY_RUN), Look(width)).split())
    assert said.count("too narrow for the table: widen the terminal, or see the report") == times


def test_colour_changes_no_word_of_what_is_worth_it() -> None:
    painted = worth_report(worth_blocks(QUALITY_RUN), Look(160, colour=True))
    plain = worth_report(worth_blocks(QUALITY_RUN), Look(160))
    assert painted != plain
    assert re.sub(r"\x1b\[[\d;]*m", "", painted) == plain


def test_a_bound_on_quality_prints_its_own_words_and_an_accepted_one_fails_nothing() -> None:
    said = final_report(QUALITY_JUDGED, Look(160))
    assert "1 quality bound fails" in said
    assert "int8-static loses 0.092 (0.051 to 0.133), where 0.02 may be lost" in said
    assert "accepted: known since 2026-10; until 2026-12-01" in said
    claims = next(section for section in ROOT.all("section") if section.attributes.get("id") == "claims")
    assert "int8-static loses 0.092 (0.051 to 0.133), where 0.02 may be lost" in claims.text
    assert "accepted: known since 2026-10; until 2026-12-01" in claims.text


def test_undecided_quality_is_told_in_passing_with_what_could_be_seen() -> None:
    assert "in passing: accuracy of 1 cell (120 examples could show 0.03)" in final_report(QUALITY_JUDGED, Look(160))


def test_hostile_ids_and_slices_stay_text() -> None:
    page = render_html(HOSTILE_QUALITY)
    root = Tree(page).root
    assert len(root.all("script")) == 1
    assert not [one for one in everything(root) if one.tag in ("svg onload", "img")]
    assert "<script>alert(3)</script>" in root.text
    assert "{{ 7*7 }}" in root.text
    assert not re.search(r"[\x00-\x08\x0b-\x1f\u202a-\u202e\u2066-\u2069]", page)
    assert len(page) < 150_000
    said = final_report(HOSTILE_QUALITY, Look(100))
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]", said)


def test_a_metric_of_a_package_that_is_not_here_is_shown_as_it_was_recorded() -> None:
    score = Score("laughter", Part.EXAM, "ha", Better.HIGHER, Pool.MEAN, 2.5, tuple((2.5,) for _ in TURNS.ids))
    shown = quality_detail(Quality(exam=TURNS, scores=(score,)), score).scores[0]
    assert (shown.name, shown.value, shown.meaning) == ("laughter", "2.50 ha", "")
