"""A run with something of everything that can be said of outputs. Numbers are made up, by formula."""

from __future__ import annotations

import math
from dataclasses import replace

from fixed_judgement import AGAINST, pairs
from fixed_run import ENVIRONMENT, HOSTILE_NAME, failed, measured

from harness.cells import Cell
from harness.comparisons import Answer, Basis, Clock, Duel, Judged, Judgement, Outcome, Verdict
from harness.metrics import Better, Pool
from harness.results import Measurement, Phase, Run
from harness.scores import Examples, Part, Quality, Score, Sensitivity

TURNS = Examples(
    "turns v1",
    "d41f" + "0" * 60,
    tuple(f"turn-{number:03}" for number in range(120)),
    tuple({"length": "short" if number % 3 else "long", "noise": "quiet"} for number in range(120)),
)
SPOKEN = Examples("sentences v1", "77aa" + "2" * 60, tuple(f"s{number}" for number in range(8)))
ONE_LABEL = "120 examples do not define it; it needs right answers of both kinds"


def share(metric: str, wrong: tuple[int, ...], **more: object) -> Score:
    """A share of the turns, all but some of them right."""
    terms = tuple((0.0,) if number in wrong else (1.0,) for number in range(len(TURNS.ids)))
    value = 1 - len(wrong) / len(TURNS.ids)
    return Score(metric, Part.EXAM, "", Better.HIGHER, Pool.SHARE, value, terms, **more)  # type: ignore[arg-type]


def turns(flips: tuple[int, ...], mistakes: tuple[int, ...], **more: object) -> Quality:
    """Decisions of turns, some flipped against fp32 and some wrong."""
    scores = (
        share("accuracy", mistakes),
        share("decision_agreement", flips),
        share("positive_share", tuple(range(0, 120, 2)), is_judged=False),
        share("recall", mistakes[:2], untrusted="noise did not lower it"),
        Score(
            "sqnr_db",
            Part.TIMED,
            "dB",
            Better.HIGHER,
            Pool.MEAN,
            100.0 if not flips else 24.5,
            tuple((100.0,) if not flips else (24.0 + number % 2,) for number in range(8)),
        ),
        Score("auc", Part.EXAM, "", Better.HIGHER, Pool.RANKED, unavailable=ONE_LABEL),
    )
    values: dict[str, object] = {
        "reference": "fp32 on cpu",
        "outputs_digest": f"outputs {flips} {mistakes}",
        "is_same": not flips,
        "timed": SPOKEN,
        "exam": TURNS,
        "scores": scores,
        "flipped": tuple(TURNS.ids[number] for number in flips),
        "decisions": len(TURNS.ids),
    }
    return Quality(**(values | more))  # type: ignore[arg-type]


def speech(distance: float, **more: object) -> Quality:
    """Audio so far from fp32's."""
    terms = tuple((distance * (1 + 0.2 * math.sin(number)) if distance else 0.0,) for number in range(8))
    value = math.fsum(term for (term,) in terms) / 8
    score = Score("log_mel_distance", Part.TIMED, "ln", Better.LOWER, Pool.MEAN, value, terms, note="aligned pass")
    of = replace(SPOKEN, failed={"s7": "silence"} if distance > 1 else {})
    return Quality("fp32 on cpu", outputs_digest=str(distance), timed=of, scores=(score,), **more)  # type: ignore[arg-type]


FLIPS = tuple(range(3, 39, 3))
FP32, DYNAMIC, STATIC, HALF, INT4 = (
    Cell("smart-turn-v3", precision, "cpu")
    for precision in ("fp32", "int8-dynamic", "int8-static", "fp16", "int4-weight-only")
)
VOICE, VOICE_INT8 = (Cell("piper-joe", precision, "cpu") for precision in ("fp32", "int8-dynamic"))
VAD, VAD_HALF = (Cell("silero-vad", precision, "cpu") for precision in ("fp32", "fp16"))


def _measurements() -> tuple[Measurement, ...]:
    longer = measured(VOICE_INT8, 0.0528, 18_700_000, 0.962, quality=speech(1.4))
    readings = tuple(replace(one, value=15.3) if one.metric == "audio_seconds" else one for one in longer.readings)
    return (
        measured(FP32, 0.008, 32_400_000, 1.0, audio=False, quality=turns((), (7, 50))),
        measured(
            DYNAMIC, 0.0102, 9_400_000, 0.88, audio=False,
            quality=turns((3, 9, 27, 50, 81), (3, 7, 9, 27, 81), was_steady=False),
        ),
        measured(
            STATIC, 0.005, 8_700_000, 0.88, audio=False,
            quality=turns(FLIPS, (7, *FLIPS), sensitivity=(
                Sensitivity("session.x64quantprecision=1", 2, 120, 0.0813, ("turn-003", "turn-006")),
                Sensitivity("QDQ fusion off", 0, 120, 0.0),
                Sensitivity("arena off", 0, 0, 0.0, problem="the session does not open"),
            )),
        ),
        measured(HALF, 0.0081, 16_300_000, 1.0, audio=False, quality=Quality(problem="the scoring worker was killed")),
        failed(INT4, Phase.QUALITY, "its outputs are wrong: NaN in 8 of 8 outputs"),
        measured(VOICE, 0.0412, 63_200_000, 1.0, quality=speech(0.0, is_same=True)),
        replace(longer, readings=readings),
        measured(VAD, 0.0004, 2_300_000, 1.0, audio=False),
        measured(VAD_HALF, 0.0002, 1_200_000, 1.0, audio=False),
    )  # fmt: skip


