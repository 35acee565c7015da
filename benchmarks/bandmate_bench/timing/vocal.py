"""CPU time per second of singing, by step, and how well it is sung: `python -m bandmate_bench.timing.vocal`.

The melody lasts half a minute. Pitch is judged by librosa's pYIN, which has no part in the singing. The peer of the
singing step is librosa's phase vocoder, which stretches and shifts as much audio by one constant ratio.
"""

import resource
import time
from collections.abc import Callable
from typing import Any

import librosa
import numpy as np
from bandmate_shared.contracts.vocals import SungNote
from bandmate_vocal.speech.espeak.engine import EspeakEngine
from bandmate_vocal.synthesis.measure import intonation, vowel_onset_errors
from bandmate_vocal.synthesis.mix import mix
from bandmate_vocal.synthesis.performance import perform, prepare_lyrics
from bandmate_vocal.synthesis.tone import polish
from numpy.typing import NDArray

from bandmate_bench.timing.figures import Figure, print_figures

COMMAND = "python -m bandmate_bench.timing.vocal"
SAMPLE_RATE = 44100
WORDS = (
    "In the mor-ning light I wan-der home a-gain o-ver hills of sil-ver through the fal-ling rain and "
    "ev-ery star a-bove me sings a qui-et song till the night is burn-ing and the moon is gone"
)


def melody(tempo: float, beats: float, verses: int) -> tuple[list[SungNote], float]:
    """The words `verses` times in a random walk of notes `beats` long; returns the notes and the song's seconds."""
    random = np.random.default_rng(7)
    notes, onset, pitch, length = [], 0.3, 64, beats * 60.0 / tempo
    for _ in range(verses):
        words = [word.split("-") for word in WORDS.split()]
        for number, parts in enumerate(words):
            for part in parts:
                pitch = int(np.clip(pitch + random.choice([-5, -4, -2, -1, 1, 2, 3, 4]), 57, 74))
                line_end = number % 8 == 7 and part is parts[-1]
                word_end = part is parts[-1]
                note = SungNote(
                    onset=onset, duration=length, pitch=pitch, syllable=part, word_end=word_end, line_end=line_end
                )
                notes.append(note)
                onset += length * (2.0 if line_end else 1.0)
    return notes, onset + 0.5


def judged(voice: NDArray[np.float32], notes: list[SungNote]) -> tuple[float, float]:
    """Share of voiced frames inside notes (less 20 and 50 ms) within 50 cents, and the worst note's median, by pYIN."""
    hertz, voiced, _ = librosa.pyin(voice, fmin=65.0, fmax=1000.0, sr=SAMPLE_RATE, frame_length=2048, hop_length=256)
    times = librosa.times_like(hertz, sr=SAMPLE_RATE, hop_length=256)
    cents = []
    for note in notes:
        measured = (
            (times >= note.onset + 0.02) & (times < note.onset + note.duration - 0.05) & voiced & ~np.isnan(hertz)
        )
        cents.append(np.abs(1200.0 * np.log2(hertz[measured] / (440.0 * 2.0 ** ((note.pitch - 69) / 12)))))
    worst = max(float(np.median(errors)) for errors in cents if len(errors))
    return float((np.concatenate(cents) <= 50.0).mean()), worst


def cpu_seconds(work: Callable[[], Any]) -> tuple[Any, float]:
    """The result of `work`, and its CPU seconds, child processes included: the faster of two runs."""

    def spent() -> float:
        children = resource.getrusage(resource.RUSAGE_CHILDREN)
        return time.process_time() + children.ru_utime + children.ru_stime

    seconds = []
    for _ in range(2):
        before = spent()
        result = work()
        seconds.append(spent() - before)
    return result, min(seconds)


def figures() -> list[Figure]:
    notes, seconds = melody(96.0, 0.75, 1)
    engine = EspeakEngine()
    sung_seconds = sum(note.duration for note in notes)
    spoken, speech_cpu = cpu_seconds(lambda: prepare_lyrics(notes, engine, "en-us+linda"))
    dry, sing_cpu = cpu_seconds(lambda: perform(spoken, notes, seconds, 1))
    stem, polish_cpu = cpu_seconds(lambda: polish(dry))
    _, measure_cpu = cpu_seconds(lambda: intonation(stem, notes))
    random = np.random.default_rng(1)
    band = (0.05 * random.standard_normal((len(stem), 2))).astype(np.float32)
    _, mix_cpu = cpu_seconds(lambda: mix(stem, band))
    half = stem[: len(stem) // 2]
    _, vocoder_cpu = cpu_seconds(
        lambda: librosa.effects.pitch_shift(librosa.effects.time_stretch(half, rate=0.5), sr=SAMPLE_RATE, n_steps=3)
    )
    steps = {
        "speech by espeak-ng": speech_cpu,
        "singing (PSOLA and dynamics)": sing_cpu,
        "tone": polish_cpu,
        "measuring itself": measure_cpu,
        "mix and master": mix_cpu,
        "peer of the singing: librosa's phase vocoder": vocoder_cpu,
    }
    total = sum(steps.values()) - vocoder_cpu
    measured = [
        Figure(f"{step}, CPU per second of singing", cpu / sung_seconds, "s/s", COMMAND) for step, cpu in steps.items()
    ]
    measured.append(Figure("all of it, CPU for a song of half a minute", total * 30.0 / seconds, "s", COMMAND))
    vowels = [vowel for phrase in spoken.phrases for vowel in phrase.vowels]
    onsets = 1000.0 * vowel_onset_errors(stem, vowels)
    measured.append(Figure("vowel after its beat, median", float(np.median(onsets)), "ms", COMMAND))
    measured.append(Figure("vowel off its beat, 90th percentile", float(np.percentile(abs(onsets), 90)), "ms", COMMAND))
    for name, voice, transposed, (tempo, beats) in (
        ("alto, 96 bpm", "en-us+linda", 0, (96.0, 0.75)),
        ("tenor, 96 bpm", "en-us", -12, (96.0, 0.75)),
        ("alto, eighths at 140 bpm", "en-us+linda", 0, (140.0, 0.5)),
        ("alto, sixteenths at 120 bpm", "en-us+linda", 0, (120.0, 0.25)),
    ):
        tune, length = melody(tempo, beats, 1)
        tune = [note.model_copy(update={"pitch": note.pitch + transposed}) for note in tune]
        sung = polish(perform(prepare_lyrics(tune, engine, voice), tune, length, 1))
        share, worst = judged(sung, tune)
        measured.append(Figure(f"{name}: within 50 cents, by pYIN", share, "of voiced frames", COMMAND))
        measured.append(Figure(f"{name}: worst note's median, by pYIN", worst, "cents", COMMAND))
    return measured


if __name__ == "__main__":
    print_figures(figures())
