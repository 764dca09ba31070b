"""Chatterbox as a module: its published sizes and names, and what each part computes, on the tiny one or by hand."""

import math

import pytest
import torch
from torch import nn
from transformers import LlamaConfig
from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding

from harness.errors import WorkloadProblem
from suites import chatterbox_t3
from suites.chatterbox_config import FULL, START_SPEECH, STOP_SPEECH, TINY
from suites.chatterbox_conformer import by_distance, distances
from suites.chatterbox_flow import Matching, moments
from suites.chatterbox_network import S3GEN, Chatterbox, fill, skeleton
from suites.chatterbox_t3 import Rotations
from suites.chatterbox_vocoder import FRAME, _Source
from suites.chatterbox_voice import SpeechTokenizer


@pytest.fixture(scope="module")
def network() -> Chatterbox:
    return filled(0)


def filled(seed: int) -> Chatterbox:
    made = skeleton(TINY)
    fill(made, seed)
    return made


@pytest.fixture(scope="module")
def full() -> Chatterbox:
    with torch.device("meta"):
        return Chatterbox(FULL)


@pytest.fixture(autouse=True)
def _no_gradients():
    with torch.inference_mode():
        yield


def heard(seed: int = 1, tokens: int = 10) -> dict[str, torch.Tensor]:
    draw = torch.Generator().manual_seed(seed)
    shapes = {"flow_mels": (2 * tokens, 16), "energies": (4 * tokens, 40), "bank": (4 * tokens, 80)}
    given = {name: torch.randn(1, *shape, generator=draw) for name, shape in shapes.items()}
    return {**given, "voice_mels": torch.randn(1, 128, 4 * tokens, generator=draw)}


def spoken(count: int = 5) -> dict[str, torch.Tensor]:
    return {"text_ids": torch.tensor([[70, 71, 72]]), "speech_ids": torch.arange(100, 100 + count)[None]}


def count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def test_the_full_size_has_the_published_parameters_part_by_part(full):
    assert count(full.t3) == 532_405_248
    assert sum(count(getattr(full, name)) for name in S3GEN) == 263_933_767
    # an LSTM of three layers on 40 bands, 256 wide, each with two biases; a projection; two scalars of the training
    gates = 4 * 256
    assert count(full.ve) == gates * (40 + 256 + 2) + 2 * gates * (256 + 256 + 2) + 256 * 256 + 256 + 2


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("t3.tfmr.layers.29.mlp.down_proj.weight", (1024, 4096)),
        ("t3.tfmr.embed_tokens.weight", (8, 1024)),
        ("t3.text_pos_emb.emb.weight", (2050, 1024)),
        ("t3.cond_enc.perceiver.pre_attention_query", (1, 32, 1024)),
        ("t3.cond_enc.emotion_adv_fc.weight", (1024, 1)),
        ("ve.lstm.weight_hh_l2", (1024, 256)),
        ("tokenizer.encoder.blocks.5.attn.fsmn_block.weight", (1280, 1, 31)),
        ("tokenizer.quantizer._codebook.project_down.weight", (8, 1280)),
        ("speaker_encoder.xvector.tdnn.linear.weight", (128, 320, 5)),
        ("speaker_encoder.xvector.block1.tdnnd1.cam_layer.linear1.weight", (64, 128, 1)),
        ("speaker_encoder.xvector.dense.linear.weight", (192, 1024, 1)),
        ("flow.decoder.estimator.mid_blocks.0.0.block1.block.0.weight", (256, 256, 3)),
        ("flow.decoder.estimator.final_proj.weight", (80, 256, 1)),
        ("mel2wav.source_resblocks.0.convs1.0.parametrizations.weight.original0", (256, 1, 1)),
    ],
)
def test_tensors_have_the_published_names_and_shapes(full, name, shape):
    assert full.state_dict()[name].shape == shape


def test_no_table_of_the_model_is_counted_or_kept_as_a_weight(full):
    kept = full.state_dict().keys() - dict(full.named_parameters()).keys()
    assert {name.rpartition(".")[2] for name in kept} == {"running_mean", "running_var", "num_batches_tracked"}


def test_with_the_cache_t3_says_what_it_says_without(network):
    t3 = network.t3
    speaker, prompt, text = torch.randn(1, 32), torch.tensor([[1, 2, 3]]), torch.tensor([[7, 8, 9, 10]])
    given = torch.tensor([[11, 12, 13, 14, 15, 16]])
    stepwise = t3(text, speaker, prompt, given=given).logits
    steps = [t3.step(given[:, place], place + 1) for place in range(given.shape[1] - 1)]
    whole = torch.cat([t3.opening(text, speaker, prompt), *steps], dim=1)
    states = t3.tfmr(inputs_embeds=whole, use_cache=False).last_hidden_state[:, -given.shape[1] :]
    at_once = torch.stack([t3.guided(states[:, place]) for place in range(given.shape[1])], dim=1)
    torch.testing.assert_close(stepwise, at_once, atol=1e-4, rtol=1e-4)


