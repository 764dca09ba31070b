"""What would make every score meaningless is refused with the next step: the cell then says that nothing is known."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.worker import protocol
from harness.worker.answers import kept
from harness.worker.link import Worker
from tests.fakes import declare
from tests.worker.scored import LABELLED, put, score, values

np = pytest.importorskip("numpy")

DECIDES = "meanings=(__import__('harness.models').models.Decides('y', positive='yes', threshold={threshold}),)"


def assignment(folder: Path, *labels: str, threshold: float = 0.5) -> protocol.Assignment:
    return declare(folder, more=DECIDES.format(threshold=threshold), workload=LABELLED.format(labels=labels))


def ones(*numbers: float) -> list[object]:
    return [np.array([number], np.float32) for number in numbers]


def refusal(asked: protocol.Assignment, own: Path, reference: Path | None) -> str:
    request = protocol.Score(asked, str(own), str(reference) if reference else None, "fp32 on cpu")
    with Worker({}) as worker:
        reply = worker.ask(request, 60)
    assert isinstance(reply, protocol.Broke), reply
    return reply.text


def test_labels_of_which_none_is_the_positive_one_are_refused(tmp_path: Path) -> None:
    own = put(tmp_path / "own", ones(0.9, 0.1))
    text = refusal(assignment(tmp_path, "Yes", "no"), own, own)
    assert "no example is labelled 'yes', which Decides calls positive; the labels are 'Yes', 'no'" in text
    assert text.endswith("give Decides(positive=...) one of them")


@pytest.mark.parametrize(("threshold", "yes"), [(5.0, 0), (0.05, 2)])
def test_a_threshold_at_which_fp32_decides_all_alike_is_refused(tmp_path: Path, threshold: float, yes: int) -> None:
    own = put(tmp_path / "own", ones(0.9, 0.1))
    text = refusal(assignment(tmp_path, "yes", "no", threshold=threshold), own, own)
    assert f"fp32 decides all 2 examples alike at the threshold {threshold:g}" in text


def test_a_precision_that_decides_all_alike_is_a_finding_and_no_mistake(tmp_path: Path) -> None:
    own, fp32 = put(tmp_path / "own", ones(0.1, 0.1)), put(tmp_path / "fp32", ones(0.9, 0.1))
    assert values(score(assignment(tmp_path, "yes", "no"), own, fp32))["accuracy"] == 0.5


def test_labels_that_are_all_alike_say_nothing_of_the_threshold(tmp_path: Path) -> None:
    own = put(tmp_path / "own", ones(0.9, 0.8))
    assert values(score(assignment(tmp_path, "yes", "yes"), own, own))["accuracy"] == 1.0


@pytest.mark.parametrize("side", ["own", "fp32"])
def test_outputs_that_were_exchanged_after_they_were_kept_are_refused(tmp_path: Path, side: str) -> None:
    folders = {name: put(tmp_path / name, ones(0.9, 0.1)) for name in ("own", "fp32")}
    first, second = sorted((folders[side] / "timed").glob("*.npz"))
    first.write_bytes(second.read_bytes())
    text = refusal(assignment(tmp_path, "yes", "no"), folders["own"], folders["fp32"])
    assert f"{side} are no longer what was kept; run it again" in text


def test_a_file_cut_short_is_named(tmp_path: Path) -> None:
    own = put(tmp_path / "own", ones(0.9, 0.1))
    first = min((own / "timed").glob("*.npz"))
    first.write_bytes(first.read_bytes()[:40])
    assert "own/timed/00000.npz is no longer what was kept" in refusal(assignment(tmp_path, "yes", "no"), own, None)


def test_what_was_kept_and_left_alone_is_verified(tmp_path: Path) -> None:
    found = kept(put(tmp_path / "own", ones(0.9, 0.1), [*ones(0.2), "it failed"]))
    assert found is not None
    found.verify()
