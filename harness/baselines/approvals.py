"""What was tolerated, by whom it concerns and how far: `baselines/accepted.toml`, read in review like code.

Owns the entries: what one covers, how it is written and read. An entry is a bound: what is worse is not accepted. They
are applied in `loosening`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path

from harness.baselines.store import FOLDER
from harness.cells import Cell
from harness.comparisons import Basis, Verdict
from harness.errors import UsageProblem, suggestion
from harness.journal import replace_file
from harness.metrics import Better
from harness.quality_metrics import known
from harness.toml_tables import Document, Table, shown

FILE = "accepted.toml"
NAME = f"{FOLDER}/{FILE}"

_KEYS = ("cell", "metric", "reason", "expires", "old", "new", "ratio", "loss", "against", "run", "revision")
_HEADER = """\
# What was tolerated, entry by entry: quantgate accept CELL --metric M --reason "…" adds one, a person removes it.
# `ratio` is the bound on new ÷ old; `loss`, of quality, on what is lost in the metric's unit. What is worse than it, is
# not accepted.
"""
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Acceptance:
    """One tolerated change. `ratio` bounds new ÷ old; where there is none, because `old` is 0, `new` is the bound.

    Of quality, `loss` bounds what is lost, in the metric's unit; what is worse by so much than `old` is the least.
    """

    cell: Cell
    metric: str
    reason: str
    old: float
    new: float
    ratio: float | None
    against: str
    run: str
    revision: str | None = None
    expires: date | None = None
    loss: float | None = None
    line: int = field(default=0, compare=False)

    @property
    def limit(self) -> str:
        """How far it was accepted, in words; empty where only the value says it."""
        if self.loss is not None:
            return " ".join(f"up to {self.loss:.4g} {known()[self.metric].unit}".split()) + " lost"
        return "" if self.ratio is None else f"up to × {self.ratio:.4g}"

    @property
    def place(self) -> str:
        """Where the entry stands."""
        return f"{NAME}:{self.line}"

    def is_expired(self, today: date) -> bool:
        """Whether its last day is over."""
        return self.expires is not None and self.expires < today

    def covers(self, verdict: Verdict) -> bool:
        """Whether a verdict is no worse than what was accepted.

        A ratio alone would let every later base grow by as much again, so that of what is counted the value is bound
        too. Times of two days say nothing about each other; for them the ratio has to do.
        """
        if verdict.new is None or not math.isfinite(verdict.new):
            return False
        if self.loss is not None:
            return self.allows(loss_of(verdict)) and self.allows(lost(self.metric, verdict.new - self.old))
        if known()[self.metric].better is Better.NEITHER:
            return math.isclose(verdict.new, self.new, rel_tol=_ROUNDING)
        if self.ratio is None or verdict.ratio is None:
            return self._is_no_worse(verdict.new, self.new)
        if verdict.basis is Basis.EXACT and not self._is_no_worse(verdict.new, self.old * self.ratio):
            return False
        return self._is_no_worse(verdict.ratio, self.ratio)

    def allows(self, loss: float | None) -> bool:
        """Whether no more quality is lost than was accepted."""
        return self.loss is not None and loss is not None and loss <= self.loss + _ROUNDING * max(1.0, abs(self.loss))

    def _is_no_worse(self, value: float, bound: float) -> bool:
        if not math.isfinite(value):
            return False
        if known()[self.metric].better is Better.HIGHER:
            return value >= bound * (1 - _ROUNDING)
        return value <= bound * (1 + _ROUNDING)


def lost(metric: str, change: float) -> float:
    """By how much a change is for the worse, in the metric's unit; below zero where it is for the better."""
    return -change if known()[metric].better is Better.HIGHER else change


def loss_of(verdict: Verdict) -> float | None:
    """What a verdict on quality found to be lost: on the same examples where it says so."""
    assert verdict.metric is not None
    if verdict.change is not None:
        return lost(verdict.metric, verdict.change)
    return None if verdict.old is None or verdict.new is None else lost(verdict.metric, verdict.new - verdict.old)


def read_acceptances(folder: Path) -> tuple[Acceptance, ...]:
    """Read `accepted.toml` of the folder of baselines; none where there is no such file. Every problem has its line."""
    try:
        raw = (folder / FILE).read_bytes()
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise UsageProblem(f"{NAME} cannot be read: {error.strerror}; restore it from git") from error
    return _parsed(raw)


