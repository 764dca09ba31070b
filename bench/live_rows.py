"""What `live_gate.py` tries and how an answer is held against the truth: scenarios, calibration, rows, bounds. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from common import Bound, Ratio, mebibytes

from harness.comparisons import Outcome, Verdict
from harness.consequences import control_tripped
from harness.results import Run
from harness.verdict.times import LATENCY, MEMORY, TAILS

HELD_BYTES = 20 * 10**6
_QUIET = (Outcome.UNCHANGED, Outcome.INCONCLUSIVE)
_FIRST = "first_inference_seconds"


@dataclass(frozen=True, slots=True)
class Scenario:
    """A change: what is done, how much of the model's own time it takes, and what a right answer says.

    One of `finds` has to be called regressed; `may` grow with it, so that either answer about them is right. `times` is
    how often it is run for each of --runs.
    """

    name: str
    what: str | None
    share: float = 0.0
    finds: frozenset[str] = frozenset()
    may: frozenset[str] = frozenset()
    cause: str | None = None
    model: str | None = None
    times: int = 1


_TIMES = frozenset((*TAILS, _FIRST))
_LATENCY = frozenset((LATENCY,))

SCENARIOS = (
    Scenario("unchanged", None, times=5),
    Scenario("work+3%", "work", 0.03, _LATENCY, _TIMES),
    Scenario("work+5%", "work", 0.05, _LATENCY, _TIMES),
    Scenario("work+10%", "work", 0.10, _LATENCY, _TIMES),
    Scenario("held+20MB", "held", 0.0, frozenset((MEMORY,))),
    Scenario("sleep+5%", "sleep", 0.05, _LATENCY, _TIMES, "waiting"),
    Scenario("tail+50%", "tail", 0.50, frozenset(TAILS), frozenset((LATENCY, _FIRST)), model="silero-vad-short"),
)


class Right(StrEnum):
    """Whether an answer is the truth."""

    YES = "yes"
    UNDECIDED = "undecided"
    NO = "NO"


@dataclass(frozen=True, slots=True)
class Ran:
    """One run of pytest: its record where it wrote one, how it ended, how long all of it took."""

    scenario: Scenario
    truth: str
    exit_code: int
    seconds: float
    run: Run | None
    last_words: str = ""


def next_amount(amount: float, achieved: float, wanted: float) -> float:
    """The amount that takes the wanted share, when `amount` took `achieved`: the cost of work is proportional to it."""
    if amount <= 0 or achieved <= 0:
        raise ValueError(f"{amount:g} took {achieved:.2%} more, from which nothing can be told; calibrate for longer")
    return amount * wanted / achieved


@dataclass(frozen=True, slots=True)
class Truth:
    """What a change adds on a bare session: timed by itself, and in turns with the plain model."""

    within: Ratio | None = None
    turns: Ratio | None = None

    def is_doubtful(self, share: float) -> bool:
        """Whether what is done costs more or less than its own time: the model beside it runs otherwise.

        Only a check that is exact for the share that is wanted can tell; one that is not must not be followed.
        """
        if self.within is None or self.turns is None or self.turns.high - self.turns.low > share / 2:
            return False
        return not self.turns.low <= self.within.median <= self.turns.high

    def said(self, scenario: Scenario, one_in: int) -> str:
        """The change in words."""
        if scenario.what is None:
            return "none"
        if scenario.what == "held":
            return f"+{mebibytes(HELD_BYTES)}"
        if self.within is None or self.turns is None:
            raise ValueError(f"{scenario.name} was not measured")
        low, middle, high = (100 * (value - 1) for value in (self.turns.low, self.turns.median, self.turns.high))
        rare = f"1 in {one_in}: " if scenario.what == "tail" else ""
        return f"{rare}{100 * (self.within.median - 1):+.2f} %; in turns {middle:+.1f} [{low:.1f}, {high:.1f}]"


def rightness(ran: Ran) -> Right:
    """Hold the verdicts and the exit code against the truth."""
    judgement = ran.run.judgement if ran.run else None
    if judgement is None or not judgement.verdicts or not _exit_agrees(ran):
        return Right.NO
    if false_alarms(ran):
        return Right.NO
    scenario = ran.scenario
    wanted = scenario.finds or _LATENCY
    said = [verdict for verdict in judgement.verdicts if verdict.metric in wanted]
    if scenario.finds:
        found = [verdict for verdict in said if verdict.outcome is Outcome.REGRESSED]
        if found:
            is_named = scenario.cause is None or any(verdict.cause == scenario.cause for verdict in found)
            return Right.YES if is_named else Right.NO
    elif all(verdict.outcome is Outcome.UNCHANGED for verdict in said) and said:
        return Right.YES
    return Right.UNDECIDED if any(verdict.outcome is Outcome.INCONCLUSIVE for verdict in said) else Right.NO


def _exit_agrees(ran: Ran) -> bool:
    """Exit code 1 when, and only when, a verdict is red."""
    assert ran.run is not None
    assert ran.run.judgement is not None
    is_red = any(one.is_fatal for one in (*ran.run.judgement.verdicts, *ran.run.judgement.judged))
    return ran.exit_code == (1 if is_red else 0)


def false_alarms(ran: Ran) -> tuple[Verdict, ...]:
    """Verdicts that say a change where there is none, or the wrong one."""
    judgement = ran.run.judgement if ran.run else None
    changed = ran.scenario.finds | ran.scenario.may
    return tuple(
        verdict
        for verdict in (judgement.verdicts if judgement else ())
        if verdict.outcome not in _QUIET and not (verdict.outcome is Outcome.REGRESSED and verdict.metric in changed)
    )


HEADERS = (
    "scenario",
    "true change",
    "verdict",
    "new ÷ old",
    "cause",
    "pairs",
    "pairs took",
    "in all",
    "exit",
    "right?",
)


def row(ran: Ran) -> tuple[str, ...]:
    """One line of the table. Seconds of pairs are of the cell itself; the control's are in the whole."""
    judgement = ran.run.judgement if ran.run else None
    if ran.run is None or judgement is None:
        words = ran.last_words or "no judgement"
        return ran.scenario.name, ran.truth, words, "", "", "", "", f"{ran.seconds:.0f} s", str(ran.exit_code), Right.NO
    loud = [verdict for verdict in judgement.verdicts if verdict.outcome not in _QUIET]
    latency = next((verdict for verdict in judgement.verdicts if verdict.metric == LATENCY), None)
    shown = next((one for one in loud if one.metric in ran.scenario.finds), latency)
    pairs = [pair for duel in ran.run.duels if not duel.is_control for pair in duel.pairs]
    causes = dict.fromkeys(one.cause for one in loud if one.cause)
    return (
        ran.scenario.name,
        ran.truth,
        _verdict(loud, latency, tripped=control_tripped(judgement.controls)),
        _ratio(shown),
        ", ".join(causes),
        str(len(pairs)),
        f"{math.fsum(pair.seconds for pair in pairs):.0f} s",
        f"{ran.seconds:.0f} s",
        str(ran.exit_code),
        rightness(ran),
    )


