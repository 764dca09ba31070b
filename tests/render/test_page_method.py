"""The view of data and method: files that the links hold, versions and seeds, and the words explained."""

from __future__ import annotations

import base64
import csv
import gzip
import io
import json
import re
from dataclasses import replace
from html import unescape

import pytest
from fixed_judgement import GONE, HOSTILE_JUDGED, JUDGED, JUDGEMENT
from fixed_promises import PROMISED, PROMISES
from fixed_quality import QUALITY_RUN
from fixed_run import ENVIRONMENT, HOSTILE, PLANNED, RUN
from one_view import elements, markup_of, text_of

from harness import __version__
from harness.cells import Cell
from harness.comparisons import Basis
from harness.render.exports.table import as_csv
from harness.render.gate import comparison_of
from harness.render.page.context import page_of
from harness.render.page.downloads import MANY_CELLS, MOST_VALUES, cells_csv, downloads, rows_json
from harness.render.rows import rows_of
from harness.results import Run


def section(run: Run) -> str:
    return markup_of(run, "method")


def files_of(run: Run) -> dict[str, str]:
    """What a reader gets who takes the links: names and texts."""
    found = {}
    for name, href in re.findall(r'<a download="([^"]+)" href="([^"]+)"', section(run)):
        media, encoded = re.fullmatch(r"data:([a-z/]+);base64,([A-Za-z0-9+/=]+)", unescape(href)).groups()  # type: ignore[union-attr]
        data = base64.b64decode(encoded, validate=True)
        assert (media == "application/gzip") is name.endswith(".gz")
        found[name] = (gzip.decompress(data) if name.endswith(".gz") else data).decode()
    return found


def large(cells: int) -> Run:
    """So many cells of the same figures, each judged as one of the fixed run is."""
    planned = tuple(Cell(f"model-{number:04}", "fp32", "cpu") for number in range(cells))
    measured = tuple(replace(RUN.measurements[0], cell=cell) for cell in planned)
    verdicts = tuple(replace(JUDGEMENT.verdicts[0], cell=cell) for cell in planned)
    return replace(JUDGED, planned=planned, measurements=measured, judgement=replace(JUDGEMENT, verdicts=verdicts))


def test_the_links_hold_a_table_of_every_value_and_the_rows_of_the_page() -> None:
    files = files_of(JUDGED)
    assert [name.removesuffix(".gz") for name in files] == [
        "quantgate-2026-11-21T02-55-57.csv",
        "quantgate-2026-11-21T02-55-57.json",
    ]
    assert next(iter(files.values())) == as_csv(JUDGED)


def test_the_rows_are_those_that_the_page_shows() -> None:
    (_, text) = files_of(PROMISED).values()
    told = json.loads(text)
    comparison = comparison_of(PROMISED)
    assert comparison is not None
    assert told["headline"] == comparison.headline.sentence
    assert len(told["promises"]) == len(PROMISES)
    rows = rows_of(PROMISED)
    assert [(one["model"], one["precision"], one["device"], one["state"]) for one in told["cells"]] == [
        (row.cell.model, row.cell.precision, row.cell.device, str(row.state)) for row in rows
    ]
    for one, row in zip(told["cells"], rows, strict=True):
        for key, figure in row.figures.items():
            assert one.get(key) == (None if figure.why else str(figure)), "never nought for what is not known"
        said = [(v.get("metric"), v["outcome"], v.get("change", "–")) for v in one.get("verdicts", [])]
        assert said == [(v.verdict.metric, str(v.outcome), v.change) for v in comparison.cells.get(row.cell, ())]


def test_a_cell_that_is_not_declared_any_more_is_not_lost() -> None:
    (_, text) = files_of(JUDGED).values()
    (other,) = json.loads(text)["other_cells"]
    assert other["model"] == GONE.model
    assert other["verdicts"][0]["outcome"] == "missing"


