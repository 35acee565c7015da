"""Sing by an engine that speaks: its recordings are retuned to the melody.

The steps: `syllables` (notes → lines) → the engine speaks each line, if it can at about the pitches of its notes
→ `alignment` (phones → notes) → `timing` (phones → song time) → `pitch_curve` → `psola` → `expression`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from bandmate_music.audio import SAMPLE_RATE
from bandmate_shared.contracts.vocals import SungNote
from numpy.typing import NDArray

from bandmate_vocal.alignment.align import align
from bandmate_vocal.alignment.syllables import SungLine, lines_of
from bandmate_vocal.alignment.timing import Phrase, PlacedSyllable, Source, phrases_of
from bandmate_vocal.speech.base import Speech, SpeechEngine, Utterance, syllabic_phones
from bandmate_vocal.speech.errors import SpeechFailed
from bandmate_vocal.synthesis.epochs import Recording, mark_epochs
from bandmate_vocal.synthesis.expression import breath_noise, shape
from bandmate_vocal.synthesis.pitch_curve import note_hz, pitch_curve
from bandmate_vocal.synthesis.psola import render

_MAX_TAKE_SPAN = 2
"""Semitones: notes of a line within this span are sung from one recording, spoken at the pitch in the middle."""
_RATE_PER_SYLLABLE_SECOND = 34.0
"""Words per minute at which a spoken syllable lasts one second; divided by the sung syllable's length."""
_RATES = (80, 240)
_BATCH = 64
"""Utterances per call of the engine."""
_MIN_PHRASE_SECONDS = 0.01
"""Shorter phrases cannot be heard and are left out."""


@dataclass(frozen=True, slots=True)
class SpokenLyrics:
    """The lyrics spoken and laid out in time, ready to be sung."""

    phrases: tuple[Phrase, ...]
    speeches: tuple[Speech, ...]
    """Indexed by the phrases' takes."""
    words: int
    hummed: int
    mended: int


def speak_lyrics(
    notes: Sequence[SungNote], engine: SpeechEngine, voice: str, progress: Callable[[float], None] = lambda _: None
) -> SpokenLyrics:
    """Have every line spoken, at the pitches of its notes if the engine can, and match phones with notes.

    Raises what the engine raises (UnknownVoice, SpeechEngineMissing, SpeechFailed).
    """
    lines = lines_of(notes)
    plans = [_take_pitches(line, notes, engine.holds_pitch) for line in lines]
    spoken = _speak(lines, plans, notes, engine, voice, progress)
    silent = [number for number, speeches in enumerate(spoken) if any(not speech.phones for speech in speeches)]
    if silent:
        for number in silent:
            lines[number] = lines[number].hummed()
        again = _speak([lines[n] for n in silent], [plans[n] for n in silent], notes, engine, voice, progress)
        for number, speeches in zip(silent, again, strict=True):
            spoken[number] = speeches
    placed: list[PlacedSyllable] = []
    recorded: list[Speech] = []
    mended = 0
    for line, pitches, speeches in zip(lines, plans, spoken, strict=True):
        phones = [syllabic_phones(speech) for speech in speeches]
        if not phones[0]:
            raise SpeechFailed(f"{engine.name} returns no phones for the voice {voice!r}")
        alignment = align(line, speeches[0].words, phones[0])
        mended += alignment.mended
        sources = [Source(len(recorded) + number, take_phones) for number, take_phones in enumerate(phones)]
        for number, take_phones in enumerate(phones):  # a take with other phones cannot replace the first
            if [phone.ipa for phone in take_phones] != [phone.ipa for phone in phones[0]]:
                sources[number] = sources[0]
        for syllable in alignment.syllables:
            chosen = tuple(sources[_take_for(notes[index].pitch, pitches)] for index in syllable.notes)
            placed.append(PlacedSyllable(syllable, chosen))
        recorded += speeches
    words = [word for line in lines for word in line.words]
    hummed = sum(word.is_hum for word in words)
    return SpokenLyrics(tuple(phrases_of(placed, notes)), tuple(recorded), len(words), hummed, mended)


