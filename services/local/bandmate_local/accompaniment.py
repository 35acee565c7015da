"""What accompanies a sung score: its other parts, as MIDI for the service that plays them."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from bandmate_music.midi.write import write_midi
from bandmate_music.score import Part, Score
from bandmate_music.singing.lines import melody_part, sung_lines
from bandmate_shared.singing.melody import Singing, at_tempo


def other_parts(score: Score, has_given_words: bool, singing: Singing) -> bytes | None:
    """The parts of a score that nobody sings, at the tempo and pitch of the singing; None where there are none.

    Raises:
        InvalidRequest: what `sung_lines` and `melody_part` raise.
    """
    if has_given_words:
        sung = [melody_part(score, singing.part)]
    else:
        sung = [line.part for line in sung_lines(score, singing.part, singing.lines)[0]]
    return _midi_of(score, [part for part in score.parts if not any(part is other for other in sung)], singing)


def all_parts(score: Score, singing: Singing) -> bytes | None:
    """Every part, the sung ones too: what a band of ours is written over where nothing else is there."""
    return _midi_of(score, score.parts, singing)


def _midi_of(score: Score, parts: Sequence[Part], singing: Singing) -> bytes | None:
    played = [_transposed(replace(part, lyrics=()), singing.transpose) for part in parts if len(part.notes)]
    if not played:
        return None
    return write_midi(replace(at_tempo(score, singing.tempo), parts=tuple(played), measures=(), notices=()))


def _transposed(part: Part, semitones: int) -> Part:
    """The part moved by semitones, notes that leave MIDI's range by octaves back into it."""
    if part.is_drum or semitones == 0:
        return part
    pitches = part.notes.pitch + semitones
    pitches = np.where(pitches > 127, pitches - 12 * ((pitches - 127 + 11) // 12), pitches)
    pitches = np.where(pitches < 0, pitches + 12 * ((11 - pitches) // 12), pitches)
    return replace(part, notes=replace(part.notes, pitch=pitches.astype(part.notes.pitch.dtype)))
