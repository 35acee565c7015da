"""Words wrong: the edit distance between the words that should be heard and those that a recogniser hears."""

import re
import unicodedata
from collections.abc import Sequence

_UP_TO_TWENTY = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen twenty"
)
_SMALL = _UP_TO_TWENTY.split()
_APOSTROPHES = str.maketrans({"’": "'", "‘": "'", "ʼ": "'", "`": "'", "´": "'"})


def spelled(text: str, language: str = "en") -> list[str]:
    """Lower-case words of letters and digits alone; in English, numbers up to twenty in words.

    Apostrophes and hyphens go: whether "mid-day" or "midday" is written cannot be heard. Recognisers write numbers in
    digits that are sung as words.
    """
    plain = unicodedata.normalize("NFKC", text).translate(_APOSTROPHES).lower()
    plain = re.sub(r"['\-‐‑–—]", "", plain)
    words = re.findall(r"[^\W_]+", plain)
    if language == "en":
        words = [_SMALL[int(word)] if word.isdigit() and int(word) < len(_SMALL) else word for word in words]
    return words


def word_errors(wanted: Sequence[str], heard: Sequence[str]) -> int:
    """Insertions, deletions and substitutions, at most as many as words are wanted.

    The cap is by phrase: a recogniser that repeats itself without end on one phrase counts that phrase as lost.
    """
    row = list(range(len(heard) + 1))
    for number, word in enumerate(wanted, 1):
        before, row[0] = row[0], number
        for column, other in enumerate(heard, 1):
            before, row[column] = (
                row[column],
                min(row[column] + 1, row[column - 1] + 1, before + (word != other)),
            )
    return min(row[-1], len(wanted))
