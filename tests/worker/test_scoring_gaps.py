"""Where a metric has no value, or one that is not trusted, that is said with its reason; the other metrics go on."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.phases import Phase
from harness.scores import Part, Quality
from harness.worker import protocol
from harness.worker.link import Worker
from tests.fakes import declare
from tests.worker.scored import EXAM, LABELLED, put, reasons, score, values

np = pytest.importorskip("numpy")

DECIDES = "meanings=(__import__('harness.models').models.Decides('y', positive='yes'),)"


def ones(*numbers: float) -> list[object]:
    return [np.array([number], np.float32) for number in numbers]


def labels(*each: str | None) -> str:
    return LABELLED.format(labels=each)


EXAMINED = {"workload": labels(None), "after": EXAM.format(labels=("yes", "no", "no"))}
WITH_EXAM = f"{DECIDES}, exam=lambda setting: exam(setting)"


def test_decisions_are_asked_of_the_exam_and_fidelity_of_what_was_timed(tmp_path: Path) -> None:
    assignment = declare(tmp_path, more=WITH_EXAM, **EXAMINED)
    own = put(tmp_path / "own", ones(0.5), ones(0.9, 0.8, 0.1))
    quality = score(assignment, own, put(tmp_path / "fp32", ones(0.5), ones(0.9, 0.1, 0.1)))
    parts = {one.metric: one.part for one in quality.scores}
    assert parts["sqnr_db"] is Part.TIMED
    assert parts["accuracy"] is Part.EXAM
    found = values(quality)
    assert (found["accuracy"], found["decision_agreement"]) == (pytest.approx(2 / 3), pytest.approx(2 / 3))
    assert found["largest_difference"] == 0.0
    assert (quality.flipped, quality.decisions) == (("x1",), 3)


def test_an_exam_example_that_failed_is_wrong_and_agrees_with_nobody(tmp_path: Path) -> None:
    assignment = declare(tmp_path, more=WITH_EXAM, **EXAMINED)
    own = put(tmp_path / "own", ones(0.5), [*ones(0.9, 0.1), "out of range"])
    quality = score(assignment, own, put(tmp_path / "fp32", ones(0.5), ones(0.9, 0.1, 0.1)))
    found = values(quality)
    assert (found["accuracy"], found["decision_agreement"]) == (pytest.approx(2 / 3), pytest.approx(2 / 3))
    assert quality.exam is not None
    assert quality.exam.failed == {"x2": "ValueError: out of range"}


def test_an_exam_that_fp32_was_not_given_has_no_reference_and_still_its_labels(tmp_path: Path) -> None:
    assignment = declare(tmp_path, more=WITH_EXAM, **EXAMINED)
    own = put(tmp_path / "own", ones(0.5), ones(0.9, 0.8, 0.1))
    reference = put(tmp_path / "fp32", ones(0.5), ones(0.9, 0.1, 0.1), asked="asked otherwise")
    quality = score(assignment, own, reference)
    assert values(quality)["accuracy"] == pytest.approx(2 / 3)
    assert reasons(quality)["decision_agreement"] == "fp32 was asked other examples"
    assert (quality.flipped, quality.decisions) == ((), 0)


def scored_without(folder: Path, reference: Path | None, *, more: str = DECIDES, **asked: str) -> Quality:
    """Four decisions without a label."""
    assignment = declare(folder, more=more, workload=labels(None, None, None, None))
    return score(assignment, put(folder / "own", ones(0.9, 0.1, 0.2, 0.3)), reference, **asked)


def test_without_fp32_its_metrics_say_why_there_is_none(tmp_path: Path) -> None:
    quality = scored_without(tmp_path, None, reference_problem="the model has no fp32")
    found = reasons(quality)
    for metric in ("sqnr_db", "largest_difference", "decision_agreement"):
        assert found[metric] == "the model has no fp32"
    assert values(quality) == {"positive_share": 0.25}
    assert (quality.reference, quality.reference_digest, quality.is_same) == ("", "", False)


def test_an_fp32_that_kept_nothing_is_no_reference(tmp_path: Path) -> None:
    quality = scored_without(tmp_path, tmp_path / "nothing is here")
    assert reasons(quality)["sqnr_db"] == "fp32 gave nothing to compare with"
    assert quality.reference == ""


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (DECIDES, "no example has a right answer"),
        (f"{DECIDES}, takes_checkpoint=True, exam=lambda _: None", "needs a checkpoint: --checkpoint tone=PATH"),
        (
            f"{DECIDES}, takes_checkpoint=True",
            "needs a checkpoint: --checkpoint tone=PATH, and an exam, which its declaration lacks",
        ),
    ],
)
def test_without_right_answers_the_reason_is_said(tmp_path: Path, more: str, said: str) -> None:
    found = reasons(scored_without(tmp_path, None, more=more))
    assert [found[metric] for metric in ("accuracy", "recall", "auc")] == [said] * 3


def test_right_answers_of_one_kind_are_too_few_for_a_curve(tmp_path: Path) -> None:
    assignment = declare(tmp_path, more=DECIDES, workload=labels("yes", "yes"))
    quality = score(assignment, put(tmp_path / "own", ones(0.9, 0.8)), None)
    assert values(quality)["accuracy"] == 1.0
    assert reasons(quality)["auc"] == "2 examples do not define it; it needs right answers of both kinds"


def test_what_failed_its_self_check_is_shown_and_marked(tmp_path: Path) -> None:
    assignment = declare(tmp_path, more=DECIDES, workload=labels("yes", "no"))
    quality = score(assignment, put(tmp_path / "own", ones(0.9, 0.1)), None, untrusted={"accuracy": "gave 2"})
    accuracy, recall = quality.score("accuracy"), quality.score("recall")
    assert accuracy is not None
    assert (accuracy.value, accuracy.untrusted, accuracy.is_trusted) == (1.0, "gave 2", False)
    assert recall is not None
    assert recall.is_trusted


def test_an_output_that_is_not_there_is_no_decision_and_told_in_a_line(tmp_path: Path) -> None:
    assignment = declare(tmp_path, more=DECIDES.replace("'y'", "'z'"), workload=labels("yes"))
    request = protocol.Score(assignment, str(put(tmp_path / "own", ones(0.9))), None, "fp32 on cpu")
    with Worker({}) as worker:
        reply = worker.ask(request, 60)
    assert isinstance(reply, protocol.Broke), reply
    assert reply.phase is Phase.QUALITY
    assert reply.text == "model 'tone' gives no output 'z'; it gives y: name another in its meanings"


# Metrics of other packages.

ADDED = r"""
from harness.metrics import Better, Metric, Pool
from harness.models import Need
from harness.quality.metric import CannotScore, Kind, QualityMetric

