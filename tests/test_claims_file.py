"""Claims as they are written: ranges, the publisher's own numbers, other models, figures that are no ratios."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.cells import Cell
from harness.errors import UsageProblem
from harness.expectations import Bound, Claim, Quantity
from harness.expectations_file import read_expectations
from harness.published import Said

ROOT = Path(__file__).parents[1]
DECLARED = [("voice", ("fp32", "fp16", "int8-dynamic")), ("voice-stream", ("fp32", "fp16"))]


def read(folder: Path, *lines: str, **keys: str) -> Claim:
    """The one claim of a file: some keys as they are, others as the tests need them."""
    plain = {"name": '"as published"', "cells": '"voice/int8-dynamic/cpu"', "source": '"them"'}
    path = folder / "expectations.toml"
    text = [f"{key} = {value}" for key, value in {**plain, **keys}.items()]
    path.write_text("\n".join(["[[claim]]", *text, *lines, ""]))
    expectations = read_expectations(path)
    expectations.check(DECLARED)
    (found,) = expectations.claims
    return found


@pytest.mark.parametrize(
    ("quantity", "bound", "best"),
    [("speed", Bound(at_least=2.0), 4.0), ("size", Bound(at_most=4.0), 2.0), ("memory", Bound(at_most=4.0), 2.0)],
)
def test_a_range_promises_its_end_that_is_nearer_to_no_gain(
    tmp_path: Path, quantity: str, bound: Bound, best: float
) -> None:
    found = read(tmp_path, over='"fp32"', quantity=f'"{quantity}"', at_least="2", at_most="4")
    assert (found.bound, found.best) == (bound, best)


@pytest.mark.parametrize(
    ("quantity", "bound"),
    [
        ("size", Bound(at_most=890.5 / 1780.5)),
        ("memory", Bound(at_most=890.5 / 1780.5)),
        ("speed", Bound(at_least=1780.5 / 890.5)),
    ],
)
def test_two_numbers_are_a_claim_at_the_kinder_end_of_their_rounding(
    tmp_path: Path, quantity: str, bound: Bound
) -> None:
    said = '{ from = 1781, to = 890, unit = "MB", times = 2 }'
    found = read(tmp_path, over='"fp32"', quantity=f'"{quantity}"', said=said)
    target = (found.bound.at_most or 0) + (found.bound.at_least or 0)
    assert target == pytest.approx((bound.at_most or 0) + (bound.at_least or 0))
    assert (found.bound.at_most is None) == (bound.at_most is None)
    assert found.said == Said(1781, 890, "MB", times=2)


def test_what_is_written_as_the_bound_stands_above_the_two_numbers(tmp_path: Path) -> None:
    found = read(tmp_path, over='"fp32"', quantity='"size"', said="{ from = 1781, to = 890 }", at_most="0.55")
    assert found.bound == Bound(at_most=0.55)


def test_a_claim_over_another_model_names_no_precision(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        cells='"voice-stream/*/*"',
        over_model='"voice"',
        quantity='"first_audible"',
        said='{ from = 1.01, to = 0.16, unit = "s", per_cent = 84.1 }',
    )
    assert (found.over, found.over_model, found.other_side) == (None, "voice", "voice")
    assert found.other(Cell("voice-stream", "fp16", "cpu")) == Cell("voice", "fp16", "cpu")
    assert not found.fits(Cell("voice", "fp16", "cpu"))


def test_bytes_are_over_nothing(tmp_path: Path) -> None:
    found = read(tmp_path, cells='"voice/fp32/*"', quantity='"bytes"', at_most="2e9")
    assert (found.quantity, found.over, found.other_side) == (Quantity.BYTES, None, "")
    assert found.fits(Cell("voice", "fp32", "cpu"))


@pytest.mark.parametrize(
    ("keys", "problem"),
    [
        (
            {"over": '"fp32"', "quantity": '"speed"', "at_least": "4", "at_most": "2"},
            "7: at_least = 4 is not below at_most = 2; turn them round",
        ),
        ({"over": '"fp32"', "quantity": '"speed"'}, "1: [[claim]] has neither at_most nor at_least; write one of them"),
        (
            {"over": '"fp32"', "quantity": '"accuracy"', "said": "{ from = 0.98, to = 0.97 }"},
            "1: [[claim]] has neither at_most nor at_least; write one of them",
        ),
        (
            {"quantity": '"speed"', "at_least": "2"},
            "1: [[claim]] has no 'over'; say over which precision, as in over = \"fp32\"",
        ),
        (
            {"over_model": '"voices"', "quantity": '"first_audible"', "at_most": "0.2"},
            "5: over_model = 'voices' is no declared model; did you mean voice?",
        ),
        (
            {"over": '"fp32"', "quantity": '"bytes"', "at_most": "2e9"},
            "5: bytes are the size itself, over nothing; leave over away, or write size",
        ),
        (
            {"over": '"fp32"', "quantity": '"size"', "said": '"5.2 to 0.16"', "at_most": "1"},
            "7: said = '5.2 to 0.16' is no table; write said = { from = 5.2, to = 0.16, unit = \"s\" }",
        ),
        (
            {"over": '"fp32"', "quantity": '"size"', "said": "{ from = 5.2 }", "at_most": "1"},
            "7: said has no 'to'; write both numbers that were published",
        ),
        (
            {"over": '"fp32"', "quantity": '"size"', "said": "{ from = 5.2, to = 0, per_cent = 84 }", "at_most": "1"},
            "7: to = 0 is no target; write a number above 0",
        ),
        (
            {"over": '"fp32"', "quantity": '"size"', "said": "{ from = 5, to = 1, percent = 80 }", "at_most": "1"},
            "7: said knows no 'percent'; did you mean per_cent?",
        ),
    ],
)
def test_a_mistake_in_a_claim_is_told_with_its_line_and_the_next_step(
    tmp_path: Path, keys: dict[str, str], problem: str
) -> None:
    with pytest.raises(UsageProblem) as caught:
        read(tmp_path, **keys)
    assert str(caught.value) == f"{tmp_path / 'expectations.toml'}:{problem}"


def test_of_this_repository_s_claims_one_contradicts_itself_and_every_one_has_a_source() -> None:
    claims = read_expectations(ROOT / "suites" / "expectations.toml").claims
    assert [one.said.disagreement for one in claims if one.said and one.said.disagreement] == [
        "5.2 s to 0.16 s is 96.9 % less, not 84 %"
    ]
    assert all(one.source for one in claims)
    assert {one.quantity for one in claims} == set(Quantity)