def _verdict(loud: Sequence[Verdict], latency: Verdict | None, *, tripped: bool) -> str:
    """All that is not quiet, and what is said of the latency in any case."""
    said = [f"{one.metric or 'cell'} {one.outcome}" for one in loud]
    if latency is not None and latency not in loud:
        said.append(f"latency {latency.outcome}")
    return "; ".join([*said, *(["control tripped"] if tripped else [])]).replace("_seconds", "") or "nothing"


def _ratio(verdict: Verdict | None) -> str:
    if verdict is None or verdict.ratio is None or verdict.low is None or verdict.high is None:
        return ""
    return f"{verdict.ratio:.4f} [{verdict.low:.4f}, {verdict.high:.4f}]"


def bounds(runs: Sequence[Ran]) -> Iterator[Bound]:
    """What has to hold of all runs together; nothing is asked of what was not run."""
    yield Bound("verdicts that are false alarms", sum(len(false_alarms(ran)) for ran in runs), most=0)
    yield Bound("runs without a judgement", sum(ran.run is None or ran.run.judgement is None for ran in runs), most=0)
    same = [ran for ran in runs if not ran.scenario.finds]
    if same:
        yield _share("unchanged code: shown to be unchanged", same, least=0.75)
        yield Bound("unchanged code: red runs", sum(ran.exit_code != 0 for ran in same), most=0)
    for words, names in (
        ("3 % and more of work: found", ("work",)),
        ("memory that is held: found", ("held",)),
        ("a sleep: found, and named", ("sleep",)),
        ("a slower tail: found", ("tail",)),
    ):
        if chosen := [ran for ran in runs if ran.scenario.what in names]:
            yield _share(words, chosen, least=1.0)


def _share(name: str, runs: Sequence[Ran], least: float) -> Bound:
    right = sum(rightness(ran) is Right.YES for ran in runs)
    return Bound(f"{name} ({right} of {len(runs)})", right / len(runs), most=1, least=least)
