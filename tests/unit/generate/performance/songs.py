"""Small songs to perform: a band that plays patterns through a form."""

import random
from collections.abc import Sequence
from typing import Any, Literal

from bandmate_generate.form.song_form import SongForm, SongSection
from bandmate_generate.performance.perform import Performance, perform
from bandmate_music.note_rows import NoteRow, sorted_rows
from bandmate_music.theory.bars import Bars
from bandmate_music.theory.metre import Metre
from bandmate_shared.contracts.composition import PartSpec

MELODY, CHORDS, BASS, DRUMS = range(4)
SPECS = (
    PartSpec(name="Voice", role="melody", program=52, is_voice=True, monophonic=True),
    PartSpec(name="Guitar", role="harmony", program=25, polyphony=3),
    PartSpec(name="Bass", role="bass", program=33, monophonic=True),
    PartSpec(name="Drums", role="drums", program=0, is_drum=True),
)
FORM = SongForm(
    tuple(
        SongSection(name, None, letter, first, 8, energy, ())
        for name, letter, first, energy in (
            ("verse", "A", 0, 0.5),
            ("chorus", "B", 8, 0.8),
            ("verse", "A", 16, 0.55),
            ("chorus", "B", 24, 0.9),
        )
    )
)


def frame_of(bars: int, metre: Metre) -> Bars:
    return Bars.of([(metre.bar_ticks(24), metre)] * bars)


def band_rows(bars: int = 32, metre: Metre | None = None) -> list[NoteRow]:
    """Eighths on the hi-hat, kick and snare in turn, a bass in eighths, chords on the beats, a tune in quarters."""
    length = (metre or Metre(4, 4)).bar_ticks(24)
    rows = []
    for onset in range(0, bars * length, 12):
        bar, inside = divmod(onset, length)
        rows.append(NoteRow(DRUMS, onset, 6, 42, 80))
        rows.append(NoteRow(BASS, onset, 12, 36 + bar % 4, 80))
        if inside % 24 == 0:
            rows.append(NoteRow(DRUMS, onset, 6, 38 if inside % 48 else 36, 80))
            rows += [NoteRow(CHORDS, onset, 24, pitch, 80) for pitch in (48, 52, 55)]
            rows.append(NoteRow(MELODY, onset, 24, 60 + (onset // 24 * 5) % 12, 80))
    return sorted_rows(rows)


def random_rows(seed: int, bars: int, metre: Metre) -> list[NoteRow]:
    """Clean rows within SPECS: one note at a time in voice and bass, up to three in the guitar."""
    chance = random.Random(seed)
    end = bars * metre.bar_ticks(24)
    rows = []
    for part in range(len(SPECS)):
        onset = chance.choice((0, 0, 6, 12))
        while onset < end:
            length = min(end - onset, chance.choice((1, 3, 4, 6, 8, 12, 16, 18, 24, 48)))
            count = chance.choice((1, 2, 3)) if part in (CHORDS, DRUMS) else 1
            pitches = (36, 38, 42, 46, 51, 60) if part == DRUMS else range(40, 60)
            for pitch in chance.sample(list(pitches), count):
                rows.append(NoteRow(part, onset, length, pitch, chance.randrange(1, 128)))
            onset += length + chance.choice((0, 0, 0, 2, 6))
    return sorted_rows(rows)


def performed(
    rows: Sequence[NoteRow],
    mode: Literal["tight", "human"] = "human",
    *,
    metre: Metre | None = None,
    bars: int = 32,
    **options: Any,
) -> Performance:
    metre = metre or Metre(4, 4)
    settings: dict[str, Any] = {
        "form": FORM,
        "tempo": 100.0,
        "specs": SPECS,
        "melody": MELODY,
        "is_sung": True,
        "swing": 0.5,
        "groove": "rock",
        "looseness": 0.5,
        "seed": 1,
    }
    return perform(rows, frame=frame_of(bars, metre), mode=mode, **{**settings, **options})
