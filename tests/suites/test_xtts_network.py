"""XTTS v2 as this project builds it: the published counts, the same audio whole or streamed, nothing kept between."""

import hashlib
import math
import re
from functools import partial

import numpy as np
import pytest
import torch
from torch import nn

from harness.models import Setting
from harness.precisions import torch_count
from suites import xtts_network
from suites.models import xtts
from suites.models.xtts import Line, spoken
from suites.xtts_config import FULL, SAMPLE_RATE, TINY
from suites.xtts_gpt import Cache, Gpt, Stack

LINE = Line("a line", text_tokens=9, audio_tokens=21, voice_frames=30, seed=4)
OTHER = Line("another", text_tokens=14, audio_tokens=17, voice_frames=24, seed=5)
PROJECTION = re.compile(r"c_(attn|proj|fc)\.weight$")
PUBLISHED = {
    "GPT-2 stack": 377_888_768,
    "conditioning": 25_285_632,
    "perceiver": 21_014_184,
    # Text and audio embeddings, their places, a norm and two heads with biases.
    "embeddings and heads": 1024 * (2 * (6681 + 1026) + 404 + 608 + 2) + 6681 + 1026,
    "vocoder": 17_827_808,
    "speaker encoder": 8_028_492,
}


@pytest.fixture(scope="module")
def network():
    made = xtts_network.skeleton(TINY)
    xtts_network.fill(made, 0)
    return made


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def inputs(line):
    return {name: torch.from_numpy(array) for name, array in spoken(line, TINY).items()}


def whole(network, line):
    with torch.inference_mode():
        return network(**inputs(line))


def call(network, arrays):
    with torch.inference_mode():
        given = network(**{name: torch.from_numpy(np.asarray(array)) for name, array in arrays.items()})
    return {name: tensor.numpy() for name, tensor in given.items()}


def streamed(network, line, chunk):
    return list(xtts._stream(chunk, partial(call, network), spoken(line, TINY)))


def test_the_full_model_has_the_published_parameters_in_every_part():
    with torch.device("meta"):
        counted = torch_count.count_by_part(xtts_network.XttsNetwork(FULL), {"kind": "cast"})
    assert counted == PUBLISHED
    assert sum(counted.values()) == 466_874_863


def test_all_that_is_not_weight_normed_are_453_235_823():
    with torch.device("meta"):
        named = xtts_network.XttsNetwork(FULL).named_parameters()
        assert sum(each.numel() for name, each in named if "parametrizations" not in name) == 453_235_823


def test_the_declared_size_is_that_of_all_parameters_in_fp32():
    for model, config in zip(xtts.MODELS, (TINY, TINY, FULL, FULL), strict=True):
        with torch.device("meta"):
            count = sum(each.numel() for each in xtts_network.XttsNetwork(config).parameters())
        assert model.size_bytes == 4 * count


def test_two_builds_are_equal_to_the_bit_and_two_seeds_are_not(network):
    def digest(built):
        total = hashlib.sha256()
        for name, tensor in built.state_dict().items():
            total.update(name.encode())
            total.update(tensor.numpy().tobytes())
        return total.hexdigest()

    same, other = xtts_network.skeleton(TINY), xtts_network.skeleton(TINY)
    xtts_network.fill(same, 0)
    xtts_network.fill(other, 1)
    assert digest(same) == digest(network) != digest(other)


def test_a_skeleton_leaves_no_buffer_to_chance():
    for name, buffer in xtts_network.skeleton(TINY).named_buffers():
        expected = {"running_mean": 0, "running_var": 1, "num_batches_tracked": 0}[name.rpartition(".")[2]]
        assert (buffer == expected).all(), name


@pytest.mark.parametrize("line", [LINE, OTHER], ids=lambda line: line.id)
def test_every_token_makes_its_share_of_24_khz_audio_and_one_row_of_logits(network, line):
    given = whole(network, line)
    frames = math.floor(4 * line.audio_tokens * SAMPLE_RATE / 22_050)
    assert given["audio"].shape == (1, 256 * frames)
    assert given["logits"].shape == (line.audio_tokens, TINY.audio_vocabulary)
    assert given["voice"].norm().item() == pytest.approx(1, abs=1e-5)


