"""Find the language that words are written in, among those that are sung.

Each word is weighed by how common it is in a language (`data/common_words.txt`) and by how its letters follow each
other (letter trigrams of the same list), as in a naive Bayes classifier; no other library and no training is needed.
"""

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from bandmate_music.language.hints import without_hints

DEFAULT_LANGUAGE = "en"
"""What words that tell no language ("la la la") are sung in."""
_MAX_WORDS = 400
_WORD = re.compile(r"[^\W\d_]+")
_KNOWN_SHARE = 0.5
"""Weight of the word list beside the letters."""
_RANK_OFFSET = 12.0
"""Added to a word's rank before its frequency is taken as 1 / rank (Mandelbrot 1953)."""
_LETTERS = 64
"""Size of the alphabet over which what was never seen is spread."""
_TRIGRAM, _BIGRAM, _UNIGRAM = 4.0, 6.0, 1.0
"""Strengths of the longer contexts' priors, in observations."""
_DEFAULT_BONUS = 2.0
"""Natural logarithm of the odds by which the default is preferred."""
_VOCABLES = "la na lala lalala da dum do doo di dee ah oh ooh oo uh eh hey ho hm hmm mm mmm tra fa yeah ya o"
"""Syllables that are sung in every language."""


@dataclass(frozen=True, slots=True)
class DetectedLanguage:
    """The likeliest language of a text; `certain` False: the words do not tell, and it is the default."""

    code: str
    certain: bool


def detect_language(texts: Sequence[str]) -> DetectedLanguage:
    """The language of some lines of words, each counted once. Equal texts give equal answers."""
    words = [word for line in dict.fromkeys(texts) for word in _words(line)][:_MAX_WORDS]
    if all(word in _VOCABLES.split() for word in words):
        return DetectedLanguage(DEFAULT_LANGUAGE, certain=False)
    counts = Counter(words)
    scores = {
        code: sum(count * model.weigh(word) for word, count in counts.items()) for code, model in _models().items()
    }
    best = max(scores.values())
    certain = scores[DEFAULT_LANGUAGE] == best or best - scores[DEFAULT_LANGUAGE] > _DEFAULT_BONUS
    return DetectedLanguage(max(scores, key=scores.__getitem__) if certain else DEFAULT_LANGUAGE, certain)


def _words(text: str) -> list[str]:
    return _WORD.findall(unicodedata.normalize("NFC", without_hints(text)).lower())


class _Model:
    """How likely a word is in one language."""

    def __init__(self, words: Sequence[str]) -> None:
        frequencies = {word: 1.0 / (rank + _RANK_OFFSET) for rank, word in reversed(list(enumerate(words, start=1)))}
        total = sum(frequencies.values())
        self._known = {word: frequency / total for word, frequency in frequencies.items()}
        self._counts: tuple[Counter[str], Counter[str], Counter[str]] = (Counter(), Counter(), Counter())
        for word in self._known:
            spelled = f"  {word} "
            for end in range(2, len(spelled)):
                for length, counts in enumerate(self._counts, start=1):
                    counts[spelled[end - length + 1 : end + 1]] += 1
        self._contexts = [Counter[str](), Counter[str](), Counter[str]()]
        for counts, contexts in zip(self._counts, self._contexts, strict=True):
            for gram, count in counts.items():
                contexts[gram[:-1]] += count

    def weigh(self, word: str) -> float:
        """The logarithm of the word's probability."""
        return math.log(
            _KNOWN_SHARE * self._known.get(word, 0.0) + (1.0 - _KNOWN_SHARE) * math.exp(self._spelling(word))
        )

    def _spelling(self, word: str) -> float:
        spelled = f"  {word} "
        total = 0.0
        for end in range(2, len(spelled)):
            probability = 1.0 / _LETTERS
            for length, prior in ((1, _UNIGRAM), (2, _BIGRAM), (3, _TRIGRAM)):
                gram = spelled[end - length + 1 : end + 1]
                seen = self._counts[length - 1][gram]
                context = self._contexts[length - 1][gram[:-1]]
                probability = (seen + prior * probability) / (context + prior)
            total += math.log(probability)
        return max(total, -200.0)


@cache
def _models() -> dict[str, _Model]:
    """The languages' models, from the word lists."""
    lists: dict[str, list[str]] = {}
    code = ""
    text = (files("bandmate_music.language") / "data" / "common_words.txt").read_text(encoding="utf-8")
    for line in text.splitlines():
        if line.startswith("["):
            code = line.strip("[]")
            lists[code] = []
        elif not line.startswith("#"):
            lists[code] += line.split()
    return {code: _Model(words) for code, words in lists.items()}
