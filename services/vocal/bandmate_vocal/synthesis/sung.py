"""Sing by an engine that sings: it is told when each phone sounds, and at which pitch.

The steps: `syllables` (notes → lines) → the engine reads each line → `alignment` (phones → notes) → `timing` (phones →
song time) → `pitch_curve` → the engine sings each line → `expression`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from bandmate_music.audio import SAMPLE_RATE
from bandmate_shared.contracts.vocals import SungNote
from numpy.typing import NDArray
from scipy.signal import resample_poly

from bandmate_vocal.alignment.align import align
from bandmate_vocal.alignment.syllables import SungLine, lines_of
from bandmate_vocal.alignment.timing import Phrase, PlacedSyllable, Source, phrases_of
from bandmate_vocal.speech.base import PITCH_STEP, Curve, LineScore, LineText, Reading, SingingEngine, SungSound
from bandmate_vocal.speech.errors import SpeechFailed
from bandmate_vocal.synthesis.expression import LEVEL, shape
from bandmate_vocal.synthesis.pitch_curve import pitch_curve

_REST = 0.12
"""Seconds between two notes from which on the engine is told that the melody rests."""
_MIN_PHRASE_SECONDS = 0.01
_AROUND = 0.3
"""Seconds before and after a line for which its pitch goes on."""
_CROSSFADE = 0.006
"""Seconds over which one line gives way to the next inside a phrase."""
_BREATH_DB, _MIN_BREATH, _MAX_BREATH = -30.0, 0.16, 0.45
"""Loudness of a breath against LEVEL, and how long one may be."""
_BREATH_AFTER, _BREATH_BEFORE = 0.1, 0.04
"""Seconds of silence between the phrase before and a breath, and between a breath and its phrase."""


@dataclass(frozen=True, slots=True)
class ReadLyrics:
    """The lyrics pronounced and laid out in time, ready to be sung by `engine` as `voice`."""

    phrases: tuple[Phrase, ...]
    readings: tuple[Reading, ...]
    """Indexed by the phrases' takes."""
    engine: SingingEngine
    voice: str
    words: int
    hummed: int
    mended: int


@dataclass(frozen=True, slots=True)
class _Melody:
    """A phrase's notes, their curve in Hz every PITCH_STEP from the phrase's beginning, and the vibrato in it."""

    notes: Sequence[SungNote]
    curve: Curve
    vibrato: Curve


def read_lyrics(
    notes: Sequence[SungNote], engine: SingingEngine, voice: str, progress: Callable[[float], None] = lambda _: None
) -> ReadLyrics:
    """Have every line pronounced, and match phones with notes. Raises what the engine raises."""
    lines = [line.pronounced() for line in lines_of(notes)]
    readings = []
    for number, line in enumerate(lines):
        readings += engine.read([_text(line, notes)], voice)
        progress((number + 1) / len(lines))
    placed: list[PlacedSyllable] = []
    mended = 0
    for number, (line, reading) in enumerate(zip(lines, readings, strict=True)):
        if not reading.phones:
            raise SpeechFailed(f"{engine.name} returns no phones for the voice {voice!r}")
        alignment = align(line, reading.words, reading.phones)
        mended += alignment.mended
        source = Source(number, reading.phones)
        placed += [PlacedSyllable(syllable, tuple(source for _ in syllable.notes)) for syllable in alignment.syllables]
    words = [word for line in lines for word in line.words]
    hummed = sum(word.is_hum for word in words)
    return ReadLyrics(tuple(phrases_of(placed, notes)), tuple(readings), engine, voice, len(words), hummed, mended)


def sing_lines(
    lyrics: ReadLyrics,
    notes: Sequence[SungNote],
    seconds: float,
    seed: int,
    progress: Callable[[float], None] = lambda _: None,
) -> NDArray[np.float32]:
    """The dry voice: mono at SAMPLE_RATE, exactly `seconds` long, silent in the rests, the same for the same seed."""
    output = np.zeros(round(seconds * SAMPLE_RATE), dtype=np.float32)
    random = np.random.default_rng(seed)
    melodies = [_melody(phrase, notes, random) for phrase in lyrics.phrases]
    sung: dict[int, tuple[float, Curve]] = {}
    for number, (phrase, melody) in enumerate(zip(lyrics.phrases, melodies, strict=True)):
        if phrase.t1 - phrase.t0 < _MIN_PHRASE_SECONDS:
            continue
        takes = list(dict.fromkeys(segment.take for segment in phrase.segments))
        sung = {take: sung[take] if take in sung else _sing_line(take, lyrics, melodies, seed) for take in takes}
        signal = shape(_phrase(phrase, takes, sung), phrase, melody.notes, melody.vibrato)
        begin = round(phrase.t0 * SAMPLE_RATE)
        length = max(0, min(len(signal), len(output) - begin))
        output[begin : begin + length] += signal[:length].astype(np.float32)
        progress((number + 1) / len(lyrics.phrases))
    _add_breaths(output, lyrics, seed)
    return output


