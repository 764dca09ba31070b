"""The first screen of the page: the banner, and what changed."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from fixed_judgement import AGAINST, DUELS, HOSTILE_JUDGED, JUDGED, JUDGEMENT, VERDICTS
from fixed_quality import QUALITY_JUDGED
from fixed_run import RUN
from fixed_showcase import COMMIT, SHOWCASE
from one_view import markup_of
from page_tree import Element, Tree, everything

from harness.cells import Cell
from harness.comparisons import Answer, Basis, Judged, Outcome, Verdict
from harness.ending import ending_of
from harness.render.gate import Comparison, comparison_of
from harness.render.gate_terminal import gate_report
from harness.render.look import Look
from harness.render.page.assemble import render_html
from harness.render.rows import headline_of, rows_of
from harness.render.text import clip, shorten, visible
from harness.render.verdict_rows import verdict_row
from harness.results import FailedTest, Run, Trouble

RUNS = {
    "usual": JUDGED,
    "showcase": SHOWCASE,
    "quality": QUALITY_JUDGED,
    "hostile": HOSTILE_JUDGED,
    "unjudged": RUN,
    "nothing judged": replace(JUDGED, judgement=replace(JUDGEMENT, verdicts=()), duels=()),
}


def part(run: Run, name: str) -> Element:
    """A view of the page as a tree."""
    return Tree(markup_of(run, name)).root


def shown(run: Run) -> Comparison:
    found = comparison_of(run)
    assert found is not None
    return found


def with_verdicts(*verdicts: Verdict, **more: object) -> Run:
    """The fixed run with these verdicts alone, and nothing else that makes it red."""
    fine = tuple(one for one in JUDGED.measurements if one.failure is None and one.cell.device == "cpu")
    judgement = replace(JUDGEMENT, verdicts=verdicts, judged=(), problems=(), accepted=())
    planned = tuple(one.cell for one in fine)
    return replace(JUDGED, judgement=judgement, measurements=fine, planned=planned, duels=(), **more)  # type: ignore[arg-type]


def lines_of(root: Element) -> list[Element]:
    """A body for each verdict that has a line of its own."""
    return [body for table in root.of("table", "changes") for body in table.all("tbody")]


def cells_of(body: Element) -> dict[str, str]:
    """What stands in the columns of a line, by the name of the column."""
    (head,) = body.all("th")
    found = {cell.attributes.get("class", "").removeprefix("number").strip(): cell.words for cell in body.all("td")}
    return found | {"cell": head.words}


# The banner


@pytest.mark.parametrize("name", [name for name in RUNS if name != "unjudged"])
def test_the_banner_says_the_same_as_the_terminal(name: str) -> None:
    run = RUNS[name]
    comparison, banner = shown(run), part(run, "banner")
    head = comparison.headline
    terminal = " ".join(gate_report(comparison, Look(4000)).split())
    assert banner.all("section")[0].attributes["class"] == f"banner {head.tone}"
    (title,) = banner.all("h1")
    assert title.words == visible(
        f"{head.state[:1].upper()}{head.state[1:]} {head.coverage.removeprefix(f'{head.state}: ')}"
    )
    assert visible(head.sentence) in terminal.replace(head.state.upper(), head.state)
    chips = [chip.words for chip in banner.of("a", "chip")]
    assert chips == [f"{glyph} {visible(text)}" for _, glyph, text in head.chips]


def test_the_banner_of_a_run_that_was_not_judged_counts_states() -> None:
    banner, headline = part(RUN, "banner"), headline_of(RUN, rows_of(RUN))
    assert banner.all("h1")[0].words == "Interrupted measured 5 of 11 cells"
    chips = {chip.words: chip.attributes["href"] for chip in banner.of("a", "chip")}
    assert chips == {
        "∅ 4 unsupported": "#f=unsupported",
        "✕ 1 failed": "#f=failed",
        "◌ 1 not measured": "#f=not_measured",
    }
    assert len(chips) == len(headline.rest)
    assert "2026-11-21 02:55 UTC" in banner.words
    assert "AMD EPYC 7B13" in banner.words


def test_the_worst_cell_is_told_in_one_sentence_with_change_interval_and_margin_and_leads_to_it() -> None:
    (worst,) = part(SHOWCASE, "banner").of("p", "worst")
    assert (
        worst.words
        == "smart-turn-v3 int8-static cpu : latency regressed, +12.4 % [+8.0, +16.8], margin 5 %, live, 13 pairs"
    )
    assert worst.all("a")[0].attributes["href"] == "#c=smart-turn-v3/int8-static/cpu"


def test_where_nothing_is_worse_the_sentence_says_what_is_unchanged() -> None:
    quiet = with_verdicts(VERDICTS[0])
    assert part(quiet, "banner").of("p", "worst")[0].words == "Unchanged: latency of 1 cell, within 1.8 %"


@pytest.mark.parametrize("name", RUNS)
def test_every_count_leads_to_the_cells_that_it_counts(name: str) -> None:
    root = Tree(render_html(RUNS[name])).root
    ids = [one.attributes["id"] for one in everything(root) if "id" in one.attributes]
    assert len(ids) == len(set(ids))
    links = {link.attributes["href"].removeprefix("#") for link in root.of("a", "chip")}
    assert links or name == "nothing judged"
    assert links <= set(ids)


def test_a_stored_baseline_is_told_by_commit_age_and_class_of_machine() -> None:
    facts = {
        div.all("dt")[0].words: div.all("dd")[0].words for div in part(SHOWCASE, "banner").all("div") if div.all("dt")
    }
    # Stored on the 19th at 2:55, compared on the 21st at 2:55.
    assert facts["Baseline"] == f"{COMMIT[:7]} · 2 d old · same machine class · 14 of 16 comparable"
    assert facts["Differs"] == "onnxruntime: 1.30.0 → 1.31.1"
    assert facts["Control"].endswith("this machine is fit")
    assert "until 2026-12-31" in facts["Accepted"]


def test_a_live_comparison_says_so_and_what_is_accepted_beyond_the_first_is_a_link_away() -> None:
    banner = part(JUDGED, "banner")
    assert "Baseline live: both sides ran here, in turns" in banner.words
    (more,) = [link for link in banner.all("a") if link.words == "+1 more"]
    assert more.attributes["href"] == "#accepted"
    assert JUDGEMENT.accepted[0] in banner.words
    assert all(line in part(JUDGED, "changed").words for line in JUDGEMENT.accepted)


@pytest.mark.parametrize(
    ("run", "said"),
    [
        (with_verdicts(VERDICTS[13]), "none that is comparable"),
        (with_verdicts(VERDICTS[12]), "baselines/"),
        (with_verdicts(VERDICTS[12], VERDICTS[0]), "baselines/ +1 more"),
    ],
)
def test_a_record_without_origins_says_what_its_verdicts_say(run: Run, said: str) -> None:
    facts = {div.all("dt")[0].words: div.all("dd")[0].words for div in part(run, "banner").all("div") if div.all("dt")}
    assert facts["Baseline"] == said
    assert ("Differs" in facts) == (said != "none that is comparable")


def test_a_control_that_tripped_is_loud() -> None:
    (loud,) = part(HOSTILE_JUDGED, "banner").of("div", "loud")
    assert "TRIPPED" in loud.words
    assert not part(JUDGED, "banner").of("div", "loud")


FIRST = FailedTest("suites/test_x.py::test_it", "assert 1 == 2")


@pytest.mark.parametrize(
    ("run", "state", "said"),
    [
        (with_verdicts(VERDICTS[0]), "Gate passed", ""),
        (
            with_verdicts(VERDICTS[0], failed_tests=(FIRST,)),
            "Gate failed",
            f"1 test failed, the first of them {FIRST.name}",
        ),
        (with_verdicts(VERDICTS[0], trouble=Trouble("no such revision: x1")), "Not judged", "no such revision: x1"),
        (with_verdicts(VERDICTS[0], finished=None, complete=False), "Gate interrupted", ""),
        (with_verdicts(), "Nothing was compared", ""),
        (replace(with_verdicts(), judgement=None), "Nothing was compared", ""),
        (replace(with_verdicts(), judgement=None, trouble=Trouble("x1")), "Not judged", "x1"),
        (replace(with_verdicts(), judgement=None, failed_tests=(FIRST,)), "Failed", FIRST.name),
        (replace(with_verdicts(), judgement=None, compares=False), "Complete", ""),
        (JUDGED, "Gate failed", "nothing was measured on cuda"),
        (JUDGED, "Gate failed", "int8-dynamic is ≥ 1.16 × as fast as fp32"),
    ],
)
def test_the_state_is_that_of_the_ending_and_what_else_makes_it_red_is_said(run: Run, state: str, said: str) -> None:
    banner = part(run, "banner")
    assert banner.of("span", "state")[0].words == state
    assert str(ending_of(run).word) in ("measured", *state.lower().split(" ", 1), state.lower())
    why = " ".join(one.words for one in (*banner.of("p", "worst"), *banner.of("div", "why")))
    assert said.lower() in why.lower()
    if not said:
        assert not banner.of("div", "why")


def test_a_reason_that_begins_with_its_verdict_says_it_once() -> None:
    (worst,) = part(JUDGED, "banner").of("p", "worst")
    assert worst.words.endswith(": failed in convert: the process was killed by signal 9")
    assert worst.words.count("failed") == 1


def test_many_reasons_are_folded_and_none_is_lost() -> None:
    missed = tuple(
        Judged("budget", f"b{number}", VERDICTS[0].cell, Answer.MISSED, "too slow", is_fatal=True)
        for number in range(9)
    )
    run = with_verdicts(VERDICTS[0])
    assert run.judgement is not None
    banner = part(replace(run, judgement=replace(run.judgement, judged=missed)), "banner")
    (lead,), (why,) = banner.of("p", "worst"), banner.of("div", "why")
    (folded,) = why.all("details")
    assert folded.all("summary")[0].words == "+6 more"
    assert all(f"'b{number}'" in lead.words + why.words for number in range(9))


def test_a_run_that_fails_by_a_promise_alone_leads_with_it_and_in_its_own_unit() -> None:
    open_one = replace(VERDICTS[0], outcome=Outcome.SUSPECT, is_fatal=False)
    run = with_verdicts(open_one)
    assert run.judgement is not None
    budget = Judged(
        "budget",
        "quick",
        open_one.cell,
        Answer.MISSED,
        "raw",
        is_fatal=True,
        metric="latency_seconds",
        value=2e-4,
        target=1e-4,
    )
    banner = part(replace(run, judgement=replace(run.judgement, judged=(budget,))), "banner")
    (lead,) = banner.of("p", "worst")
    assert "budget 'quick' missed: latency 200 µs, target 100 µs: missed by 100 µs (100 %)" in lead.words


# What changed


@pytest.mark.parametrize("name", ["usual", "showcase", "quality", "hostile"])
def test_the_lines_stand_in_the_order_of_the_terminal_with_the_same_numbers_and_words(name: str) -> None:
    comparison = shown(RUNS[name])
    told = [*comparison.worse, *comparison.better]
    lines = lines_of(part(RUNS[name], "changed"))
    assert len(lines) == len(told)
    for body, row in zip(lines, told, strict=True):
        found = cells_of(body)
        assert found["verdict"] == f"{row.glyph} {row.outcome} {row.standing}".rstrip()
        model, precision, device = (
            shorten(visible(one), 64)
            for one in (row.verdict.cell.model, row.verdict.cell.precision, row.verdict.cell.device)
        )
        assert found["cell"] == " ".join(f"{model} {precision} {device}".split())
        assert found["metric"] == " ".join(row.metric.split())
        assert (found["base"], found["now"], found["margin"]) == (row.old, row.new, row.margin)
        assert found["change"] == " ".join(row.change.split())
        for said in (row.text, row.cause, row.accepted, row.settle, row.footing, *row.differences):
            assert " ".join(said[1:].split()) in found["aside"]


@pytest.mark.parametrize("name", ["usual", "showcase", "quality", "hostile"])
def test_nothing_that_the_terminal_tells_of_the_verdicts_is_lost(name: str) -> None:
    comparison, words = shown(RUNS[name]), part(RUNS[name], "changed").words.lower()
    for together in comparison.together:
        first = together.rows[0]
        assert f"{first.glyph} {first.outcome} {together.about}".lower() in words
        for said in (first.text, first.settle, *(first.remarks)):
            assert " ".join(said.lower().split()) in words
    for said in (*comparison.unchanged, *comparison.aside, *comparison.problems, *comparison.accepted):
        assert " ".join(clip(said, 600).lower().split()) in words


def test_five_lines_are_open_and_the_rest_is_folded_under_what_it_is() -> None:
    root = part(JUDGED, "changed")
    (fold,) = root.of("details", "fold")
    assert len(lines_of(root)) - len(lines_of(fold)) == 5
    assert fold.all("summary")[0].words == (
        "+3 more · 1 not-comparable · 1 unsupported · 2 new · in passing · unchanged · baselines: 1 problem"
        " · accepted: 2 notes"
    )


def test_a_quiet_run_folds_nothing() -> None:
    root = part(with_verdicts(VERDICTS[0], VERDICTS[13], VERDICTS[14]), "changed")
    assert not root.all("details")
    assert not lines_of(root)
    assert [one.words[:5] for one in root.of("ul", "summaries")[0].children] == ["○ new", "· unc"]


@pytest.mark.parametrize(
    ("verdict", "n"),
    [
        (VERDICTS[0], "9 pairs"),
        (replace(VERDICTS[0], pairs=1), "1 pair"),
        (replace(VERDICTS[0], pairs=0), "–"),
        (replace(VERDICTS[2], pairs=9), "9 processes"),
        (replace(VERDICTS[0], examples=120), "120 examples"),
        (replace(VERDICTS[0], basis=Basis.STORED, pairs=0), "2 sessions"),
    ],
)
def test_n_says_what_a_verdict_rests_on(verdict: Verdict, n: str) -> None:
    run = with_verdicts(replace(verdict, outcome=Outcome.REGRESSED))
    assert run.judgement is not None
    origin = replace(SHOWCASE.judgement.origins[0], cell=verdict.cell, sessions=((1.0,), (1.1,)))  # type: ignore[union-attr]
    (line,) = lines_of(part(replace(run, judgement=replace(run.judgement, origins=(origin,))), "changed"))
    assert cells_of(line)["n"] == n


def test_a_latency_has_a_mark_for_each_pair_and_what_has_none_a_dash() -> None:
    drawn = 0
    for body, row in zip(lines_of(part(JUDGED, "changed")), [*shown(JUDGED).worse, *shown(JUDGED).better], strict=True):
        duel = next((one for one in DUELS if one.cell == row.verdict.cell and not one.is_control), None)
        marks = "".join(path.attributes["d"] for path in body.all("path")).count("h0")
        if duel is None or row.verdict.metric != "latency_seconds":
            assert marks == 0
            assert cells_of(body)["course"] == "–"
        else:
            drawn += 1
            assert marks == sum(pair.stage > 0 for pair in duel.pairs)
            assert body.all("svg")[0].attributes["aria-label"].startswith(f"{marks} pairs in order, ")
    assert drawn == 4


@pytest.mark.parametrize("name", [name for name in RUNS if name != "unjudged"])
def test_the_table_is_a_table_without_empty_cells(name: str) -> None:
    for table in part(RUNS[name], "changed").all("table"):
        assert len(table.all("caption")) == 1
        assert all(head.attributes.get("scope") in ("col", "row") for head in table.all("th"))
        width = len(table.all("thead")[0].all("th"))
        for body in table.all("tbody"):
            first, second = ([*row.all("th"), *row.all("td")] for row in body.all("tr"))
            assert all(cell.words or cell.all("svg") for cell in (*first, *second))
            assert len(first) == width
            assert 1 + sum(int(cell.attributes.get("colspan", 1)) for cell in second) == width


@pytest.mark.parametrize("name", RUNS)
def test_hostile_text_stays_text_and_odd_numbers_are_dashes(name: str) -> None:
    for view in ("banner", "changed"):
        markup = markup_of(RUNS[name], view)
        assert not re.search(r"<script|<i>|</td></table>|<img|<b>run", markup)
        assert not re.search(r"[\x00-\x08\x0b-\x1f\u202a-\u202e\u2066-\u2069]", markup)
        assert not re.search(r"[ \">](nan|inf)\b", markup)
        assert not re.search(r"\s(on\w+|style)=", markup)


def test_colour_never_speaks_alone() -> None:
    words = part(JUDGED, "changed").of("span", "word")
    assert len(words) > 12
    for span in words:
        kind = span.attributes["class"].removeprefix("word v-").replace("_", "-")
        assert span.words.endswith(f" {kind}")


def test_nothing_compared_is_said_in_so_many_words() -> None:
    run = with_verdicts()
    assert part(run, "banner").all("h1")[0].words == "Nothing was compared 0 of 8 cells against origin/main at 1a2b3c4"
    assert part(run, "changed").all("p")[0].words == "Nothing was compared."
    assert markup_of(RUN, "changed") == ""


def test_a_thousand_regressions_wait_until_they_are_asked_for_and_none_is_lost() -> None:
    slower = tuple(
        Verdict(Cell(f"m{i}", "fp32", "cpu"), "latency_seconds", Outcome.REGRESSED, "slower", AGAINST)
        for i in range(1000)
    )
    markup = markup_of(with_verdicts(*slower), "changed")
    at_once, waiting = (
        re.sub(r"<noscript.*?</noscript>", "", markup, flags=re.DOTALL),
        Tree(markup).root.all("noscript"),
    )
    assert at_once.count("<tbody>") == 5
    assert [one.attributes["data-says"] for one in waiting] == ["Show all 995 more"]
    assert len(lines_of(Tree(markup).root)) == 1000
    assert Tree(markup).root.all("summary")[0].words == "+995 more"


def test_each_verdict_of_a_cell_is_one_row_wherever_it_is_shown() -> None:
    assert [verdict_row(one).n for one in VERDICTS[:3]] == ["9 pairs", "", "9 processes"]