def append_acceptance(folder: Path, entry: Acceptance) -> None:
    """Add an entry at the end of the file; what stands there stays as it is."""
    for other in read_acceptances(folder):
        if (other.cell, other.metric) == (entry.cell, entry.metric):
            raise UsageProblem(f"{other.place} speaks of {entry.cell} {entry.metric} already; remove that entry first")
    path = folder / FILE
    before = path.read_bytes() if path.exists() else _HEADER.encode()
    gap = b"" if before.endswith(b"\n") else b"\n"
    content = before + gap + b"\n" + written(entry).encode()
    _parsed(content)
    folder.mkdir(parents=True, exist_ok=True)
    replace_file(path, content)


def written(entry: Acceptance) -> str:
    """An entry as TOML."""
    lines = [
        "[[accepted]]",
        f"cell = {quoted(str(entry.cell))}",
        f"metric = {quoted(entry.metric)}",
        f"reason = {quoted(entry.reason)}",
        *([f"expires = {entry.expires.isoformat()}"] if entry.expires else []),
        f"old = {entry.old!r}",
        f"new = {entry.new!r}",
        *([f"ratio = {entry.ratio!r}"] if entry.ratio is not None else []),
        *([f"loss = {entry.loss!r}"] if entry.loss is not None else []),
        f"against = {quoted(entry.against)}",
        f"run = {quoted(entry.run)}",
        *([f"revision = {quoted(entry.revision)}"] if entry.revision else []),
    ]
    return "\n".join(lines) + "\n"


def quoted(text: str) -> str:
    """A text as a basic string of TOML 1.0: quotes, backslashes and control characters are escaped."""
    escaped = {'"': '\\"', "\\": "\\\\"}
    return '"' + "".join(escaped.get(sign) or _plain(sign) for sign in text) + '"'


def _plain(sign: str) -> str:
    code = ord(sign)
    if 0xD800 <= code <= 0xDFFF:
        raise UsageProblem("the text is not valid Unicode, and TOML can hold no other; write it anew")
    return f"\\u{code:04X}" if code < 0x20 or code == 0x7F else sign


def _parsed(raw: bytes) -> tuple[Acceptance, ...]:
    document = Document(NAME, raw)
    document.top.refuse_unknown(("accepted",))
    tables = list(document.tables("accepted"))
    found = [_entry(table) for table in tables]
    subjects: dict[tuple[Cell, str], int] = {}
    for entry in found:
        if entry is None:
            continue
        first = subjects.setdefault((entry.cell, entry.metric), entry.line)
        if first != entry.line:
            document.problems.append((entry.line, f"line {first} speaks of the same already; remove one of them"))
    document.refuse_problems()
    return tuple(entry for entry in found if entry is not None)


def _entry(table: Table) -> Acceptance | None:
    table.refuse_unknown(_KEYS)
    cell, metric = table.text("cell", needed="name one: model/precision/device"), _metric(table)
    reason = table.text("reason", needed="say why the change is tolerated")
    against, run = table.text("against", needed=_AGAIN), table.text("run", needed=_AGAIN)
    old, new, ratio, loss = _value(table, "old"), _value(table, "new"), table.number("ratio"), table.number("loss")
    expires = _date(table)
    if cell is not None and len(cell.rsplit("/", 2)) < 3:
        table.complain("cell", f"cell = {shown(cell)} is no cell; write model/precision/device")
        return None
    if metric is not None and known()[metric].is_quality:
        if loss is None and "loss" not in table.content:
            table.complain(None, f"[[accepted]] has no 'loss'; {_AGAIN}")
        if loss is None:
            return None
    elif loss is not None:
        table.complain("loss", f"{metric or 'it'} is no quality, and has a ratio; {_AGAIN}")
        return None
    elif ratio is None and old:
        table.complain(None, f"[[accepted]] has no 'ratio'; {_AGAIN}")
        return None
    if cell is None or metric is None or reason is None or against is None or run is None or old is None or new is None:
        return None
    parts = Cell(*cell.rsplit("/", 2))
    revision = table.text("revision")
    return Acceptance(parts, metric, reason, old, new, ratio, against, run, revision, expires, loss, table.line())


_AGAIN = "remove the entry and accept again, quantgate writes it"


def _metric(table: Table) -> str | None:
    metric = table.text("metric", needed="name the metric that changed")
    if metric is not None and metric not in known():
        table.complain("metric", f"metric = {shown(metric)} is no metric; {suggestion(metric, known())}")
        return None
    return metric


def _value(table: Table, key: str) -> float | None:
    if key not in table.content:
        table.complain(None, f"[[accepted]] has no {key!r}; {_AGAIN}")
    return table.number(key)


def _date(table: Table) -> date | None:
    found = table.content.get("expires")
    if found is None:
        return None
    if not isinstance(found, date) or isinstance(found, datetime):
        table.complain("expires", f"expires = {shown(found)} is no day; write one without quotes, as in 2030-12-31")
        return None
    return found
