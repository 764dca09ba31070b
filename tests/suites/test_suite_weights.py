"""Weights that come from a seed or from a checkpoint, in modules small enough to check by hand."""

import hashlib
import json
import math

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from harness.errors import CheckpointProblem
from suites import seeded
from suites.checkpoints import checkpoint_file, checkpoint_files, fit, load_into, read_state


def small():
    normed = nn.utils.parametrizations.weight_norm(nn.Conv1d(8, 16, 4), dim=2)
    return nn.Sequential(nn.Linear(300, 400), nn.LayerNorm(400), normed)


def test_the_seeded_block_is_the_same_on_every_machine():
    # all of it is whole numbers until one division, so this digest is a fact and no snapshot of one machine
    digest = hashlib.sha256(seeded.block(0).numpy().astype("<f4").tobytes()).hexdigest()
    assert digest == "99112b3e16e686d32bd0c804a53ee41f876bff8ddec7578222dd1c0ffa98ee9f"


def test_the_block_has_mean_zero_and_variance_one():
    values = seeded.block(3)
    assert abs(values.mean().item()) < 5 / math.sqrt(values.numel())
    assert values.var().item() == pytest.approx(1, abs=0.01)
    assert values.abs().max().item() <= 6.0001  # twelve uniform draws reach six deviations, no more


def test_two_modules_of_one_seed_are_equal_and_of_two_seeds_are_not():
    one, same, other = small(), small(), small()
    for module, seed in ((one, 1), (same, 1), (other, 2)):
        seeded.fill(module, seed)
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), same.parameters(), strict=True))
    assert not torch.equal(one[0].weight, other[0].weight)


def test_no_layer_fades_or_saturates():
    module = small()
    seeded.fill(module, 0)
    linear, norm, convolution = module
    assert linear.weight.std().item() == pytest.approx(1 / math.sqrt(300), rel=0.02)
    assert not linear.bias.any()
    assert (norm.weight == 1).all()
    assert convolution.weight.std().item() == pytest.approx(1 / math.sqrt(8 * 4), rel=0.1)


def test_a_tensor_longer_than_the_block_goes_on_with_its_next_copy():
    module = nn.Embedding(3, 500_003)
    seeded.fill(module, 0)
    flat, values = module.weight.detach().view(-1) * math.sqrt(500_003), seeded.block(0)
    torch.testing.assert_close(flat[: values.numel()], values)
    torch.testing.assert_close(flat[values.numel() :], values[: flat.numel() - values.numel()])


def test_each_tensor_goes_on_in_the_block_where_the_last_one_ended():
    module = nn.Sequential(*(nn.Linear(16, 10, bias=False) for _ in range(3)))
    seeded.fill(module, 0)
    torch.testing.assert_close(module[2].weight.detach().view(-1) * 4, seeded.block(0)[320:480])


@pytest.mark.parametrize("suffix", [".safetensors", ".bin", ".pt"])
def test_a_checkpoint_is_loaded_whatever_its_kind(tmp_path, suffix):
    source, target = small(), small()
    seeded.fill(source, 5)
    path = tmp_path / f"weights{suffix}"
    state = {name: tensor.clone() for name, tensor in source.state_dict().items()}
    save_file(state, path) if suffix == ".safetensors" else torch.save(state, path)
    load_into(target, checkpoint_file(tmp_path))
    assert all(torch.equal(a, b) for a, b in zip(source.parameters(), target.parameters(), strict=True))


def test_a_weight_norm_saved_by_an_older_torch_is_understood(tmp_path):
    source, target = small(), small()
    state = source.state_dict()
    for half, older in (("original0", "weight_g"), ("original1", "weight_v")):
        state[f"2.{older}"] = state.pop(f"2.parametrizations.weight.{half}")
    torch.save(state, tmp_path / "w.pt")
    load_into(target, tmp_path / "w.pt")
    assert torch.equal(source[2].weight, target[2].weight)


