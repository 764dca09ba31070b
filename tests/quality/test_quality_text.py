"""Tokens and text: n-grams counted by hand, and over corpora the values that sacrebleu gives."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF

from harness.metrics import Pool
from harness.quality import text
from harness.quality.metric import CannotScore, Case
from harness.stats.pooling import pooled

CORPORA = {
    "two sentences": (
        ["The cat sat on the mat.", "It rained all day in Oslo."],
        ["The cat is sitting on the mat.", "It rained the whole day in Oslo!"],
    ),
    "the same": (["We agree, in every word (even here)."], ["We agree, in every word (even here)."]),
    "nothing in common": (["abc def"], ["ghi jkl mno pqr"]),
    "one empty": (["", "a longer one than that"], ["not empty", "a longer one than this"]),
    "punctuation": (
        ["(hi) -- “yes”, 3.5% of $1,200... a b!", "don't 'quote' me: x/y"],
        ['(hi) - "yes", 3.5 % of $1,200 … a b !', "do not “quote” me, x / y."],
    ),
    "other scripts": (["Ça va où? Привет, мир.", "你好 世界 123"], ["Ça va là? Привет мир!", "你好 世界 124"]),
    "longer than wanted": (["one two three four five six seven"], ["one two three"]),
    "shorter than wanted": (["one two three four"], ["one two three four five six seven eight"]),
}

words = st.text(st.sampled_from("ab.,(é "), max_size=24)


def case(written: str | None, wanted: str | None, failed: str | None = None) -> Case:
    return Case("e1", np.zeros(0), None, label=wanted, text=written, failed=failed)


def tokens(output: Sequence[int], reference: Sequence[int] | None, failed: str | None = None) -> Case:
    return Case("e1", np.array(output), None if reference is None else np.array(reference), failed=failed)


def value(pool: Pool, terms: Any, written: Sequence[str], wanted: Sequence[str]) -> float:
    """Nothing wanted at all has no value here; sacrebleu calls that 0."""
    return pooled(pool, [terms(case(*one)) for one in zip(written, wanted, strict=True)]) or 0.0


def test_bleu_counts_ngrams_of_words() -> None:
    """All 5 words; "the cat", "cat sat", "sat on" of 4 pairs; 2 of 3 triples; the first of 2 fours."""
    terms = text.bleu(case("the cat sat on mat", "the cat sat on the mat"))
    assert terms == (5, 6, 5, 5, 3, 4, 2, 3, 1, 2)


def test_chrf_counts_ngrams_of_letters_and_of_words() -> None:
    """Letters "abc" beside "abdc": a, b, c; "ab" alone of ab, bc; no longer one. Words: "c", and no two in common."""
    terms = text.chrf(case("ab c", "abd c"))
    letters = (3, 4, 3, 2, 3, 1, 1, 2, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0)
    assert terms == (*letters, 2, 2, 1, 1, 1, 0)


def test_an_order_that_the_translation_is_too_short_for_counts_nothing() -> None:
    terms = text.chrf(case("abc", "a"))
    assert terms is not None
    assert terms[:6] == (3, 1, 1, 0, 0, 0)


@pytest.mark.parametrize(
    ("written", "apart", "counted"),
    [
        ("word.", "word .", (2, 2, 2)),
        ("(word", "( word", (2, 2, 2)),
        # the mark at the end is taken off, and that at the beginning stays: "(word" is no word of "( word )"
        ("(word)", "( word )", (2, 3, 1)),
        (".", ".", (1, 1, 1)),
        # no mark of ASCII
        ("word…", "word …", (1, 2, 0)),
    ],
)
def test_one_mark_is_taken_off_a_word(written: str, apart: str, counted: tuple[int, int, int]) -> None:
    terms = text.chrf(case(written, apart))
    assert terms is not None
    assert terms[18:21] == counted


@pytest.mark.parametrize("corpus", CORPORA.values(), ids=CORPORA)
def test_bleu_of_a_corpus_is_that_of_sacrebleu(corpus: tuple[list[str], list[str]]) -> None:
    expected = BLEU().corpus_score(corpus[0], [corpus[1]]).score
    assert value(Pool.BLEU, text.bleu, *corpus) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("corpus", CORPORA.values(), ids=CORPORA)
def test_chrf_of_a_corpus_is_that_of_sacrebleu(corpus: tuple[list[str], list[str]]) -> None:
    expected = CHRF(word_order=2).corpus_score(corpus[0], [corpus[1]]).score
    assert value(Pool.CHRF, text.chrf, *corpus) == pytest.approx(expected, abs=1e-9)


@given(st.lists(st.tuples(words, words), min_size=1, max_size=4))
def test_whatever_was_written_the_values_are_those_of_sacrebleu(corpus: list[tuple[str, str]]) -> None:
    written, wanted = (list(side) for side in zip(*corpus, strict=True))
    bleu, chrf = BLEU().corpus_score(written, [wanted]).score, CHRF(word_order=2).corpus_score(written, [wanted]).score
    assert value(Pool.BLEU, text.bleu, written, wanted) == pytest.approx(bleu, abs=1e-9)
    assert value(Pool.CHRF, text.chrf, written, wanted) == pytest.approx(chrf, abs=1e-9)


@pytest.mark.parametrize("terms", [text.bleu, text.chrf])
def test_text_without_a_translation_and_tokens_without_text_have_no_terms(terms: Any) -> None:
    assert terms(case("a b", None)) is None
    assert terms(case(None, "a b")) is None


@pytest.mark.parametrize("terms", [text.bleu, text.chrf])
def test_a_translation_that_failed_counts_as_nothing_written(terms: Any) -> None:
    assert terms(case(None, "a b", failed="out of memory")) == terms(case("", "a b"))


def test_without_sacrebleu_bleu_says_how_to_get_it_and_chrf_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("sacrebleu", "sacrebleu.metrics", "sacrebleu.metrics.bleu"):
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(CannotScore, match=r'pip install "quantgate\[text\]"'):
        text.bleu(case("a b", "a b"))
    assert text.chrf(case("a b", "a b")) is not None


def test_bleu_names_what_its_value_hangs_on() -> None:
    bleu = next(metric for metric in text.METRICS if metric.metric.name == "bleu")
    assert bleu.note is not None
    assert bleu.note().startswith("sacrebleu 2.")
    assert BLEU().tokenizer_signature in bleu.note()
    assert BLEU().smooth_method in bleu.note()


@pytest.mark.parametrize(
    ("output", "reference", "terms"),
    [
        ([1, 2, 3, 4], [1, 2, 9, 4], (3.0, 4.0)),
        # a token more or less is a position that does not agree
        ([1, 2], [1, 2, 3, 4], (2.0, 4.0)),
        ([1, 2, 3, 4], [1, 2], (2.0, 4.0)),
        ([], [1, 2], (0.0, 2.0)),
        ([], [], None),
        ([1], None, None),
    ],
)
def test_tokens_agree_position_by_position(
    output: list[int], reference: list[int] | None, terms: tuple[float, float] | None
) -> None:
    assert text.token_agreement(tokens(output, reference)) == terms


def test_tokens_that_did_not_come_agree_with_none() -> None:
    assert text.token_agreement(tokens([], [1, 2, 3], failed="killed")) == (0.0, 3.0)


@given(st.lists(st.integers(0, 3), max_size=9), st.lists(st.integers(0, 3), max_size=9))
def test_agreement_does_not_care_which_is_the_reference(one: list[int], other: list[int]) -> None:
    assert text.token_agreement(tokens(one, other)) == text.token_agreement(tokens(other, one))
