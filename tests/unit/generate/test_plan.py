"""Requests made complete: what is asked is kept exactly, the rest follows from style and seed, faults are named."""

import base64

import pytest
from bandmate_generate.accents import bar_ticks
from bandmate_generate.plan import SongPlan, plan_song
from bandmate_generate.styles import STYLES, UnknownStyle
from bandmate_shared.contracts.songs import SongRequest
from bandmate_shared.errors import BandmateError, InvalidRequest, UnreadableFile
from bandmate_shared.music.keys import Key
from bandmate_shared.music.metre import Metre
from bandmate_shared.music.midi_write import write_midi
from bandmate_shared.music.score import KeyChange, MetreChange, Notes, Part, Score, TempoChange
from bandmate_shared.settings import SharedSettings

LYRICS = "The river runs beneath the moon\nAnd carries all my dreams away"


def plan(settings: SharedSettings, seed: int = 1, **asked: object) -> SongPlan:
    return plan_song(SongRequest.model_validate(asked), seed, settings)


def prompt(*tracks: Part, key: Key | None = None) -> str:
    keys = (KeyChange(0, key),) if key else ()
    score = Score(tracks, 480, (TempoChange(0, 90),), (MetreChange(0, Metre(3, 4)),), keys)
    return base64.b64encode(write_midi(score)).decode()


def scale_track(bars: int, pitch: int = 67, name: str = "Tune", start: int = 0) -> Part:
    rows = [(start + beat * 480, 400, pitch + (0, 2, 4)[beat % 3], 80) for beat in range(3 * bars)]
    return Part(name, 0, Notes.from_rows(rows))


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("seed", [0, 7, 2**52])
def test_every_style_plans_by_itself(settings: SharedSettings, style: str, seed: int) -> None:
    planned = plan(settings, seed, style=style)
    low, high = STYLES[style].tempi
    assert low <= planned.tempo <= high
    assert planned.metre in STYLES[style].metres
    assert planned.bars == 16
    assert planned == plan(settings, seed, style=style)
    request = planned.composition(3)
    assert len(set(request.seeds)) == 3
    assert request.style == STYLES[style].model_style


def test_seeds_differ(settings: SharedSettings) -> None:
    assert len({plan(settings, seed, style="folk").key for seed in range(30)}) > 4


def test_what_is_asked_is_kept_and_changes_nothing_else(settings: SharedSettings) -> None:
    asked = plan(settings, 5, style="folk", key="F# minor", bars=13, tempo=97.5, metre="5/4")
    assert (asked.key, asked.bars, asked.tempo, asked.metre) == (Key(6, "minor"), 13, 97.5, Metre(5, 4))
    assert plan(settings, 5, style="folk", key="F# minor").tempo == plan(settings, 5, style="folk").tempo


def test_a_key_is_a_wish_only_where_it_was_asked_for(settings: SharedSettings) -> None:
    assert plan(settings, key="D minor").composition(1).key_wish
    assert not plan(settings).composition(1).key_wish, "the dice chose it"
    heard = plan(settings, prompt=prompt(scale_track(2), key=Key(7, "major")))
    assert not heard.composition(1).key_wish, "it is the prompt's"


def test_words_fix_the_rhythm_of_the_melody(settings: SharedSettings) -> None:
    planned = plan(settings, 3, style="folk", lyrics=LYRICS, metre="4/4", tempo=100)
    assert planned.bars == 4
    request = planned.composition(1)
    assert [(note.onset, note.duration) for note in request.rhythm[0]] == [(n.onset, n.duration) for n in planned.sung]
    assert planned.specs[0].is_voice
    assert planned.title == "The river runs beneath the moon"


