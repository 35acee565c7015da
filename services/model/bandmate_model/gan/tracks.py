"""Which of the network's tracks a part plays: of a training piece, or of a request."""

from collections.abc import Sequence

from bandmate_model.gan.roll import BASS, COLOUR, DRUMS, HARMONY, MELODY

CHORDAL = frozenset({"piano", "organ", "guitar", "mallet", "other"})
"""Instrument classes (tokens.CLASSES) that usually play chords; the others sustain lines or pads."""


def assign(roles: Sequence[str], classes: Sequence[str], heights: Sequence[float]) -> list[int]:
    """A track for each part, by its role (melody, harmony, bass, drums), instrument class and mean pitch.

    Accompanying parts are harmony if their instrument plays chords, else colour. Where all of them would share one of
    the two, the highest is the colour: the alto of a choir, the second violin of a quartet.
    """
    tracks = []
    for role, name in zip(roles, classes, strict=True):
        if role == "drums" or name == "drums":
            tracks.append(DRUMS)
        elif role == "melody":
            tracks.append(MELODY)
        elif role == "bass" or name == "bass":
            tracks.append(BASS)
        else:
            tracks.append(HARMONY if name in CHORDAL else COLOUR)
    inner = sorted((k for k in range(len(tracks)) if tracks[k] in (HARMONY, COLOUR)), key=lambda k: (-heights[k], k))
    if len(inner) > 1 and len({tracks[k] for k in inner}) == 1:
        for rank, part in enumerate(inner):
            tracks[part] = HARMONY if rank else COLOUR
    return tracks