MEASURED = _measurements()


def of_quality(
    cell: Cell, metric: str, outcome: Outcome, text: str, change: float, half: float, **more: object
) -> Verdict:
    """A verdict on a change of quality, in the metric's unit."""
    values: dict[str, object] = {
        "basis": Basis.LIVE, "old": 0.983, "new": 0.983 + change, "change": change, "change_low": change - half,
        "change_high": change + half, "margin": 0.02, "could_see": half, "examples": 120,
    }  # fmt: skip
    return Verdict(cell, metric, outcome, text, AGAINST, **(values | more))  # type: ignore[arg-type]


JUDGEMENT = Judgement(
    against=AGAINST,
    profile="gate",
    verdicts=(
        of_quality(STATIC, "accuracy", Outcome.REGRESSED, "worse", -0.092, 0.041, is_fatal=True),
        of_quality(DYNAMIC, "accuracy", Outcome.INCONCLUSIVE, "neither was shown", -0.025, 0.03),
        of_quality(DYNAMIC, "sqnr_db", Outcome.IMPROVED, "better", 4.2, 0.5, old=20.3, new=24.5, margin=3.0,
                   examples=8),
        of_quality(FP32, "accuracy", Outcome.UNCHANGED, "shown to be within the margin", 0.0, 0.0125),
        of_quality(FP32, "sqnr_db", Outcome.UNCHANGED, "the outputs are the same, bit for bit", 0.0, 0.0, margin=3.0,
                   old=100.0, new=100.0, basis=Basis.EXACT, could_see=None, examples=8),
    ),
    judged=(
        Judged("quality", "turns stay right", STATIC, Answer.FAILS, "int8-static loses 0.092 (0.051 to 0.133), where"
               " 0.02 may be lost", is_fatal=True, metric="accuracy", value=0.092, target=0.02),
        Judged("quality", "half stays right", HALF, Answer.CANNOT_TELL, "nothing is known of the outputs of fp16 here"),
        Judged("quality", "dynamic stays right", DYNAMIC, Answer.FAILS, "loses 0.03", metric="accuracy", value=0.03,
               target=0.02, accepted="known since 2026-10; until 2026-12-01"),
    ),
)  # fmt: skip

QUALITY_RUN = Run(
    id="2026-11-21T04-10-00",
    started="2026-11-21T04:10:00+00:00",
    finished="2026-11-21T04:15:00+00:00",
    environment=ENVIRONMENT,
    options={"device": "cpu"},
    planned=tuple(one.cell for one in MEASURED),
    measurements=MEASURED,
    complete=True,
    duels=(
        Duel(DYNAMIC, "fp32", Clock.CORRECTED, pairs(0.28, first=9)),
        Duel(STATIC, "fp32", Clock.CORRECTED, pairs(-0.375, first=6, second=6)),
    ),
)
QUALITY_JUDGED = replace(QUALITY_RUN, judgement=JUDGEMENT)

_EVIL = "<script>alert(3)</script>\u202e{{ 7*7 }}\x1b[31m"
_STRANGE = Examples(
    _EVIL,
    _EVIL,
    tuple(f"{_EVIL}{number}" for number in range(30)),
    tuple({_EVIL: f"</td>{_EVIL}" if number % 2 else "w" * 5000} for number in range(30)),
    {f"{_EVIL}{number}": _EVIL * 200 for number in range(12)},
)
_WRONG = tuple((0.0,) if number % 2 else (1.0,) for number in range(30))


def _hostile(is_slower: bool) -> Measurement:
    quality = Quality(
        _EVIL,
        exam=_STRANGE,
        scores=(
            Score("decision_agreement", Part.EXAM, _EVIL, Better.HIGHER, Pool.SHARE, 0.5, _WRONG, note=_EVIL),
            Score(HOSTILE_NAME, Part.EXAM, _EVIL, Better.HIGHER, Pool.SHARE, 0.5, _WRONG, untrusted=_EVIL * 99),
            Score("</table>", Part.EXAM, "", Better.LOWER, Pool.MEAN, unavailable=_EVIL),
        ),
        flipped=_STRANGE.ids[:15],
        decisions=30,
        sensitivity=(Sensitivity(_EVIL, 3, 30, 1.0, _STRANGE.ids[:9]), Sensitivity(_EVIL, 0, 0, 0.0, problem=_EVIL)),
        problem=_EVIL,
    )
    cell = Cell(HOSTILE_NAME, "int8-dynamic" if is_slower else "fp32", "cpu")
    return measured(cell, 0.02 if is_slower else 0.01, 10, 0.5, quality=quality)


HOSTILE_QUALITY = replace(
    QUALITY_RUN, planned=(), measurements=(_hostile(False), _hostile(True)), duels=(), judgement=None
)
