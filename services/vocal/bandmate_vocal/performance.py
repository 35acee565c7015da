"""A melody with words, sung: from notes to the dry voice.

The way through: `syllables` (notes → lines) → the engine speaks each line, if it can at about the pitches of its notes
→ `alignment` (phones → notes) → `timing` (phones → song time) → `pitch_curve` → `psola` → `expression`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from bandmate_shared.audio import SAMPLE_RATE
from bandmate_shared.contracts.vocals import SungNote
from numpy.typing import NDArray

from bandmate_vocal.alignment import align, phones_of
from bandmate_vocal.epochs import Recording, mark_epochs
from bandmate_vocal.expression import shape
from bandmate_vocal.pitch_curve import note_hz, pitch_curve
from bandmate_vocal.psola import render
from bandmate_vocal.speech import Speech, SpeechEngine, SpeechFailed, Utterance
from bandmate_vocal.syllables import SungLine, lines_of
from bandmate_vocal.timing import Phrase, Placed, Source, phrases_of

_TAKE_SPAN = 2
"""Semitones: notes of a line this near to each other are sung from one recording, spoken at the pitch between."""
_SPOKEN_SYLLABLE = 34.0
"""Words a minute at which a spoken syllable lasts about one second, divided by the sung syllable's length."""
_RATES = (80, 240)
_BATCH = 64
"""Utterances asked for at once."""
_SHORTEST_PHRASE = 0.01
"""Seconds below which nothing can be heard, and nothing is sung."""


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
    plans = [_takes(line, notes, engine.holds_pitch) for line in lines]
    spoken = _speak(lines, plans, notes, engine, voice, progress)
    silent = [number for number, speeches in enumerate(spoken) if any(not speech.phones for speech in speeches)]
    if silent:
        for number in silent:
            lines[number] = lines[number].hummed()
        again = _speak([lines[n] for n in silent], [plans[n] for n in silent], notes, engine, voice, progress)
        for number, speeches in zip(silent, again, strict=True):
            spoken[number] = speeches
    placed: list[Placed] = []
    recorded: list[Speech] = []
    mended = 0
    for line, pitches, speeches in zip(lines, plans, spoken, strict=True):
        phones = [phones_of(speech) for speech in speeches]
        if not phones[0]:
            raise SpeechFailed(f"{engine.name} says nothing with the voice {voice!r}")
        alignment = align(line, speeches[0], phones[0])
        mended += alignment.mended
        sources = [Source(len(recorded) + number, each) for number, each in enumerate(phones)]
        for number, each in enumerate(phones):  # a take that was spoken otherwise cannot stand in for the first
            if [phone.ipa for phone in each] != [phone.ipa for phone in phones[0]]:
                sources[number] = sources[0]
        for syllable in alignment.syllables:
            chosen = tuple(sources[_take_for(notes[index].pitch, pitches)] for index in syllable.notes)
            placed.append(Placed(syllable, chosen))
        recorded += speeches
    words = [word for line in lines for word in line.words]
    hummed = sum(word.is_hum for word in words)
    return SpokenLyrics(tuple(phrases_of(placed, notes)), tuple(recorded), len(words), hummed, mended)


def sing_phrases(
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
        if phrase.t1 - phrase.t0 < _SHORTEST_PHRASE:
            continue
        used = {stretch.take for stretch in phrase.stretches}
        takes = {take: takes[take] if take in takes else mark_epochs(spoken.speeches[take]) for take in sorted(used)}
        first = int(np.searchsorted(onsets, phrase.vowels[0].beat - 1e-6))
        sung = notes[first : max(first + 1, int(np.searchsorted(onsets, phrase.t1 - 1e-6)))]
        curve, vibrato = pitch_curve(sung, phrase.t0, phrase.t1, random)
        signal = shape(render(phrase, takes, curve, random), phrase, sung, vibrato, random)
        begin = round(phrase.t0 * SAMPLE_RATE)
        room = max(0, min(len(signal), len(output) - begin))
        output[begin : begin + room] += signal[:room].astype(np.float32)
        progress((number + 1) / len(spoken.phrases))
    return output


def _takes(line: SungLine, notes: Sequence[SungNote], held: bool) -> list[float | None]:
    """MIDI pitches to speak the line at: one for each cluster of its notes' pitches; just once if no pitch is held."""
    if not held:
        return [None]
    pitches = sorted({notes[index].pitch for word in line.words for each in word.syllables for index in each})
    clusters: list[list[int]] = [[pitches[0]]]
    for pitch in pitches[1:]:
        if pitch - clusters[-1][0] > _TAKE_SPAN:
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
    wanted = [
        Utterance(line.text, _rate(line, notes), None if pitch is None else note_hz(pitch))
        for line, pitches in zip(lines, plans, strict=True)
        for pitch in pitches
    ]
    spoken: list[Speech] = []
    for start in range(0, len(wanted), _BATCH):
        spoken += engine.speak(wanted[start : start + _BATCH], voice)
        progress(len(spoken) / len(wanted))
    speeches = iter(spoken)
    return [[next(speeches) for _ in pitches] for pitches in plans]


def _rate(line: SungLine, notes: Sequence[SungNote]) -> int:
    """Words a minute: about as fast as it is sung, so that consonants have the tempo's length."""
    syllables = [each for word in line.words for each in word.syllables]
    lengths = [sum(notes[index].duration for index in each) for each in syllables]
    rate = _SPOKEN_SYLLABLE / (sum(lengths) / len(lengths))
    return int(min(max(round(rate, -1), _RATES[0]), _RATES[1]))


def _take_for(pitch: int, pitches: Sequence[float | None]) -> int:
    """Which recording is nearest to a note; one without a pitch of its own serves any."""
    return min(range(len(pitches)), key=lambda index: abs((pitches[index] or pitch) - pitch))
