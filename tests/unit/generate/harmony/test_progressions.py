"""Chord progressions of songs: as asked for, else in the style's vocabulary and heard in the key."""

import random

import numpy as np
import pytest
from bandmate_generate.form.form_style import form_style
from bandmate_generate.form.layout import FormLayout, lay_out_form
from bandmate_generate.form.song_form import SongForm
from bandmate_generate.harmony.bass_line import walking_bass
from bandmate_generate.harmony.chord_spans import chord_spans
from bandmate_generate.harmony.contradictions import contradictions
from bandmate_generate.harmony.degrees import parse_degree, symbol_in
from bandmate_generate.harmony.progressions import write_progressions
from bandmate_generate.harmony.vocabularies import vocabulary, vocabulary_names
from bandmate_generate.planning.styles import STYLES
from bandmate_music.analysis.key_finder import find_key
from bandmate_music.theory.bars import Bars
from bandmate_music.theory.keys import Key, parse_key
from bandmate_music.theory.metre import parse_metre
from bandmate_music.theory.metrical_grid import bar_ticks, beat_ticks
from bandmate_shared.contracts.composition import ChordSpan
from bandmate_shared.contracts.wishes import SectionWish
from bandmate_shared.errors import InvalidRequest


def layout(
    bars: int | None, *, metre: str = "4/4", seed: int = 1, style: str = "verse-chorus", **wishes: str
) -> FormLayout:
    return lay_out_form(
        lyrics=None,
        wishes=[SectionWish(name=name, chords=chords or None) for name, chords in wishes.items()] or None,
        bars=bars,
        metre=parse_metre(metre),
        tempo=100,
        style=form_style("verse-chorus"),
        seed=seed,
    )


def written(
    form: FormLayout,
    key: str = "C",
    harmony: str = "pop",
    *,
    metre: str = "4/4",
    seed: int = 1,
    chords: str | None = None,
) -> SongForm:
    parsed = parse_metre(metre)
    frame = Bars.of([(bar_ticks(parsed), parsed)] * form.bars)
    return write_progressions(
        form, key=parse_key(key), metre=parsed, frame=frame, harmony=harmony, chords=chords, seed=seed
    )


def symbols(song: SongForm) -> list[str]:
    return [chord.symbol for chord in song.chords]


def heard_key(chords: tuple[ChordSpan, ...]) -> Key:
    """The key heard when each chord is played as a block over its bass."""
    rows = [
        (chord.onset, chord.duration, pitch)
        for chord in chords
        for pitch in (36 + (chord.root if chord.bass is None else chord.bass), *(60 + p for p in chord.pitch_classes))
    ]
    onset, duration, pitch = np.array(rows).T
    return find_key(onset, duration, pitch, 24).key


@pytest.mark.parametrize("harmony", vocabulary_names())
@pytest.mark.parametrize("mode", ["major", "minor"])
def test_every_vocabulary_is_heard_in_its_key(harmony: str, mode: str) -> None:
    heard = 0
    for seed in range(20):
        key = Key(seed * 7 % 12, "major" if mode == "major" else "minor")
        form = layout((16, 32)[seed % 2], seed=seed)
        song = written(form, key.name, harmony, seed=seed)
        heard += heard_key(song.chords) == key
        assert song == written(form, key.name, harmony, seed=seed)
        assert song.chords[-1].root == key.tonic
        assert song.chords[-1].duration == 96
        assert len(song.chords[-1].pitch_classes) == 3
    assert heard >= 19


@pytest.mark.parametrize("metre", ["4/4", "3/4", "6/8", "2/4", "5/4", "7/8", "12/8", "3/8", "1/4"])
@pytest.mark.parametrize("harmony", vocabulary_names())
def test_chords_fill_every_bar_of_any_metre_and_change_on_beats(metre: str, harmony: str) -> None:
    parsed = parse_metre(metre)
    for bars in (1, 3, 7, 18):
        song = written(layout(bars, metre=metre), "D minor", harmony, metre=metre)
        tick = 0
        for section in song.sections:
            assert section.chords[0].onset == section.first_bar * bar_ticks(parsed)
            for chord in section.chords:
                assert chord.onset == tick
                tick += chord.duration
                if bar_ticks(parsed) > beat_ticks(parsed):
                    assert chord.onset % beat_ticks(parsed) == 0 or parsed.numerator in (5, 7)
        assert tick == bars * bar_ticks(parsed)


@pytest.mark.parametrize("harmony", vocabulary_names())
def test_sections_of_a_letter_have_the_same_chords(harmony: str) -> None:
    for seed in range(6):
        song = written(layout(64, seed=seed), "G", harmony, seed=seed)
        for letter in {section.letter for section in song.sections}:
            alike = [section for section in song.sections if section.letter == letter]
            texts = [[chord.symbol for chord in section.chords] for section in alike]
            assert all(text[:-1] == texts[0][: len(text) - 1] for text in texts)


