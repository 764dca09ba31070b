"""Reads `expectations.toml`. Whatever is wrong in the file is told at once, each problem with its line."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TypeVar

from harness.cells import DEVICE_KINDS, PRECISIONS, matches
from harness.errors import UsageProblem, suggestion
from harness.expectations import (
    Bound,
    Budget,
    CellPattern,
    Claim,
    Expectations,
    MarginOverride,
    Margins,
    QualityBound,
    Quantity,
    split_globs,
)
from harness.metrics import Better, Metric, Pool
from harness.published import Said
from harness.quality_metrics import known
from harness.toml_tables import Document, Table, shown

EXPECTATIONS_FILE = "expectations.toml"
"""The usual name, in the folder above that of the models."""

_OF_A_STAGE = "latency_seconds"
"""What a budget of a stage limits; it need not say so."""

_EXACT_UNITS = ("B", "")
"""What is counted may be asked to agree to the last digit; what is timed never does."""

Made = TypeVar("Made")


def read_expectations(path: Path, *, is_named: bool = False) -> Expectations:
    """Read a file. One that is not there expects nothing, unless somebody named it."""
    try:
        raw = path.read_bytes()
    except FileNotFoundError as error:
        if is_named:
            raise UsageProblem(f"{path} does not exist; check the path") from error
        return Expectations(name=str(path))
    except OSError as error:
        raise UsageProblem(f"{path} cannot be read: {error.strerror}; name a file that can") from error
    document = Document(str(path), raw)
    document.top.refuse_unknown(("margins", "margin", "budget", "claim", "quality"))
    defaults = _by_metric(document.table("margins"))
    overrides, budgets, claims, qualities = (
        tuple(document.tables(key)) for key in ("margin", "budget", "claim", "quality")
    )
    found = Expectations(
        Margins(defaults, _made(_override, overrides)),
        _made(_budget, budgets),
        _made(_claim, claims),
        document.name,
        _made(_quality, qualities),
    )
    _refuse_same_names((*budgets, *claims, *qualities))
    document.refuse_problems()
    return found


def _made(make: Callable[[Table], Made | None], tables: Iterable[Table]) -> tuple[Made, ...]:
    return tuple(made for table in tables if (made := make(table)) is not None)


def _override(table: Table) -> MarginOverride | None:
    by_metric = _by_metric(table, besides=("cells",))
    if not set(table.content) - {"cells"}:
        table.complain(None, "[[margin]] names no metric; add a line such as latency_seconds = 0.05")
    cells = _cells(table)
    return None if cells is None else MarginOverride(cells, by_metric, table.line())


def _budget(table: Table) -> Budget | None:
    table.refuse_unknown(("name", "cells", "metric", "stage", "at_most", "at_least", "source"))
    name, cells, source, stage = _name(table), _cells(table), table.text("source"), table.text("stage")
    if stage is not None and "metric" not in table.content:
        metric: Metric | None = known()[_OF_A_STAGE]
    else:
        metric = _metric(table, known(), needed='say what is limited, as in metric = "latency_seconds"')
    bound = _bound(table, may_be_zero=True)
    if name is None or cells is None or metric is None or bound is None:
        return None
    better = metric.better
    if better is Better.LOWER and bound.at_least is not None:
        table.complain("at_least", f"lower {metric.name} is better, so more than that is no target; write at_most")
    if better is Better.HIGHER and bound.at_most is not None:
        table.complain("at_most", f"higher {metric.name} is better, so less than that is no target; write at_least")
    if stage is not None and metric.name != _OF_A_STAGE:
        table.complain("metric", f"of a stage its time is known, and not its {metric.name}; drop metric or stage")
    return Budget(name, cells, metric.name, bound, source or "", table.line(), stage or "")


_CLAIM_KEYS = (
    "name",
    "cells",
    "over",
    "over_model",
    "quantity",
    "at_most",
    "at_least",
    "said",
    "on",
    "source",
)


def _claim(table: Table) -> Claim | None:
    table.refuse_unknown(_CLAIM_KEYS)
    name, cells, quantity = _name(table), _cells(table), _quantity(table)
    over_model = table.text("over_model")
    has_over = "over" in table.content or (over_model is None and quantity is not Quantity.BYTES)
    over = _over(table) if has_over else None
    said, on = _said(table), _on(table)
    source = table.text("source", needed="say who published it")
    if over_model is None:
        _refuse_one_side(table, cells, over)
    if quantity is Quantity.BYTES:
        for key in ("over", "over_model"):
            if key in table.content:
                table.complain(key, f"bytes are the size itself, over nothing; leave {key} away, or write size")
    promised = _promised(table, quantity or Quantity.SIZE, said)
    if name is None or cells is None or quantity is None or promised is None or source is None:
        return None
    if has_over and over is None:
        return None
    bound, best = promised
    over_line = table.line(next((key for key in ("over_model", "over") if key in table.content), None))
    return Claim(
        name, cells, over, quantity, bound, source, on, table.line(), over_line, over_model, best=best, said=said
    )


def _promised(table: Table, quantity: Quantity, said: Said | None) -> tuple[Bound, float | None] | None:
    """What has to be kept, and the far end of a range: of `at_least` and `at_most`, or of the published numbers."""
    given = [key for key in ("at_most", "at_least") if key in table.content]
    more_is_better = quantity is Quantity.SPEED
    if len(given) == 2:
        least, most = _positive(table, "at_least"), _positive(table, "at_most")
        if least is None or most is None:
            return None
        if least >= most:
            table.complain("at_least", f"at_least = {least:g} is not below at_most = {most:g}; turn them round")
            return None
        return (Bound(at_least=least), most) if more_is_better else (Bound(at_most=most), least)
    if not given and said is not None and quantity.has_other_side and quantity is not Quantity.ACCURACY:
        if more_is_better:
            return Bound(at_least=said.times_range[0]), None
        return Bound(at_most=said.ratio_range[1]), None
    bound = _bound(table)
    return None if bound is None else (bound, None)


def _positive(table: Table, key: str) -> float | None:
    number = table.number(key)
    if number is not None and number <= 0:
        table.complain(key, f"{key} = {number:g} is no target; write a number above 0")
        return None
    return number


def _said(table: Table) -> Said | None:
    """The publisher's own numbers: said = { from = 5.2, to = 0.16, unit = "s", per_cent = 84 }."""
    found = table.content.get("said")
    if found is None:
        return None
    if not isinstance(found, dict):
        hint = 'write said = { from = 5.2, to = 0.16, unit = "s" }'
        table.complain("said", f"said = {shown(found)} is no table; {hint}")
        return None
    within = Table(table.document, (*table.place, "said"), found, "said")
    within.refuse_unknown(("from", "to", "unit", "per_cent", "times"))
    numbers = {key: _positive(within, key) for key in ("from", "to", "per_cent", "times")}
    for key in ("from", "to"):
        if key not in found:
            table.complain("said", f"said has no {key!r}; write both numbers that were published")
    before, after = numbers["from"], numbers["to"]
    if before is None or after is None:
        return None
    return Said(before, after, within.text("unit") or "", numbers["per_cent"], numbers["times"])