@pytest.mark.parametrize("style", ["song", "folk", "pop"])
@pytest.mark.parametrize("metre", ["4/4", "3/4", "6/8", "5/16", "1/4", "6/4"])
@pytest.mark.parametrize("bars", [1, 2, 7, 16])
def test_a_melody_without_words_sings_in_phrases(settings: SharedSettings, style: str, metre: str, bars: int) -> None:
    planned = plan(settings, 3, style=style, metre=metre, bars=bars, tempo=100)
    ends = [onset + duration for onset, duration in planned.rhythm]
    assert planned.rhythm[0][0] >= 0
    assert ends[-1] <= bars * bar_ticks(planned.metre)
    assert all(end <= onset for end, (onset, _) in zip(ends, planned.rhythm[1:], strict=False))
    voiced = {onset // bar_ticks(planned.metre) for onset, _ in planned.rhythm}
    assert len(voiced) >= bars // 2
    other = {plan(settings, seed, style=style, metre=metre, bars=bars, tempo=100).rhythm for seed in range(6)}
    assert len(other) > 1


@pytest.mark.parametrize("style", ["quartet", "rock"])
def test_an_instrument_steps_back_for_the_singer(settings: SharedSettings, style: str) -> None:
    sung = plan(settings, 3, style=style, lyrics=LYRICS)
    assert sung.specs[0].name == "Voice"
    assert sung.specs[0].is_voice
    assert sung.specs[1:] == plan(settings, 3, style=style, metre=sung.metre.name).specs[1:]


def test_drums_stay_out_of_metres_they_do_not_play(settings: SharedSettings) -> None:
    assert any(spec.is_drum for spec in plan(settings, style="pop", metre="4/4").specs)
    assert not any(spec.is_drum for spec in plan(settings, style="pop", metre="3/4").specs)


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"style": "polka"}, "folk"),
        ({"style": "drums", "metre": "3/4"}, "4/4"),
        ({"style": "drums", "lyrics": LYRICS}, "nobody to sing"),
        ({"lyrics": "...\na 月"}, "Latin letters"),
        ({"lyrics": "la " * 400, "bars": 2}, "at least"),
        ({"bars": 128, "tempo": 20, "metre": "16/1"}, "last"),
        ({"prompt": "not base64!"}, "Base64"),
        ({"prompt": base64.b64encode(b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + bytes(100)).decode()}, "JPEG"),
        ({"prompt": base64.b64encode(b"").decode() + "AAAA"}, "prompt"),
    ],
)
def test_faults_are_named(settings: SharedSettings, asked: dict[str, object], says: str) -> None:
    with pytest.raises(BandmateError, match=says) as caught:
        plan(settings, 1, **asked)
    assert 400 <= caught.value.status < 500


def test_an_unknown_style_lists_those_there_are(settings: SharedSettings) -> None:
    with pytest.raises(UnknownStyle) as caught:
        plan(settings, style="polka")
    assert all(name in caught.value.detail for name in STYLES)


def test_a_metre_nobody_asked_for_gives_way_to_the_words(settings: SharedSettings) -> None:
    crowded = "the wind and the rain and the sun and the sea " * 2 + "and the moon and the stars"
    metres = {plan(settings, seed, style="folk").metre for seed in range(20)}
    assert Metre(3, 4) in metres
    assert {plan(settings, seed, style="folk", lyrics=crowded, bars=2).metre for seed in range(20)} == {Metre(4, 4)}


def test_a_prompt_gives_key_tempo_metre_and_its_bars(settings: SharedSettings) -> None:
    low = Part("Low", 0, Notes.from_rows([(bar * 1440, 1440, 43, 70) for bar in range(5)]))
    planned = plan(settings, style="folk", prompt=prompt(scale_track(5), low, key=Key(7, "major")))
    assert (planned.key, planned.tempo, planned.metre) == (Key(7, "major"), 90.0, Metre(3, 4))
    assert planned.prompt_bars == 5
    assert planned.bars == 16
    roles = {planned.specs[row[0]].role for row in planned.prompt}
    assert roles == {"melody", "bass"}
    planned.composition(2)


def test_a_prompt_is_moved_into_the_key_asked_for(settings: SharedSettings) -> None:
    moved = plan(settings, style="song", key="A", prompt=prompt(scale_track(2), key=Key(7, "major")))
    assert moved.prompt_semitones == 2
    assert moved.prompt[0][3] == 69


def test_a_prompt_off_the_grid_is_put_on_it_and_its_silence_dropped(settings: SharedSettings) -> None:
    late = scale_track(2, start=3 * 1440 + 11)
    planned = plan(settings, style="song", prompt=prompt(late))
    assert planned.prompt_bars == 2
    assert [row[1] for row in planned.prompt] == [0, 24, 48, 72, 96, 120]


def test_the_words_come_after_the_prompt(settings: SharedSettings) -> None:
    planned = plan(settings, style="folk", lyrics=LYRICS, prompt=prompt(scale_track(3)))
    assert planned.bars == 3 + 4
    assert planned.sung[0].onset >= 3 * bar_ticks(planned.metre)
    assert planned.melody not in {row[0] for row in planned.prompt}


def test_a_prompt_as_long_as_the_song_is_refused(settings: SharedSettings) -> None:
    with pytest.raises(InvalidRequest, match="5 bars"):
        plan(settings, style="song", bars=5, prompt=prompt(scale_track(5)))


def test_a_midi_file_without_notes_is_no_prompt(settings: SharedSettings) -> None:
    with pytest.raises(UnreadableFile):
        plan(settings, prompt=prompt(Part("Empty", 0, Notes())))
