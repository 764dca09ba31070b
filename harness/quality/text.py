"""What a model wrote: token by token beside fp32, and as text beside the reference translation.

BLEU's n-grams are sacrebleu's own, of text split by its tokenizer 13a. Statistics of chrF++ are counted here, by its
definition (Popović 2017: characters without spaces in n-grams of 1 to 6, words of 1 and 2), because sacrebleu gives
only the finished score; the tests hold both to sacrebleu's values over a corpus.
"""

from __future__ import annotations

import string
from collections import Counter
from collections.abc import Sequence

from harness.models import Need
from harness.quality.checks import Trial, self_checked
from harness.quality.metric import CannotScore, Case, Kind
from harness.quality_metrics import QUALITY
from harness.scores import Terms

CHARACTER_ORDERS, WORD_ORDERS = 6, 2
SACREBLEU = Need("sacrebleu", 'pip install "quantgate[text]"', is_library=True)


def token_agreement(case: Case) -> Terms | None:
    """Positions with the reference's token, and the positions of the longer of the two."""
    import numpy as np

    if case.reference is None:
        return None
    reference = np.asarray(case.reference).ravel()
    output = np.asarray(case.output).ravel() if case.failed is None else reference[:0]
    both, longer = min(output.size, reference.size), max(output.size, reference.size)
    return (float((output[:both] == reference[:both]).sum()), float(longer)) if longer else None


def bleu(case: Case) -> Terms | None:
    """Words of the text and of the translation, then for 1- to 4-grams those in common and those of the text."""
    if (texts := _texts(case)) is None:
        return None
    try:
        from sacrebleu.metrics.bleu import BLEU
    except ImportError as error:
        raise CannotScore(f"BLEU needs sacrebleu ({error}); {SACREBLEU.install}") from error

    found = BLEU(effective_order=True, force=True).sentence_score(texts[0], [texts[1]])
    grams = zip(found.counts, found.totals, strict=True)
    return (float(found.sys_len), float(found.ref_len), *(float(count) for pair in grams for count in pair))


def chrf(case: Case) -> Terms | None:
    """For every order the n-grams of the text, of the translation, and in common.

    Of an order that the translation is too short for, the text's count as none: it could not have matched them.
    """
    if (texts := _texts(case)) is None:
        return None
    terms: list[float] = []
    letters, words = (["".join(text.split()) for text in texts], [_words(text) for text in texts])
    for units, orders in ((letters, CHARACTER_ORDERS), (words, WORD_ORDERS)):
        for order in range(1, orders + 1):
            text, translation = (_grams(unit, order) for unit in units)
            of_text = text.total() if translation else 0
            terms += (of_text, translation.total(), (text & translation).total())
    return tuple(float(count) for count in terms)


def _texts(case: Case) -> tuple[str, str] | None:
    """What was written and what is right; nothing at all was written where the example failed."""
    written = "" if case.failed is not None else case.text
    return None if written is None or case.label is None else (written, case.label)


def _grams(units: Sequence[str], order: int) -> Counter[tuple[str, ...]]:
    return Counter(tuple(units[start : start + order]) for start in range(len(units) - order + 1))


def _words(text: str) -> list[str]:
    """Words, with one mark of punctuation taken off: that at the end, or else that at the beginning."""
    words: list[str] = []
    for word in text.split():
        if len(word) > 1 and word[-1] in string.punctuation:
            words += (word[:-1], word[-1])
        elif len(word) > 1 and word[0] in string.punctuation:
            words += (word[0], word[1:])
        else:
            words.append(word)
    return words


def _sacrebleu_version() -> str:
    from sacrebleu import __version__

    return f"sacrebleu {__version__}, tokenizer 13a, smoothing exp"


_SENTENCE = "The quick brown fox jumps over the lazy dog while seven wizards quietly watch it from the old wall."


def _written_trial() -> Trial:
    """A sentence, then 1, 4 and 8 of its words, none beside another, are others."""
    import numpy as np

    words = _SENTENCE.split()

    def spoilt(count: int) -> Case:
        wrong = {2 * index + 1 for index in range(count)}
        text = " ".join("xyz" if index in wrong else word for index, word in enumerate(words))
        return Case("sentence", np.zeros(0), None, label=_SENTENCE, text=text)

    return Trial((spoilt(0),), ((spoilt(1),), (spoilt(4),), (spoilt(8),)))


def _token_trial() -> Trial:
    """Twenty tokens, of which 1, 5, then all are others."""
    import numpy as np

    tokens = np.arange(20)
    clean = Case("tokens", tokens, tokens)
    return Trial((clean,), tuple((clean.with_output(np.where(tokens < wrong, 99, tokens)),) for wrong in (1, 5, 20)))


METRICS = (
    self_checked(QUALITY["token_agreement"], Kind.TOKENS, _token_trial, terms=token_agreement),
    self_checked(QUALITY["chrf"], Kind.TEXT, _written_trial, terms=chrf),
    self_checked(QUALITY["bleu"], Kind.TEXT, _written_trial, terms=bleu, needs=(SACREBLEU,), note=_sacrebleu_version),
)
