"""Spell lines in a network's letters, and find their phones with natural times."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from bandmate_vocal.speech.base import Curve, LineText, Phone, Reading, SpokenWord
from bandmate_vocal.speech.neural.letters import LENGTH_MARKS, STRESS_MARKS, VOWELS, from_ipa, to_ipa
from bandmate_vocal.speech.neural.network import FRAME, AcousticNetwork, Prosody

_SYLLABIC = "̩"
_HUM = "ɑ"
"""Said for a word of which the network knows no letter."""
_JOIN_BELOW = 0.08
"""Seconds: a shorter gap between two phones belongs to the second; a longer one is a pause."""
_VOWEL_LAGS = (("ptkʧ", 0.005), ("h", 0.01), ("fθsʃʦ", 0.018), ("ð", 0.07))
_VOICED_VOWEL_LAG = 0.052
"""Seconds by which a vowel begins before its letter, by the consonant before it; the last after a voiced one. Medians
of eleven spoken lines, by the rise of the band from 350 to 3000 Hz."""
_MIN_PHONE = 0.01


@dataclass(frozen=True, slots=True)
class Sound:
    """A phone's letters: `first`..`end` in the reading's letters with its stress and length marks, `core` the sound."""

    first: int
    core: int
    end: int
    letter: str

    @property
    def is_vowel(self) -> bool:
        return self.letter in VOWELS


@dataclass(frozen=True, slots=True)
class NetworkReading(Reading):
    """A reading with what the network needs to sing it: letters, a sound for each phone, and how it would say them."""

    letters: tuple[str, ...]
    sounds: tuple[Sound, ...]
    prosody: Prosody

    @property
    def bounds(self) -> Curve:
        """Natural begin of the silence before, of each letter, of the silence after, and the end, in seconds."""
        bounds: Curve = np.concatenate([[0], np.cumsum(self.prosody.frames)]) * FRAME
        return bounds


def read_line(line: LineText, network: AcousticNetwork, language: str) -> NetworkReading:
    """Pronounce a line. A word that the network cannot say is hummed."""
    spelled = _spelled(line.words, network, language)
    letters: list[str] = []
    sounds: list[tuple[int, Sound, str]] = []
    for number, word in enumerate(spelled):
        stress = ""
        for letter in word:
            if letter in LENGTH_MARKS or letter == _SYLLABIC:
                letters.append(letter)
                if sounds and sounds[-1][0] == number:
                    sounds[-1] = (number, replace(sounds[-1][1], end=len(letters)), sounds[-1][2] + letter)
            elif letter in STRESS_MARKS:
                letters.append(letter)
                stress = letter
            else:
                letters.append(letter)
                core = len(letters) - 1
                sounds.append((number, Sound(core - bool(stress), core, core + 1, letter), stress + to_ipa(letter)))
                stress = ""
        if number + 1 < len(spelled):
            letters += [",", " "] if number in line.rests else [" "]
    letters.append(".")
    prosody = network.predict(letters)
    bounds = np.concatenate([[0], np.cumsum(prosody.frames)]) * FRAME
    phones: list[Phone] = []
    for index, (number, sound, ipa) in enumerate(sounds):
        begin = bounds[sound.first + 1] - _lag(sounds[index - 1][1].letter if index else "", sound, network.lag)
        pause = bounds[sound.first + 1] - bounds[sounds[index - 1][1].end + 1] if index else 0.0
        if phones:
            begin = max(begin, phones[-1].t0 + _MIN_PHONE)
            end = begin if pause < _JOIN_BELOW else min(begin, bounds[sounds[index - 1][1].end + 1] - network.lag)
            phones[-1] = replace(phones[-1], t1=max(float(end), phones[-1].t0 + _MIN_PHONE))
        end = float(bounds[sound.end + 1]) - network.lag
        phones.append(Phone(ipa, float(begin), end, _is_nucleus(sound, ipa), number))
    phones[-1] = replace(phones[-1], t1=max(phones[-1].t1, phones[-1].t0 + _MIN_PHONE))
    return NetworkReading(
        _words(line, phones), tuple(phones), tuple(letters), tuple(sound for _, sound, _ in sounds), prosody
    )


def _lag(before: str, sound: Sound, usual: float) -> float:
    """Seconds by which a sound begins before its letter, `usual` but for vowels after consonants."""
    if not sound.is_vowel or not before or before in VOWELS:
        return usual
    return next((lag for letters, lag in _VOWEL_LAGS if before in letters), _VOICED_VOWEL_LAG)


def _is_nucleus(sound: Sound, ipa: str) -> bool:
    return sound.is_vowel or _SYLLABIC in ipa


def _spelled(words: Sequence[str], network: AcousticNetwork, language: str) -> list[str]:
    """The letters of each word, known to the network, and never none."""
    given = {number: from_ipa(word[1:-1]) for number, word in enumerate(words) if _is_ipa(word)}
    plain = network.pronounce(
        [word.strip("[]") if number in given else word for number, word in enumerate(words)], language
    )
    spelled = []
    for number, spelling in enumerate(plain):
        known = "".join(letter for letter in given.get(number, spelling) if network.knows(letter) and letter != " ")
        spelled.append(known if set(known) - STRESS_MARKS - LENGTH_MARKS else _HUM)
    return spelled


def _is_ipa(word: str) -> bool:
    return len(word) > 2 and word[0] == "[" and word[-1] == "]"


def _words(line: LineText, phones: Sequence[Phone]) -> tuple[SpokenWord, ...]:
    words, start = [], 0
    for number, word in enumerate(line.words):
        own = [phone for phone in phones if phone.word == number]
        words.append(SpokenWord(start, start + len(word), own[0].t0, own[-1].t1))
        start += len(word) + 1
    return tuple(words)
