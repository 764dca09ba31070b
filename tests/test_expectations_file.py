"""What a file of expectations says, and every way in which it can be wrong, with the line."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from harness.errors import UsageProblem
from harness.expectations import (
    Bound,
    Budget,
    CellPattern,
    Claim,
    Expectations,
    MarginOverride,
    Margins,
    QualityBound,
    Quantity,
)
from harness.expectations_file import EXPECTATIONS_FILE, read_expectations
from harness.metrics import Better, Metric, Pool
from harness.zoo import discover

ROOT = Path(__file__).parents[1]

WHOLE = """\
[margins]                       # relative
latency_seconds = 0.03
artifact_bytes = 0

[[margin]]
cells = "silero-*, piper-joe / * / cpu"
latency_seconds = 0.05

[[budget]]
name = " one sentence "
cells = "piper-joe/*/cpu"
metric = "latency_seconds"
at_most = 0.150
source = "us"

[[budget]]
name = "covered"
metric = "weights_covered_fraction"
at_least = 1
cells = "*/fp16/cuda:1"

[[claim]]
name = "twice"
cells = "piper-joe/int8-dynamic/cpu"
over = "fp32"
quantity = "speed"
at_least = 2
on = "x86_64"
source = "them"

[[quality]]
name = "no more than a point"
cells = "smart-turn-*/int8-*/cpu"
metric = "accuracy"
loses_at_most = 0.01
over = "fp16"
source = "us"

