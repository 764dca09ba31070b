"""Text for the translator: its sentences, and the tokenizer between words and ids. Imports transformers when asked.

The published vocabulary is in no package. Without a checkpoint one is made here, of the same size and with languages
in the same places: each word of this project's sentences is one token, as a frequent word is in the published one, and
all other ids are made-up words. With a checkpoint it is the tokenizer that lies beside the weights.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import islice, product
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.errors import CheckpointProblem, WorkloadProblem
from suites.installed import file_digest

if TYPE_CHECKING:
    from harness.models import Setting

SOURCE, TARGET = "eng_Latn", "deu_Latn"
START = 2
"""What the decoder is given before the language: the id that ends a sentence."""

_FILE = Path(__file__).parent / "data" / "nllb_sentences.json"
_TOKENIZER = "tokenizer.json"
_SPECIAL = ("<s>", "<pad>", "</s>", "<unk>")
_BEFORE = "▁"
"""Stands for the space before a word."""
_CHARACTERS = _BEFORE + "".join(map(chr, range(0x21, 0x7F))) + "äöüÄÖÜßéèàçñ„“’–"
_SYLLABLES = tuple(
    consonant + vowel for consonant in "bdfghklmnprstvwz" for vowel in ("a", "e", "i", "o", "u", "ei", "au", "ie")
)


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence and its translation."""

    id: str
    english: str
    german: str


@cache
def sentences(part: str) -> tuple[Sentence, ...]:
    """The sentences of `measured` or of `exam`."""
    return tuple(Sentence(**entry) for entry in json.loads(_FILE.read_text(encoding="utf-8"))[part])


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """How a vocabulary is made: of which sentences, with how many pieces; only the full one has all languages."""

    parts: tuple[str, ...]
    pieces: int
    has_all_languages: bool


FULL = Vocabulary(("measured", "exam"), 256_001, has_all_languages=True)
TINY = Vocabulary(("measured",), 500, has_all_languages=False)


class Tokens:
    """The tokenizer of one model. Which one it is, is known when its setting is: `choose` comes first."""

    def __init__(self, made: Vocabulary) -> None:
        self._made = made
        self._folder: Path | None = None

    def choose(self, setting: Setting) -> None:
        """Take the tokenizer beside the checkpoint, where one was given."""
        given = setting.checkpoint
        self._folder = None if given is None else given if given.is_dir() else given.parent

    def ready(self) -> None:
        """Make or read the tokenizer now, so that no inference has to."""
        self._tokenizer()

    def digest(self) -> str:
        """What tells this tokenizer from another."""
        if self._folder is not None:
            return file_digest(_in_folder(self._folder))
        return hashlib.sha256(f"{self._made} {file_digest(_FILE)} {file_digest(Path(__file__))}".encode()).hexdigest()

    def source(self, text: str) -> list[int]:
        """The ids of a sentence to translate: its language, its tokens, its end."""
        if not text.strip():
            raise WorkloadProblem("the text to translate is empty; give it a word")
        return list(self._tokenizer()(text)["input_ids"])

    def target(self, text: str) -> list[int]:
        """The ids that a translation consists of, its end included, without the language that stands before it."""
        return list(self._tokenizer()(text_target=text)["input_ids"])[1:]

    def prefix(self) -> list[int]:
        """What the decoder is given first: the language to translate into."""
        return [START, int(self._tokenizer().convert_tokens_to_ids(TARGET))]

    def decode(self, ids: Sequence[int]) -> str:
        """The text of ids, up to the end of the sentence."""
        whole = [int(one) for one in ids]
        end = whole.index(START) if START in whole else len(whole)
        return str(self._tokenizer().decode(whole[:end], skip_special_tokens=True)).strip()

    def _tokenizer(self) -> Any:
        return _made(self._made) if self._folder is None else _read(self._folder)


@cache
def _made(vocabulary: Vocabulary) -> Any:
    from transformers import NllbTokenizer
    from transformers.models.nllb.tokenization_nllb import FAIRSEQ_LANGUAGE_CODES

    languages = FAIRSEQ_LANGUAGE_CODES if vocabulary.has_all_languages else [SOURCE, TARGET]
    ids, merges = pieces(vocabulary)
    for language in languages:
        ids[language] = len(ids)
    return NllbTokenizer(
        vocab=ids, merges=merges, src_lang=SOURCE, tgt_lang=TARGET, extra_special_tokens=list(languages)
    )


def pieces(vocabulary: Vocabulary) -> tuple[dict[str, int], list[tuple[str, str]]]:
    """The pieces with their ids, and how they are put together: a word grows from its beginning, letter by letter."""
    ids = {piece: place for place, piece in enumerate((*_SPECIAL, *_CHARACTERS))}
    merges: list[tuple[str, str]] = []
    for word in _words(vocabulary.parts):
        for length in range(2, len(word) + 1):
            if word[:length] not in ids:
                ids[word[:length]] = len(ids)
                merges.append((word[: length - 1], word[length - 1]))
    missing = vocabulary.pieces - len(ids)
    assert missing >= 0, f"{vocabulary.pieces} pieces are too few: the sentences need {len(ids)}"
    new = (word for word in _invented() if word not in ids)
    for word in islice(new, missing):
        ids[word] = len(ids)
    return ids, merges


def _words(parts: Iterable[str]) -> Iterator[str]:
    for part in parts:
        for sentence in sentences(part):
            for word in f"{sentence.english} {sentence.german}".split():
                yield _BEFORE + word.rstrip(".,?")


def _invented() -> Iterator[str]:
    """Words of three syllables, by the last first, so that few have a beginning in common."""
    return (_BEFORE + first + second + third for third, second, first in product(_SYLLABLES, repeat=3))


@cache
def _read(folder: Path) -> Any:
    from transformers import NllbTokenizer

    file = _in_folder(folder)
    try:
        return NllbTokenizer.from_pretrained(folder, src_lang=SOURCE, tgt_lang=TARGET, local_files_only=True)
    except Exception as problem:  # noqa: BLE001 - a damaged file makes its reader raise whatever comes to hand
        first_line = (str(problem) or type(problem).__name__).splitlines()[0]
        raise CheckpointProblem(f"{file} is no tokenizer of NLLB ({first_line}); fetch it again") from None


def _in_folder(folder: Path) -> Path:
    file = folder / _TOKENIZER
    if not file.is_file():
        raise CheckpointProblem(
            f"the checkpoint {folder} has no {_TOKENIZER}; "
            "give the folder that save_pretrained wrote, with the tokenizer"
        )
    return file