def _quality(table: Table) -> QualityBound | None:
    table.refuse_unknown(("name", "cells", "metric", "loses_at_most", "over", "source"))
    name, cells, source = _name(table), _cells(table), table.text("source")
    of_quality = {name: metric for name, metric in known().items() if metric.is_quality}
    metric = _metric(table, of_quality, needed='say what may be lost, as in metric = "accuracy"', kind="quality metric")
    over = _over(table) if "over" in table.content else "fp32"
    _refuse_one_side(table, cells, over)
    lost = table.number("loses_at_most")
    if "loses_at_most" not in table.content:
        table.complain(None, "[[quality]] has no 'loses_at_most'; say how much, in the metric's unit")
    if metric is not None and metric.better is Better.NEITHER:
        table.complain("metric", f"neither more nor less {metric.name} is better, so none can be lost; name another")
        return None
    if metric is not None and lost is not None and not _may_be_lost(table, "loses_at_most", metric, lost):
        return None
    if name is None or cells is None or metric is None or over is None or lost is None:
        return None
    over_line = table.line("over" if "over" in table.content else None)
    return QualityBound(name, cells, metric.name, lost, over, source or "", table.line(), over_line)


def _metric(table: Table, offered: Mapping[str, Metric], *, needed: str, kind: str = "metric") -> Metric | None:
    metric = table.text("metric", needed=needed)
    if metric is not None and metric not in offered:
        table.complain("metric", f"metric = {metric!r} is not a {kind}; {suggestion(metric, offered)}")
        return None
    return None if metric is None else offered[metric]


def _refuse_one_side(table: Table, cells: CellPattern | None, over: str | None) -> None:
    if over is None or cells is None or any(one != over for one in PRECISIONS if matches(one, cells.precision)):
        return
    key = "over" if "over" in table.content else "cells"
    table.complain(key, f"over = {over!r} is the precision of the cells too; name another in one of them")


def _by_metric(table: Table, besides: tuple[str, ...] = ()) -> dict[str, float]:
    table.refuse_unknown((*known(), *besides))
    found = {key: _margin(table, known()[key]) for key in table.content if key in known()}
    return {metric: margin for metric, margin in found.items() if margin is not None}


