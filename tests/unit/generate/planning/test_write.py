"""Planning of requests: given fields are kept exactly, the rest follows from style and seed, errors are named."""

import base64
from itertools import pairwise

import pytest
from bandmate_generate.compose import with_lead
from bandmate_generate.form.form_style import form_style
from bandmate_generate.lead.notes import LeadNote
from bandmate_generate.planning.plan import plan_song
from bandmate_generate.planning.song_plan import WritePlan
from bandmate_generate.planning.styles import STYLES, UnknownStyle
from bandmate_music.midi.write import write_midi
from bandmate_music.score import KeyChange, MetreChange, Notes, Part, Score, TempoChange
from bandmate_music.theory.keys import Key
from bandmate_music.theory.metre import Metre, parse_metre
from bandmate_music.theory.metrical_grid import bar_ticks
from bandmate_shared.contracts.songs import SongRequest
from bandmate_shared.errors import BandmateError, InvalidRequest, UnreadableFile
from bandmate_shared.settings import SharedSettings

LYRICS = "The river runs beneath the moon\nAnd carries all my dreams away"


def plan(settings: SharedSettings, seed: int = 1, **fields: object) -> WritePlan:
    planned = plan_song(SongRequest.model_validate(fields), seed, settings)
    assert isinstance(planned, WritePlan)
    return planned


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
    assert planned.bars == form_style(STYLES[style].form).default_bars
    assert planned == plan(settings, seed, style=style)
    request = planned.composition(3)
    assert len(set(request.seeds)) == 3
    assert request.style == STYLES[style].model_style


def test_seeds_differ(settings: SharedSettings) -> None:
    assert len({plan(settings, seed, style="folk").key for seed in range(30)}) > 4


def test_what_is_asked_is_kept_and_changes_nothing_else(settings: SharedSettings) -> None:
    planned = plan(settings, 5, style="folk", key="F# minor", bars=13, tempo=97.5, metre="5/4")
    assert (planned.key, planned.bars, planned.tempo, planned.metre) == (Key(6, "minor"), 13, 97.5, Metre(5, 4))
    assert plan(settings, 5, style="folk", key="F# minor").tempo == plan(settings, 5, style="folk").tempo


def test_a_key_is_a_wish_only_where_it_was_asked_for(settings: SharedSettings) -> None:
    assert plan(settings, key="D minor").composition(1).key_wish
    assert not plan(settings).composition(1).key_wish, "it was drawn at random"
    from_prompt = plan(settings, prompt=prompt(scale_track(2), key=Key(7, "major")))
    assert not from_prompt.composition(1).key_wish, "it is the prompt's"


def test_words_fix_the_rhythm_of_the_melody(settings: SharedSettings) -> None:
    planned = plan(settings, 3, style="folk", lyrics=LYRICS, prompt=prompt(scale_track(2)), bars=8, metre="4/4")
    request = planned.composition(1)
    assert [(note.onset, note.duration) for note in request.rhythm[0]] == [(n.onset, n.duration) for n in planned.sung]
    assert planned.specs[0].is_voice
    assert planned.title == "The river runs beneath the moon"


def test_words_make_the_sections_and_their_headers_are_not_sung(settings: SharedSettings) -> None:
    planned = plan(settings, 3, style="folk", lyrics=f"[Verse 1]\n{LYRICS}\n[Chorus]\n{LYRICS}", metre="4/4", tempo=100)
    assert planned.form is not None
    assert [section.name for section in planned.form.sections] == ["verse", "chorus"]
    assert planned.title == "The river runs beneath the moon"
    sung = with_lead(planned)
    texts = [note.syllable.text for note in sung.sung if note.syllable is not None]
    assert "Verse" not in texts
    assert len(texts) == 32
    assert [(note.onset, note.duration) for note in sung.sung] == [(note.onset, note.duration) for note in sung.lead]


@pytest.mark.parametrize("style", ["song", "folk", "pop"])
@pytest.mark.parametrize("metre", ["4/4", "3/4", "6/8", "5/16", "1/4", "6/4"])
@pytest.mark.parametrize("bars", [1, 2, 7, 16])
def test_a_melody_without_words_sings_in_phrases(settings: SharedSettings, style: str, metre: str, bars: int) -> None:
    def tune(seed: int) -> tuple[LeadNote, ...]:
        return with_lead(plan(settings, seed, style=style, metre=metre, bars=bars, tempo=100)).lead

    notes = tune(3)
    assert notes[0].onset >= 0
    assert notes[-1].end <= bars * bar_ticks(parse_metre(metre))
    assert all(note.end <= following.onset for note, following in pairwise(notes))
    voiced = {note.onset // bar_ticks(parse_metre(metre)) for note in notes}
    assert len(voiced) >= bars // 3, "phrases end with rests"
    assert len({tune(seed) for seed in range(4)}) > 1


@pytest.mark.parametrize("style", ["quartet", "rock"])
def test_the_voice_replaces_the_lead_instrument_when_there_are_lyrics(settings: SharedSettings, style: str) -> None:
    sung = plan(settings, 3, style=style, lyrics=LYRICS)
    assert sung.specs[0].name == "Voice"
    assert sung.specs[0].is_voice
    assert sung.specs[1:] == plan(settings, 3, style=style, metre=sung.metre.name).specs[1:]


@pytest.mark.parametrize("metre", ["4/4", "3/4", "7/8"])
def test_drums_play_in_every_metre(settings: SharedSettings, metre: str) -> None:
    assert any(spec.is_drum for spec in plan(settings, style="pop", metre=metre).specs)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"style": "polka"}, "folk"),
        ({"style": "drums", "lyrics": LYRICS}, "nobody to sing"),
        ({"lyrics": "...\na 月"}, "Latin letters"),
        ({"lyrics": "la " * 400, "bars": 2}, "at least"),
        ({"bars": 128, "tempo": 20, "metre": "16/1"}, "last"),
        ({"prompt": "not base64!"}, "Base64"),
        ({"prompt": base64.b64encode(b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + bytes(100)).decode()}, "JPEG"),
        ({"prompt": base64.b64encode(b"").decode() + "AAAA"}, "prompt"),
    ],
)
def test_invalid_requests_are_refused_with_the_reason(
    settings: SharedSettings, fields: dict[str, object], message: str
) -> None:
    with pytest.raises(BandmateError, match=message) as raised:
        plan(settings, 1, **fields)
    assert 400 <= raised.value.status < 500


def test_an_unknown_style_lists_those_there_are(settings: SharedSettings) -> None:
    with pytest.raises(UnknownStyle) as raised:
        plan(settings, style="polka")
    assert all(name in raised.value.detail for name in STYLES)


def test_an_unrequested_metre_is_changed_to_fit_the_words(settings: SharedSettings) -> None:
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


def test_of_a_prompt_as_long_as_the_song_the_last_bars_are_gone_on_from(settings: SharedSettings) -> None:
    planned = plan(settings, style="song", bars=5, prompt=prompt(scale_track(5)))
    assert (planned.prompt_bars, planned.bars) == (2, 5)
    with pytest.raises(InvalidRequest, match="5 bars"):
        plan(settings, style="song", bars=1, prompt=prompt(scale_track(5)))


def test_a_midi_file_without_notes_is_no_prompt(settings: SharedSettings) -> None:
    with pytest.raises(UnreadableFile):
        plan(settings, prompt=prompt(Part("Empty", 0, Notes())))
