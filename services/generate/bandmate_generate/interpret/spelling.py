"""Correct typing errors in the words that matter: one letter too many, too few, wrong, or two exchanged."""

from collections.abc import Iterable
from functools import cache

from bandmate_generate.interpret.lexicon import Token, lexicon

_MIN_LETTERS = 5
_MIN_LETTERS_EXCHANGED = 4
_MIN_LETTERS_REPLACED = 7
"""A wrong letter is forgiven in long words only: "match" is no march, "saxaphone" is a saxophone."""
_REAL_WORDS = frozenset(
    """
    baseline bats beast beasts bets blade bleats blue bluest boss bride brides bridles bright calling cells chair chance
    cheer chiller chilli chills chilly chortle clam clean county creep deriving disc diving drama drawn dream dreams
    drummed early eerier excising exiting fats final flight flue flunky folks forest gave gentile gentled gloom grace
    grand grass gravel graven graver graves heart heaven house hunted hunting lain later latter lent lights mayor
    matching minuet minuets minuses minutest moderated moderator morning organic puny quicken raid recorded related
    relating relaxes relayed relaying sawing scar seedy serener sewing shorter signer singe singes sinners sleep
    slinging slower smoothing sowing spring springs star stinger stingers stinging stings story strange street stringy
    strong summer sweet swig swigging tension tiger trumped versed vice vices voiced watch waves whittle winter wishful
    world worlds
    """.split()  # noqa: SIM905 - a list of one a line is longer
)
"""Ordinary words that are one letter from a musical one."""


def corrected(token: Token, language: str) -> Token:
    """The token as the musical word that it nearly is; itself where there is none, or more than one."""
    if len(token.plain) < _MIN_LETTERS_EXCHANGED or not token.plain.isalpha() or token.plain in _REAL_WORDS:
        return token
    if lexicon(language).knows(token.plain):
        return token
    near = {word for word in _targets(language) if _is_near(token.plain, word)}
    return Token(token.text, near.pop(), token.start, token.end) if len(near) == 1 else token


@cache
def _targets(language: str) -> tuple[str, ...]:
    words: Iterable[str] = lexicon(language).content_words()
    return tuple(word for word in words if len(word) >= _MIN_LETTERS_EXCHANGED and word.isalpha())


def _is_near(typed: str, word: str) -> bool:
    """Whether one slip of the fingers leads from the word to what was typed; the first letter is never wrong."""
    if typed[0] != word[0] or abs(len(typed) - len(word)) > 1:
        return False
    if len(typed) == len(word):
        wrong = [index for index, (one, other) in enumerate(zip(typed, word, strict=True)) if one != other]
        if len(wrong) == 2 and wrong[1] == wrong[0] + 1:
            return typed[wrong[0]] == word[wrong[1]] and typed[wrong[1]] == word[wrong[0]]
        return len(wrong) == 1 and len(typed) >= _MIN_LETTERS_REPLACED
    if len(word) < _MIN_LETTERS:
        return False
    longer, shorter = (typed, word) if len(typed) > len(word) else (word, typed)
    return any(longer[:index] + longer[index + 1 :] == shorter for index in range(len(longer)))
