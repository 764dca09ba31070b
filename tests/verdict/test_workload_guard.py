"""What both sides made, and times judged for as much of it. The numbers of pairs are those of `test_verdict`."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.comparisons import Clock, Duel, Outcome, Pair, Verdict
from harness.metrics import METRICS
from harness.scores import Quality
from harness.verdict.times import LATENCY, judge_duel, standing
from harness.verdict.work import for_as_much, work_between, work_ratio
from tests.comparisons_samples import FASTER, NONE_SEEN, RATE, SLOWER, around, duel, own_margin, slowed, swapped
from tests.quality_samples import quality, score

SHOWN = st.sampled_from((SLOWER, FASTER, NONE_SEEN, 0.02, -0.02))


def making(one: Duel, old: float, new: float, reading: str = "audio_seconds") -> Duel:
    """The duel whose sides made so much in every pair."""

    def made(pair: Pair) -> Pair:
        sides = ((pair.old, old), (pair.new, new))
        return replace(
            pair,
            **{
                name: replace(side, values={**side.values, reading: value})
                for name, (side, value) in zip(("old", "new"), sides, strict=True)
            },
        )

    return replace(one, pairs=tuple(made(pair) for pair in one.pairs))


def judged(one: Duel, metric: str = LATENCY) -> Verdict:
    (found,) = (verdict for verdict in judge_duel(one, own_margin, RATE) if verdict.metric == metric)
    return found


def both(centre: float) -> Duel:
    """Two stages that both show the same."""
    return duel(around(centre), around(centre))


def test_as_much_more_time_for_more_audio_is_no_slowdown() -> None:
    longer = math.log(3.79 / 3.60)
    found = judged(making(slowed(both(NONE_SEEN), longer), 3.60, 3.79))
    assert found.outcome is Outcome.UNCHANGED
    # 3.79 / 3.60 is 1.0528.
    assert "the audio is 5.3 % longer (3.60 → 3.79 s), so it is judged a second of audio" in found.text
    assert found.of == " a second of audio"
    assert "work: 3.6 s of audio → 3.79 s of audio" in [str(one) for one in found.differences]
    # 40 ms on the old side, for 3.6 s of audio.
    assert found.old == pytest.approx(0.04 / 3.6)
    assert found.new == pytest.approx(0.04 / 3.6, rel=0.01)


def deciding(*positive: int) -> Quality:
    return quality(score("positive_share", [(float(one),) for one in positive]))


def hearing(*frames: int) -> Quality:
    return quality(score("frame_agreement", [(float(one), 50.0) for one in frames]))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (deciding(0, 1, 1, 0), deciding(1, 1, 0, 0), "; 2 of 4 decisions are other ones than on the other side"),
        (hearing(50, 50, 50), hearing(50, 44, 50), "; 1 of 3 recordings are heard otherwise than on the other side"),
        (deciding(0, 1), deciding(0, 1), None),
        (deciding(0, 1), deciding(0, 1, 1), None),
        (deciding(0, 1), None, None),
    ],
)
def test_a_time_whose_answers_are_other_ones_says_so(old: Quality, new: Quality | None, said: str | None) -> None:
    plain = judged(both(NONE_SEEN))
    found = judged(replace(both(NONE_SEEN), old_quality=old, new_quality=new))
    assert found.outcome is plain.outcome
    assert found.text == plain.text + (said or "")
    assert [one.key for one in found.differences] == (["answers"] if said else [])


def test_less_time_for_less_audio_is_no_speedup() -> None:
    found = judged(making(slowed(both(NONE_SEEN), math.log(0.5)), 4.0, 2.0))
    assert (found.outcome, found.ratio) == (Outcome.UNCHANGED, pytest.approx(1.0, abs=0.01))
    assert "the audio is 50.0 % shorter (4.00 → 2.00 s)" in found.text


def test_the_same_time_for_less_audio_is_slower() -> None:
    found = judged(making(both(NONE_SEEN), 4.0, 3.6))
    assert found.outcome is Outcome.REGRESSED
    assert found.ratio == pytest.approx(4.0 / 3.6, rel=0.01)


def test_tokens_are_counted_where_no_audio_differs() -> None:
    found = judged(making(making(slowed(both(NONE_SEEN), math.log(1.5)), 20, 30, "tokens_count"), 3.0, 3.0))
    assert found.outcome is Outcome.UNCHANGED
    assert "there are 50.0 % more tokens (20 → 30), so it is judged a token" in found.text
    assert found.of == " a token"


@pytest.mark.parametrize(("old", "new"), [(4.0, 4.0), (4.0, 4.019), (4.0, 3.981)])
def test_work_within_half_a_per_cent_is_the_same(old: float, new: float) -> None:
    one = both(SLOWER)
    assert work_ratio(making(one, old, new)) is None
    assert for_as_much(making(one, old, new)) == making(one, old, new)
    assert judged(making(one, old, new)).text == judged(one).text


def test_what_only_some_pairs_tell_is_not_known() -> None:
    one = making(both(NONE_SEEN), 4.0, 8.0)
    silent = replace(one, pairs=(duel(around(NONE_SEEN)).pairs[0], *one.pairs[1:]))
    assert work_ratio(silent) is None


@pytest.mark.parametrize(("old", "new", "who"), [(4.0, 0.0, "this side"), (0.0, 4.0, "the other side")])
def test_a_side_that_made_nothing_is_neither_faster_nor_slower(old: float, new: float, who: str) -> None:
    found = judged(making(both(FASTER), old, new))
    assert (found.outcome, found.text) == (Outcome.INCONCLUSIVE, f"{who} made no audio: its time is of no work")


def test_what_is_done_once_is_not_divided() -> None:
    values = {"open_seconds": 0.5, "artifact_bytes": 100.0}
    one = duel(around(NONE_SEEN), around(NONE_SEEN))
    filled = replace(
        one,
        pairs=tuple(
            replace(pair, old=replace(pair.old, values=values), new=replace(pair.new, values=values))
            for pair in one.pairs
        ),
    )
    found = {verdict.metric: verdict for verdict in judge_duel(making(filled, 2.0, 4.0), own_margin, RATE)}
    assert found["open_seconds"].outcome is Outcome.UNCHANGED
    assert (found["open_seconds"].of, found["artifact_bytes"].of) == ("", "")
    assert found[LATENCY].of == " a second of audio"


def test_tails_are_of_as_much_work_too() -> None:
    laps = tuple(1.0 + number / 1000 for number in range(200))
    one = duel(around(NONE_SEEN), around(NONE_SEEN))
    slow = replace(
        one,
        pairs=tuple(
            replace(pair, old_laps=laps, new_laps=tuple(2 * lap for lap in laps)) for pair in (*one.pairs, *one.pairs)
        ),
    )
    tail = judged(making(slow, 2.0, 4.0), "latency_p95_seconds")
    assert (tail.outcome, tail.of) == (Outcome.UNCHANGED, " a second of audio")
    assert judged(slow, "latency_p95_seconds").outcome is not Outcome.UNCHANGED


@given(SHOWN, st.floats(0.2, 5.0), st.floats(0.5, 20.0))
def test_as_much_more_work_and_time_leave_the_outcome_as_it_was(centre: float, times: float, audio: float) -> None:
    plain = making(both(centre), audio, audio)
    scaled = making(slowed(both(centre), math.log(times)), audio, audio * times)
    assert judged(scaled).outcome is judged(plain).outcome
    assert standing(scaled, own_margin, RATE).next_stage == standing(plain, own_margin, RATE).next_stage


@given(SHOWN, st.floats(0.5, 20.0), st.floats(0.5, 20.0))
def test_swapping_the_sides_turns_the_work_around(centre: float, old: float, new: float) -> None:
    one = making(both(centre), old, new)
    there, back = work_ratio(one), work_ratio(swapped(one))
    assert (there is None) == (back is None)
    if there is not None and back is not None:
        assert there.ratio * back.ratio == pytest.approx(1)
        assert for_as_much(for_as_much(one)) == for_as_much(one)


def test_each_pair_is_divided_by_what_it_made() -> None:
    """Lengths drawn at random differ from pair to pair; what they add is taken from each."""
    one = both(NONE_SEEN)
    lengths = [1.0 + number / 10 for number in range(len(one.pairs))]
    drawn = replace(
        one,
        pairs=tuple(
            making(slowed(replace(one, pairs=(pair,)), math.log(times)), 1.0, times).pairs[0]
            for pair, times in zip(one.pairs, lengths, strict=True)
        ),
    )
    found = for_as_much(drawn)
    assert [pair.log_ratios[Clock.WALL] for pair in found.pairs] == pytest.approx(
        [pair.log_ratios[Clock.WALL] for pair in one.pairs]
    )
    assert judged(drawn).outcome is Outcome.UNCHANGED


def test_the_metrics_that_work_is_told_by_are_known() -> None:
    for reading in ("audio_seconds", "tokens_count"):
        work = work_between({reading: 1.0}.get, {reading: 2.0}.get)
        assert work is not None
        assert {work.metric, work.reading} <= METRICS.keys()
