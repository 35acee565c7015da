"""Which parts of a piece tell its harmony: the accompaniment and the bass, without the melody.

A chord label read from all notes names the melody's notes, and a network trained on such labels writes melodies that
chant the chord. A melody that is one of several like voices, as in chorales and quartets, belongs to the harmony.
"""

import numpy as np
from bandmate_music.analysis.roles import PartProfile, find_roles

from bandmate_model.data.pieces import PartInfo, Piece, instrument_of

_CONSORTS = frozenset({"voice", "strings", "wind", "brass"})
"""Instruments that play in choirs of like voices."""
_MIN_VOICES = 3
"""So many lines of one kind, the melody's included, are a choir."""


def harmony_parts(piece: Piece) -> frozenset[int]:
    """The numbers of the parts whose notes tell the chords; none where the melody stands alone."""
    pitched = [part for part in piece.parts if not part.is_drum]
    profiles = [_profile(piece, part) for part in pitched]
    sounding = [(part, profile) for part, profile in zip(pitched, profiles, strict=True) if profile.notes]
    roles = find_roles([profile for _, profile in sounding])
    numbers = frozenset(part.part for part, _ in sounding)
    if "melody" not in roles:
        return numbers
    melody = roles.index("melody")
    instrument = instrument_of(sounding[melody][0])
    like = [instrument_of(part) == instrument and profile.is_line for part, profile in sounding]
    if sum(like) >= _MIN_VOICES and (all(like) or instrument in _CONSORTS):
        return numbers
    return numbers - {sounding[melody][0].part}


def _profile(piece: Piece, part: PartInfo) -> PartProfile:
    rows = piece.notes[piece.notes[:, 0] == part.part]
    mean_pitch = float(rows[:, 3].mean()) if len(rows) else 0.0
    program = 52 if instrument_of(part) == "voice" else part.program
    return PartProfile(part.name, program, part.is_drum, mean_pitch, len(rows), len(np.unique(rows[:, 1])))
