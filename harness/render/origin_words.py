"""Stored baselines in a few words: of which commits they are, and how old. Pure, and judges nothing."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from harness.comparisons import Origin
from harness.render.text import one_line

_REVISION_SHOWN = 7
_COMMITS_SHOWN = 3


def commits(origins: Iterable[Origin]) -> str:
    """The newest first: most baselines are of one commit."""
    newest = sorted(origins, key=lambda one: one.measured, reverse=True)
    said = (one_line(one.commit)[:_REVISION_SHOWN] if one.commit else "no commit" for one in newest)
    found = list(dict.fromkeys(said))
    more = f" +{len(found) - _COMMITS_SHOWN}" if len(found) > _COMMITS_SHOWN else ""
    return ", ".join(found[:_COMMITS_SHOWN]) + more


def age(origins: Iterable[Origin], now: str) -> str:
    """How old the newest and the oldest of them are; empty where a time cannot be read."""
    try:
        ages = sorted(datetime.fromisoformat(now) - datetime.fromisoformat(one.measured) for one in origins)
    except (ValueError, TypeError):
        return ""
    if not ages:
        return ""
    least, most = _old(ages[0]), _old(ages[-1])
    return f"{least} old" if least == most else f"{least} to {most} old"


def _old(found: timedelta) -> str:
    hours = max(found.total_seconds(), 0) / 3600
    return f"{hours / 24:.0f} d" if hours >= 48 else f"{hours:.0f} h" if hours >= 1 else f"{hours * 60:.0f} min"
