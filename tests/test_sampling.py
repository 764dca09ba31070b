"""A part of a workload keeps the workload's proportions."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from harness.models import Example
from harness.sampling import balanced_part


def example(index: int, length: str, label: str | None) -> Example:
    return Example(str(index), dict, {"length": length}, label=label)


kinds = st.tuples(st.sampled_from(["short", "long"]), st.sampled_from([None, "yes", "no"]))
workloads = st.lists(kinds, min_size=1, max_size=40).map(
    lambda drawn: [example(index, *kind) for index, kind in enumerate(drawn)]
)
percents = st.floats(min_value=0, exclude_min=True, max_value=100)
seeds = st.integers(0, 2**32)


def counted(examples: tuple[Example, ...] | list[Example]) -> Counter[tuple[str, str | None]]:
    return Counter((one.slices["length"], one.label) for one in examples)


@given(workloads, percents, seeds)
def test_every_kind_keeps_its_share_to_the_nearest_example_and_at_least_one(workload, percent, seed) -> None:
    whole, part = counted(workload), counted(balanced_part(workload, percent, seed))
    assert part.keys() == whole.keys()
    for kind, count in part.items():
        exact = whole[kind] * percent / 100
        assert abs(count - exact) <= 0.5 + 1e-9 or (count == 1 and exact < 1)


@given(workloads, percents, seeds)
def test_a_part_is_in_the_workload_s_order_without_repeats(workload, percent, seed) -> None:
    part = balanced_part(workload, percent, seed)
    places = [workload.index(one) for one in part]
    assert places == sorted(set(places))


@given(workloads, percents, seeds)
def test_the_seed_decides(workload, percent, seed) -> None:
    assert balanced_part(workload, percent, seed) == balanced_part(workload, percent, seed)


@given(workloads, seeds)
def test_all_of_it_is_all_of_it(workload, seed) -> None:
    assert balanced_part(workload, 100, seed) == tuple(workload)


def test_two_seeds_take_different_examples() -> None:
    workload = [example(index, "short", None) for index in range(200)]
    assert balanced_part(workload, 50, seed=1) != balanced_part(workload, 50, seed=2)


def test_examples_are_drawn_evenly_over_seeds() -> None:
    workload = [example(index, "short", None) for index in range(4)]
    taken = Counter(one.id for seed in range(400) for one in balanced_part(workload, 25, seed))
    # 100 of 400 expected each; 60 is more than four standard deviations (8.7) away.
    assert sum(taken.values()) == 400
    assert all(taken[str(index)] > 60 for index in range(4))


def test_slices_and_labels_both_make_a_kind() -> None:
    workload = [example(0, "short", "yes"), example(1, "short", "no"), example(2, "long", "yes")]
    assert len(balanced_part(workload, 1, seed=0)) == 3


def test_no_label_is_another_kind_than_any_slice_called_label() -> None:
    plain = Example("plain", dict, {})
    sliced = Example("sliced", dict, {"label": ""})
    assert len(balanced_part([plain, sliced], 1, seed=0)) == 2
