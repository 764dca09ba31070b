"""A real encoder, small, through every torch precision: convert in one process, open and call in another."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

_SKELETON = """
import json, sys
from pathlib import Path
import numpy as np
import torch
from transformers import Wav2Vec2Config, Wav2Vec2Model
from harness.cells import Device
from harness.models import Artifact, Coverage, ModuleReference
from harness.precisions import Job, recipe
from harness.runtimes import RUNTIMES, Tuning
from tests.precisions.torch_examples import fill

def skeleton():
    config = Wav2Vec2Config(hidden_size=64, num_hidden_layers=2, num_attention_heads=4, intermediate_size=256,
                            conv_dim=(32,) * 7, num_conv_pos_embeddings=16, num_conv_pos_embedding_groups=4)
    with torch.device("meta"):
        module = Wav2Vec2Model(config)
    return module.to_empty(device="cpu").eval()

folder = Path(sys.argv[1])
x = np.sin(np.arange(8000, dtype=np.float32) / 7)[None]
"""

_CONVERT = (
    _SKELETON
    + """
module = skeleton()
fill(module)
with torch.inference_mode():
    np.save(folder / "expected.npy", module(torch.from_numpy(x)).last_hidden_state.numpy())
reference = ModuleReference(skeleton, fill, ("e2e",), "e2e")
made = {}
for precision in sys.argv[2:]:
    done = recipe(precision).conversions["torch-state"](Job(reference, folder / f"{precision}.pt"))
    made[precision] = {"layout": dict(done.layout), "fraction": done.coverage.fraction, "left": done.coverage.left}
print(json.dumps(made))
"""
)

_OPEN = (
    _SKELETON
    + """
expected, found = np.load(folder / "expected.npy"), {}
for precision, made in json.loads(sys.argv[2]).items():
    artifact = Artifact(folder / f"{precision}.pt", "torch-state", precision, "", 1, Coverage(1, 1, 1, 1), "e2e", 0.0,
                        made["layout"], skeleton)
    session = RUNTIMES["torch"]().open(artifact, Device("cpu"), Tuning())
    output, again = (session.call({"input_values": x})["last_hidden_state"] for _ in range(2))
    placement, contents = session.placement(), session.contents()
    found[precision] = {
        "noise_fraction": float(np.square(output - expected).sum() / np.square(expected).sum()),
        "is_repeatable": bool(np.array_equal(output, again)),
        "astray": placement.astray,
        "parameter_count": contents.parameter_count,
        "count_by_dtype": dict(contents.count_by_dtype),
    }
print(json.dumps(found))
"""
)


def run(script, *arguments):
    done = subprocess.run([sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


CASES = [
    ("fp32", 1e-9, {"float32"}),
    ("fp16", 1e-4, {"float16"}),
    ("bf16", 1e-2, {"bfloat16"}),
    ("int8-dynamic", 2e-2, {"float32", "int8"}),
    ("int8-weight-only", 1e-2, {"float32", "int8"}),
    ("int4-weight-only", 0.5, {"float32", "int4 in int8"}),
]


@pytest.fixture(scope="module")
def encoders(tmp_path_factory):
    """Every precision, as one process made it and as another found it."""
    folder = str(tmp_path_factory.mktemp("encoders"))
    made = run(_CONVERT, folder, *(precision for precision, *_ in CASES))
    return made, run(_OPEN, folder, json.dumps(made))


@pytest.mark.parametrize(("precision", "most_noise", "dtypes"), CASES)
def test_an_encoder_converted_in_one_process_answers_in_another(precision, most_noise, dtypes, encoders):
    made, found = (part[precision] for part in encoders)
    assert found["noise_fraction"] <= most_noise
    assert found["is_repeatable"]
    assert found["astray"] == []
    assert set(found["count_by_dtype"]) == dtypes
    assert found["count_by_dtype"] == made["layout"]["count_by_dtype"]
    assert found["parameter_count"] == made["layout"]["parameter_count"]
    assert (made["fraction"] == 1.0) == (made["left"] == [])


def test_the_packaged_script_runs_at_fp32_and_is_known_not_to_run_at_fp16(tmp_path):
    pytest.importorskip("silero_vad")
    import numpy as np

    from harness.cells import Device, Reason, Unsupported
    from harness.models import Artifact, FileReference
    from harness.precisions import Job, recipe
    from harness.runtimes import RUNTIMES, Tuning
    from suites.installed import SILERO, installed_file

    reference = FileReference(installed_file(SILERO, "data/silero_vad.jit"), "torchscript", "silero", "_model")

    def opened(precision):
        target = tmp_path / f"{precision}.jit"
        made = recipe(precision).conversions["torchscript"](Job(reference, target))
        artifact = Artifact(target, "torchscript", precision, "", 1, made.coverage, "silero", 0.0, made.layout)
        return RUNTIMES["torch"]().open(artifact, Device("cpu"), Tuning())

    silence = {"x": np.zeros((1, 576), np.float32), "state": np.zeros((2, 1, 128), np.float32)}
    session = opened("fp32")
    convolutions = (129 * 128 + 128 * 64 + 64 * 64 + 64 * 128) * 3 + 128 + 64 + 64 + 128
    recurrence, last = 4 * 128 * (128 + 128 + 2), 128 + 1
    assert session.contents().parameter_count == convolutions + recurrence + last
    probability = session.call(silence)["output0"]
    assert probability.shape == (1, 1)
    assert 0 < probability.item() < 0.5
    with pytest.raises(Unsupported) as refused:
        opened("fp16").call(silence)
    assert refused.value.reason is Reason.NO_RECIPE