[[quality]]
name = "still the same voice"
cells = "piper-joe/*/*"
metric = "log_mel_distance"
loses_at_most = 1
"""


def read(folder: Path, text: str) -> Expectations:
    path = folder / EXPECTATIONS_FILE
    path.write_bytes(text.encode())
    return read_expectations(path)


def problems(folder: Path, text: str) -> list[str]:
    """What is told of a file, without its path."""
    with pytest.raises(UsageProblem) as caught:
        read(folder, text)
    prefix = f"{folder / EXPECTATIONS_FILE}:"
    told = str(caught.value).splitlines()
    assert all(line.startswith(prefix) for line in told)
    return [line.removeprefix(prefix) for line in told]


def test_a_file_is_read_whole(tmp_path: Path) -> None:
    found = read(tmp_path, WHOLE)
    assert found == Expectations(
        Margins(
            {"latency_seconds": 0.03, "artifact_bytes": 0.0},
            (MarginOverride(CellPattern("silero-*,piper-joe", "*", "cpu"), {"latency_seconds": 0.05}),),
        ),
        (
            Budget("one sentence", CellPattern("piper-joe", "*", "cpu"), "latency_seconds", Bound(at_most=0.15), "us"),
            Budget("covered", CellPattern("*", "fp16", "cuda:1"), "weights_covered_fraction", Bound(at_least=1.0)),
        ),
        (
            Claim(
                "twice",
                CellPattern("piper-joe", "int8-dynamic", "cpu"),
                "fp32",
                Quantity.SPEED,
                Bound(at_least=2.0),
                "them",
                "x86_64",
            ),
        ),
        str(tmp_path / EXPECTATIONS_FILE),
        (
            QualityBound(
                "no more than a point", CellPattern("smart-turn-*", "int8-*", "cpu"), "accuracy", 0.01, "fp16", "us"
            ),
            QualityBound("still the same voice", CellPattern("piper-joe", "*", "*"), "log_mel_distance", 1.0, "fp32"),
        ),
    )


@pytest.mark.parametrize("metric", ['metric = "latency_seconds"', ""], ids=["said", "left out"])
def test_a_budget_of_a_stage_is_one_of_its_time(tmp_path: Path, metric: str) -> None:
    text = f'[[budget]]\nname = "b"\ncells = "m/*/*"\nstage = "translate"\nat_most = 0.07\n{metric}\n'
    expected = Budget("b", CellPattern("m", "*", "*"), "latency_seconds", Bound(at_most=0.07), stage="translate")
    assert read(tmp_path, text).budgets == (expected,)


def test_everything_knows_its_line(tmp_path: Path) -> None:
    found = read(tmp_path, WHOLE)
    written = (*found.margins.overrides, *found.budgets, *found.claims, *found.quality)
    assert [(one.line, one.cells.line) for one in written] == [(5, 6), (9, 11), (16, 20), (22, 24), (31, 33), (39, 41)]
    assert [one.over_line for one in (*found.claims, *found.quality)] == [25, 36, 39]  # the last does not say `over`


@pytest.mark.parametrize("text", ["", "# nothing\n", "[margins]\n", "budget = []\n", "\ufeff[margins]\r\n"])
def test_a_file_may_expect_nothing(tmp_path: Path, text: str) -> None:
    assert read(tmp_path, text) == Expectations(name=str(tmp_path / EXPECTATIONS_FILE))


def test_inline_tables_say_the_same_as_headers(tmp_path: Path) -> None:
    inline = 'margins.latency_seconds = 0.02\nmargin = [\n  {cells = "*/*/cpu",\n  latency_seconds = 0.1}]\n'
    headers = '[margins]\nlatency_seconds = 0.02\n[[margin]]\ncells = "*/*/cpu"\nlatency_seconds = 0.1\n'
    inline = inline.replace(",\n  lat", ", lat")
    assert read(tmp_path, inline) == read(tmp_path, headers)
    assert read(tmp_path, inline).margins.overrides[0].line == 3


def test_a_missing_file_expects_nothing_unless_it_was_named(tmp_path: Path) -> None:
    path = tmp_path / "none.toml"
    assert read_expectations(path) == Expectations(name=str(path))
    with pytest.raises(UsageProblem, match=r"none\.toml does not exist; check the path"):
        read_expectations(path, is_named=True)


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(UsageProblem, match="cannot be read: Is a directory; name a file"):
        read_expectations(tmp_path)


def test_the_margin_of_the_file_is_the_margin_of_a_cell(tmp_path: Path) -> None:
    from harness.cells import Cell

    margins = read(tmp_path, WHOLE).margins
    assert margins.margin(Cell("silero-vad", "fp32", "cpu"), "latency_seconds") == 0.05
    assert margins.margin(Cell("silero-vad", "fp32", "cuda"), "latency_seconds") == 0.03


BUDGET = {
    "name": '"b"',
    "cells": '"m/fp32/cpu"',
    "metric": '"latency_seconds"',
    "at_most": "1.5",
    "source": '"us"',
}
CLAIM = {
    "name": '"c"',
    "cells": '"m/int8-dynamic/cpu"',
    "over": '"fp32"',
    "quantity": '"speed"',
    "at_least": "2",
    "on": '"x86_64"',
    "source": '"them"',
}
MARGIN = {"cells": '"m/*/*"', "latency_seconds": "0.05"}
QUALITY = {
    "name": '"q"',
    "cells": '"m/int8-dynamic/cpu"',
    "metric": '"accuracy"',
    "loses_at_most": "0.02",
    "over": '"fp32"',
    "source": '"us"',
}
TABLES = {
    "[margins]": {"latency_seconds": "0.05"},
    "[[margin]]": MARGIN,
    "[[budget]]": BUDGET,
    "[[claim]]": CLAIM,
    "[[quality]]": QUALITY,
}


def written(header: str, keys: dict[str, str | None]) -> str:
    """The table with some keys changed, those that are None left out, after a line and with a line a key."""
    lines = [f"{key} = {value}" for key, value in {**TABLES[header], **keys}.items() if value is not None]
    return "\n".join(["# first line", header, *lines, ""])


@pytest.mark.parametrize("header", TABLES)
def test_the_tables_of_these_tests_are_right_before_they_are_spoilt(tmp_path: Path, header: str) -> None:
    read(tmp_path, written(header, {}))


EVERY_KEY = "cells, over, over_model, quantity, at_most, at_least, said, on, source"


@pytest.mark.parametrize(
    ("header", "keys", "problem"),
    [
        # unknown keys
        (
            "[margins]",
            {"latency_second": "0.1"},
            "4: [margins] knows no 'latency_second'; did you mean latency_seconds?",
        ),
        ("[[margin]]", {"cell": '"*"'}, "5: [[margin]] knows no 'cell'; did you mean cells?"),
        ("[[budget]]", {"at_mots": "1"}, "8: [[budget]] knows no 'at_mots'; did you mean at_most?"),
        ("[[claim]]", {"zzz": "1"}, f"10: [[claim]] knows no 'zzz'; there are name, {EVERY_KEY}"),
        ("[[claim]]", {'"a\\nb"': "1"}, f"10: [[claim]] knows no 'a\\nb'; there are name, {EVERY_KEY}"),
        # margins
        (
            "[margins]",
            {"latency_seconds": "3"},
            "3: latency_seconds = 3 is not a margin from 0 up to 1; 3 per cent is 0.03",
        ),
        (
            "[margins]",
            {"latency_seconds": "1"},
            "3: latency_seconds = 1 is not a margin from 0 up to 1; 1 per cent is 0.01",
        ),
        (
            "[[margin]]",
            {"latency_seconds": "-0.1"},
            "4: latency_seconds = -0.1 is not a margin from 0 up to 1; 3 per cent is 0.03",
        ),
        (
            "[[margin]]",
            {"latency_seconds": "0"},
            "4: latency_seconds = 0: no two of its measurements agree to the last digit; write 0.01 or more",
        ),
        (
            "[margins]",
            {"latency_seconds": "nan"},
            "3: latency_seconds = nan is no finite number; write one, as in 0.03",
        ),
        (
            "[margins]",
            {"latency_seconds": "true"},
            "3: latency_seconds = true is no number; write one without quotes, as in 0.03",
        ),
        (
            "[margins]",
            {"latency_seconds": "'3 %'"},
            "3: latency_seconds = '3 %' is no number; write one without quotes, as in 0.03",
        ),
        (
            "[[margin]]",
            {"latency_seconds": None},
            "2: [[margin]] names no metric; add a line such as latency_seconds = 0.05",
        ),
        # cells
        ("[[margin]]", {"cells": None}, """2: [[margin]] has no 'cells'; say which, as in cells = "piper-*/*/cpu\""""),
        ("[[margin]]", {"cells": "3"}, "3: cells = 3 is no text; put it in quotes"),
        ("[[margin]]", {"cells": '""'}, "3: cells = '' is empty or more than one line; write one line of text"),
        (
            "[[margin]]",
            {"cells": '"m"'},
            "3: cells = 'm' has one part; write three, model/precision/device, * for any",
        ),
        (
            "[[margin]]",
            {"cells": '"m/*/*,n/*/*"'},
            "3: cells = 'm/*/*,n/*/*' has 5 parts; write three, model/precision/device, * for any",
        ),
        ("[[margin]]", {"cells": '"m//*"'}, "3: cells = 'm//*' has an empty part; write * where any will do"),
        ("[[margin]]", {"cells": '"m,/*/*"'}, "3: cells = 'm,/*/*' has an empty part; write * where any will do"),
        ("[[budget]]", {"cells": '"m/fp23/*"'}, "4: cells = 'm/fp23/*': 'fp23' matches nothing; did you mean fp32?"),
        (
            "[[budget]]",
            {"cells": '"m/*,q*/*"'},
            (
                "4: cells = 'm/*,q*/*': 'q*' matches nothing; there are"
                " fp32, fp16, bf16, int8-dynamic, int8-static, int8-weight-only, int4-weight-only"
            ),
        ),
        ("[[budget]]", {"cells": '"m/*/cuba"'}, "4: cells = 'm/*/cuba': 'cuba' matches nothing; did you mean cuda?"),
        ("[[budget]]", {"cells": '"m/*/cpu:1"'}, "4: cells = 'm/*/cpu:1': 'cpu:1' matches nothing; did you mean cpu?"),
        # names and sources
        ("[[budget]]", {"name": None}, "2: [[budget]] has no 'name'; say in one sentence what is expected"),
        ("[[budget]]", {"name": '" "'}, "3: name = ' ' is empty or more than one line; write one line of text"),
        ("[[budget]]", {"name": r'"a\nb"'}, r"3: name = 'a\nb' is empty or more than one line; write one line of text"),
        ("[[budget]]", {"source": "['a']"}, "7: source = ['a'] is no text; put it in quotes"),
        ("[[claim]]", {"source": None}, "2: [[claim]] has no 'source'; say who published it"),
        # bounds
        ("[[budget]]", {"at_most": None}, "2: [[budget]] has neither at_most nor at_least; write one of them"),
        ("[[budget]]", {"at_least": "1"}, "2: [[budget]] has both at_most and at_least; write one of them"),
        ("[[budget]]", {"at_most": "inf"}, "6: at_most = inf is no finite number; write one, as in 0.03"),
        (
            "[[budget]]",
            {"at_most": "9" * 400},
            f"6: at_most = {'9' * 39}… is no finite number; write one, as in 0.03",
        ),
        ("[[budget]]", {"at_most": "-1"}, "6: at_most = -1 is no target; write a number above 0"),
        (
            "[[budget]]",
            {"metric": '"weights_covered_fraction"', "at_most": None, "at_least": "0"},
            "7: at_least = 0 is no target; write a number above 0",
        ),
        ("[[claim]]", {"at_least": "0"}, "7: at_least = 0 is no target; write a number above 0"),
        ("[[claim]]", {"at_least": None, "at_most": "0"}, "9: at_most = 0 is no target; write a number above 0"),
        (
            "[[budget]]",
            {"at_most": None, "at_least": "1"},
            "7: lower latency_seconds is better, so more than that is no target; write at_most",
        ),
        (
            "[[budget]]",
            {"metric": '"throughput_per_second"'},
            "6: higher throughput_per_second is better, so less than that is no target; write at_least",
        ),
        (
            "[[budget]]",
            {"metric": '"peak_bytes"', "stage": '"translate"'},
            "5: of a stage its time is known, and not its peak_bytes; drop metric or stage",
        ),
        ("[[budget]]", {"stage": "2"}, "8: stage = 2 is no text; put it in quotes"),
        # metrics, quantities, the other side
        (
            "[[budget]]",
            {"metric": None},
            """2: [[budget]] has no 'metric'; say what is limited, as in metric = "latency_seconds\"""",
        ),
        (
            "[[budget]]",
            {"metric": '"latency_secs"'},
            "5: metric = 'latency_secs' is not a metric; did you mean latency_seconds?",
        ),
        ("[[claim]]", {"quantity": '"sped"'}, "6: quantity = 'sped' is unknown; did you mean speed?"),
        (
            "[[claim]]",
            {"quantity": None},
            "2: [[claim]] has no 'quantity'; write one of speed, memory, size, first_audible, accuracy, bytes",
        ),
        ("[[claim]]", {"over": None}, """2: [[claim]] has no 'over'; say over which precision, as in over = "fp32\""""),
        ("[[claim]]", {"over": '"fp3"'}, "5: over = 'fp3' is not a precision; did you mean fp32?"),
        (
            "[[claim]]",
            {"over": '"int8-dynamic"'},
            "5: over = 'int8-dynamic' is the precision of the cells too; name another in one of them",
        ),
        (
            "[[claim]]",
            {"on": '"x86_64,"'},
            "8: on = 'x86_64,' has an empty part; write a glob such as x86_64 or *EPYC*",
        ),
        ("[[claim]]", {"on": "86"}, "8: on = 86 is no text; put it in quotes"),
        # quality
        ("[margins]", {"acuracy": "0.01"}, "4: [margins] knows no 'acuracy'; did you mean accuracy?"),
        (
            "[margins]",
            {"sqnr_db": "-3"},
            "4: sqnr_db = -3 is no loss; write how much may be lost, in dB: 0 or more",
        ),
        (
            "[[margin]]",
            {"chrf": "-0.5"},
            "5: chrf = -0.5 is no loss; write how much may be lost: 0 or more",
        ),
        (
            "[margins]",
            {"accuracy": "2"},
            "4: accuracy = 2 is all there is of accuracy; 2 per cent is 0.02",
        ),
        (
            "[[budget]]",
            {"metric": '"accuracy"'},
            "6: higher accuracy is better, so less than that is no target; write at_least",
        ),
        ("[[budget]]", {"metric": '"acuracy"'}, "5: metric = 'acuracy' is not a metric; did you mean accuracy?"),
        ("[[quality]]", {"at_most": "1"}, "9: [[quality]] knows no 'at_most'; did you mean loses_at_most?"),
        (
            "[[quality]]",
            {"metric": None},
            """2: [[quality]] has no 'metric'; say what may be lost, as in metric = "accuracy\"""",
        ),
        (
            "[[quality]]",
            {"metric": '"acuracy"'},
            "5: metric = 'acuracy' is not a quality metric; did you mean accuracy?",
        ),
        (
            "[[quality]]",
            {"metric": '"positive_share"'},
            "5: neither more nor less positive_share is better, so none can be lost; name another",
        ),
        (
            "[[quality]]",
            {"loses_at_most": None},
            "2: [[quality]] has no 'loses_at_most'; say how much, in the metric's unit",
        ),
        (
            "[[quality]]",
            {"loses_at_most": "-0.1"},
            "6: loses_at_most = -0.1 is no loss; write how much may be lost: 0 or more",
        ),
        (
            "[[quality]]",
            {"loses_at_most": "2"},
            "6: loses_at_most = 2 is all there is of accuracy; 2 per cent is 0.02",
        ),
        ("[[quality]]", {"over": '"fp3"'}, "7: over = 'fp3' is not a precision; did you mean fp32?"),
        (
            "[[quality]]",
            {"cells": '"m/fp32/cpu"', "over": None},
            "4: over = 'fp32' is the precision of the cells too; name another in one of them",
        ),
        ("[[quality]]", {"name": None}, "2: [[quality]] has no 'name'; say in one sentence what is expected"),
    ],
)
def test_a_mistake_is_told_with_its_line_and_the_next_step(
    tmp_path: Path, header: str, keys: dict[str, str | None], problem: str
) -> None:
    assert problems(tmp_path, written(header, keys)) == [problem]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[margns]\n", "1: the file knows no 'margns'; did you mean margins?"),
        ("x = 1\n", "1: the file knows no 'x'; there are margins, margin, budget, claim, quality"),
        ("\n[margin]\ncells = '*/*/*'\n", "2: margin is a list of tables; write [[margin]] above each"),
        ("\nclaim = 'no'\n", "2: claim is a list of tables; write [[claim]] above each"),
        ("budget = [1]\n", "1: budget is a list of tables; write [[budget]] above each"),
        ("\n\n[[margins]]\n", "3: margins is one table; write [margins] above it"),
        ("[margins]\nx = \n", "2: no valid TOML"),
        ("[margins]\n\n[margins]\n", "3: no valid TOML"),
        ("[margins]\na = '''\n\n", "2: no valid TOML"),
        ("a = " + "[" * 100_000, "1: no valid TOML: nested too deeply; mend the line"),
        ("a = " + "9" * 5000, "1: no valid TOML"),
    ],
)
def test_a_file_of_another_shape_is_told_with_its_line(tmp_path: Path, text: str, problem: str) -> None:
    (told,) = problems(tmp_path, text)
    assert told.startswith(problem)
    assert told.endswith(("; mend the line", "?", "above each", "above it", "quality"))