def test_songs_differ_and_verse_and_chorus_do() -> None:
    songs = [written(layout(64, seed=seed), "C", "pop", seed=seed) for seed in range(20)]
    assert len({tuple(symbols(song)) for song in songs}) == 20
    same, bars = 0, 0
    for song in songs:
        verse, chorus = (song.model(next(s.letter for s in song.sections if s.name == n)) for n in ("verse", "chorus"))
        for one, other in zip(verse.chords, chorus.chords, strict=False):
            same, bars = same + (one.symbol == other.symbol), bars + 1
    assert same < 0.45 * bars


@pytest.mark.parametrize("mode", ["major", "minor"])
@pytest.mark.parametrize("harmony", vocabulary_names())
def test_a_song_ends_with_a_cadence(harmony: str, mode: str) -> None:
    for seed in range(15):
        key = Key(seed * 7 % 12, "major" if mode == "major" else "minor")
        song = written(layout((16, 24, 32)[seed % 3], seed=seed), key.name, harmony, seed=seed)
        last_bars = [chord for chord in song.chords if chord.onset >= (song.bars - 3) * 96]
        assert {chord.root for chord in last_bars} != {key.tonic}


@pytest.mark.parametrize(
    ("asked", "key", "bars", "last"),
    [
        ("C | Am | F | G", "C", 8, "C"),
        ("C | Am | F | G", "C", 10, "C"),
        ("C | Am | F G", "C", 6, "C"),
        ("C | Am | F | G", "C", 4, "G"),
        ("Am | F | C | G", "C", 8, "G"),
        ("C | G | F | C", "C", 8, "C"),
        ("Am | F | C | G", "A minor", 8, "Am"),
    ],
)
def test_a_loop_from_the_tonic_comes_home_in_the_last_bar(asked: str, key: str, bars: int, last: str) -> None:
    song = written(layout(bars), key, chords=asked)
    spans = chord_spans(asked, Bars.of([(96, parse_metre("4/4"))] * bars), 0, bars)
    assert song.chords[-1].symbol == last
    assert sum(chord.duration for chord in song.chords) == 96 * bars
    assert [chord for chord in song.chords if chord.onset < 96 * (bars - 1)] == [
        span for span in spans if span.onset < 96 * (bars - 1)
    ]


def test_chords_that_were_asked_for_are_kept_to_the_end() -> None:
    song = written(layout(10), "C", chords="Am | F | C G")
    assert symbols(song) == ["Am", "F", "C", "G"] * 3 + ["Am"]
    with pytest.raises(InvalidRequest, match="too many"):
        written(layout(4, metre="1/16"), "C", metre="1/16", chords="C G F")


def test_a_sections_own_progression_comes_first_and_returns_with_it() -> None:
    form = layout(None, verse="", chorus="F | C")
    song = written(form, "C", chords="Am | Dm")
    assert [chord.symbol for chord in song.sections[1].chords] == ["F", "C"] * 4
    assert {chord.symbol for chord in song.sections[0].chords} == {"Am", "Dm"}


@pytest.mark.parametrize(
    ("degree", "key", "symbol"),
    [
        ("V7", "F# minor", "C#7"),
        ("bVII", "E", "D"),
        ("bVI", "C minor", "Ab"),
        ("V/7", "Db", "Ab/C"),
        ("iim7b5", "A minor", "Bm7b5"),
        ("II7", "Bb", "C7"),
        ("viidim7", "G minor", "F#dim7"),
    ],
)
def test_symbols_are_spelled_in_the_key(degree: str, key: str, symbol: str) -> None:
    assert symbol_in(parse_degree(degree), parse_key(key)) == symbol
    assert parse_degree(degree).text == degree


def test_thirds_carry_the_bass_by_steps_between_roots() -> None:
    rng = random.Random(1)
    assert walking_bass(["I V", "vi", "IV I", "ii", "V", "I"], 1.0, rng) == ["I V/7", "vi", "IV I/3", "ii", "V", "I"]
    assert walking_bass(["vi V7", "I"], 1.0, rng) == ["vi V7/7", "I"]
    assert walking_bass(["I V", "vi"], 0.0, rng) == ["I V", "vi"]


def test_a_text_that_is_no_degree_is_refused() -> None:
    with pytest.raises(ValueError, match="no degree"):
        parse_degree("H7")


@pytest.mark.parametrize("style", STYLES)
def test_every_style_names_a_form_and_a_harmony(style: str) -> None:
    assert form_style(STYLES[style].form).patterns or STYLES[style].form == "verse-chorus"
    assert vocabulary(STYLES[style].harmony).name


@pytest.mark.parametrize(
    ("chords", "key", "told"),
    [
        ("C | F | G | C", "C", False),
        ("Am | F | C | G", "C", False),
        ("Dm7 G7 | Cmaj7", "C", False),
        ("C | F | G | C", "E", True),
        ("Bb | Eb | F7 | Bb", "F# minor", True),
    ],
)
def test_chords_that_contradict_the_key_are_kept_and_told(chords: str, key: str, told: bool) -> None:
    form = layout(8)
    song = written(form, key, chords=chords)
    notes = contradictions(song, key=parse_key(key), chords=chords, wished=(False,) * len(song.sections))
    assert bool(notes) == told
    assert all(parse_key(key).name in note for note in notes)
    assert not contradictions(song, key=parse_key(key), chords=None, wished=(False,) * len(song.sections))
