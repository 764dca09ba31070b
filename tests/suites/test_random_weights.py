"""Every model without a checkpoint has the weights it has everywhere; told by their digest."""

import hashlib

import pytest

from harness.models import Setting
from suites.models import chatterbox, nllb, smart_turn_v2, voice_pipeline, xtts

TINY = {
    model.name: model
    for module in (chatterbox, nllb, smart_turn_v2, voice_pipeline, xtts)
    for model in module.MODELS
    if model.size == "tiny"
}
DIGESTS = {
    "chatterbox-tiny": "72bb75576e04ce703299608e83bb366632cbfeebfc6f26be9fe8a1fd05e94694",
    "chatterbox-long-tiny": "72bb75576e04ce703299608e83bb366632cbfeebfc6f26be9fe8a1fd05e94694",
    "nllb-600m-tiny": "8c604416551e7269065394b6ba9e6c98bd44309b053b9cb31ae04a4b62c40b50",
    "smart-turn-v2-tiny": "0e148b3427b184a10af8ec397d71a439f6c2f02f3ad8148fa49c6601057cc58a",
    "voice-pipeline-tiny": "d1a1bc924bc0b18be0e7e9dc24d0546d53c82f7a201c95d1e232b8a7fa1596ab",
    "xtts-v2-tiny": "6b2b92f3b5d7c66b7135a562d60b667cf939e9472d17a23d8dc5330ffe629d82",
    "xtts-v2-stream-tiny": "6b2b92f3b5d7c66b7135a562d60b667cf939e9472d17a23d8dc5330ffe629d82",
}


def digest(module):
    """Of every weight by its name: whole numbers until one division and one product, so the same on every machine."""
    total = hashlib.sha256()
    for name, tensor in sorted(module.named_parameters()):
        total.update(name.encode())
        total.update(tensor.detach().numpy().astype("<f4").tobytes())
    return total.hexdigest()


def test_no_tiny_model_is_left_out():
    assert DIGESTS.keys() == TINY.keys()


@pytest.mark.parametrize("name", TINY)
def test_random_weights_are_the_same_on_every_machine(name, tmp_path):
    reference = TINY[name].reference(Setting(made=tmp_path))
    module = reference.skeleton()
    reference.fill(module)
    assert digest(module) == DIGESTS[name]