def _margin(table: Table, of: Metric) -> float | None:
    metric, margin = of.name, table.number(of.name)
    if margin is None:
        return None
    if of.is_quality:
        return margin if _may_be_lost(table, metric, of, margin) else None
    if not 0 <= margin < 1:
        per_cent = margin if 1 <= margin < 100 else 3
        hint = f"{per_cent:g} per cent is {per_cent / 100:g}"
        table.complain(metric, f"{metric} = {margin:g} is not a margin from 0 up to 1; {hint}")
        return None
    if margin == 0 and of.unit not in _EXACT_UNITS:
        table.complain(metric, f"{metric} = 0: no two of its measurements agree to the last digit; write 0.01 or more")
        return None
    return margin


def _may_be_lost(table: Table, key: str, metric: Metric, lost: float) -> bool:
    """Whether a number says how much of a metric of quality may be lost; of a share, one or more would be all of it."""
    is_share = metric.ceiling == 1 or metric.pool is Pool.SHARE
    if lost < 0:
        unit = f", in {metric.unit}" if metric.unit else ""
        table.complain(key, f"{key} = {lost:g} is no loss; write how much may be lost{unit}: 0 or more")
    elif is_share and lost >= 1:
        table.complain(key, f"{key} = {lost:g} is all there is of {metric.name}; {lost:g} per cent is {lost / 100:g}")
    else:
        return True
    return False


def _name(table: Table) -> str | None:
    return table.text("name", needed="say in one sentence what is expected")


def _cells(table: Table) -> CellPattern | None:
    text = table.text("cells", needed='say which, as in cells = "piper-*/*/cpu"')
    if text is None:
        return None
    parts = [split_globs(part) for part in text.split("/")]
    if len(parts) != 3:
        count = "one part" if len(parts) == 1 else f"{len(parts)} parts"
        table.complain("cells", f"cells = {text!r} has {count}; write three, model/precision/device, * for any")
        return None
    if not all(glob for globs in parts for glob in globs):
        table.complain("cells", f"cells = {text!r} has an empty part; write * where any will do")
        return None
    unknown = [
        *((glob, PRECISIONS) for glob in parts[1] if not any(fnmatchcase(one, glob) for one in PRECISIONS)),
        *((glob, DEVICE_KINDS) for glob in parts[2] if not _is_device(glob)),
    ]
    for glob, offered in unknown:
        table.complain("cells", f"cells = {text!r}: {glob!r} matches nothing; {suggestion(glob, offered)}")
    if unknown:
        return None
    model, precision, device = (",".join(globs) for globs in parts)
    return CellPattern(model, precision, device, table.line("cells"))


def _is_device(glob: str) -> bool:
    kind, numbered, _ = glob.partition(":")
    return any(fnmatchcase(one, kind) for one in (("cuda",) if numbered else DEVICE_KINDS))


def _bound(table: Table, *, may_be_zero: bool = False) -> Bound | None:
    """A bound above zero. Where zero is something to aim at, `at_most` may be zero too."""
    given = [key for key in ("at_most", "at_least") if key in table.content]
    if len(given) != 1:
        count = "both at_most and at_least" if given else "neither at_most nor at_least"
        table.complain(None, f"{table.title} has {count}; write one of them")
        return None
    key, number = given[0], table.number(given[0])
    if number is None:
        return None
    if number < 0 or (number == 0 and not (may_be_zero and key == "at_most")):
        table.complain(key, f"{key} = {number:g} is no target; write a number above 0")
        return None
    return Bound(at_most=number) if key == "at_most" else Bound(at_least=number)


def _over(table: Table) -> str | None:
    over = table.text("over", needed='say over which precision, as in over = "fp32"')
    if over is not None and over not in PRECISIONS:
        table.complain("over", f"over = {over!r} is not a precision; {suggestion(over, PRECISIONS)}")
        return None
    return over


def _quantity(table: Table) -> Quantity | None:
    quantity = table.text("quantity", needed=f"write one of {', '.join(Quantity)}")
    if quantity is not None and quantity not in tuple(Quantity):
        table.complain("quantity", f"quantity = {quantity!r} is unknown; {suggestion(quantity, tuple(Quantity))}")
        return None
    return None if quantity is None else Quantity(quantity)


def _on(table: Table) -> str | None:
    on = table.text("on")
    if on is not None and not all(split_globs(on)):
        table.complain("on", f"on = {on!r} has an empty part; write a glob such as x86_64 or *EPYC*")
        return None
    return on


def _refuse_same_names(tables: Iterable[Table]) -> None:
    lines: dict[str, int] = {}
    for table in tables:
        name = table.content.get("name")
        if isinstance(name, str) and name.strip() in lines:
            table.complain("name", f"name = {name!r} is that of line {lines[name.strip()]} too; give each its own")
        elif isinstance(name, str):
            lines[name.strip()] = table.line("name")
