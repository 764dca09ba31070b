"""Errors of words and characters, counted by hand; and which recogniser hears. Real hearing is in tests/e2e."""

import sys
from importlib.metadata import EntryPoint
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.quality import hearing
from harness.quality.metric import CannotScore, Case

texts = st.text(alphabet="ab c", max_size=12)
LOUD = np.random.default_rng(0).standard_normal(2205) * 0.1


class Parrot:
    """Says the same whatever it hears, and counts how often it was asked."""

    def __init__(self, says: str = "turn left there") -> None:
        self.says = says
        self.rates: list[int] = []

    def transcribe(self, samples: Any) -> str:
        self.rates.append(samples.size)
        return self.says


@pytest.fixture
def parrot(monkeypatch: pytest.MonkeyPatch) -> Parrot:
    parrot = Parrot()
    own = hearing.Ear(parrot, "parrot 1.0")
    monkeypatch.setattr(hearing, "ear", lambda: own)
    return parrot


def spoken(output: Any = LOUD, label: str | None = "Turn left here.", failed: str | None = None) -> Case:
    return Case("e1", output, label=label, sample_rate=22_050, failed=failed)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Yes, of course.", ("yes", "of", "course")),
        ("It\u2019s Bob's — \u201cwell-known\u201d!", ("it's", "bob's", "well", "known")),
        ("  'quoted'  words\n", ("quoted", "words")),
        ("Über alle_s", ("über", "alle", "s")),
        ("... !", ()),
    ],
)
def test_a_text_is_its_words_without_case_and_punctuation(text: str, words: tuple[str, ...]) -> None:
    assert hearing.words(text) == words


@pytest.mark.parametrize(
    ("wanted", "found", "of_words", "of_characters"),
    [
        ("Turn left here.", "turn left here", (0, 3), (0, 14)),
        ("Turn left here.", "turn left there", (1, 3), (1, 14)),  # one word, one letter
        ("Turn left here.", "left", (2, 3), (10, 14)),  # what goes: "turn " and " here"
        ("Turn left here.", "", (3, 3), (14, 14)),
        ("Yes.", "yes it is", (2, 1), (6, 3)),  # more errors than words
        ("turn left here", "left turn here", (2, 3), (8, 14)),  # each of two words by four letters
        ("kitten", "sitting", (1, 1), (3, 6)),
    ],
)
def test_errors_are_counted_beside_what_was_to_be_said(
    wanted: str, found: str, of_words: tuple[int, int], of_characters: tuple[int, int]
) -> None:
    assert hearing.word_errors(wanted, found) == of_words
    assert hearing.character_errors(wanted, found) == of_characters


def test_a_text_without_words_is_no_reference() -> None:
    assert hearing.word_errors("...", "yes") is None
    assert hearing.character_errors("", "yes") is None


@given(texts, texts, texts)
def test_the_count_of_edits_is_a_distance(one: str, other: str, third: str) -> None:
    between = hearing.edits(one, other)
    assert between == hearing.edits(other, one)
    assert (between == 0) == (one == other)
    assert abs(len(one) - len(other)) <= between <= max(len(one), len(other))
    assert hearing.edits(one, third) <= between + hearing.edits(other, third)


def test_words_and_characters_cost_one_hearing_at_16_kilohertz(parrot: Parrot) -> None:
    assert hearing.word_error_rate(spoken()) == (1.0, 3.0)
    assert hearing.character_error_rate(spoken()) == (1.0, 14.0)
    assert parrot.rates == [1600]
    hearing.word_error_rate(spoken(LOUD * 0.5))
    assert parrot.rates == [1600, 1600]


@pytest.mark.parametrize(
    "nothing",
    [spoken(np.zeros(0), failed="it raised"), spoken(np.zeros(0)), spoken(np.zeros(2205)), spoken(LOUD * np.nan)],
    ids=["failed", "empty", "silent", "not finite"],
)
def test_where_nothing_is_audible_every_word_is_an_error_without_a_hearing(parrot: Parrot, nothing: Case) -> None:
    assert hearing.word_error_rate(nothing) == (3.0, 3.0)
    assert hearing.character_error_rate(nothing) == (14.0, 14.0)
    assert parrot.rates == []


def test_without_a_text_there_is_nothing_to_count(parrot: Parrot) -> None:
    assert hearing.word_error_rate(spoken(label=None)) is None
    assert hearing.character_error_rate(spoken(label=None)) is None
    assert parrot.rates == []


@pytest.fixture
def offered(monkeypatch: pytest.MonkeyPatch) -> list[EntryPoint]:
    """What packages offer as recognisers; the choice is made anew."""
    module = ModuleType("parrots")
    module.Parrot = Parrot  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "parrots", module)
    entries: list[EntryPoint] = []
    monkeypatch.setattr(hearing, "entry_points", lambda group: entries if group == hearing.RECOGNISERS_GROUP else [])
    monkeypatch.setattr(hearing, "ear", hearing.ear.__wrapped__)
    return entries


def entry(name: str, value: str) -> EntryPoint:
    return EntryPoint(name, value, hearing.RECOGNISERS_GROUP)


def test_the_first_recogniser_by_name_that_a_package_offers_is_taken(offered: list[EntryPoint]) -> None:
    offered += [entry("zebra", "nowhere:Zebra"), entry("parrot", "parrots:Parrot")]
    assert hearing.ear().name == "parrot, parrots:Parrot"
    assert hearing.ear().text(spoken()) == "turn left there"


def test_a_recogniser_that_does_not_load_is_named(offered: list[EntryPoint]) -> None:
    offered.append(entry("zebra", "nowhere:Zebra"))
    with pytest.raises(CannotScore, match=r"the recogniser 'zebra' of nowhere:Zebra does not load: .* mend or"):
        hearing.word_error_rate(spoken())


def test_without_any_recogniser_the_next_step_is_said(
    offered: list[EntryPoint], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pocketsphinx", None)
    with pytest.raises(CannotScore, match=r'no recogniser is installed .* pip install "quantgate\[speech\]"'):
        hearing.word_error_rate(spoken())


class Moody(Parrot):
    """Hears something else every time."""

    def transcribe(self, samples: Any) -> str:
        return f"{super().transcribe(samples)} {len(self.rates)}"


@pytest.mark.parametrize(
    ("recogniser", "problem"),
    [
        (Parrot("some words"), "hears 'some words' whatever the noise"),
        (Parrot("turn left here"), "hears in noise what was never said"),
        (Moody(), "and in the same samples after others"),
        (Parrot(""), None),  # takes no signal made here for words; then nothing more can be said of it
    ],
)
def test_a_recogniser_that_does_not_listen_fails_the_check(
    monkeypatch: pytest.MonkeyPatch, recogniser: Parrot, problem: str | None
) -> None:
    own = hearing.Ear(recogniser, "parrot 1.0")
    monkeypatch.setattr(hearing, "ear", lambda: own)
    found = hearing.self_check.__wrapped__()
    assert found is None if problem is None else problem in found


def test_the_score_names_who_heard(parrot: Parrot) -> None:
    assert [metric.note() for metric in hearing.METRICS if metric.note] == ["heard by parrot 1.0"] * 2