def test_the_guiding_row_is_told_the_voice_but_not_the_text(network):
    speaker, prompt = torch.randn(1, 32), torch.tensor([[1, 2, 3]])
    one, other = (network.t3.opening(torch.tensor([text]), speaker, prompt) for text in ([7, 8], [20, 21]))
    # a speaker, 8 queries, an emotion, two ids between their two marks, the start of speech
    assert one.shape == (2, 1 + 8 + 1 + 4 + 1, 64)
    assert torch.equal(one[1], other[1])
    assert torch.equal(one[:, :10], other[:, :10])
    assert not torch.equal(one[0, 11:13], other[0, 11:13])
    assert torch.equal(one[0, :10], one[1, :10])


def test_guidance_leads_away_from_what_is_said_without_the_text(network):
    states = torch.randn(2, 64)
    with_text, without = network.t3.speech_head(states)
    torch.testing.assert_close(network.t3.guided(states)[0], 1.5 * with_text - 0.5 * without)


def test_rotations_are_those_of_llama_3():
    config = LlamaConfig(
        hidden_size=1024,
        num_attention_heads=16,
        head_dim=64,
        max_position_embeddings=131_072,
        rope_parameters={
            "rope_type": "llama3",
            "rope_theta": 500_000.0,
            "factor": 8.0,
            "low_freq_factor": 1.0,
            "high_freq_factor": 4.0,
            "original_max_position_embeddings": 8192,
        },
    )
    states, places = torch.zeros(1, 1, 1024), torch.tensor([[0, 1, 17, 400, 4000]])
    for ours, theirs in zip(Rotations(64)(states, places), LlamaRotaryEmbedding(config)(states, places), strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-3, rtol=0)  # angles of 4000 in 32 bits


def scripted(network: Chatterbox, monkeypatch: pytest.MonkeyPatch, *ids: int) -> None:
    """T3 will find these ids the likeliest, one after the other."""
    script = iter(ids)
    monkeypatch.setattr(network.t3, "guided", lambda _: nn.functional.one_hot(torch.tensor([next(script)]), 8194))


def test_unless_tokens_are_given_t3_speaks_until_it_stops_and_marks_are_not_heard(network, monkeypatch):
    scripted(network, monkeypatch, 5, START_SPEECH, 6, STOP_SPEECH)
    out = network(torch.tensor([[70]]), **heard())
    assert out["logits"].shape[1] == 4
    assert out["audio"].shape == (1, 2 * 2 * FRAME)  # two frames of mel for each of 5 and 6


def test_t3_stops_at_the_latest_where_it_must(network, monkeypatch):
    scripted(network, monkeypatch, 5, 6, 7, 8, 9)
    assert network(torch.tensor([[70]]), **heard(), most=torch.tensor(3))["logits"].shape[1] == 3


def test_t3_that_says_nothing_is_told_in_one_line(network, monkeypatch):
    scripted(network, monkeypatch, STOP_SPEECH)
    with pytest.raises(
        WorkloadProblem, match=r"^T3 stopped before it had said anything; give it another text or voice$"
    ):
        network(torch.tensor([[70]]), **heard())


@pytest.mark.parametrize(
    ("inputs", "told"),
    [
        ({"text_ids": torch.zeros(1, 0, dtype=torch.int64)}, "a text of zero length has nothing to be spoken; give at"),
        ({"text_ids": torch.zeros(1, 401, dtype=torch.int64)}, "a text of 401 ids is longer than the 400 that T3 has"),
        ({"speech_ids": torch.zeros(1, 402, dtype=torch.int64)}, "T3 has places for 401 speech tokens, not 402"),
    ],
    ids=["no text", "long text", "many tokens"],
)
def test_a_length_that_cannot_be_spoken_is_refused_in_one_line(network, inputs, told):
    with pytest.raises(WorkloadProblem, match=told) as refused:
        network(**{**spoken(), **heard(), **inputs})
    assert "\n" not in str(refused.value)


def test_a_frame_attends_by_how_far_the_other_is():
    # a column for every distance, 2 ahead to 2 behind, told by its number: row i wants distance i - j at column j
    scores = torch.arange(5.0).expand(1, 1, 3, 5)
    assert by_distance(scores)[0, 0].tolist() == [[2, 3, 4], [1, 2, 3], [0, 1, 2]]


def test_distances_run_from_the_farthest_ahead_to_the_farthest_behind():
    table = distances(torch.zeros(1, 3, 4))[0]
    assert table.shape == (5, 4)
    torch.testing.assert_close(table[:, 0], torch.tensor([2.0, 1.0, 0.0, -1.0, -2.0]).sin())
    torch.testing.assert_close(table[:, 3], (torch.tensor([2.0, 1.0, 0.0, -1.0, -2.0]) / 100).cos())


def test_the_moments_of_the_flow_are_close_together_at_first():
    assert moments(2) == pytest.approx([0, 1 - math.sqrt(0.5), 1])


