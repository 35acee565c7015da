"""Songs as somebody might bring them: a band of four with names of its own, verses and choruses, written here."""

import random
from pathlib import Path

from bandmate_music.midi.write import write_midi
from bandmate_music.score import MetreChange, Notes, Part, Score, TempoChange
from bandmate_music.theory.metre import Metre

QUARTER = 480
BARS = 24
BAND = (("Lead Vox", 53, False), ("Rhodes", 4, False), ("E-Bass", 33, False), ("The Kit", 0, True))
"""Name, program, whether it is drums."""
_MINOR_AND_MAJOR = ((0, 3, 7), (0, 4, 7))
_SCALE = (0, 2, 4, 5, 7, 9, 11)
_PROGRESSIONS = ((0, 4, 5, 3), (5, 3, 0, 4), (0, 5, 3, 4), (0, 3, 4, 4))


def own_song(seed: int) -> Score:
    """A song of two verses and a chorus; songs of different seeds share no phrase."""
    dice = random.Random(seed)
    tonic = 48 + seed % 12
    verse, chorus = dice.choice(_PROGRESSIONS), dice.choice(_PROGRESSIONS)
    vocal: list[tuple[int, int, int, int]] = []
    keys: list[tuple[int, int, int, int]] = []
    bass: list[tuple[int, int, int, int]] = []
    drums: list[tuple[int, int, int, int]] = []
    step = 7
    for bar in range(BARS):
        start = bar * 4 * QUARTER
        degree = (chorus if bar // 8 == 1 else verse)[bar % 4]
        root = tonic + _SCALE[degree]
        triad = _MINOR_AND_MAJOR[degree in (0, 3, 4)]
        keys += [(start + half * 2 * QUARTER, 2 * QUARTER, root + tone, 64) for half in (0, 1) for tone in triad]
        bass += [(start + beat * QUARTER, QUARTER, root - 12 + 12 * dice.choice((0, 0, 1)), 84) for beat in range(4)]
        for eighth in range(8):
            drums.append((start + eighth * QUARTER // 2, QUARTER // 4, 42, 70 + 10 * (eighth % 2 == 0)))
            if eighth in (0, 4) or (eighth == 5 and dice.random() < 0.4):
                drums.append((start + eighth * QUARTER // 2, QUARTER // 4, 36, 100))
            if eighth in (2, 6):
                drums.append((start + eighth * QUARTER // 2, QUARTER // 4, 38, 96))
        onset = 0
        while onset < 4 * QUARTER:
            length = min(dice.choice((QUARTER // 2, QUARTER // 2, QUARTER, 2 * QUARTER)), 4 * QUARTER - onset)
            step = min(max(step + dice.choice((-2, -1, -1, 0, 1, 1, 2)), 3), 13)
            vocal.append((start + onset, length, tonic + 12 * (step // 7) + _SCALE[step % 7], dice.randint(80, 104)))
            onset += length
    # A quarter of them say 1/4, as programs do that count a click of one beat.
    metre = Metre(1, 4) if seed % 4 == 3 else Metre(4, 4)
    tracks = zip(BAND, (vocal, keys, bass, sorted(drums)), strict=True)
    return Score(
        parts=tuple(Part(name, program, Notes.from_rows(rows), is_drum) for (name, program, is_drum), rows in tracks),
        tempi=(TempoChange(0, 88.0 + seed % 50),),
        metres=(MetreChange(0, metre),),
    )


def write_own_songs(folder: Path, count: int) -> list[Score]:
    """`song-000.mid` and so on, and what they hold."""
    folder.mkdir(parents=True, exist_ok=True)
    songs = [own_song(seed) for seed in range(count)]
    for seed, song in enumerate(songs):
        (folder / f"song-{seed:03}.mid").write_bytes(write_midi(song))
    return songs