def test_bytes_that_are_no_text_are_told_with_their_line(tmp_path: Path) -> None:
    path = tmp_path / EXPECTATIONS_FILE
    path.write_bytes(b"[margins]\n# caf\xe9\n")
    with pytest.raises(UsageProblem, match=r"toml:2: not UTF-8; save the file with that encoding"):
        read_expectations(path)


def test_a_metric_with_no_better_side_may_be_bounded_on_either(tmp_path: Path) -> None:
    text = written("[[budget]]", {"metric": '"parameters_count"'})
    assert read(tmp_path, text).budgets[0].bound == Bound(at_most=1.5)
    assert read(tmp_path, text.replace("at_most", "at_least")).budgets[0].bound == Bound(at_least=1.5)


def test_nothing_at_all_is_a_budget(tmp_path: Path) -> None:
    text = written("[[budget]]", {"metric": '"steady_growth_bytes"', "at_most": "0"})
    assert read(tmp_path, text).budgets[0].bound == Bound(at_most=0.0)


def test_what_is_measured_can_be_no_quality_that_is_lost(tmp_path: Path) -> None:
    (told,) = problems(tmp_path, written("[[quality]]", {"metric": '"latency_seconds"'}))
    assert told.startswith("5: metric = 'latency_seconds' is not a quality metric; ")


