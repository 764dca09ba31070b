"""Whatever came of a run: headline, tests, page, summary, comment, JUnit, annotations and exit codes say the same.

Every surface is read as its reader reads it (HTML, markdown and XML parsed, the text of the terminal and of workflow
commands taken apart), and held against what the table of DESIGN.md asks, written out here once more by hand.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from types import SimpleNamespace
from typing import Any, cast

import pytest
from lxml import etree
from markdown_it import MarkdownIt

from harness.cells import Cell, Reason
from harness.checks import Absent, Promises, Verdicts
from harness.comparisons import LOST_SUPPORT, Answer, Judged, Judgement, Outcome, Verdict
from harness.consequences import PROFILES, weighed
from harness.ending import ending_of
from harness.render.ci.annotations import workflow_commands
from harness.render.ci.comment import comment_of
from harness.render.ci.junit import junit
from harness.render.ci.sections import sections_of
from harness.render.ci.summary import summary_of
from harness.render.look import Look
from harness.render.page.assemble import render_html
from harness.render.terminal import final_report
from harness.results import Environment, FailedTest, Failure, Measurement, Phase, Reading, Run, Sample, Status, Trouble
from harness.session import Session
from suites import test_gate

LATENCY = "latency_seconds"
AGAINST = "main at 1a2b3c4"

# What can be said of a cell, and under which profiles it makes a run red. Without a gate nothing that is said does;
# that a cell broke while it was measured does always.
FATAL = {
    "regressed": {"gate", "nightly"},
    "accepted": set(),
    "improved": set(),
    "unchanged": set(),
    "inconclusive": {"nightly"},
    "never decided": set(),
    "suspect": set(),
    "new": set(),
    "missing": {"gate", "nightly"},
    "not comparable": set(),
    "unsupported": set(),
    "support lost": {"gate", "nightly"},
    "failed": {"smoke", "gate", "nightly", "none"},
}
SAID = {
    "accepted": "regressed",
    "never decided": "inconclusive",
    "not comparable": "not-comparable",
    "support lost": "unsupported",
}
COMPARED = {"regressed", "accepted", "improved", "unchanged", "inconclusive", "never decided", "suspect"}
OPEN = {"inconclusive", "never decided", "suspect"}
WHOLE = {"new", "missing", "unsupported", "support lost", "failed"}
PROMISED = {
    "claim holds": set(),
    "claim fails": {"nightly"},
    "budget met": set(),
    "budget missed": {"nightly"},
    "budget cannot tell": set(),
    "bound fails": {"gate", "nightly"},
    "bound accepted": set(),
}
OF_A_CELL = (
    test_gate.test_speed,
    test_gate.test_peak_memory,
    test_gate.test_loading,
    test_gate.test_artifact,
    test_gate.test_quality,
)
GATES = ("smoke", "gate", "nightly", "none")


def cell_of(kind: str) -> Cell:
    return Cell(kind.replace(" ", "-"), "fp32", "cpu")


STEADY = Cell("steady", "fp32", "cpu")


@dataclass(frozen=True)
class Situation:
    """What is said of cells, what was promised of the steady one, under which gate; and how the run went."""

    kinds: frozenset[str] = frozenset()
    promised: frozenset[str] = frozenset()
    gate: str = "gate"
    compares: bool = True
    judged: bool = True
    finished: bool = True
    trouble: Trouble | None = None
    failed_test: bool = False
    silent_device: bool = False
    left_out: bool = False

    @property
    def red(self) -> bool:
        """Whether anything makes the run red that is not a question of having compared or come to the end."""
        verdicts = self.judged and any(self.gate in FATAL[kind] for kind in self.kinds)
        promises = self.judged and any(self.gate in PROMISED[kind] for kind in self.promised)
        broke = "failed" in self.kinds
        return verdicts or promises or broke or self.failed_test or self.silent_device or self.left_out

    @property
    def compared(self) -> set[str]:
        return set(self.kinds & COMPARED) if self.judged else set()

    @property
    def code(self) -> int:
        """The exit code of pytest, as docs/ci-surfaces.md has it."""
        if not self.finished:
            return 2
        if self.trouble is not None:
            return 4 if self.trouble.is_usage else 1
        if self.red:
            return 1
        return 5 if self.compares and not self.compared and self.gate != "none" else 0

    @property
    def state(self) -> str:
        """The word for how it ended."""
        if not self.finished:
            word = "interrupted"
        elif self.trouble is not None:
            return "not judged"
        elif self.red:
            word = "failed"
        elif not self.compared:
            if self.compares:
                return "nothing was compared"
            return "measured" if self.judged else "complete"
        elif self.gate == "none":
            return "compared without a gate"
        else:
            word = "undecided" if self.compared & OPEN else "passed"
        return f"gate {word}" if self.judged else word

    def run(self) -> Run:
        """The record of such a run."""
        kinds = sorted(self.kinds)
        cells = [cell_of(kind) for kind in kinds if kind != "missing"]
        planned = [STEADY, *cells]
        measured = [measurement(STEADY, ""), *(measurement(cell_of(kind), kind) for kind in kinds if kind != "missing")]
        if self.silent_device:
            planned.append(Cell("steady", "fp32", "cuda"))
            measured.append(measurement(planned[-1], "unsupported"))
        if self.left_out:
            planned.append(Cell("left-out", "fp32", "cpu"))
        return Run(
            id="run",
            started="2030-01-01T00:00:00+00:00",
            environment=Environment({"cpu_model": "one"}, {}, {}),
            options={"has_gate": self.gate != "none", "profile": self.profile, "models_folder": "suites/models"},
            planned=tuple(planned),
            measurements=tuple(measured),
            complete=not self.left_out,
            finished="2030-01-01T00:01:00+00:00" if self.finished else None,
            judgement=self.judgement() if self.judged else None,
            compares=self.compares,
            failed_tests=(FailedTest("suites/test_own.py::test_mine", "assert 1 == 2"),) if self.failed_test else (),
            trouble=self.trouble,
        )

    @property
    def profile(self) -> str:
        return "gate" if self.gate == "none" else self.gate

    def judgement(self) -> Judgement:
        profile = PROFILES[self.profile]
        if self.gate == "none":
            profile = replace(profile, fatal=frozenset(), fails_undecided=False)
        decided = frozenset({cell_of("inconclusive")})
        verdicts = (weighed(verdict(kind), profile, decided) for kind in sorted(self.kinds))
        judged = (promise(kind, is_fatal=self.gate in PROMISED[kind]) for kind in sorted(self.promised))
        return Judgement(AGAINST, self.profile, tuple(verdicts), judged=tuple(judged))


def measurement(cell: Cell, kind: str) -> Measurement:
    if kind in ("unsupported", "support lost"):
        return Measurement(cell, Status.UNSUPPORTED, reason=Reason.NO_KERNEL, text="no kernel for it")
    if kind == "failed":
        return Measurement(cell, Status.FAILED, failure=Failure(Phase.OPEN, "it broke"))
    sample = Sample(("a", "a"), (0.2, 0.2), passes=2)
    return Measurement(cell, Status.MEASURED, readings=(Reading(LATENCY, 0.2),), sample=sample)


def verdict(kind: str) -> Verdict:
    outcome = Outcome(SAID.get(kind, kind))
    numbers: dict[str, Any] = {}
    if kind in COMPARED:
        numbers = {"old": 0.2, "new": 0.22, "ratio": 1.1, "low": 1.05, "high": 1.15, "margin": 0.03, "could_see": 0.04}
    return Verdict(
        cell_of(kind),
        None if kind in WHOLE else LATENCY,
        outcome,
        "as it was",
        AGAINST,
        accepted="a reason" if kind == "accepted" else None,
        differences=(LOST_SUPPORT,) if kind == "support lost" else (),
        **numbers,
    )


def promise(kind: str, *, is_fatal: bool) -> Judged:
    what, _, answer = kind.partition(" ")
    accepted = answer == "accepted"
    return Judged(
        "quality" if what == "bound" else what,
        f"that {what} which {answer}",
        STEADY,
        Answer("fails" if accepted else answer),
        "as it was found",
        is_fatal=is_fatal,
        accepted="a reason" if accepted else None,
    )


@dataclass(frozen=True)
class Read:
    """What a reader takes from a headline: the word, how many of how many, and what there is so often."""

    state: str
    extent: str
    counts: dict[str, int]


def read(sentence: str) -> Read:
    """Take a headline apart. What follows of a judged run, how much was measured, is not looked at."""
    judged = " against " in sentence
    said = re.split(r"(?: ·|;) measured \d", sentence)[0] if judged else sentence
    extent = re.search(r"(\d+ of \d+)", said)
    assert extent, sentence
    counts = {found[2]: int(found[1]) for found in re.finditer(r" · (\d+) ([a-z -]+[a-z])", said)}
    return Read(re.split(r" ·|:", said)[0].lower(), extent[1], counts)


def of_terminal(run: Run) -> Read:
    (line,) = re.findall(r"═══ (.*) ═══", final_report(run, Look(2000)))
    return read(line)


def of_page(run: Run) -> Read:
    root = etree.fromstring(render_html(run), etree.HTMLParser(huge_tree=True))
    (state,) = root.xpath("//h1/span[@class='state']/text()")
    (title,) = root.xpath("//title/text()")
    found = read(title.rpartition(" · Quantgate")[0])
    assert state.lower() == found.state
    return found


_MARKDOWN = MarkdownIt("commonmark").enable("table")


def of_markdown(said: str) -> Read:
    # All of it is parsed in tests/render/test_ci_markdown.py; the headline stands above the first section.
    tokens = _MARKDOWN.parse(said.partition("\n#### ")[0])
    heading = next(tokens[place + 1] for place, token in enumerate(tokens) if token.type == "heading_open")
    line = next(token for token in tokens if token.type == "inline" and token.content.startswith("**"))
    pieces = itertools.takewhile(lambda child: child.type != "strong_close", line.children or ())
    found = read("".join(child.content for child in pieces))
    assert heading.content.split(" ", 1)[1] == found.state
    return found


def of_annotations(run: Run) -> tuple[Read, bool]:
    """What the summing line says, and whether it is an error."""
    commands = workflow_commands(run, {"GITHUB_ACTIONS": "true"})
    assert 1 <= len(commands) <= 6
    found = re.match(r"::(error|warning|notice) title=Quantgate%3A (.*?)::(.*)", commands[0])
    assert found
    said = read(found[3].replace("%25", "%"))
    assert found[2] == said.state
    return said, found[1] == "error"


def of_junit(run: Run) -> tuple[Read | None, set[str]]:
    """What the test case of the run says, where it does not merely pass; and the classes with a red test case."""
    root = etree.fromstring(junit(run).encode())
    red = root.xpath("//testcase[failure or error]")
    assert sum(int(suite.get("failures")) + int(suite.get("errors")) for suite in root) == len(red)
    (ended,) = root.xpath("//testcase[@classname='the run' and @name='ended']")
    said = next((child.get("message") for child in ended), None)
    prefix = r"^(undecided|compared without a gate|failed|nothing compared): (?=gate |compared |failed|nothing )"
    return (read(re.sub(prefix, "", said)) if said else None), {case.get("classname") for case in red}


def fails(check: Any) -> bool:
    """Whether a test that asks this fails; one that is skipped does not."""
    try:
        check()
    except pytest.fail.Exception:
        return True
    except pytest.skip.Exception:
        return False
    return False


def agree(situation: Situation, *, with_page: bool) -> None:
    """Read every surface of a run, and hold it against the situation that it was made of."""
    run, gate = situation.run(), situation.gate
    ending, (annotated, is_error), (ended, red) = ending_of(run), of_annotations(run), of_junit(run)
    sections = sections_of(run)
    said = [of_terminal(run), of_markdown(summary_of(sections)), of_markdown(comment_of(run, sections)), annotated]
    said += [of_page(run)] if with_page else []
    said += [ended] if ended else []
    assert {one.state for one in said} == {situation.state}, said
    assert len({one.extent for one in said}) == 1, said
    assert all(one.counts == said[0].counts for one in said), said
    if situation.judged:
        cells = 1 + len(situation.kinds) + situation.silent_device + situation.left_out
        assert said[0].extent == f"{len(situation.compared)} of {cells}"
        assert sum(n for word, n in said[0].counts.items() if word in set(Outcome)) == len(situation.kinds)
        for word in {SAID.get(kind, kind) for kind in situation.kinds}:
            assert said[0].counts[word] == sum(SAID.get(kind, kind) == word for kind in situation.kinds)
    assert ending.pytest_code == situation.code
    assert is_error == bool(red) == (situation.code != 0)
    fatal = {kind for kind in situation.kinds if situation.judged and gate != "none" and gate in FATAL[kind]}
    broken = {kind for kind in situation.promised if situation.judged and gate in PROMISED[kind]}
    classes = {str(cell_of(kind)) for kind in fatal} | {str(cell_of("failed")) for _ in situation.kinds & {"failed"}}
    classes |= {str(STEADY)} if broken else set()
    assert red - {"the run", "suites/test_own.py", "left-out/fp32/cpu"} == classes
    if run.judgement is not None:
        asked = cast("Session", SimpleNamespace(judgement=lambda: run.judgement, planned=run.planned))
        for kind in situation.kinds - {"missing"}:
            told = Verdicts(cell_of(kind), asked)
            # What is said of the whole cell fails every test of it; what is said of its latency, the one about that.
            failing = {test for test in OF_A_CELL if fails(partial(test, told))}
            expected = set(OF_A_CELL if kind in WHOLE else {test_gate.test_speed}) if kind in fatal else set()
            assert failing == expected
        assert fails(partial(test_gate.test_nothing_is_missing, Absent(asked))) == ("missing" in fatal)
        assert fails(partial(test_gate.test_promises, Promises(STEADY, asked))) == bool(broken)
    assert (ending.command_code == 0) <= (situation.code == 0)
    assert (ending.command_code == 1) == (situation.finished and situation.code in (1, 4))


def subsets(of: Iterable[str], sizes: Iterable[int]) -> Iterator[frozenset[str]]:
    return (frozenset(found) for size in sizes for found in itertools.combinations(sorted(of), size))


EVERY = len(FATAL)


@pytest.mark.parametrize("gate", GATES)
def test_whatever_is_said_of_cells_every_surface_but_the_page_agrees(gate: str) -> None:
    for kinds in subsets(FATAL, (0, 1, 2, 3, EVERY - 1, EVERY)):
        agree(Situation(kinds, gate=gate), with_page=False)


@pytest.mark.parametrize("gate", GATES)
def test_whatever_is_said_of_two_cells_the_page_agrees(gate: str) -> None:
    for kinds in subsets(FATAL, (0, 1, 2, EVERY)):
        agree(Situation(kinds, gate=gate), with_page=True)


@pytest.mark.parametrize("gate", GATES)
@pytest.mark.parametrize("kinds", [(), ("unchanged",), ("regressed", "unchanged"), ("new",), ("suspect",)], ids=str)
def test_whatever_was_promised_every_surface_agrees(gate: str, kinds: tuple[str, ...]) -> None:
    for promised in subsets(PROMISED, (0, 1, 2, len(PROMISED))):
        for compares in (True, False) if not kinds else (True,):
            agree(Situation(frozenset(kinds), promised, gate, compares=compares), with_page=len(promised) < 2)


TROUBLES = (None, Trouble("the base has no such model; name another"), Trouble("--against what?", is_usage=True))


@pytest.mark.parametrize("gate", ["gate", "none"])
@pytest.mark.parametrize(
    "kinds", [(), ("unchanged",), ("regressed",), ("failed",), ("new",), ("inconclusive",)], ids=str
)
def test_however_a_run_went_every_surface_agrees(gate: str, kinds: tuple[str, ...]) -> None:
    booleans = (False, True)
    for trouble, *flags in itertools.product(TROUBLES, *[booleans] * 6):
        finished, failed_test, silent, left_out, compares, judged = flags
        if trouble is not None and judged:
            continue
        situation = Situation(
            frozenset(kinds),
            gate=gate,
            finished=finished,
            trouble=trouble,
            failed_test=failed_test,
            silent_device=silent,
            left_out=left_out,
            compares=compares,
            judged=judged,
        )
        agree(situation, with_page=sum(flags) < 2)
