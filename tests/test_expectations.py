"""Which margin, budget and claim concerns which cell, and which concerns none at all."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.cells import DEVICE_KINDS, PRECISIONS, Cell
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

DECLARED = [
    ("silero-vad", ("fp32", "fp16", "int8-dynamic")),
    ("silero-vad-torchscript", ("fp32", "bf16")),
    ("piper-joe", ("fp32", "int8-dynamic", "int8-static")),
]


def pattern(text: str, line: int = 1) -> CellPattern:
    return CellPattern(*text.split("/"), line)


def budget(cells: str, line: int = 1) -> Budget:
    return Budget("b", pattern(cells, line), "latency_seconds", Bound(at_most=1.0))


def claim(cells: str, over: str = "fp32", *, on: str | None = None, line: int = 1) -> Claim:
    bound = Bound(at_least=2.0)
    return Claim("c", pattern(cells, line), over, Quantity.SPEED, bound, "someone", on, line, over_line=line + 1)


def quality(cells: str, over: str = "fp32", *, line: int = 1) -> QualityBound:
    return QualityBound("q", pattern(cells, line), "accuracy", 0.01, over, "", line, over_line=line + 1)


@pytest.mark.parametrize(
    ("text", "one", "fits"),
    [
        ("piper-joe/fp32/cpu", Cell("piper-joe", "fp32", "cpu"), True),
        ("*/*/*", Cell("piper-joe", "fp32", "cuda:1"), True),
        ("piper-*/int8-*/*", Cell("piper-joe", "int8-static", "mps"), True),
        ("piper-*/int8-*/*", Cell("piper-joe", "int4-weight-only", "mps"), False),
        ("silero-*,piper-joe/fp16,bf16/cpu,mps", Cell("piper-joe", "bf16", "mps"), True),
        ("silero-*,piper-joe/fp16,bf16/cpu,mps", Cell("piper-joe", "bf16", "cuda"), False),
        ("piper/*/*", Cell("piper-joe", "fp32", "cpu"), False),
        ("PIPER-JOE/*/*", Cell("piper-joe", "fp32", "cpu"), False),
        ("*/*/cuda", Cell("m", "fp32", "cuda:1"), True),
        ("*/*/cuda:1", Cell("m", "fp32", "cuda:1"), True),
        ("*/*/cuda:1", Cell("m", "fp32", "cuda:0"), False),
        ("*/*/cuda:1", Cell("m", "fp32", "cuda"), False),
        ("*/*/cuda:*", Cell("m", "fp32", "cuda:3"), True),
    ],
)
def test_a_pattern_fits_a_cell_part_by_part(text: str, one: Cell, fits: bool) -> None:
    assert pattern(text).fits(one) is fits
    assert str(pattern(text)) == text


MARGINS = Margins(
    {"latency_seconds": 0.02},
    (
        MarginOverride(pattern("piper-*/*/cpu"), {"latency_seconds": 0.07, "peak_bytes": 0.20}),
        MarginOverride(pattern("piper-joe/*/*"), {"latency_seconds": 0.08}),
        MarginOverride(pattern("*/fp16/cuda"), {"latency_seconds": 0.09, "artifact_bytes": 0.0}),
    ),
)


@pytest.mark.parametrize(
    ("name", "metric", "margin"),
    [
        ("silero-vad/fp32/cpu", "latency_seconds", 0.02),
        ("silero-vad/fp32/cpu", "open_seconds", 0.15),  # nothing is said: harness/metrics.py says 15 %
        ("piper-amy/fp32/cpu", "latency_seconds", 0.07),
        ("piper-joe/fp32/cpu", "latency_seconds", 0.08),  # the last of two that fit
        ("piper-joe/fp32/cpu", "peak_bytes", 0.20),  # the last that fits says nothing of memory
        ("piper-joe/fp16/cuda", "latency_seconds", 0.09),
        ("piper-joe/fp16/cuda", "peak_bytes", 0.01),
        ("piper-joe/fp16/cuda", "artifact_bytes", 0.0),
    ],
)
def test_the_last_override_that_names_the_metric_and_fits_the_cell_wins(name: str, metric: str, margin: float) -> None:
    assert MARGINS.margin(Cell(*name.split("/")), metric) == margin


def test_without_a_file_margins_are_the_metrics_own() -> None:
    assert Expectations().margins.margin(Cell("m", "fp32", "cpu"), "sqnr_db") == 3.0
    assert Expectations().margins.margin(Cell("m", "fp32", "cpu"), "latency_p99_seconds") == 0.15


@pytest.mark.parametrize(("at_most", "at_least"), [(None, None), (1.0, 2.0)])
def test_a_bound_is_at_most_or_at_least(at_most: float | None, at_least: float | None) -> None:
    with pytest.raises(ValueError, match="at most or at least"):
        Bound(at_most, at_least)


def test_a_bound_reads_as_words() -> None:
    assert (str(Bound(at_most=0.15)), str(Bound(at_least=0.0))) == ("at most 0.15", "at least 0")


def test_a_cell_has_the_budgets_and_claims_that_fit_it() -> None:
    one, other = budget("silero-*/*/cpu"), budget("piper-joe/*/*")
    first, second = claim("*/int8-*/*"), claim("*/*/cuda")
    expected = Expectations(budgets=(one, other), claims=(first, second))
    cell = Cell("piper-joe", "int8-static", "cpu")
    assert (expected.budgets_of(cell), expected.claims_of(cell)) == ((other,), (first,))


def test_a_claim_does_not_compare_a_cell_with_itself() -> None:
    about = claim("*/*/cpu", over="fp16")
    assert not about.fits(Cell("m", "fp16", "cpu"))
    assert about.fits(Cell("m", "bf16", "cpu"))
    assert about.other(Cell("m", "bf16", "cpu")) == Cell("m", "fp16", "cpu")


def test_a_cell_may_lose_what_the_bounds_that_fit_it_say() -> None:
    first, second = quality("piper-*/*/*"), quality("*/*/cpu", over="fp16")
    expected = Expectations(quality=(first, second))
    assert expected.quality_of(Cell("piper-joe", "int8-static", "cpu")) == (first, second)
    assert expected.quality_of(Cell("piper-joe", "fp32", "cpu")) == (second,)
    assert expected.quality_of(Cell("piper-joe", "fp16", "cpu")) == (first,)
    assert second.other(Cell("m", "bf16", "cpu")) == Cell("m", "fp16", "cpu")


@pytest.mark.parametrize("lost", [-0.1, float("nan")])
def test_a_loss_is_nothing_or_more(lost: float) -> None:
    with pytest.raises(ValueError, match="0 or more"):
        QualityBound("q", pattern("*/*/*"), "accuracy", lost)


@pytest.mark.parametrize(
    ("quantity", "device", "metric"),
    [
        ("speed", "cpu", "latency_seconds"),
        ("speed", "cuda:1", "latency_seconds"),
        ("size", "cuda", "artifact_bytes"),
        ("memory", "cpu", "peak_bytes"),
        ("memory", "mps", "peak_bytes"),
        ("memory", "cuda", "device_peak_bytes"),
        ("memory", "cuda:1", "device_peak_bytes"),
    ],
)
def test_a_claim_says_which_metric_it_is_about(quantity: str, device: str, metric: str) -> None:
    about = Claim("c", pattern("*/*/*"), "fp32", Quantity(quantity), Bound(at_most=1.0), "someone")
    assert about.metric(Cell("m", "fp16", device)) == metric


@pytest.mark.parametrize(
    ("on", "machine", "is_asked"),
    [
        (None, ("x86_64", "AMD EPYC"), True),
        (None, (), True),
        ("x86_64", ("x86_64", "AMD EPYC"), True),
        ("*EPYC*", ("x86_64", "AMD EPYC (family 26 model 2)"), True),
        ("arm64,aarch64", ("aarch64", ""), True),
        ("arm64,aarch64", ("x86_64", "AMD EPYC"), False),
        ("x86_64", (), False),
    ],
)
def test_a_claim_is_asked_only_where_it_was_made(on: str | None, machine: tuple[str, ...], is_asked: bool) -> None:
    about = claim("*/int8-*/*", on=on)
    assert about.is_asked_on(*machine) is is_asked
    cell = Cell("m", "int8-static", "cpu")
    assert Expectations(claims=(about,)).claims_of(cell, *machine) == ((about,) if is_asked else ())


@pytest.mark.parametrize(
    ("expected", "problem"),
    [
        (
            Expectations(budgets=(budget("silro-vad/*/*", 7),)),
            "e.toml:7: cells = 'silro-vad/*/*': no declared model matches 'silro-vad'; did you mean silero-vad?",
        ),
        (
            Expectations(Margins(overrides=(MarginOverride(pattern("xtts*/*/*", 3), {}),))),
            (
                "e.toml:3: cells = 'xtts*/*/*': no declared model matches 'xtts*';"
                " there are silero-vad, silero-vad-torchscript, piper-joe"
            ),
        ),
        (
            Expectations(budgets=(budget("piper-joe,gone/*/cpu"),)),
            (
                "e.toml:1: cells = 'piper-joe,gone/*/cpu': no declared model matches 'gone';"
                " there are silero-vad, silero-vad-torchscript, piper-joe"
            ),
        ),
        (
            Expectations(claims=(claim("piper-joe/fp16/*"),)),
            (
                "e.toml:1: cells = 'piper-joe/fp16/*': no such model asks for 'fp16';"
                " they ask for fp32, int8-dynamic, int8-static"
            ),
        ),
        (
            Expectations(budgets=(budget("piper-*,*-torchscript/fp32,fp16/*"),)),
            (
                "e.toml:1: cells = 'piper-*,*-torchscript/fp32,fp16/*': no such model asks for 'fp16';"
                " they ask for fp32, bf16, int8-dynamic, int8-static"
            ),
        ),
        (
            Expectations(claims=(claim("piper-joe/int8-*/*", over="bf16", line=4),)),
            (
                "e.toml:5: over = 'bf16' has nothing to compare: the models of piper-joe/int8-*/*"
                " ask for fp32, int8-dynamic, int8-static; name two of these"
            ),
        ),
        (
            Expectations(quality=(quality("piper-joe/fp16/*"),)),
            (
                "e.toml:1: cells = 'piper-joe/fp16/*': no such model asks for 'fp16';"
                " they ask for fp32, int8-dynamic, int8-static"
            ),
        ),
        (
            Expectations(quality=(quality("piper-joe/int8-*/*", over="bf16", line=4),)),
            (
                "e.toml:5: over = 'bf16' has nothing to compare: the models of piper-joe/int8-*/*"
                " ask for fp32, int8-dynamic, int8-static; name two of these"
            ),
        ),
        (  # one model has nothing but the other side, another model has it not
            Expectations(claims=(claim("piper-joe,*script/int8-static,bf16/*", over="bf16", line=4),)),
            (
                "e.toml:5: over = 'bf16' has nothing to compare: the models of piper-joe,*script/int8-static,bf16/*"
                " ask for fp32, bf16, int8-dynamic, int8-static; name two of these"
            ),
        ),
        (  # one model has the one side, another model the other
            Expectations(claims=(claim("*/int8-static/*", over="bf16", line=4),)),
            (
                "e.toml:5: over = 'bf16' has nothing to compare: the models of */int8-static/*"
                " ask for fp32, int8-dynamic, int8-static; name two of these"
            ),
        ),
    ],
)
def test_what_concerns_no_declared_cell_is_named_with_its_line(expected: Expectations, problem: str) -> None:
    with pytest.raises(UsageProblem) as caught:
        replace(expected, name="e.toml").check(DECLARED)
    assert str(caught.value) == problem


def test_all_strays_are_named_in_the_order_of_the_lines() -> None:
    stray = Expectations(budgets=(budget("x/*/*", 9), budget("y/*/*", 2)), claims=(claim("z/fp16/*", line=5),))
    with pytest.raises(UsageProblem) as caught:
        stray.check(DECLARED)
    assert [line.split(":")[1] for line in str(caught.value).splitlines()] == ["2", "5", "9"]


@pytest.mark.parametrize("device", [*DEVICE_KINDS, "cuda:7", "*"])
def test_a_device_that_this_machine_lacks_is_no_stray(device: str) -> None:
    Expectations(budgets=(budget(f"piper-joe/*/{device}"),)).check(DECLARED)


def test_a_claim_is_no_stray_when_one_of_its_models_has_both_sides() -> None:
    Expectations(claims=(claim("*/bf16/*"), claim("*/*/*", over="int8-static"))).check(DECLARED)


names = st.text("abc-", min_size=1, max_size=6)
declared = st.lists(
    st.tuples(names, st.lists(st.sampled_from(PRECISIONS), min_size=1, unique=True).map(tuple)),
    min_size=1,
    max_size=4,
    unique_by=lambda one: one[0],
)


@given(declared, st.data())
def test_a_pattern_that_fits_a_declared_cell_is_never_a_stray(models, data) -> None:
    model, precisions = data.draw(st.sampled_from(models))
    precision = data.draw(st.sampled_from(precisions))
    part = f"{model}/{precision}/{data.draw(st.sampled_from(DEVICE_KINDS))}".split("/")
    texts = [data.draw(st.sampled_from([one, "*", f"{one[:1]}*", f"*{one[-1:]}"])) for one in part]
    found = pattern("/".join(texts))
    assert found.fits(Cell(*part))
    Expectations(budgets=(Budget("b", found, "latency_seconds", Bound(at_most=1.0)),)).check(models)
