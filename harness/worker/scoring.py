"""Says what kept outputs are worth: every metric that their meanings ask for, beside fp32 and beside the right answers.

Runs in a process of its own, so that neither the time nor the memory of a metric is taken for the model's.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, assert_never

from harness.errors import ModelProblem, WorkloadProblem
from harness.metrics import Metric
from harness.models import Decides, DecidesFrames, Embeds, Example, GivesLogits, GivesTokens
from harness.packages import installed_version
from harness.quality.metric import CannotScore, Case, Kind, QualityMetric, kinds_of
from harness.quality.table import all_metrics, metrics_for
from harness.quality_metrics import known
from harness.scores import Part, Quality, Score, Terms
from harness.stats.pooling import pooled
from harness.verdict.quality import wrong
from harness.worker import protocol
from harness.worker.answers import Kept, kept
from harness.worker.sets import Sets

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]
else:
    Array = Any

_OF_THE_TIMED = (Kind.ANY, Kind.AUDIO)
"""What is always asked of the very examples that were timed; the rest is asked of the exam, where there is one."""


def scored(request: protocol.Score) -> Quality:
    """The quality of one cell's outputs."""
    start = time.perf_counter()
    sets = Sets(request.assignment)
    own = kept(Path(request.folder))
    assert own is not None, "the outputs were kept before they are scored"
    reference = kept(Path(request.reference)) if request.reference else None
    own.verify()
    if reference is not None and reference.folder != own.folder:
        reference.verify()
    scorer = _Scorer(sets, own, reference, request)
    quality = scorer.quality()
    return replace(quality, wrong=wrong(quality, known()), seconds=time.perf_counter() - start)


def self_checked(kinds: Sequence[str]) -> protocol.SelfChecked:
    """What the metrics say of themselves on this machine."""
    failed: dict[str, str] = {}
    unavailable: dict[str, str] = {}
    passed = []
    for one in metrics_for([Kind(kind) for kind in kinds]) if kinds else all_metrics():
        name = one.metric.name
        if missing := _missing(one):
            unavailable[name] = missing
            continue
        try:
            problem = one.self_check()
        except CannotScore as cannot:
            unavailable[name] = str(cannot)
            continue
        except Exception as error:  # noqa: BLE001 - a metric of any package: it is shown as untrusted, the others go on
            problem = f"{type(error).__name__}: {error}"
        if problem:
            failed[name] = " ".join(problem.split())
        else:
            passed.append(name)
    return protocol.SelfChecked(failed, unavailable, tuple(passed))


