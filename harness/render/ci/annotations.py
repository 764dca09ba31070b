"""What GitHub shows beside a change: one line that sums up and the five worst, as workflow commands.

GitHub shows ten annotations a step and keeps no more: these are six. Nothing is printed anywhere else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from harness.ending import Tone, ending_of
from harness.render.ci.findings import Told, told_of
from harness.render.text import clip
from harness.results import Run

_WORST = 5
_SHOWN = 1_000


def workflow_commands(run: Run, environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return the lines to print; none where GitHub does not listen."""
    return tuple(_lines(told_of(run))) if environ.get("GITHUB_ACTIONS") == "true" else ()


def _lines(told: Told) -> Iterable[str]:
    yield _command(_level(told), f"Quantgate: {told.state}", " · ".join(told.sentences))
    for one in told.findings[:_WORST]:
        yield _command("error" if one.is_red else "warning", f"{one.head}: {one.about}", one.text or one.about)


def _level(told: Told) -> str:
    """A run whose exit code is not 0 is an error, whatever it is called: what is not green must be seen."""
    if ending_of(told.run).pytest_code:
        return "error"
    return "notice" if told.tone is Tone.PASSED else "warning"


def _command(level: str, title: str, said: str) -> str:
    return f"::{level} title={_property(clip(title, 200))}::{_message(clip(said, _SHOWN))}"


def _message(said: str) -> str:
    """Escape what ends a message."""
    return said.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(said: str) -> str:
    """Escape what ends a property of a command."""
    return _message(said).replace(":", "%3A").replace(",", "%2C")
