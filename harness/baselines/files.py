"""The file of a baseline: JSON that is laid out for review, the same bytes for the same content.

Keys are sorted, a list of numbers stands on one line, and a digest of the content stands in it, so that an edit by
hand is seen. Refuses, in one line each: what is cut short, edited, of a newer schema, or contradicts itself.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

import msgspec

from harness.baselines.numbers import rounded
from harness.baselines.records import SCHEMA, Baseline
from harness.errors import RecordUnreadable

_DIGEST = "digest"
_NEXT_STEP = "restore it from git, or remove it in a reviewed commit and accept the cell again"


def encode(baseline: Baseline) -> bytes:
    """Write a baseline."""
    body = _settled(msgspec.to_builtins(baseline))
    for session in body["sessions"]:
        if (quality := session.pop("quality")) is not None:
            session["quality"] = _terse(quality)
        if session["fixed_work_seconds"] is None:
            del session["fixed_work_seconds"]
    return (_laid_out({**body, _DIGEST: _digest(body)}, "") + "\n").encode()


def decode(raw: bytes, name: str) -> Baseline:
    """Read a baseline; `name` is how messages call the file."""
    try:
        body = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise RecordUnreadable(f"{name} is no JSON ({_words(error)}); {_NEXT_STEP}") from error
    if not isinstance(body, dict) or type(body.get("schema")) is not int:
        raise RecordUnreadable(f"{name} is no baseline; {_NEXT_STEP}")
    if body["schema"] > SCHEMA:
        raise RecordUnreadable(
            f"{name} has schema {body['schema']}, newer than this Quantgate reads ({SCHEMA}); upgrade Quantgate"
        )
    if not raw.endswith(b"\n"):
        raise RecordUnreadable(f"{name} is cut short; {_NEXT_STEP}")
    try:
        if body.pop(_DIGEST, None) != _digest(body):
            raise RecordUnreadable(f"{name} was edited: its content has another digest than it says; {_NEXT_STEP}")
        return msgspec.convert(body, Baseline)
    except (ValueError, OverflowError, RecursionError) as error:
        raise RecordUnreadable(f"{name} contradicts itself: {_words(error)}; {_NEXT_STEP}") from error


def _digest(body: dict[str, Any]) -> str:
    whole = json.dumps(body, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(whole.encode()).hexdigest()[:16]


def _settled(value: Any) -> Any:
    match value:
        case bool():
            return value
        case int() | float():
            return rounded(value)
        case dict():
            return {key: _settled(value[key]) for key in sorted(value)}
        case list() | tuple():
            return [_settled(one) for one in value]
        case _:
            return value


def _terse(value: Any) -> Any:
    """Without the keys of nothing: of quality there are many, and none of them has to be there."""
    match value:
        case dict():
            return {key: _terse(one) for key, one in value.items() if one is not None}
        case list() if any(isinstance(one, dict) for one in value):
            return [_terse(one) for one in value]
        case _:
            return value


def _laid_out(value: Any, margin: str) -> str:
    """One key a line, one object of a list after the other, numbers of a list side by side."""
    deeper = margin + " "
    if isinstance(value, dict) and value:
        lines = [f"{deeper}{json.dumps(key)}: {_laid_out(value[key], deeper)}" for key in sorted(value)]
        return "{\n" + ",\n".join(lines) + f"\n{margin}}}"
    if isinstance(value, list) and any(isinstance(one, dict) for one in value):
        lines = [deeper + _laid_out(one, deeper) for one in value]
        return "[\n" + ",\n".join(lines) + f"\n{margin}]"
    return json.dumps(value, ensure_ascii=False)


def _words(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
