"""What is sung to be judged: requests of our own, and beginnings of real scores."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import numpy as np
from bandmate_shared.contracts.vocals import SungNote, VocalRequest

from bandmate_bench.singing.scores import ReadScore, beginning, transposed

FIRST_SONG = "first-song"
WRITTEN, IN_RANGE = "scores", "scores-in-range"
EIGHTHS, LONG, LANGUAGES = "eighths", "long", "languages"
GROUPS = (FIRST_SONG, WRITTEN, IN_RANGE, EIGHTHS, LONG, LANGUAGES)
LANGUAGE_CODES = ("en", "de", "fr", "it", "es", "pt", "nl", "sv")
_SINGERS = (("alto", -5), ("tenor", -12))
"""Singers that take turns with real scores, and by how many semitones they transpose them."""
_EIGHTHS_BPM = 140.0
_LONG_SECONDS = 180.0
_VERSE_RANGE, _EIGHTHS_RANGE = (55, 67), (57, 74)
_STEPS = (-4, -2, -1, 1, 2, 3)
_SYLLABLE_SECONDS, _LAST_SECONDS, _REST_SECONDS = 0.42, 1.0, 0.5
_LEAD_SECONDS = 0.5
_WORDS = (
    "In the mor-ning light I wan-der home a-gain",
    "o-ver hills of sil-ver through the fal-ling rain",
    "and ev-ery star a-bove me sings a qui-et song",
    "till the night is burn-ing and the moon is gone",
)


@dataclass(frozen=True, slots=True)
class SingingCase:
    """Something to sing, kept in FOLDER/<group>/<name>."""

    name: str
    group: str
    request: dict[str, Any]


def verse_of(language: str) -> list[str]:
    """The lines of a language's verse, syllables joined by hyphens."""
    text = (files("bandmate_bench.singing.verses") / f"{language}.txt").read_text(encoding="utf-8")
    return text.strip().splitlines()


def melody(
    lines: Sequence[str], seed: int, low_high: tuple[int, int], lengths: tuple[float, float, float]
) -> tuple[list[SungNote], float]:
    """Lines of words on a random walk between two pitches, one syllable a note; returns the notes and their end.

    `lengths`: seconds of a syllable, of a line's last one, and of the rest after it.
    """
    random = np.random.default_rng(seed)
    low, high = low_high
    pitch, onset = (low + high) // 2, _LEAD_SECONDS
    notes = []
    for line in lines:
        syllables = [
            (part, part_number == word.count("-"))
            for word in line.split()
            for part_number, part in enumerate(word.split("-"))
        ]
        for number, (syllable, word_end) in enumerate(syllables):
            step = int(random.choice(_STEPS))
            pitch += step if low <= pitch + step <= high else -step
            last = number == len(syllables) - 1
            seconds = lengths[1] if last else lengths[0]
            notes.append(
                SungNote(
                    onset=round(onset, 6),
                    duration=round(seconds, 6),
                    pitch=pitch,
                    syllable=syllable,
                    word_end=word_end,
                    line_end=last,
                )
            )
            onset += seconds
        onset += lengths[2]
    return notes, onset


def own_cases(groups: Sequence[str], languages: Sequence[str], seed: int) -> list[SingingCase]:
    """Eighths at 140 beats a minute, three minutes of words, and each language's verse."""
    cases = []
    if EIGHTHS in groups:
        step = 30.0 / _EIGHTHS_BPM
        cases.append(_case("140-bpm", EIGHTHS, melody(_WORDS, seed, _EIGHTHS_RANGE, (step, step, 0.0)), "en"))
    if LONG in groups:
        cases.append(_case("3-minutes", LONG, _filled(_LONG_SECONDS, seed), "en", seconds=_LONG_SECONDS))
    if LANGUAGES in groups:
        cases += [verse_case(code, seed) for code in languages]
    return cases


def verse_case(language: str, seed: int) -> SingingCase:
    """A language's verse on a melody of the seed."""
    return _case(language, LANGUAGES, _walk(verse_of(language), seed), language)


def _walk(lines: Sequence[str], seed: int) -> tuple[list[SungNote], float]:
    return melody(lines, seed, _VERSE_RANGE, (_SYLLABLE_SECONDS, _LAST_SECONDS, _REST_SECONDS))


def _filled(seconds: float, seed: int) -> tuple[list[SungNote], float]:
    """As many lines as last so long."""
    lines: list[str] = []
    tune: tuple[list[SungNote], float] = ([], 0.0)
    for line in itertools.cycle([*_WORDS, *verse_of("en")]):
        longer = _walk([*lines, line], seed)
        if longer[1] > seconds:
            return tune
        lines.append(line)
        tune = longer
    raise AssertionError("the cycle has no end")


def _case(
    name: str, group: str, tune: tuple[list[SungNote], float], language: str, seconds: float = 0.0
) -> SingingCase:
    notes, end = tune
    request = VocalRequest(notes=notes, language=language, seconds=max(end + _LEAD_SECONDS, seconds))
    return SingingCase(name, group, request.model_dump(mode="json", exclude_none=True))


def score_cases(scores: Sequence[ReadScore], seconds: float, groups: Sequence[str]) -> list[SingingCase]:
    """The beginnings of scores: at written pitch, and moved into the range of an alto or a tenor."""
    cases = []
    for number, score in enumerate(scores):
        assert score.request is not None, "only scores that were accepted are chosen"
        request = beginning(score.request, seconds)
        if WRITTEN in groups:
            cases.append(SingingCase(score.path.stem, WRITTEN, request.model_dump(mode="json", exclude_none=True)))
        if IN_RANGE in groups:
            voice, semitones = _SINGERS[number % len(_SINGERS)]
            moved = transposed(request, semitones, voice)
            cases.append(
                SingingCase(f"{score.path.stem}-{voice}", IN_RANGE, moved.model_dump(mode="json", exclude_none=True))
            )
    return cases
