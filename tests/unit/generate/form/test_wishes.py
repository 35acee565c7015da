"""The form that a request's `sections` ask for."""

from typing import Any

import pytest
from bandmate_generate.form.form_style import form_style
from bandmate_generate.form.layout import FormLayout, lay_out_form
from bandmate_generate.lyrics.lines import read_lyrics
from bandmate_music.theory.metre import Metre
from bandmate_shared.contracts.songs import SongRequest
from bandmate_shared.contracts.wishes import SectionWish
from bandmate_shared.errors import InvalidRequest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

VERSE = "The river runs beneath the moon\nAnd carries all my dreams away"
CHORUS = "Oh love is here\nOh love is near"


def lay(*wishes: dict[str, Any], lyrics: str | None = None, bars: int | None = None) -> FormLayout:
    return lay_out_form(
        lyrics=None if lyrics is None else read_lyrics(lyrics),
        wishes=[SectionWish.model_validate(wish) for wish in wishes],
        bars=bars,
        metre=Metre(4, 4),
        tempo=100,
        style=form_style("verse-chorus"),
        seed=1,
    )


def named(*names: str, **fields: Any) -> list[dict[str, Any]]:
    return [{"name": name, **fields} for name in names]


def sizes(form: FormLayout) -> list[int]:
    return [section.bars for section in form.sections]


def test_names_in_any_language_numbers_and_letters() -> None:
    form = lay(*named("Intro", "Strophe 1", "Refrain", "verse 2", "Chorus", "Guitar Solo", "a", "Coda:"))
    names = ["intro", "verse", "chorus", "verse", "chorus", "solo", "A", "outro"]
    assert [section.name for section in form.sections] == names
    assert [section.letter for section in form.sections] == ["A", "B", "C", "B", "C", "D", "E", "F"]
    assert sizes(form) == [4, 8, 8, 8, 8, 8, 8, 4]


@pytest.mark.parametrize(
    ("name", "nearest"), [("vers3e", "verse"), ("korus", "chorus"), ("brige", "bridge"), ("Q", "")]
)
def test_an_unknown_name_is_refused_with_the_nearest_ones(name: str, nearest: str) -> None:
    with pytest.raises(InvalidRequest, match=f"there is no section '{name}'; the nearest are .*{nearest}"):
        lay(*named(name))


def test_bars_are_kept_and_the_rest_is_shared() -> None:
    assert sizes(lay(*named("intro", bars=2), *named("verse", "chorus"), bars=30)) == [2, 14, 14]
    assert sizes(lay(*named("verse", bars=8), *named("chorus", "verse", "chorus"), bars=28)) == [8, 6, 8, 6]
    with pytest.raises(InvalidRequest, match="have 16 bars together and `bars` asks for 20"):
        lay(*named("verse", "chorus", bars=8), bars=20)
    with pytest.raises(InvalidRequest, match="have 8 of the 8"):
        lay(*named("verse", bars=8), *named("chorus"), bars=8)
    with pytest.raises(InvalidRequest, match="at most 200"):
        lay(*named(*["verse"] * 26))


def test_words_of_a_section_return_with_it() -> None:
    form = lay({"name": "verse", "lyrics": VERSE}, {"name": "chorus", "lyrics": CHORUS}, *named("solo", "chorus"))
    assert sizes(form) == [4, 4, 8, 4]
    assert form.sections[1].lines == form.sections[3].lines
    assert len(form.lines) == 6
    silent = lay({"name": "chorus", "lyrics": CHORUS}, {"name": "chorus", "lyrics": ""})
    assert not silent.sections[1].lines
    assert silent.sections[1].letter == "A"


def test_a_section_of_another_progression_is_other_music() -> None:
    form = lay(*named("verse", chords="C | F"), *named("verse"), *named("verse", chords="Am | G"))
    assert [section.letter for section in form.sections] == ["A", "A", "B"]
    assert [section.chords_wish for section in form.sections] == ["C | F", None, "Am | G"]


