"""What a service is, said in a declaration: where it is or how it is started, how a text is sent, what comes back.

Data only. Nothing here connects, starts a process or reads the environment; `runtimes/http` does.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

RESPONSES = ("wav", "pcm16", "json")
TEXT = "{text}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One way to have a text spoken. Wherever `{text}` stands (path, query, body), the text is put in.

    `body` is sent as JSON where it is a mapping, as plain text where it is a string. `response` is what comes back:
    a WAV file (also one whose length is not known yet), bare 16-bit samples, or JSON that holds either in base64, at
    `field` (`"data.0.audio"`: a key or a place in a list at each dot). `key_variable` names the environment variable
    that holds the key; the key itself is in no declaration, digest or record.
    """

    path: str
    sample_rate: int
    method: str = "POST"
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] | str | None = None
    response: str = "wav"
    field: str = "audio"
    key_variable: str = ""

    def __post_init__(self) -> None:
        if not self.path.startswith("/"):
            raise ValueError(f"an endpoint's path begins with /, not {self.path!r}")
        if self.response not in RESPONSES:
            raise ValueError(f"a response is {', '.join(RESPONSES)}, not {self.response!r}")
        if self.sample_rate <= 0:
            raise ValueError(f"a sample rate is above zero, not {self.sample_rate}")
        if not any(TEXT in json.dumps(part) for part in (self.path, dict(self.query), _plain(self.body))):
            raise ValueError(f"say where the text goes: put {TEXT} into the path, the query or the body")


def openai_speech(
    *,
    model: str,
    voice: str,
    sample_rate: int = 24_000,
    response: str = "pcm16",
    path: str = "/v1/audio/speech",
    **more: Any,
) -> Endpoint:
    """The endpoint of OpenAI's speech API and of the many servers that imitate it.

    `response` is `pcm16` (which such servers stream) or `wav`; `more` is sent along (`speed=1.0`, `instructions=…`).
    """
    named = {"pcm16": "pcm", "wav": "wav"}
    if response not in named:
        raise ValueError(f"ask for {' or '.join(named)}, not {response!r}: other formats would have to be decoded")
    body = {"model": model, "voice": voice, "input": TEXT, "response_format": named[response], **more}
    return Endpoint(path=path, sample_rate=sample_rate, body=body, response=response, key_variable="OPENAI_API_KEY")


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A server that is measured: one that runs already (`url`), or one that is started for each measuring (`command`).

    In `command` and `environment`, `{port}`, `{threads}` and `{device}` are put in; the server is to listen on
    127.0.0.1. It is up when `ready` is answered with a status below 500. `wait_seconds` is waited for that,
    `silence_seconds` for every further byte of an answer. `concurrency` says how many requests at once are tried after
    the timing. `identity` names what decides the answers (package and version, voice); without it the description
    itself does.
    """

    endpoint: Endpoint
    url: str = ""
    command: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    folder: str | None = None
    ready: str = "/"
    wait_seconds: float = 120.0
    silence_seconds: float = 60.0
    concurrency: tuple[int, ...] = (1, 4)
    devices: tuple[str, ...] = ("cpu",)
    identity: tuple[str, ...] = ()
    provenance: str = ""
    format: str = "service"

    def __post_init__(self) -> None:
        if bool(self.url) == bool(self.command):
            raise ValueError("a service has a url (it runs already) or a command (it is started): give one of the two")
        if self.url and not self.url.startswith(("http://", "https://")):
            raise ValueError(f"a service's url begins with http:// or https://, not {self.url!r}")
        if self.command and not any("{port}" in word for word in (*self.command, *self.environment.values())):
            raise ValueError("say where the port goes: put {port} into the command or the environment")
        if any(at_once < 1 for at_once in self.concurrency):
            raise ValueError(f"one request at once is the fewest, not {min(self.concurrency)}")

    @property
    def described(self) -> str:
        """What decides the answers, as text: the same on every machine where `identity` is given."""
        if self.identity:
            return json.dumps(["identity", *self.identity, asdict(self.endpoint)], sort_keys=True)
        command = ["python" if word == sys.executable else word for word in self.command]
        return json.dumps([self.url, command, dict(self.environment), asdict(self.endpoint)], sort_keys=True)


def filled(template: Any, word: str, value: str) -> Any:
    """A template with the value wherever the word stands in its strings."""
    match template:
        case str():
            return template.replace(word, value)
        case Mapping():
            return {key: filled(one, word, value) for key, one in template.items()}
        case list() | tuple():
            return [filled(one, word, value) for one in template]
        case _:
            return template


def _plain(body: Mapping[str, Any] | str | None) -> Any:
    return dict(body) if isinstance(body, Mapping) else body