def without(state, name):
    return {key: value for key, value in state.items() if key != name}


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda state: without(state, "0.bias"), "w.pt lacks 1 of the model's 7 tensors, first 0.bias; give a check"),
        (lambda state: {**state, "new": torch.ones(1)}, "holds 1 tensors that the model has not, first new; give a"),
        (lambda state: {**state, "0.bias": torch.ones(3)}, r"has 0.bias of shape \(3,\) where the model has \(400,\)"),
        (lambda state: {"model": state}, "holds no plain state dict; save it anew"),
        (lambda state: [*state.values()], "holds no plain state dict; save it anew"),
    ],
    ids=["missing", "foreign", "shape", "nested", "list"],
)
def test_a_checkpoint_of_another_layout_is_refused_in_one_line(tmp_path, change, complaint):
    module = small()
    before = module[0].weight.clone()
    torch.save(change(module.state_dict()), tmp_path / "w.pt")
    with pytest.raises(CheckpointProblem, match=complaint) as caught:
        load_into(module, tmp_path / "w.pt")
    assert "\n" not in str(caught.value)
    assert torch.equal(module[0].weight, before)


class Bomb:
    def __reduce__(self):
        return print, ("a pickle ran code",)


def test_a_pickle_that_would_run_code_is_refused_without_running_it(tmp_path, capsys):
    torch.save({"weight": Bomb()}, tmp_path / "w.pt")
    with pytest.raises(CheckpointProblem, match="cannot be read as weights"):
        load_into(small(), tmp_path / "w.pt")
    assert "a pickle ran code" not in capsys.readouterr().out


@pytest.mark.parametrize("suffix", [".safetensors", ".bin", ".pt"])
@pytest.mark.parametrize("content", [b"", b"no weights at all" * 10], ids=["empty", "text"])
def test_a_file_of_something_else_is_refused_in_one_line(tmp_path, suffix, content):
    path = tmp_path / f"w{suffix}"
    path.write_bytes(content)
    with pytest.raises(CheckpointProblem, match="cannot be read as weights") as caught:
        load_into(small(), path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("files", "asked", "complaint"),
    [
        ((), "w.pt", "there is no checkpoint"),
        (("w.onnx",), "w.onnx", "is not a weights file"),
        (("config.json",), "", "should hold one weights file .* found: none"),
        (("a.bin", "b.safetensors"), "", "found: a.bin, b.safetensors; give the path of the file"),
        (("model.safetensors.index.json",), "", "lists no weights files under weight_map; fetch it again"),
    ],
)
def test_a_path_that_names_no_single_weights_file_is_refused(tmp_path, files, asked, complaint):
    for name in files:
        (tmp_path / name).touch()
    with pytest.raises(CheckpointProblem, match=complaint):
        checkpoint_file(tmp_path / asked)


def whole():
    source = small()
    seeded.fill(source, 5)
    return source, {name: tensor.clone() for name, tensor in source.state_dict().items()}


def write_pretrained(folder, state, kind, shards):
    """What `save_pretrained` leaves: config.json and one file of weights, or several and the index that lists them."""
    stem, suffix = ("model", ".safetensors") if kind == "safetensors" else ("pytorch_model", ".bin")
    save = save_file if kind == "safetensors" else torch.save
    (folder / "config.json").write_text("{}")
    (folder / "training_args.bin").write_bytes(b"not weights")
    if shards == 1:
        save(state, folder / f"{stem}{suffix}")
        return
    names, weight_map = list(state), {}
    for number in range(shards):
        file = f"{stem}-{number + 1:05}-of-{shards:05}{suffix}"
        part = {name: state[name] for name in names[number::shards]}
        save(part, folder / file)
        weight_map |= dict.fromkeys(part, file)
    (folder / f"{stem}{suffix}.index.json").write_text(json.dumps({"metadata": {}, "weight_map": weight_map}))


