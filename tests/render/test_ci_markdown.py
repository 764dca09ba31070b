"""Summary and comment: what is in them, in which order it is left out, and that no text from outside is markup."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import pytest
from fixed_judgement import HOSTILE_JUDGED, JUDGED, JUDGEMENT
from fixed_quality import HOSTILE_QUALITY, QUALITY_JUDGED
from fixed_run import HOSTILE, RUN
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from harness.cells import Cell
from harness.comparisons import Judgement, Outcome, Verdict
from harness.render.ci.comment import comment_of, marker_of
from harness.render.ci.markdown import code, table, text
from harness.render.ci.sections import sections_of
from harness.render.ci.summary import MOST_BYTES, summary_of
from harness.render.gate import comparison_of
from harness.render.numbers import DASH
from harness.render.rows import headline_of, rows_of
from harness.results import Run

PARSER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
RUNS = {
    "plain": RUN,
    "judged": JUDGED,
    "quality": QUALITY_JUDGED,
    "hostile": HOSTILE,
    "hostile judged": HOSTILE_JUDGED,
    "hostile quality": HOSTILE_QUALITY,
}
OURS = {"<br>", "<sub>", "</sub>"}
EVIL = (
    "**bold** _it_ ~~no~~ `code` | a | <img src=x onerror=alert(1)> <!-- x --> --> ![i](http://e.com/i) "
    "[l](javascript:alert(1)) <http://e.com> https://e.com/a?b=c www.e.com (www.e.com) me@e.com @everyone @org/team "
    "#12 org/repo#3 GH-4 1a2b3c4d5e :tada: $x^2$ &lt;b&gt; \\| \\` # heading\n## heading\n- entry\n1. one\n> said\n"
    "```\nfence\n\u202egnitirw \u200b\x1b[31m\x00"
)


def everything(tokens: list[Token]) -> Iterator[Token]:
    for token in tokens:
        yield token
        yield from everything(token.children or [])


def parsed(said: str) -> list[Token]:
    return list(everything(PARSER.parse(said)))


def prose(said: str) -> str:
    """The text as GitHub looks through it for names and addresses: all that is not code."""
    return " ".join(token.content for token in parsed(said) if token.type == "text")


LINKED = re.compile(
    r"@\w | \#\d | \w\#\d | ://\w | www\.\w | \bGH-\d | :[a-z_]+: | (?<![\w.])[0-9a-f]{7,40}(?![\w.])", re.VERBOSE
)


@pytest.mark.parametrize("name", RUNS)
@pytest.mark.parametrize("surface", ["summary", "comment"])
def test_nothing_is_markup_that_we_did_not_write(name: str, surface: str) -> None:
    sections = sections_of(RUNS[name])
    said = summary_of(sections) if surface == "summary" else comment_of(RUNS[name], sections).split("\n", 1)[1]
    tokens = parsed(said)
    kinds = Counter(token.type for token in tokens)
    assert not kinds.keys() & {
        "link_open",
        "image",
        "html_block",
        "fence",
        "code_block",
        "hr",
        "blockquote_open",
        "s_open",
    }
    assert {token.content for token in tokens if token.type == "html_inline"} <= OURS
    headings = {tokens[place + 1].content for place, token in enumerate(tokens) if token.type == "heading_open"}
    assert headings <= {
        "The worst",
        "More findings",
        "Matrix",
        "Claims, budgets and bounds",
        "How sure this is",
        "Better",
        "The rest",
        "Without numbers",
        "Measured on",
        *(one for one in headings if re.match("[✕✓?] ", one)),
    }
    assert "ordered_list_open" not in kinds
    assert not LINKED.findall(prose(said))
    assert not re.search("[\u202a-\u202e\u2066-\u2069\u200b\x00-\x08\x1b]", said)


def test_a_table_has_as_many_cells_a_row_as_columns_whatever_stands_in_them() -> None:
    for run in RUNS.values():
        for found in re.findall(r"(?:^\|.*\n)+", summary_of(sections_of(run)), re.MULTILINE):
            rows = found.splitlines()
            assert len({row.count("|") for row in rows}) == 1
            shown = Counter(token.type for token in parsed(found))
            assert shown["tr_open"] == len(rows) - 1


@pytest.mark.parametrize("write", [text, code])
def test_a_hostile_text_is_itself_and_nothing_else(write) -> None:
    for place in ("{}", "- {}", "| head |\n| --- |\n| {} |", "**{}**", "a {} b"):
        tokens = parsed(place.format(write(EVIL, 10_000)))
        kinds = {token.type for token in tokens}
        allowed = {"inline", "text", "code_inline", "paragraph_open", "paragraph_close"}
        frame = {token.type for token in parsed(place.format("x"))}
        assert kinds <= allowed | frame, kinds - allowed - frame
        shown = "".join(token.content for token in tokens if token.type in ("text", "code_inline"))
        for word in ("**bold**", "_it_", "~~no~~", "<img", "[l](javascript:alert(1))", "https://e.com/a?b=c", "$x^2$"):
            assert word in shown
        assert not LINKED.findall(" ".join(token.content for token in tokens if token.type == "text"))


@given(st.text(alphabet="ab1`|*_[]()<>#@\\!&;:~-+. \n\t=/$x\u202e\x00", max_size=40))
def test_any_text_is_shown_as_its_own_words(said: str) -> None:
    tokens = parsed(f"| head |\n| --- |\n| {text(said)} |")
    assert {token.type for token in tokens if token.type.endswith("_open")} <= {
        "table_open",
        "thead_open",
        "tbody_open",
        "tr_open",
        "th_open",
        "td_open",
    }
    assert {token.type for token in tokens} & {"html_inline", "image", "softbreak", "hardbreak"} == set()
    shown = "".join(token.content for token in tokens if token.type in ("text", "code_inline")).removeprefix("head")
    expected = "".join(said.replace("\u202e", r"\u202e").replace("\x00", r"\x00").split())
    assert "".join(shown.split()) == expected


def test_a_table_is_written_by_its_columns() -> None:
    assert table(("A", "B"), [("1", "")], right=(1,)) == ("| A | B |", "| --- | ---: |", "| 1 |   |")


@pytest.mark.parametrize("name", ["plain", "judged", "quality"])
def test_they_have_the_words_of_the_rows(name: str) -> None:
    run = RUNS[name]
    shown = " ".join(token.content for token in parsed(summary_of(sections_of(run))) if token.type != "inline")
    comparison = comparison_of(run)
    plain = " ".join(shown.split())
    assert headline_of(run, rows_of(run)).coverage in plain
    if comparison is None:
        return
    assert comparison.headline.extent in plain
    for row in (*comparison.worse, *comparison.better):
        assert row.name in plain
        assert row.change == DASH or row.change.partition(" ")[0] in plain
    for row in comparison.judged:
        assert row.text in plain


def test_the_worst_stand_first_and_are_five() -> None:
    said = comment_of(JUDGED, sections_of(JUDGED))
    worst = said.partition("#### The worst")[2].partition("####")[0]
    entries = [line for line in worst.splitlines() if line.startswith("- ")]
    comparison = comparison_of(JUDGED)
    assert comparison is not None
    fatal = [row.name for row in comparison.worse if row.verdict.is_fatal]
    fatal += [row.cell for row in comparison.judged if row.judged.is_fatal]
    assert [re.findall(r"`([^`]+)`", entry)[0] for entry in entries] == fatal[:5]
    again = ["measure again: `pytest suites/ --model " in entry for entry in entries]
    gone = [(row.verdict.settle or "").startswith("git rm") for row in comparison.worse if row.verdict.is_fatal]
    assert again == [not one for one in (*gone, *[False] * 5)][: len(entries)]
    assert again.count(False) == 1


def test_the_page_of_a_ci_is_linked_where_there_is_one() -> None:
    said = summary_of(sections_of(JUDGED, "https://ci.example/runs/1"))
    links = [token.attrs["href"] for token in parsed(said) if token.type == "link_open"]
    assert links == ["https://ci.example/runs/1"]


@pytest.mark.parametrize(
    ("options", "marker"),
    [
        ({}, "<!-- quantgate: any any any -->"),
        (
            {"models_folder": "suites/models", "devices": "cpu,cuda:1", "profile": "gate"},
            "<!-- quantgate: suites/models cpu,cuda:1 gate -->",
        ),
        ({"models_folder": "a --> b\n<script>", "devices": None}, "<!-- quantgate: a-b-script any any -->"),
    ],
)
def test_a_comment_begins_with_a_marker_that_only_what_was_asked_changes(options, marker) -> None:
    run = replace(JUDGED, options=options)
    assert marker_of(run) == marker
    said = comment_of(run, sections_of(run))
    assert said.splitlines()[0] == marker
    assert said.count("<!--") == 1
    assert marker_of(replace(run, id="another", judgement=None)) == marker


# Large runs


def large(models: int) -> Run:
    """So many models of six precisions; of the last one a cell has regressed, and every fifth is undecided."""
    precisions = ("fp32", "fp16", "int8-dynamic", "int8-static", "int8-weight-only", "int4-weight-only")
    cells = [Cell(f"a-model-with-a-usual-name-{n:04}", one, "cpu") for n in range(models) for one in precisions]
    (sample,) = [one for one in RUN.measurements if one.cell == RUN.planned[0]]
    verdicts = [
        Verdict(cell, "latency_seconds", Outcome.INCONCLUSIVE if n % 5 == 0 else Outcome.UNCHANGED, "as it was", "main")
        for n, cell in enumerate(cells[:-1])
    ]
    verdicts.append(Verdict(cells[-1], "latency_seconds", Outcome.REGRESSED, "slower", "main", is_fatal=True))
    return replace(
        RUN,
        planned=tuple(cells),
        measurements=tuple(replace(sample, cell=cell) for cell in cells),
        finished="2026-11-21T03:00:00+00:00",
        complete=True,
        compares=True,
        judgement=Judgement("main", "gate", tuple(verdicts)),
    )


LARGE = large(200)
LARGE_SECTIONS = sections_of(LARGE)


def test_a_comment_on_1200_cells_fits_and_keeps_headline_worst_and_the_worst_models() -> None:
    said = comment_of(LARGE, LARGE_SECTIONS)
    assert 50_000 < len(said) <= 60_000
    matrix = said.partition("#### Matrix")[2].splitlines()
    rows = [line for line in matrix if line.startswith("| `")]
    assert rows[0].startswith("| `a-model-with-a-usual-name-0199` |")
    assert "gate failed" in said
    assert re.search(r"\+\d+ more (rows|findings), left out because this text may not be longer", said)
    assert "Left out because this text may not be longer: " in said


def test_the_summary_of_1200_cells_is_whole() -> None:
    said = summary_of(LARGE_SECTIONS)
    assert len(said.encode()) < MOST_BYTES
    assert "may not be longer" not in said
    assert said.count("\n| `a-model") >= 200


@pytest.mark.parametrize("limit", [1_500, 3_000, 6_000, 12_000, 30_000, 60_000, 10_000_000])
@pytest.mark.parametrize("run", [JUDGED, HOSTILE_JUDGED, LARGE], ids=["judged", "hostile", "large"])
def test_whatever_the_limit_the_least_is_left_out_first_and_is_named(run: Run, limit: int) -> None:
    sections = LARGE_SECTIONS if run is LARGE else sections_of(run)
    for said, size in (
        (summary_of(sections, limit), lambda one: len(one.encode())),
        (comment_of(run, sections, limit), len),
    ):
        assert size(said) <= limit
        titles = [next(line for line in section.head if line.startswith("###")) for section in sections]
        kept = [title in said.splitlines() for title in titles]
        assert kept == sorted(kept, reverse=True), "a section is missing, and one of less worth is not"
        for section, is_kept in zip(sections, kept, strict=True):
            assert is_kept or section.title in said.splitlines()[-1]
        assert all(kept) or "Left out because" in said


def test_a_judgement_with_nothing_in_it_has_no_empty_sections() -> None:
    run = replace(JUDGED, judgement=replace(JUDGEMENT, verdicts=(), judged=(), problems=(), accepted=()), duels=())
    said = summary_of(sections_of(run))
    assert not re.search(r"####[^\n]+\n\n(####|\Z)", said)
    assert "Better" not in said
