from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.render.text import clip, encodable, one_line, shorten, visible


@pytest.mark.parametrize(
    ("hidden", "shown"),
    [
        ("\x1b[31m", "\\x1b[31m"),
        ("a\u202eb", "a\\u202eb"),
        ("\x00", "\\x00"),
        ("\ud800", "\\ud800"),
        ("\u2028", "\\u2028"),
    ],
)
def test_what_cannot_be_seen_is_shown_as_its_code(hidden: str, shown: str) -> None:
    assert visible(hidden) == shown


def test_emoji_and_other_scripts_stay() -> None:
    assert visible("👩‍🚀 Größe שלום 音") == "👩‍🚀 Größe שלום 音"


@given(st.text())
def test_a_visible_text_moves_nothing_and_can_be_written(text: str) -> None:
    shown = one_line(text)
    assert not {unicodedata.category(c) for c in shown if c != "\u200d"} & {"Cc", "Cf", "Cs", "Zl", "Zp"}
    shown.encode()


def test_a_long_name_keeps_both_ends() -> None:
    shown = shorten("start" + "x" * 5000 + "end", 20)
    assert len(shown) == 20
    assert shown.startswith("start")
    assert shown.endswith("end")


def test_a_long_sentence_keeps_its_beginning() -> None:
    assert clip("one two three", 8) == "one two…"


def test_what_the_encoding_has_is_left_alone() -> None:
    assert encodable("41.2 ms ±0.6 % ∅", "utf-8") == "41.2 ms ±0.6 % ∅"


def test_a_poor_encoding_gets_stand_ins() -> None:
    assert encodable("● 3 µs ±0.6 % · ≈0.78× – Ж", "ascii") == "* 3 us +/-0.6 % - ~0.78x - \\u0416"