@pytest.mark.parametrize("shards", [1, 3])
@pytest.mark.parametrize("kind", ["safetensors", "bin"])
def test_a_folder_of_from_pretrained_is_loaded_from_all_its_files(tmp_path, kind, shards):
    source, state = whole()
    write_pretrained(tmp_path, state, kind, shards)
    target = small()
    load_into(target, tmp_path)
    assert len(checkpoint_files(tmp_path)) == shards
    assert all(torch.equal(a, b) for a, b in zip(source.parameters(), target.parameters(), strict=True))


def test_an_index_may_be_given_instead_of_its_folder(tmp_path):
    _, state = whole()
    write_pretrained(tmp_path, state, "safetensors", 2)
    assert set(read_state(tmp_path / "model.safetensors.index.json")) == set(state)


def test_of_a_folder_with_both_kinds_the_safetensors_are_read(tmp_path):
    for name in ("pytorch_model.bin", "model.safetensors"):
        (tmp_path / name).touch()
    assert checkpoint_files(tmp_path) == (tmp_path / "model.safetensors",)


def test_a_shard_that_is_not_there_is_named(tmp_path):
    _, state = whole()
    write_pretrained(tmp_path, state, "safetensors", 3)
    (tmp_path / "model-00002-of-00003.safetensors").unlink()
    with pytest.raises(CheckpointProblem, match=r"names 3 files, 1 of .*, first model-00002-of-00003"):
        checkpoint_files(tmp_path)


def test_one_file_is_asked_of_a_checkpoint_in_several(tmp_path):
    _, state = whole()
    write_pretrained(tmp_path, state, "bin", 2)
    with pytest.raises(CheckpointProblem, match="holds its weights in 2 files"):
        checkpoint_file(tmp_path)


def test_a_state_kept_under_a_key_is_read_from_there(tmp_path):
    source, state = whole()
    torch.save({"model": state, "epoch": 3}, tmp_path / "w.pth")
    target = small()
    load_into(target, tmp_path / "w.pth", key="model")
    assert torch.equal(source[0].weight, target[0].weight)


def test_a_checkpoint_without_the_key_says_what_it_holds(tmp_path):
    torch.save({"net": {}, "epoch": 3}, tmp_path / "w.pth")
    with pytest.raises(CheckpointProblem, match=r"w.pth keeps nothing under 'model' \(it holds net, epoch\); give a"):
        read_state(tmp_path / "w.pth", key="model")


def test_names_of_a_dropped_prefix_are_ignored_and_others_are_not(tmp_path):
    source, state = whole()
    target = small()
    fit(target, {**state, "loss.weight": torch.ones(1)}, tmp_path / "w.pt", drop=("loss.",))
    assert torch.equal(source[0].weight, target[0].weight)
    with pytest.raises(CheckpointProblem, match="holds 1 tensors that the model has not, first lossless"):
        fit(target, {**state, "lossless": torch.ones(1)}, tmp_path / "w.pt", drop=("loss.",))


def tied():
    module = nn.ModuleDict({"embedding": nn.Embedding(5, 4), "head": nn.Linear(4, 5, bias=False)})
    module["head"].weight = module["embedding"].weight
    return module


@pytest.mark.parametrize("kept", ["embedding.weight", "head.weight"])
def test_tied_weights_are_found_under_whichever_name_the_file_keeps(tmp_path, kept):
    module, values = tied(), torch.arange(20.0).view(5, 4)
    fit(module, {kept: values}, tmp_path / "w.pt")
    assert torch.equal(module["embedding"].weight, values)
    assert module["head"].weight is module["embedding"].weight


def test_half_precision_in_the_file_becomes_the_type_of_the_module(tmp_path):
    source, state = whole()
    target = small()
    fit(target, {name: tensor.half() for name, tensor in state.items()}, tmp_path / "w.pt")
    assert target[0].weight.dtype == torch.float32
    torch.testing.assert_close(target[0].weight, source[0].weight, atol=1e-3, rtol=0)