def test_of_a_very_large_run_the_table_is_a_line_a_cell() -> None:
    run = large(MOST_VALUES // 10)
    table, _ = files_of(run).values()
    lines = list(csv.DictReader(io.StringIO(table)))
    assert len(lines) == len(run.planned)
    assert lines[0]["model"] == "model-0000"
    assert lines[0]["verdict"] == "unchanged"
    # Passes of the fixed cell take 0.0412 s but for their wobble; four digits are told.
    assert float(lines[0]["latency_seconds"]) == pytest.approx(0.0412, rel=0.02)
    assert "a line a cell" in text_of(section(run)).lower()
    assert "a line a metric of a cell" in text_of(section(JUDGED)).lower()


def test_a_table_of_cells_says_why_one_has_no_numbers_and_is_safe_in_a_spreadsheet() -> None:
    run = replace(RUN, planned=(*PLANNED, Cell("=cmd()", "fp32", "cpu")))
    lines = list(csv.DictReader(io.StringIO(cells_csv(page_of(run)))))
    by_name = {(one["model"], one["precision"], one["device"]): one for one in lines}
    assert by_name["piper-joe", "fp16", "cpu"]["why"].startswith("NO_KERNEL")
    assert by_name["piper-joe", "fp16", "cpu"]["latency_seconds"] == ""
    assert ("'=cmd()", "fp32", "cpu") in by_name


def test_a_table_of_cells_names_the_unit_of_every_number_and_the_metric_of_every_quality() -> None:
    lines = list(csv.DictReader(io.StringIO(cells_csv(page_of(QUALITY_RUN)))))
    turn = next(one for one in lines if (one["model"], one["precision"]) == ("smart-turn-v3", "fp32"))
    assert turn["quality"] == "accuracy 0.983"
    assert turn["placed"] == "proven"
    cell = Cell("smart-turn-v3", "fp32", "cpu")
    measurement = next(one for one in QUALITY_RUN.measurements if one.cell == cell)
    for head in ("peak_bytes", "artifact_bytes", "latency_seconds"):
        assert float(turn[head]) == pytest.approx(measurement.value(head), rel=1e-3)
    numbers = [head for head, value in turn.items() if re.fullmatch(r"[\d.e+-]+", value)]
    units = r"seconds|second|bytes|fraction|fp32|factor"
    assert [head for head in numbers if not re.search(rf"_({units})$", head)] == []


def test_of_many_cells_what_is_unchanged_goes_without_its_sentence() -> None:
    few, many = (json.loads(rows_json(page_of(large(count)))) for count in (3, MANY_CELLS + 1))
    assert "text" in few["cells"][0]["verdicts"][0]
    assert "text" not in many["cells"][0]["verdicts"][0]
    assert many["cells"][0]["verdicts"][0]["change"] == few["cells"][0]["verdicts"][0]["change"]


def test_the_same_run_gives_the_same_page() -> None:
    assert section(large(400)) == section(large(400))


def test_the_data_of_a_large_run_stays_small() -> None:
    held = sum(len(one.href) for one in downloads(page_of(large(1_200))))
    assert held < 120_000
    assert elements(section(large(50))) < 300


def test_versions_and_the_seed_are_told() -> None:
    environment = replace(ENVIRONMENT, libraries={**ENVIRONMENT.libraries, "quantgate": "0.0.9"})
    run = replace(RUN, environment=environment, options={**RUN.options, "seed": 7, "models_folder": "suites/models"})
    told = text_of(section(run))
    for words in (
        *("Measured by Quantgate 0.0.9", f"Shown by Quantgate {__version__}", "Python CPython 3.11.2", "Seed 7"),
        *("schema 1", "commit 3f9c2d1", "torch 2.13.0+cpu", "pytest suites/"),
    ):
        assert words in told
    assert "Ask for the same" not in text_of(section(RUN)), "this record does not tell the suites"


def test_the_words_on_error_are_those_of_the_terminal_and_of_what_was_compared() -> None:
    comparison = comparison_of(JUDGED)
    assert comparison is not None
    told = text_of(section(JUDGED))
    assert comparison.error_control[1:] in told
    assert "two stages of fresh processes" in told
    assert "beyond what sessions on one machine differ by" in told
    live = replace(JUDGEMENT, verdicts=tuple(one for one in JUDGEMENT.verdicts if one.basis is not Basis.STORED))
    assert "what sessions on one machine" not in text_of(section(replace(JUDGED, judgement=live)))
    assert "of fresh processes show it" not in text_of(section(replace(JUDGED, duels=())))
    assert "false alarms" not in text_of(section(RUN))


def test_every_word_of_the_page_is_explained() -> None:
    """Each column that is shown, each state, and of a judged run each outcome."""
    words = [text_of(word) for word in re.findall(r"<dt>.*?</dt>", section(JUDGED))]
    for expected in ("latency", "× fp32", "size (of fp32)", "Margin", "Control", "▲ regressed", "? inconclusive"):
        assert expected in words
    assert "▲ regressed" not in text_of(section(RUN))
    assert "Worth it?" in text_of(section(QUALITY_RUN))


def test_links_lead_to_no_network() -> None:
    for run in (RUN, JUDGED, HOSTILE):
        for href in re.findall(r'href="([^"]+)"', section(run)):
            assert href.startswith(("data:text/csv;", "data:application/json;", "data:application/gzip;"))
        assert not re.findall(r"https?:|src=", re.sub(r'href="[^"]+"', "", section(run)))


@pytest.mark.parametrize("run", [HOSTILE, HOSTILE_JUDGED], ids=["hostile", "judged"])
def test_hostile_words_show_as_text_and_name_no_file(run: Run) -> None:
    markup = section(run)
    assert "<script" not in markup
    assert [name.removesuffix(".gz") for name in files_of(run)] == ["quantgate-b-run-b.csv", "quantgate-b-run-b.json"]
    for text in files_of(run).values():
        assert text
