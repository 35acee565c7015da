"""What makes a dance by ear: the one drop of reggae and the clave of Cuba."""

import pytest
from bandmate_generate.band.groove_bank import PITCHES
from bandmate_generate.form.song_form import SongSection

from tests.unit.generate.band.arranging import Song

BEAT, SIXTEENTH = 24, 6
SON_CLAVE = {0, 3, 6, 10, 12}


def inner_bars(section: SongSection) -> range:
    """The bars of a section without the first and those of fills."""
    return range(section.first_bar + 1, section.end_bar - 1)


@pytest.mark.parametrize("seed", range(5))
def test_reggae_leaves_out_the_first_beat(seed: int) -> None:
    song = Song("reggae", seed=seed)
    bars = song.bars(song.drums())
    kicks = [tick for number, bar in enumerate(bars) for tick, pitch in bar if pitch == PITCHES["kick"] and number]
    section_starts = {section.first_bar for section in song.form.sections}
    played = [bar for number, bar in enumerate(bars[:-1]) if bar and number not in section_starts]
    on_the_first = sum((0, PITCHES["kick"]) in bar for bar in played)
    assert on_the_first <= 0.1 * len(played)
    dropped = sum(tick in (BEAT, 3 * BEAT) for tick in kicks)
    assert dropped >= 0.7 * len(kicks)


@pytest.mark.parametrize("seed", range(3))
def test_a_latin_band_has_the_son_clave_in_every_bar_of_its_groove(seed: int) -> None:
    song = Song("latin", seed=seed)
    bars = song.bars(song.drums())
    whole = 0
    for section in song.form.sections:
        for number in inner_bars(section):
            struck = {tick // SIXTEENTH for tick, pitch in bars[number] if pitch == PITCHES["claves"]}
            assert struck <= SON_CLAVE
            whole += struck == SON_CLAVE
    assert whole >= len(bars) // 3


def test_no_clave_in_three_four() -> None:
    song = Song("latin", "3/4")
    assert not any(row.pitch == PITCHES["claves"] for row in song.drums())
