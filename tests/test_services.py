"""A service is declared as data: what is refused, what its identity is, and that nothing heavy is imported for it."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.endpoints import filled
from harness.models import Setting
from harness.services import Endpoint, Service, openai_speech, speech_service, spoken

SPEAK = Endpoint(path="/speak", sample_rate=22_050, body={"text": "{text}"})
STARTED = Service(command=(sys.executable, "-m", "server", "{port}"), endpoint=SPEAK)


def test_declaring_a_service_imports_no_runtime_no_arrays_and_no_http() -> None:
    script = (
        "import sys; from harness.services import *;"
        "speak = openai_speech(model='m', voice='v');"
        "speech_service(name='s', service=Service(url='http://x', endpoint=speak), texts=['a']);"
        "print([name for name in ('numpy', 'torch', 'onnxruntime', 'http.client') if name in sys.modules])"
    )
    shown = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"


def test_a_service_becomes_a_model_whose_reference_it_is(tmp_path: Any) -> None:
    np = pytest.importorskip("numpy")
    made = speech_service(name="mine", service=STARTED, texts={"hi": "Hello.", "more": "word " * 20}, family="voices")
    setting = Setting(tmp_path)
    assert (made.runtime, made.precisions, made.family, made.weights) == ("http", ("fp32",), "voices", "as served")
    assert made.reference(setting) is STARTED
    assert made.audio is not None
    assert (made.audio.output, made.audio.sample_rate) == ("audio", 22_050)
    examples = made.workload(setting).examples
    assert [(one.id, one.slices["length"]) for one in examples] == [("hi", "short"), ("more", "long")]
    assert np.array_equal(examples[0].load()["text"], np.array("Hello."))


def test_other_texts_are_another_workload() -> None:
    contents = {spoken("w", texts).content for texts in (["a"], ["b"], {"x": "a"}, {"text-1": "a"})}
    assert len(contents) == 3  # a list names its texts by their places


WRONG = {
    "neither url nor command": (lambda: Service(endpoint=SPEAK), "give one of the two"),
    "both": (lambda: Service(endpoint=SPEAK, url="http://x", command=("{port}",)), "give one of the two"),
    "no scheme": (lambda: Service(endpoint=SPEAK, url="localhost:8000"), "begins with http://"),
    "no port": (lambda: Service(endpoint=SPEAK, command=("serve",)), "say where the port goes"),
    "nobody at once": (lambda: Service(endpoint=SPEAK, url="http://x", concurrency=(1, 0)), "one request at once"),
    "no place for the text": (lambda: replace(SPEAK, body={"text": "text"}), "say where the text goes"),
    "a path without a slash": (lambda: replace(SPEAK, path="speak"), "begins with /"),
    "no such response": (lambda: replace(SPEAK, response="mp3"), "a response is wav, pcm16, json"),
    "no rate": (lambda: replace(SPEAK, sample_rate=0), "above zero"),
    "a coded format": (lambda: openai_speech(model="m", voice="v", response="mp3"), "would have to be decoded"),
}


@pytest.mark.parametrize(("make", "said"), WRONG.values(), ids=WRONG.keys())
def test_a_description_that_means_nothing_is_refused(make: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        make()


OTHERS = {
    "another voice": replace(STARTED, endpoint=replace(SPEAK, body={"text": "{text}", "voice": "b"})),
    "another path": replace(STARTED, endpoint=replace(SPEAK, path="/say")),
    "another command": replace(STARTED, command=("python", "-m", "other", "{port}")),
    "another environment": replace(STARTED, environment={"A": "1"}),
    "a named identity": replace(STARTED, identity=("server 1.0",)),
}


@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS.keys())
def test_what_decides_the_answers_is_part_of_the_identity(other: Service) -> None:
    assert other.described != STARTED.described


@pytest.mark.parametrize(
    "same", [{"wait_seconds": 1.0}, {"silence_seconds": 1.0}, {"concurrency": (8,)}, {"ready": "/x"}]
)
def test_how_it_is_measured_is_not(same: dict[str, Any]) -> None:
    assert replace(STARTED, **same).described == STARTED.described


def test_this_machine_s_interpreter_is_not_either() -> None:
    assert sys.executable not in STARTED.described
    assert json.loads(STARTED.described)[1][0] == "python"


def test_a_named_identity_speaks_for_the_command() -> None:
    here, there = (
        replace(STARTED, command=(path, "{port}"), identity=("server 1.0",)) for path in ("/here/serve", "/there/serve")
    )
    assert here.described == there.described


def test_a_template_is_filled_wherever_its_word_stands_and_nowhere_else() -> None:
    template = {"a": "<{text}>", "b": [1, "{text}", {"c": "{text}{text}"}], "{text}": None}
    assert filled(template, "{text}", 'x"') == {"a": '<x">', "b": [1, 'x"', {"c": 'x"x"'}], "{text}": None}


def test_the_guide_s_first_lines_declare_a_service() -> None:
    guide = (Path(__file__).parents[1] / "docs" / "services.md").read_text(encoding="utf-8")
    lines = guide.split("```python\n")[1].split("```")[0]
    assert len([line for line in lines.splitlines() if line]) <= 5
    declared: dict[str, Any] = {}
    exec(lines, declared)
    (made,) = declared["MODELS"]
    assert made.runtime == "http"


def test_every_argument_that_the_guide_names_is_one() -> None:
    guide = (Path(__file__).parents[1] / "docs" / "services.md").read_text(encoding="utf-8")
    example = guide.split("```python\n")[2].split("```")[0]
    assert isinstance(eval(example, {"Endpoint": Endpoint}), Endpoint)