def retune(
    spoken: SpokenLyrics,
    notes: Sequence[SungNote],
    seconds: float,
    seed: int,
    progress: Callable[[float], None] = lambda _: None,
) -> NDArray[np.float32]:
    """The dry voice: mono at SAMPLE_RATE, exactly `seconds` long, silent in the rests, the same for the same seed."""
    output = np.zeros(round(seconds * SAMPLE_RATE), dtype=np.float32)
    random = np.random.default_rng(seed)
    takes: dict[int, Recording] = {}
    onsets = np.array([note.onset for note in notes])
    for number, phrase in enumerate(spoken.phrases):
        if phrase.t1 - phrase.t0 < _MIN_PHRASE_SECONDS:
            continue
        used = {segment.take for segment in phrase.segments}
        takes = {take: takes[take] if take in takes else mark_epochs(spoken.speeches[take]) for take in sorted(used)}
        first = int(np.searchsorted(onsets, phrase.vowels[0].beat - 1e-6))
        phrase_notes = notes[first : max(first + 1, int(np.searchsorted(onsets, phrase.t1 - 1e-6)))]
        curve, vibrato = pitch_curve(phrase_notes, phrase.t0, phrase.t1, random)
        signal = render(phrase, takes, curve, random)
        signal = shape(signal, phrase, phrase_notes, vibrato, breath_noise(signal, random))
        begin = round(phrase.t0 * SAMPLE_RATE)
        length = max(0, min(len(signal), len(output) - begin))
        output[begin : begin + length] += signal[:length].astype(np.float32)
        progress((number + 1) / len(spoken.phrases))
    return output


def _take_pitches(line: SungLine, notes: Sequence[SungNote], held: bool) -> list[float | None]:
    """MIDI pitches to speak the line at: one for each cluster of its notes' pitches; just once if no pitch is held."""
    if not held:
        return [None]
    pitches = sorted({notes[index].pitch for word in line.words for syllable in word.syllables for index in syllable})
    clusters: list[list[int]] = [[pitches[0]]]
    for pitch in pitches[1:]:
        if pitch - clusters[-1][0] > _MAX_TAKE_SPAN:
            clusters.append([])
        clusters[-1].append(pitch)
    return [(cluster[0] + cluster[-1]) / 2 for cluster in clusters]


def _speak(
    lines: Sequence[SungLine],
    plans: Sequence[list[float | None]],
    notes: Sequence[SungNote],
    engine: SpeechEngine,
    voice: str,
    progress: Callable[[float], None],
) -> list[list[Speech]]:
    utterances = [
        Utterance(line.text, _rate(line, notes), None if pitch is None else note_hz(pitch))
        for line, pitches in zip(lines, plans, strict=True)
        for pitch in pitches
    ]
    spoken: list[Speech] = []
    for start in range(0, len(utterances), _BATCH):
        spoken += engine.speak(utterances[start : start + _BATCH], voice)
        progress(len(spoken) / len(utterances))
    speeches = iter(spoken)
    return [[next(speeches) for _ in pitches] for pitches in plans]


def _rate(line: SungLine, notes: Sequence[SungNote]) -> int:
    """Words per minute, about as fast as the line is sung, so that consonants fit the tempo."""
    syllables = [syllable for word in line.words for syllable in word.syllables]
    lengths = [sum(notes[index].duration for index in syllable) for syllable in syllables]
    rate = _RATE_PER_SYLLABLE_SECOND / (sum(lengths) / len(lengths))
    return int(min(max(round(rate, -1), _RATES[0]), _RATES[1]))


def _take_for(pitch: int, pitches: Sequence[float | None]) -> int:
    """The index of the recording nearest in pitch; one spoken without a pitch fits every note."""
    return min(range(len(pitches)), key=lambda index: abs((pitches[index] or pitch) - pitch))