def test_the_flow_goes_from_the_noise_where_the_estimator_and_its_guidance_lead(monkeypatch):
    flow = Matching(2, {"width": 8, "heads": 1, "head": 4, "blocks": 1, "middle": 1}, steps=3)
    flow.noise.fill_(10.0)
    asked = []

    def estimator(state, condition, moment):
        asked.append((condition[0].any().item(), condition[1].any().item(), moment))
        return torch.stack([torch.full((2, 4), 2.0), torch.full((2, 4), 1.0)])

    del flow.estimator
    monkeypatch.setattr(flow, "estimator", estimator, raising=False)
    ended = flow(torch.ones(1, 2, 4), torch.ones(1, 2), torch.zeros(1, 2, 4))
    # from 0 to 1 at 2 + 0.7 * (2 - 1) a unit of time
    torch.testing.assert_close(ended, torch.full((1, 2, 4), 10 + 2.7))
    assert [(with_condition, without) for with_condition, without, _ in asked] == [(True, False)] * 3


@pytest.mark.parametrize(("level", "token"), [(-50.0, 0), (0.0, 3280), (50.0, 6560)])
def test_a_speech_token_is_eight_digits_of_three_levels(level, token):
    tokenizer = SpeechTokenizer(width=64, heads=4, layers=1)
    project = tokenizer.quantizer._codebook.project_down
    project.weight.data.zero_()
    project.bias.data.fill_(level)
    assert tokenizer(torch.zeros(1, 128, 40)).tolist() == [[token] * 10]  # a quarter of the frames


def test_a_voice_is_hummed_at_its_pitch():
    source = _Source()
    source.noise.zero_()
    source.l_linear.weight.data.copy_(torch.tensor([[1.0] + [0.0] * 8]))
    source.l_linear.bias.data.zero_()
    hummed = source(torch.full((1, 50), 120.0))[0]
    assert hummed.shape == (24_000,)  # 50 frames are one second
    rising = ((hummed[:-1] < 0) & (hummed[1:] >= 0)).sum().item()
    assert rising in (119, 120)
    assert hummed.abs().max().item() == pytest.approx(math.tanh(0.1), abs=1e-4)


def test_where_there_is_no_pitch_there_is_breath(network):
    breath = network.mel2wav.m_source(torch.zeros(1, 50))
    assert breath.std().item() > 0.001


def test_audio_is_as_long_as_its_tokens_audible_and_hardly_clipped(network):
    out = network(**spoken(12), **heard())
    assert out["audio"].shape == (1, 12 * 2 * FRAME)
    assert out["logits"].shape == (1, 12, 8194)
    assert torch.isfinite(out["audio"]).all()
    assert out["audio"].std() > 0.05
    assert (out["audio"].abs() >= 0.99).float().mean() < 0.02


def test_the_same_seed_speaks_the_same_and_another_does_not(network):
    inputs = {**spoken(), **heard()}
    first = network(**inputs)["audio"]
    assert torch.equal(network(**inputs)["audio"], first)
    assert torch.equal(filled(0)(**inputs)["audio"], first)
    assert not torch.equal(filled(1)(**inputs)["audio"], first)


def test_text_changes_the_logits_and_the_voice_changes_the_audio(network):
    first = network(**spoken(), **heard())
    other_text = network(**{**spoken(), "text_ids": torch.tensor([[40, 41, 42]])}, **heard())
    other_voice = network(**spoken(), **heard(seed=2))
    assert not torch.equal(other_text["logits"], first["logits"])
    assert torch.equal(other_text["audio"], first["audio"])  # the tokens were given
    assert not torch.equal(other_voice["audio"], first["audio"])


def made_of(network: Chatterbox, recorded: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    tokens = network.tokenizer(recorded["voice_mels"])
    return {
        "speaker": network.ve(recorded["energies"]),
        "vector": network.speaker_encoder(recorded["bank"]),
        "prompt_ids": tokens,
        "voice_ids": tokens,
        "emotion": torch.full((1, 1, 1), chatterbox_t3.EMOTION),
        "flow_mels": recorded["flow_mels"],
    }


def test_a_voice_made_before_speaks_like_the_recording_it_was_made_of(network):
    recorded = heard()
    made = network(**spoken(), **made_of(network, recorded))
    torch.testing.assert_close(made["audio"], network(**spoken(), **recorded)["audio"])


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_in_half_precision_the_audio_is_nearly_the_same(network, dtype):
    # of one voice, made in 32 bits: the tokenizer rounds to whole levels, and what is near one half may go either way
    inputs = {**spoken(), **made_of(network, heard(tokens=4))}
    half = filled(0).to(dtype)
    cast = {name: value.to(dtype) if value.is_floating_point() else value for name, value in inputs.items()}
    exact, rounded = network(**inputs), half(**cast)
    for name in ("audio", "logits"):
        noise = (rounded[name].float() - exact[name]).square().mean()
        assert noise < 0.1 * exact[name].square().mean()