def _add_breaths(output: NDArray[np.float32], lyrics: ReadLyrics, seed: int) -> None:
    """Breathe in before each phrase that a rest precedes, in place."""
    end = -_MAX_BREATH
    for number, phrase in enumerate(lyrics.phrases):
        room = phrase.t0 - end - _BREATH_AFTER - _BREATH_BEFORE
        end = phrase.t1
        if room < _MIN_BREATH:
            continue
        air = lyrics.engine.breath(min(room, _MAX_BREATH), lyrics.voice, seed + number)
        if air is None:
            continue
        last = round((phrase.t0 - _BREATH_BEFORE) * SAMPLE_RATE)
        breath = _at_sample_rate(air)[-max(last, 1) :] * (LEVEL * 10.0 ** (_BREATH_DB / 20.0))
        output[last - len(breath) : last] += breath.astype(np.float32)[: max(0, len(output) - last + len(breath))]


def _at_sample_rate(sound: SungSound) -> Curve:
    ratio = Fraction(SAMPLE_RATE, sound.sample_rate)
    resampled: Curve = resample_poly(sound.pcm.astype(np.float64), ratio.numerator, ratio.denominator)
    return resampled


def _text(line: SungLine, notes: Sequence[SungNote]) -> LineText:
    rests = set()
    for number, (word, following) in enumerate(zip(line.words, line.words[1:], strict=False)):
        last, first = notes[word.syllables[-1][-1]], notes[following.syllables[0][0]]
        if first.onset - last.onset - last.duration > _REST:
            rests.add(number)
    return LineText(tuple(word.text for word in line.words), frozenset(rests))


def _melody(phrase: Phrase, notes: Sequence[SungNote], random: np.random.Generator) -> _Melody:
    onsets = np.array([note.onset for note in notes])
    first = int(np.searchsorted(onsets, phrase.vowels[0].beat - 1e-6))
    sung = notes[first : max(first + 1, int(np.searchsorted(onsets, phrase.t1 - 1e-6)))]
    return _Melody(sung, *pitch_curve(sung, phrase.t0, phrase.t1, random))


def _sing_line(take: int, lyrics: ReadLyrics, melodies: Sequence[_Melody], seed: int) -> tuple[float, Curve]:
    """A line's beginning in seconds of the song, and its samples at SAMPLE_RATE."""
    mine = [
        (phrase, melody)
        for phrase, melody in zip(lyrics.phrases, melodies, strict=True)
        if any(segment.take == take for segment in phrase.segments)
    ]
    segments = [segment for phrase, _ in mine for segment in phrase.segments if segment.take == take]
    song = np.ravel([(segment.t0, segment.t1) for segment in segments])
    start = float(song[0]) - _AROUND
    times = start + PITCH_STEP * np.arange(int((song[-1] + _AROUND - start) / PITCH_STEP) + 1)
    pitch_times = np.concatenate([phrase.t0 + PITCH_STEP * np.arange(len(melody.curve)) for phrase, melody in mine])
    pitch = np.interp(times, pitch_times, np.concatenate([melody.curve for _, melody in mine]))
    read = np.ravel([(segment.s0, segment.s1) for segment in segments])
    score = LineScore(lyrics.readings[take], song, read, start, pitch)
    line = lyrics.engine.sing(score, lyrics.voice, seed + take)
    return line.start, _at_sample_rate(line)


def _phrase(phrase: Phrase, takes: Sequence[int], sung: dict[int, tuple[float, Curve]]) -> Curve:
    """The phrase's samples out of its lines, brought to the level that `shape` expects."""
    signal = np.zeros(round((phrase.t1 - phrase.t0) * SAMPLE_RATE))
    fade = np.linspace(0.0, 1.0, int(_CROSSFADE * SAMPLE_RATE))
    for take in takes:
        own = [segment for segment in phrase.segments if segment.take == take]
        start, samples = sung[take]
        first = max(0, round((own[0].t0 - phrase.t0) * SAMPLE_RATE))
        begin = round((own[0].t0 - start) * SAMPLE_RATE)
        piece = samples[max(0, begin) :][: len(signal) - first]
        if take != takes[0]:
            count = min(len(fade), len(piece))
            signal[first : first + count] *= 1.0 - fade[:count]
            piece = piece.copy()
            piece[:count] *= fade[:count]
            signal[first + count :] = 0.0
        signal[first : first + len(piece)] += piece
    signal *= LEVEL / float(np.sqrt(np.mean(signal**2) + 1e-12))
    return signal
