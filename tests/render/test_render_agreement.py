"""One view, many printers: the terminal and the page show the same."""

from __future__ import annotations

import re

from fixed_run import RUN
from test_render_html import ROOT

from harness.render.look import Look
from harness.render.rows import headline_of, rows_of, shown_columns
from harness.render.terminal import final_report, table

ROWS = rows_of(RUN)


def of_the_terminal() -> dict[str, list[str]]:
    """The values of each cell as the terminal's tables show them, read back from the text."""
    found: dict[str, list[str]] = {}
    for block in table(ROWS, Look(400)).split("\n\n"):
        lines = block.splitlines()
        if not (len(lines) > 1 and lines[1].startswith("---")):
            continue
        starts = [match.span() for match in re.finditer("-+", lines[1])]
        device, *_ = lines[0].split()
        for line in lines[2:]:
            model, precision, *values = (line[start:end].strip() for start, end in starts)
            found[f"{model} {precision} {device}"] = values
    return found


def of_the_page() -> dict[str, list[str]]:
    """The values of each cell as the page's table shows them."""
    (shown,) = [t for t in ROOT.all("table") if t.attributes["class"] == "all"]
    found = {}
    for row in shown.all("tbody")[0].all("tr"):
        precision, device, _, *values = (cell.words for cell in row.all("td"))
        found[f"{row.all('th')[0].words} {precision} {device}"] = values
    return found


def test_the_terminal_and_the_page_list_the_same_cells_in_the_same_order_of_devices() -> None:
    assert sorted(of_the_terminal()) == sorted(of_the_page())
    assert list(of_the_page()) == [row.name for row in ROWS]


def test_the_terminal_and_the_page_show_the_same_values() -> None:
    terminal, page = of_the_terminal(), of_the_page()
    measured = [row for row in ROWS if row.figures]
    assert len(measured) == 5
    for row in measured:
        expected = {column.key: str(row.figures[column.key]) for column in shown_columns(ROWS)}
        assert [re.sub(r" \[\d+\]$", "", value) for value in terminal[row.name]] == list(expected.values())
        # The page leaves to the cell what only says the latency again.
        expected.pop("rate")
        assert [re.sub(r" \[\d+\]$", "", value) for value in page[row.name]] == list(expected.values())


def test_the_terminal_and_the_page_give_the_same_reasons() -> None:
    said = final_report(RUN, Look(400))
    for row in ROWS:
        if row.problem is not None:
            assert row.problem.line in said
            assert row.problem.line in of_the_page()[row.name][0]
        for column in shown_columns(ROWS) if row.figures else ():
            assert row.figures[column.key].why in said
            assert row.figures[column.key].why in ROOT.text


def test_the_terminal_and_the_page_have_the_same_headline() -> None:
    sentence = headline_of(RUN, ROWS).sentence
    assert sentence.replace("interrupted", "INTERRUPTED", 1) in final_report(RUN, Look(400))
    assert sentence in ROOT.all("title")[0].text