@pytest.mark.parametrize("lost", [0.0, 3.0, 40.0])
def test_what_may_be_lost_is_in_the_unit_of_the_metric(tmp_path: Path, lost: float) -> None:
    margins = read(tmp_path, f"[margins]\nsqnr_db = {lost:g}\n").margins
    assert margins.by_metric == {"sqnr_db": lost}
    text = written("[[quality]]", {"metric": '"sqnr_db"', "loses_at_most": f"{lost:g}"})
    assert read(tmp_path, text).quality[0].loses_at_most == lost


def test_a_share_has_an_absolute_target(tmp_path: Path) -> None:
    text = written("[[budget]]", {"metric": '"accuracy"', "at_most": None, "at_least": "0.9"})
    assert read(tmp_path, text).budgets[0].bound == Bound(at_least=0.9)


def test_metrics_of_installed_packages_are_known_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    added = Metric("smell", "olf", Better.LOWER, 0.1, "how it smells", Pool.MEAN)
    monkeypatch.setattr("harness.expectations_file.known", lambda: {"smell": added})
    text = "[margins]\nsmell = 2\n" + written("[[quality]]", {"metric": '"smell"', "loses_at_most": "5"})
    found = read(tmp_path, text)
    assert (found.margins.by_metric, found.quality[0].metric) == ({"smell": 2.0}, "smell")


