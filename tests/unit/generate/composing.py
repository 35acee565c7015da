"""Takes made by rule, for tests of the code around the model, and pieces to edit."""

import base64
import random

from bandmate_generate.planning.song_plan import EditPlan, WritePlan
from bandmate_generate.planning.tick_map import MODEL_STEP
from bandmate_music.midi.write import write_midi
from bandmate_music.score import MetreChange, Notes, Part, Score, TempoChange
from bandmate_music.theory.metre import Metre
from bandmate_shared.contracts.composition import ComposedTake
from bandmate_shared.contracts.songs import Originality

Row = tuple[int, int, int, int, int]


def take_of(plan: WritePlan | EditPlan, seed: int = 1, notes_per_bar: int = 2) -> ComposedTake:
    """The given notes, and in every free bar some more: chord tones where chords are asked for, one at a time."""
    roll = random.Random(seed)
    rows: list[Row] = [*plan.prompt]
    for part, number in cells_of(plan):
        spec, bar = plan.specs[part], plan.frame[number]
        step = max(MODEL_STEP, bar.length // notes_per_bar)
        for onset in range(bar.onset, min(bar.end, bar.onset + notes_per_bar * step), step):
            chord = next((span for span in plan.chords if span.onset <= onset < span.onset + span.duration), None)
            pitch_classes = set(chord.pitch_classes) if chord else set(range(12))
            pitches = [pitch for pitch in range(spec.low, spec.high + 1) if pitch % 12 in pitch_classes]
            pitch = roll.choice((36, 38, 42)) if spec.is_drum else roll.choice(pitches)
            rows.append((part, onset, max(1, step - 2), pitch, 70))
    return taken(rows, seed)


def taken(rows: list[Row], seed: int = 1) -> ComposedTake:
    ordered = sorted(rows, key=lambda row: (row[1], row[0], row[3]))
    return ComposedTake(seed=seed, notes=ordered, log_likelihood=-1.0, tokens=len(rows), originality=Originality())


def cells_of(plan: WritePlan | EditPlan) -> list[tuple[int, int]]:
    """(part, bar) of everything that is to be composed."""
    return [(hole.part, bar) for hole in plan.holes for bar in range(hole.first_bar, hole.first_bar + hole.bars)]


def tune(bars: int = 8, metre: Metre = Metre(4, 4), resolution: int = 480) -> Score:  # noqa: B008 - immutable
    """A flute over chords on a piano, a bass and drums, in C, every quarter of every bar."""
    beat = resolution * 4 // metre.denominator
    length = metre.bar_ticks(resolution)
    flute, piano, bass, drums = [], [], [], []
    for bar in range(bars):
        root = (48, 53, 55, 48)[bar % 4]
        for number in range(metre.numerator):
            onset = bar * length + number * beat
            flute.append((onset, beat - 10, 72 + (0, 4, 7, 5)[number % 4], 90))
            drums.append((onset, beat // 2, 36 if number == 0 else 42, 80))
        piano += [(bar * length, length, root + step, 60) for step in (0, 4, 7)]
        bass.append((bar * length, length - 20, root - 12, 75))
    return Score(
        (
            Part("Tune", 73, Notes.from_rows(flute)),
            Part("Piano", 0, Notes.from_rows(piano)),
            Part("Bass", 33, Notes.from_rows(bass)),
            Part("Kit", 0, Notes.from_rows(drums), is_drum=True),
        ),
        resolution,
        (TempoChange(0, 96.0),),
        (MetreChange(0, metre),),
        title="A tune",
    )


def encoded(score: Score) -> str:
    return base64.b64encode(write_midi(score)).decode()