class _Scorer:
    """Asks the metrics about one cell's outputs."""

    def __init__(self, sets: Sets, own: Kept, reference: Kept | None, request: protocol.Score) -> None:
        self._model = sets.model
        self._own = own
        self._reference = reference
        self._request = request
        self._has_checkpoint = sets.setting.checkpoint is not None
        self._examples = {Part.TIMED: sets.workload().examples}
        exam = sets.exam() if own.answered.exam is not None else None
        if exam is not None:
            self._examples[Part.EXAM] = exam.examples
        self._cases: dict[tuple[Kind, Part], tuple[Case, ...]] = {}

    def quality(self) -> Quality:
        """Every score, and what is said of the outputs as a whole."""
        self._refuse_unknown_outputs()
        answered, reference = self._own.answered, self._reference
        if reference is not None and reference.folder == self._own.folder:
            self._refuse_one_sided()
        scores = tuple(self._score(one) for one in metrics_for(kinds_of(self._model)))
        decided = self._decisions()
        return Quality(
            reference=self._request.reference_name if reference else "",
            reference_digest=reference.answered.outputs_digest if reference else "",
            outputs_digest=answered.outputs_digest,
            is_same=reference is not None and reference.answered.outputs_digest == answered.outputs_digest,
            was_steady=answered.was_steady,
            timed=answered.timed,
            exam=answered.exam,
            scores=scores,
            flipped=tuple(name for name, is_same in decided if not is_same),
            decisions=len(decided),
        )

    def _refuse_unknown_outputs(self) -> None:
        """A meaning of an output that nothing gives is the model's mistake, and no metric's."""
        audio = self._model.audio
        meant = [means.output for means in self._model.meanings] + ([audio.output] if audio else [])
        firsts = [self._own.outputs(part, 0) for part in self._examples]
        given = dict.fromkeys(name for outputs in firsts if outputs is not None for name in outputs)
        if given and (missing := [name for name in meant if name not in given]):
            raise ModelProblem(
                f"model {self._model.name!r} gives no output {missing[0]!r}; it gives {', '.join(given)}:"
                " name another in its meanings"
            )

    def _score(self, one: QualityMetric) -> Score:
        metric, part = one.metric, self._part(one.of)
        blank = Score(
            metric.name,
            part,
            metric.unit,
            metric.better,
            _pool(metric),
            unavailable="not asked",
            untrusted=self._request.untrusted.get(metric.name),
            # Two waves that sound alike may be far from each other as vectors: audio has metrics of its own.
            is_judged=metric.is_judged and not (one.of is Kind.ANY and self._model.audio is not None),
        )
        if missing := _missing(one):
            return replace(blank, unavailable=missing)
        try:
            terms = tuple(_rounded(found) for found in one.terms_of(self._all_cases(one.of, part)))
            value = pooled(_pool(metric), terms)
            made_how = [one.note()] if one.note and value is not None else []
        except CannotScore as cannot:
            return replace(blank, unavailable=str(cannot))
        except Exception as error:  # noqa: BLE001 - a metric of any package may raise anything; the others go on
            return replace(blank, unavailable=f"it raised {type(error).__name__}: {' '.join(str(error).split())}")
        if value is None:
            return replace(blank, unavailable=self._why_none(metric, part, terms))
        silent = sum(found is None for found in terms)
        notes = [f"{silent} of {len(terms)} examples have no value"] if silent else []
        return replace(blank, value=value, unavailable=None, terms=terms, note="; ".join([*notes, *made_how]) or None)

    def _part(self, kind: Kind) -> Part:
        return Part.TIMED if kind in _OF_THE_TIMED or Part.EXAM not in self._examples else Part.EXAM

    def _why_none(self, metric: Metric, part: Part, terms: Sequence[Terms | None]) -> str:
        if any(one is not None for one in terms):
            return f"{len(terms)} examples do not define it; it needs right answers of both kinds"
        if metric.of_reference:
            if self._reference is None:
                return self._request.reference_problem or "fp32 gave nothing to compare with"
            if self._beside(part) is None:
                return "fp32 was asked other examples"
            return "no example defines it beside fp32: the outputs have other shapes, or too few numbers"
        if self._model.takes_checkpoint and not self._has_checkpoint:
            exam = ", and an exam, which its declaration lacks" if self._model.exam is None else ""
            return f"needs a checkpoint: --checkpoint {self._model.name}=PATH{exam}"
        return self._own.answered.exam_problem or "no example has a right answer"

    def _decisions(self) -> list[tuple[str, bool]]:
        """Of every example that both sides decided: whether alike."""
        if Kind.DECISION not in kinds_of(self._model):
            return []
        cases = self._all_cases(Kind.DECISION, self._part(Kind.DECISION))
        return [
            (case.id, bool((case.output[0] >= case.threshold) == (case.reference[0] >= case.threshold)))
            for case in cases
            if case.reference is not None and case.failed is None
        ]

    def _all_cases(self, kind: Kind, part: Part) -> tuple[Case, ...]:
        if (kind, part) not in self._cases:
            self._cases[kind, part] = tuple(self._made_cases(kind, part))
        return self._cases[kind, part]

    def _made_cases(self, kind: Kind, part: Part) -> Iterable[Case]:
        examples = self._own.examples(part)
        assert examples is not None
        beside = self._beside(part)
        for index, example in enumerate(self._examples[part]):
            yield self._case(kind, part, example, index, beside, examples.failed.get(example.id))

    def _beside(self, part: Part) -> Kept | None:
        """The reference, where it was asked the same."""
        found, own = (one.examples(part) if one else None for one in (self._reference, self._own))
        return self._reference if found is not None and own is not None and found.digest == own.digest else None

    def _case(
        self, kind: Kind, part: Part, example: Example, index: int, reference: Kept | None, failed: str | None
    ) -> Case:
        import numpy as np

        outputs = self._own.outputs(part, index) if failed is None else None
        others = reference.outputs(part, index) if reference else None
        case = Case(
            example.id,
            np.zeros(0) if outputs is None else self._read(kind, outputs),
            None if others is None else self._read(kind, others),
            label=example.label,
            failed=failed if outputs is not None or failed else "nothing was kept",
        )
        match kind:
            case Kind.DECISION:
                means = next(one for one in self._model.meanings if isinstance(one, Decides))
                self._check_labels(part, means)
                label = None if example.label is None else str(int(example.label == means.positive))
                return replace(case, threshold=means.threshold, label=label)
            case Kind.FRAMES:
                frames = next(one for one in self._model.meanings if isinstance(one, DecidesFrames))
                truth = None if example.truth is None else np.asarray(example.truth())
                return replace(case, threshold=frames.threshold, truth=truth)
            case Kind.AUDIO | Kind.SPEECH:
                assert self._model.audio is not None
                return replace(case, sample_rate=self._model.audio.sample_rate)
            case Kind.TEXT:
                decode = self._tokens.decode
                assert decode is not None
                text = None if outputs is None else decode(np.ravel(outputs[self._tokens.output]))
                return replace(case, text=text)
            case _:
                return case

    def _refuse_one_sided(self) -> None:
        """Refuse a threshold at which fp32 itself decides all examples alike, though their right answers differ."""
        if Kind.DECISION not in kinds_of(self._model):
            return
        part = self._part(Kind.DECISION)
        cases = [one for one in self._all_cases(Kind.DECISION, part) if one.failed is None and one.label is not None]
        yes = sum(bool(one.output[0] >= one.threshold) for one in cases)
        if len({one.label for one in cases}) == 2 and yes in (0, len(cases)):
            raise WorkloadProblem(
                f"fp32 decides all {len(cases)} examples alike at the threshold {cases[0].threshold:g}, and their"
                " labels differ; look at the threshold, and at is_logit, of its Decides"
            )

    def _check_labels(self, part: Part, means: Decides) -> None:
        """Refuse right answers that differ and of which none is the positive one: all would pass for negative."""
        labels = {example.label for example in self._examples[part]} - {None}
        if len(labels) > 1 and means.positive not in labels:
            shown = ", ".join(sorted(repr(label) for label in labels)[:4])
            raise WorkloadProblem(
                f"no example is labelled {means.positive!r}, which Decides calls positive; the labels are {shown}:"
                " give Decides(positive=...) one of them"
            )

    @property
    def _tokens(self) -> GivesTokens:
        return next(one for one in self._model.meanings if isinstance(one, GivesTokens))

    def _read(self, kind: Kind, outputs: Mapping[str, Array]) -> Array:
        """What a kind of metric looks at, out of all outputs of an example."""
        import numpy as np

        match kind:
            case Kind.ANY:
                # An id is a name: that it lies far from another says nothing. Alone it is all there is to compare.
                tokens = {one.output for one in self._model.meanings if isinstance(one, GivesTokens)}
                meant = {name: one for name, one in outputs.items() if name not in tokens} or outputs
                numbers = [np.ravel(one) for one in meant.values() if np.issubdtype(one.dtype, np.number)]
                return np.concatenate([one.astype(np.float64) for one in numbers]) if numbers else np.zeros(0)
            case Kind.DECISION:
                means = next(one for one in self._model.meanings if isinstance(one, Decides))
                value = np.ravel(outputs[means.output]).astype(np.float64)[-1:]
                return 1.0 / (1.0 + np.exp(-value)) if means.is_logit else value
            case Kind.FRAMES:
                frames = next(one for one in self._model.meanings if isinstance(one, DecidesFrames))
                return np.ravel(outputs[frames.output]).astype(np.float64)
            case Kind.AUDIO | Kind.SPEECH:
                assert self._model.audio is not None
                return np.ravel(outputs[self._model.audio.output]).astype(np.float64)
            case Kind.LOGITS:
                logits = next(one for one in self._model.meanings if isinstance(one, GivesLogits))
                return outputs[logits.output]
            case Kind.TOKENS | Kind.TEXT:
                return np.ravel(outputs[self._tokens.output])
            case Kind.EMBEDDING:
                embeds = next(one for one in self._model.meanings if isinstance(one, Embeds))
                return np.ravel(outputs[embeds.output]).astype(np.float64)
            case _:
                assert_never(kind)


def _pool(metric: Metric) -> Any:
    assert metric.pool is not None, f"{metric.name} is no metric of quality"
    return metric.pool


def _missing(one: QualityMetric) -> str | None:
    """Which package a metric lacks here."""
    for need in one.needs:
        if installed_version(need.distribution) is None:
            return f"{need.distribution} is not installed: {need.install}"
    return None


def _rounded(terms: Terms | None) -> Terms | None:
    """Six significant digits: a record is read by people, and no metric means more."""
    return None if terms is None else tuple(float(f"{term:.6g}") for term in terms)
