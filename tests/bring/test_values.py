"""Random inputs: in a range that the model can take, the same for the same seed, others for another."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.bring.signature import Shaped
from harness.bring.values import random_inputs, range_words, read_inputs
from harness.errors import WorkloadProblem

np = pytest.importorskip("numpy")

IDS = Shaped("input_ids", "int64", (2, 500), rows=7)
FEATURES = Shaped("features", "float32", (2, 80, 60))


def drawn(*inputs: Shaped, seed: int = 0, index: int = 0, purpose: str = "measured") -> dict[str, object]:
    return dict(random_inputs(inputs, seed, index, purpose))


def test_token_ids_lie_below_the_rows_of_their_embedding_and_reach_all_of_them() -> None:
    ids = drawn(IDS)["input_ids"]
    assert ids.dtype == np.int64  # type: ignore[attr-defined]
    assert sorted(set(ids.ravel().tolist())) == list(range(7))  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("one", "value"),
    [
        (Shaped("feature_lengths", "int64", (2,)), 60),
        (Shaped("attention_mask", "int64", (2, 60)), 1),
        (Shaped("sr", "int64", ()), 16_000),
        (Shaped("token_type_ids", "int64", (2, 60)), 0),
        (Shaped("keep", "bool", (2,)), True),
    ],
)
def test_whole_numbers_with_a_meaning_get_the_value_that_it_asks_for(one: Shaped, value: object) -> None:
    made = drawn(FEATURES, one)[one.name]
    assert made.shape == one.shape  # type: ignore[attr-defined]
    assert str(made.dtype) == one.dtype  # type: ignore[attr-defined]
    assert (made == value).all()  # type: ignore[attr-defined]


def test_positions_count_up_along_the_sequence() -> None:
    made = drawn(Shaped("position_ids", "int64", (2, 4)))["position_ids"]
    assert made.tolist() == [[0, 1, 2, 3], [0, 1, 2, 3]]  # type: ignore[attr-defined]


def test_floats_are_standard_normal() -> None:
    made = drawn(FEATURES)["features"]
    assert abs(made.mean()) < 0.05  # type: ignore[attr-defined]
    assert abs(made.std() - 1) < 0.05  # type: ignore[attr-defined]


@pytest.mark.parametrize("other", [{"seed": 1}, {"index": 1}, {"purpose": "calibration"}])
def test_another_seed_place_or_purpose_draws_others(other: dict[str, object]) -> None:
    first, second = drawn(FEATURES)["features"], drawn(FEATURES, **other)["features"]  # type: ignore[arg-type]
    assert not (first == second).any()  # type: ignore[attr-defined]


def test_an_input_is_drawn_alike_whatever_stands_beside_it() -> None:
    assert (drawn(IDS)["input_ids"] == drawn(FEATURES, IDS)["input_ids"]).all()  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("one", "words"),
    [
        (IDS, "0 to 6"),
        (FEATURES, "normal, mean 0, deviation 1"),
        (Shaped("sr", "int64", ()), "16000"),
        (Shaped("lens", "int64", (1,)), "the length of the sequence"),
    ],
)
def test_where_values_come_from_is_said(one: Shaped, words: str) -> None:
    assert range_words(one) == words


@pytest.mark.parametrize("content", [b"no archive", b"PK\x03\x04 cut"])
def test_a_file_that_holds_no_arrays_is_refused_in_a_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.npz"
    path.write_bytes(content)
    with pytest.raises(WorkloadProblem, match=r"x\.npz is no \.npz file of arrays"):
        read_inputs(path)