def made(name, terms, check=lambda: None, **more):
    return QualityMetric(Metric(name, "", Better.LOWER, 0.1, "added", Pool.MEAN), Kind.ANY, check, terms, **more)

def raises(case):
    raise ValueError("too\nmuch")

def cannot(case):
    raise CannotScore("its model is not here; fetch it")

raising = made("raising", raises, lambda: 1 / 0)
unable = made("unable", cannot, lambda: cannot(None))
endless = made("endless", lambda case: (float("nan"),), lambda: "gave nan\nfor two ones")
needy = made("needy", lambda case: (1.0,), needs=(Need("no-such-package", "pip install no-such-package"),))
noted = made("noted", lambda case: (len(case.output) / 3,), note=lambda: "counted by hand")
"""
NAMES = ("raising", "unable", "endless", "needy", "noted")


@pytest.fixture
def added(tmp_path: Path) -> dict[str, str]:
    """An environment in which a package adds metrics, most of them unfit."""
    folder = tmp_path / "elsewhere"
    info = folder / "others-1.0.dist-info"
    info.mkdir(parents=True)
    (folder / "added_metrics.py").write_text(ADDED)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: others\nVersion: 1.0\n")
    lines = "".join(f"{name} = added_metrics:{name}\n" for name in NAMES)
    (info / "entry_points.txt").write_text(f"[quantgate.metrics]\n{lines}")
    return {"PYTHONPATH": str(folder)}


def test_what_a_metric_of_another_package_does_is_its_own_affair(tmp_path: Path, added: dict[str, str]) -> None:
    assignment = declare(tmp_path, workload=labels(None))
    quality = score(assignment, put(tmp_path / "own", [np.ones(2)]), None, added, reference_problem="none here")
    found = reasons(quality)
    assert found["raising"] == "it raised ValueError: too much"
    assert found["unable"] == "its model is not here; fetch it"
    assert found["needy"] == "no-such-package is not installed: pip install no-such-package"
    assert "each must be finite" in found["endless"]
    noted = quality.score("noted")
    assert noted is not None
    assert (noted.value, noted.note) == (pytest.approx(2 / 3), "counted by hand")
    assert noted.terms == ((0.666667,),), "six digits are kept"
    assert found["sqnr_db"] == "none here"


def test_every_metric_says_of_itself_whether_it_can_be_trusted_here(added: dict[str, str]) -> None:
    with Worker(added) as worker:
        told = worker.ask(protocol.SelfCheck(("any",)), 60)
    assert isinstance(told, protocol.SelfChecked), told
    assert told.failed == {"raising": "ZeroDivisionError: division by zero", "endless": "gave nan for two ones"}
    assert told.unavailable == {
        "unable": "its model is not here; fetch it",
        "needy": "no-such-package is not installed: pip install no-such-package",
    }
    assert told.passed == ("sqnr_db", "cosine_similarity", "largest_difference", "noted")


def test_only_the_kinds_asked_for_check_themselves_and_all_where_none_is_named() -> None:
    with Worker({}) as worker:
        some = worker.ask(protocol.SelfCheck(("frames", "embedding")), 60)
    assert isinstance(some, protocol.SelfChecked), some
    assert {name.split("_")[0] for name in some.passed} == {"frame", "embedding", "neighbour"}