def test_random_weights_are_heard_from_the_first_moment_and_do_not_clip(network):
    audio = whole(network, LINE)["audio"]
    assert 0.02 < audio.std().item() < 0.6
    assert audio[:, : SAMPLE_RATE // 100].abs().max() > 0.01
    assert audio.abs().max() < 0.99


@pytest.mark.parametrize("chunk", [1, 6, 8, 21, 50])
def test_a_stream_says_what_the_whole_says_to_the_last_sample(network, chunk):
    chunks, at_once = streamed(network, LINE, chunk), whole(network, LINE)
    assert len(chunks) == math.ceil(LINE.audio_tokens / chunk)
    audio = np.concatenate([one["audio"] for one in chunks], axis=1)
    np.testing.assert_allclose(audio, at_once["audio"].numpy(), atol=1e-5)
    np.testing.assert_allclose(chunks[-1]["logits"], at_once["logits"].numpy(), atol=1e-5)
    np.testing.assert_allclose(chunks[-1]["voice"], at_once["voice"].numpy(), atol=1e-6)


def test_the_first_chunk_is_there_before_the_others_and_holds_sound(network):
    first, *rest = streamed(network, LINE, 8)
    assert 0 < first["audio"].size < sum(one["audio"].size for one in rest)
    assert first.keys() == {"audio"}, "what is compared with fp32 comes once, with the last"


def test_no_less_is_kept_back_than_what_later_tokens_change(network):
    unsettled = network.hifigan_decoder.unsettled
    torch.manual_seed(0)
    latents, voice = torch.randn(1, 12, TINY.width), torch.randn(1, TINY.voice_width)
    with torch.inference_mode():
        short = network.hifigan_decoder(latents[:, :9], voice)
        long = network.hifigan_decoder(latents, voice)[:, : short.shape[1]]
    changed = (short - long).abs()[0] > 1e-5
    last_equal = int(changed.nonzero()[0])
    assert short.shape[1] - unsettled <= last_equal
    assert short.shape[1] - last_equal > unsettled / 4, "more is kept back than the network looks ahead by far"


def test_an_example_knows_nothing_of_the_one_before(network):
    alone = [one["audio"] for one in streamed(network, OTHER, 8)]
    begun = {**spoken(LINE, TINY), "chunk_tokens": np.array(8)}
    call(network, begun)  # broken off after its first chunk
    for before, after in zip(alone, streamed(network, OTHER, 8), strict=True):
        np.testing.assert_array_equal(after["audio"], before)
    call(network, begun)
    whole(network, OTHER)
    with pytest.raises(ValueError, match="no more to say"):
        call(network, {"more": np.array(1)})


def test_a_stream_that_has_ended_says_no_more(network):
    streamed(network, LINE, 8)
    with pytest.raises(ValueError, match="no more to say"):
        call(network, {"more": np.array(1)})


def test_the_cache_gives_what_a_full_recomputation_gives(network):
    gpt = network.gpt
    with torch.inference_mode():
        given = inputs(LINE)
        prompt = gpt.prompt(given["conditioning_mel"], given["text_ids"])
        fed = gpt.inputs(given["audio_ids"])
        cache = Cache(TINY, prompt.shape[1] + fed.shape[1], prompt)
        gpt.latents(prompt, cache)
        for place in range(fed.shape[1]):
            step = gpt.latents(fed[:, place : place + 1], cache)
            again = gpt.latents(torch.cat((prompt, fed[:, : place + 1]), dim=1))[:, -1:]
            torch.testing.assert_close(step, again, atol=1e-5, rtol=0)


def test_a_token_is_told_of_those_before_it_and_of_none_behind(network):
    given = inputs(LINE)
    with torch.inference_mode():
        before = network(**given)["logits"]
        given["audio_ids"][0, 10] = (given["audio_ids"][0, 10] + 1) % TINY.start_audio
        after = network(**given)["logits"]
    assert torch.equal(before[:11], after[:11])
    assert not torch.allclose(before[11], after[11])


@pytest.mark.parametrize("changed", ["text_ids", "conditioning_mel", "speaker_mel"])
def test_what_is_said_depends_on_text_and_voice(network, changed):
    given = inputs(LINE)
    before = whole(network, LINE)
    given[changed] = inputs(OTHER)[changed]
    with torch.inference_mode():
        after = network(**given)
    assert not torch.allclose(before["audio"], after["audio"], atol=1e-3)
    assert torch.equal(before["logits"], after["logits"]) == (changed == "speaker_mel")


def test_the_stack_is_gpt_2s():
    transformers = pytest.importorskip("transformers")
    config = transformers.GPT2Config(vocab_size=1, n_positions=1, n_embd=64, n_layer=2, n_head=4)
    torch.manual_seed(0)
    theirs = transformers.GPT2Model(config).eval()
    # XTTS takes these two away; zeros do the same.
    theirs.wpe = nn.Embedding.from_pretrained(torch.zeros(40, 64))
    ours = Stack(TINY).eval()
    state = {
        name: tensor.t() if PROJECTION.search(name) else tensor
        for name, tensor in theirs.state_dict().items()
        if not name.startswith(("wte", "wpe"))
    }
    ours.load_state_dict(state)
    hidden = torch.randn(1, 40, 64)
    with torch.inference_mode():
        expected = theirs(inputs_embeds=hidden, use_cache=False).last_hidden_state
        torch.testing.assert_close(ours(hidden), expected, atol=1e-5, rtol=1e-5)


def test_no_projection_of_the_stack_escapes_what_quantizes_linear(network):
    projections = [
        part for name, part in network.gpt.gpt.named_modules() if name.endswith(("c_attn", "c_proj", "c_fc"))
    ]
    assert len(projections) == 4 * TINY.layers
    assert {type(part) for part in projections} == {nn.Linear}


def test_int8_dynamic_converts_seven_eighths_of_the_full_model():
    with torch.device("meta"):
        network = xtts_network.XttsNetwork(FULL)
    linear = sum(
        each.numel() for part in network.modules() if type(part) is nn.Linear for each in part.parameters(recurse=False)
    )
    assert linear / 466_874_863 == pytest.approx(7 / 8, abs=0.005)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_halves_say_the_same_as_singles_within_what_rounding_costs(network, dtype):
    half = xtts_network.skeleton(TINY)
    half.load_state_dict(network.state_dict())
    half.to(dtype)
    given = {name: tensor.to(dtype) if tensor.is_floating_point() else tensor for name, tensor in inputs(LINE).items()}
    with torch.inference_mode():
        found = half(**given)
    expected = whole(network, LINE)
    for name in ("audio", "logits", "voice"):
        assert found[name].dtype == dtype
        noise = (found[name].float() - expected[name]).square().mean() / expected[name].square().mean()
        assert noise < (1e-3 if dtype == torch.float16 else 1e-2), name


def test_squares_out_of_the_range_of_halves_do_not_spoil_the_voice(network):
    loud, half = (xtts_network.skeleton(TINY) for _ in range(2))
    loud.load_state_dict(network.state_dict())
    loud.hifigan_decoder.speaker_encoder.layer4[-1].bn2.weight.mul_(1000)
    half.load_state_dict(loud.state_dict())
    mel = inputs(LINE)["speaker_mel"]
    with torch.inference_mode():
        expected = loud.hifigan_decoder.speaker_encoder(mel)
        found = half.half().hifigan_decoder.speaker_encoder(mel.half())
    assert torch.cosine_similarity(found.float(), expected).item() > 0.999


@pytest.mark.parametrize(
    ("broken", "complaint"),
    [
        ({"text_ids": torch.zeros(1, 0, dtype=torch.int64)}, "one token or more"),
        ({"audio_ids": torch.zeros(1, 0, dtype=torch.int64)}, "one token or more"),
        ({"chunk_tokens": torch.tensor(0)}, "a chunk has one token or more, not 0"),
    ],
    ids=["text", "audio", "chunk"],
)
def test_nothing_is_said_of_zero_length(network, broken, complaint):
    with pytest.raises(ValueError, match=complaint):
        network(**{**inputs(LINE), **broken})


def test_the_mel_places_and_text_places_suffice_for_the_longest_line():
    with torch.device("meta"):
        gpt = Gpt(TINY)
    assert gpt.text_pos_embedding.emb.num_embeddings >= TINY.most_text + 2
    assert gpt.mel_pos_embedding.emb.num_embeddings >= TINY.most_audio


def test_models_are_made_with_their_seed():
    model = xtts.MODELS[0]
    one, other = (model.reference(Setting(made=None, seed=seed)) for seed in (0, 1))
    assert one.identity != other.identity
    assert one.provenance == "random weights (seed 0), made by suites/seeded.py"