def test_a_claim_of_several_precisions_may_take_in_the_other_side(tmp_path: Path) -> None:
    assert read(tmp_path, written("[[claim]]", {"cells": '"m/*/cpu"'})).claims[0].over == "fp32"


def test_two_of_one_name_are_told_where_the_first_stands(tmp_path: Path) -> None:
    text = written("[[budget]]", {"name": '"x"'}) + written("[[claim]]", {"name": '"x "'})
    assert problems(tmp_path, text) == ["10: name = 'x ' is that of line 3 too; give each its own"]


def test_two_of_one_name_on_one_line_are_told_too(tmp_path: Path) -> None:
    one = '{name = "x", cells = "m/*/*", metric = "peak_bytes", at_most = 1}'
    assert problems(tmp_path, f"budget = [{one}, {one}]") == ["1: name = 'x' is that of line 1 too; give each its own"]


def test_all_problems_are_told_at_once_in_the_order_of_the_lines(tmp_path: Path) -> None:
    text = (
        written("[[claim]]", {"over": '"fp31"', "quantity": '"pace"', "at_least": None, "zzz": "1"})
        + written("[[budget]]", {"cells": '"m/fp99/gpu"', "metric": "7", "at_most": "nan"})
        + written("[margins]", {"latency_seconds": "5", "x": "1"})
    )
    assert [told.split(":")[0] for told in problems(tmp_path, text)] == [
        *["2", "5", "6", "9"],  # no bound; over; quantity; zzz
        *["13", "13", "14", "15"],  # precision and device of cells; metric; at_most
        *["19", "20"],
    ]


def test_this_repository_s_own_expectations_concern_its_own_models() -> None:
    found = read_expectations(ROOT / "suites" / EXPECTATIONS_FILE, is_named=True)
    found.check([(one.model.name, one.model.precisions) for one in discover(ROOT, "suites/models")])
    assert found.budgets
    assert found.claims


def guide(language: str) -> list[str]:
    """The blocks of one language in the guide."""
    text = (ROOT / "docs" / "expectations.md").read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def test_the_example_of_the_guide_can_be_read_and_concerns_this_repository_s_models(tmp_path: Path) -> None:
    found = read(tmp_path, guide("toml")[0])
    found.check([(one.model.name, one.model.precisions) for one in discover(ROOT, "suites/models")])
    assert [len(found.margins.overrides), *map(len, (found.budgets, found.claims, found.quality))] == [1, 1, 1, 1]


def test_the_messages_of_the_guide_are_those_of_the_reader(tmp_path: Path) -> None:
    (shown,) = guide("text")
    assert problems(tmp_path, guide("toml")[-1]) == [
        line.removeprefix("suites/expectations.toml:") for line in shown.splitlines()
    ]