def test_words_of_the_song_go_to_the_sections_by_name() -> None:
    text = f"[Verse]\n{VERSE}\n[Chorus]\n{CHORUS}"
    form = lay(*named("intro", "verse", "chorus", "chorus"), lyrics=text)
    assert [len(section.lines) for section in form.sections] == [0, 2, 2, 2]
    unmarked = lay(*named("verse", "chorus"), lyrics=f"{VERSE}\n\n{CHORUS}")
    assert [len(section.lines) for section in unmarked.sections] == [2, 2]
    with pytest.raises(InvalidRequest, match="the words have 3 stanzas and the form has 1"):
        lay(*named("verse"), lyrics=f"{VERSE}\n\n{VERSE.replace('moon', 'sun')}\n\n{VERSE.replace('moon', 'sky')}")
    with pytest.raises(InvalidRequest, match="no section to sing them in"):
        lay(*named("intro", "solo"), lyrics=VERSE)
    twice = lay(*named("verse", "chorus"), lyrics="\n\n".join([VERSE, CHORUS] * 2))
    assert [len(section.lines) for section in twice.sections] == [2, 2]
    other = VERSE.replace("moon", "sun")
    ordered = lay(*named("A", "B", "C"), lyrics="\n\n".join([VERSE, CHORUS, other, CHORUS]))
    assert [len(section.lines[0].syllables) for section in ordered.sections] == [8, 4, 8]
    with pytest.raises(InvalidRequest, match="the words have 2 choruses and the form has 1"):
        lay(*named("verse", "chorus"), lyrics=f"[Verse]\n{VERSE}\n[Chorus]\n{CHORUS}\n[Chorus]\n{VERSE}")
    told = lay(*named("verse", "bridge"), lyrics=VERSE)
    assert told.notes == ("there are no words for the bridge: it is played without singing",)


def test_a_section_too_short_for_its_words_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="the section verse has 1 bar and its words take 2"):
        lay({"name": "verse", "bars": 1, "lyrics": "\n".join([VERSE] * 2)})


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"sections": [{"name": "verse", "lyrics": "la"}], "lyrics": "la"}, "not both"),
        ({"sections": [{"name": "verse"}], "prompt": "upload:x"}, "new song"),
        ({"sections": [{"name": "verse", "bars": 150}, {"name": "chorus", "bars": 60}]}, "at most 200"),
        ({"sections": [{"name": "verse"}] * 41}, "at most 40"),
        ({"sections": []}, "at least 1"),
        ({"sections": [{"name": "verse", "chords": "Hm"}]}, "does not begin with a note"),
        ({"sections": [{"name": "verse", "bars": 400}]}, "less than or equal to 200"),
        ({"sections": [{"name": "verse", "lyrics": "..."}]}, "no syllables"),
    ],
)
def test_requests_that_cannot_be_met_are_refused(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        SongRequest.model_validate(fields)


def test_all_words_of_a_request() -> None:
    request = SongRequest.model_validate({"sections": [{"name": "verse", "lyrics": "la la"}, {"name": "verse"}]})
    assert request.words == "la la"
    assert SongRequest(lyrics="lo lo").words == "lo lo"
    assert SongRequest().words is None


SECTIONS = st.fixed_dictionaries(
    {"name": st.sampled_from(["intro", "verse", "chorus", "bridge", "solo", "A", "outro"])},
    optional={
        "bars": st.integers(1, 20),
        "chords": st.sampled_from(["C | F", "Am | G | C"]),
        "lyrics": st.sampled_from([VERSE, CHORUS, "la la la", ""]),
    },
)


@settings(max_examples=150, deadline=None)
@given(wishes=st.lists(SECTIONS, min_size=1, max_size=9), bars=st.one_of(st.none(), st.integers(1, 200)))
def test_every_form_that_is_asked_for_is_kept(wishes: list[dict[str, Any]], bars: int | None) -> None:
    try:
        form = lay(*wishes, bars=bars)
    except InvalidRequest:
        return
    assert len(form.sections) == len(wishes)
    assert sum(sizes(form)) == form.bars == (bars or form.bars)
    for wish, section in zip(wishes, form.sections, strict=True):
        assert section.bars == wish.get("bars", section.bars)
        assert section.chords_wish == wish.get("chords")
        if wish.get("lyrics"):
            assert len(section.lines) == len(read_lyrics(wish["lyrics"]).lines)
