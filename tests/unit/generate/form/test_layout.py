"""The form of a song: from the request's sections, from the words, and without words from the style."""

from collections import defaultdict

import pytest
from bandmate_generate.form.form_style import form_style, form_style_names
from bandmate_generate.form.layout import FormLayout, lay_out_form
from bandmate_generate.lyrics.lines import read_lyrics
from bandmate_generate.lyrics.prosody import set_lyrics
from bandmate_music.theory.metre import Metre, parse_metre
from bandmate_shared.errors import InvalidRequest
from hypothesis import given, settings
from hypothesis import strategies as st

COMMON_TIME = Metre(4, 4)
CHORUS = "Oh my love is calling\nOver the hills and falling\nOh my love is calling me\nHome across the silver sea"


def verse(noun: str) -> str:
    return "\n".join(
        f"The {animal} is running down the {noun} tonight" for animal in ("river", "lion", "tiger", "moon")
    )


def lay(
    text: str | None = None, bars: int | None = None, style: str = "verse-chorus", seed: int = 1, metre: str = "4/4"
) -> FormLayout:
    return lay_out_form(
        lyrics=None if text is None else read_lyrics(text),
        wishes=None,
        bars=bars,
        metre=parse_metre(metre),
        tempo=100,
        style=form_style(style),
        seed=seed,
    )


def described(form: FormLayout) -> str:
    """'intro A4 verse B8 …'"""
    return " ".join(f"{section.name} {section.letter}{section.bars}" for section in form.sections)


def assert_whole(form: FormLayout, bars: int | None) -> None:
    bar = 0
    seen: dict[str, int] = defaultdict(int)
    for section in form.sections:
        assert section.first_bar == bar
        assert section.bars >= 1
        assert 0 <= section.energy <= 1
        assert section.repeats == seen[section.letter]
        seen[section.letter] += 1
        bar += section.bars
    assert bar == form.bars
    if bars is not None:
        assert bar == bars


@pytest.mark.parametrize("style", form_style_names())
@pytest.mark.parametrize("bars", [*range(1, 34), 47, 48, 63, 64, 96, 100, 127, 128, 199, 200])
def test_music_without_words_has_exactly_the_bars(style: str, bars: int) -> None:
    for seed in range(4):
        form = lay(None, bars, style, seed)
        assert_whole(form, bars)
        assert form == lay(None, bars, style, seed)
        lengths = defaultdict(set)
        for section in form.sections[:-1]:
            lengths[section.letter].add(section.bars)
        assert all(len(sizes) == 1 for sizes in lengths.values())


@pytest.mark.parametrize("bars", [32, 48, 64, 96, 128, 200])
def test_a_long_song_without_words_has_a_chorus_that_returns(bars: int) -> None:
    orders = set()
    for seed in range(12):
        form = lay(None, bars, seed=seed)
        choruses = [section for section in form.sections if section.name == "chorus"]
        assert len(choruses) >= 2
        assert len({section.letter for section in choruses}) == 1
        assert choruses[0].bars >= 8
        assert choruses[-1].energy == 1.0
        orders.add(described(form))
    assert len(orders) > 3


def test_strains_of_a_dance_return() -> None:
    form = lay(None, 64, "strains")
    assert {section.name for section in form.sections} <= set("ABCDEF")
    assert all(section.bars == 8 and section.number is None for section in form.sections)
    assert max(section.repeats for section in form.sections) >= 2


@pytest.mark.parametrize("style", ["strophic", "strains", "aaba", "hymn", "movement", "march", "groove"])
def test_long_music_in_letters_returns_and_brings_something_new(style: str) -> None:
    for seed in range(8):
        form = lay(None, 64, style, seed)
        returning = sum(section.bars for section in form.sections if section.repeats) / 64
        assert 0.3 <= returning <= 0.65


def test_short_words_stand_alone() -> None:
    assert described(lay(verse("hill"))) == "verse A8"
    assert described(lay(verse("hill"), 8)) == "verse A8"
    assert described(lay(verse("hill"), 16)) == "intro A4 verse B8 outro C4"


def test_an_intro_gives_its_bars_before_lines_are_sung_faster() -> None:
    text = f"[Intro]\n\n[Verse 1]\n{verse('hill')}\n\n[Chorus]\n{CHORUS}\n\n[Outro]\n"
    assert described(lay(text, 20)) == "intro A2 verse B8 chorus C8 outro D2"


def test_longer_words_have_an_intro_and_an_ending() -> None:
    text = "\n\n".join([verse("hill"), CHORUS, verse("road"), CHORUS])
    assert described(lay(text)) == "intro A4 verse B8 chorus C8 verse B8 chorus C8 outro D4"


@pytest.mark.parametrize("between", ["\n", "\n\n"])
def test_text_that_returns_is_the_chorus(between: str) -> None:
    form = lay(between.join([verse("hill"), CHORUS, verse("road"), CHORUS]), 32)
    assert described(form) == "verse A8 chorus B8 verse A8 chorus B8"
    assert [section.number for section in form.sections] == [1, 1, 2, 2]
    assert form.sections[1].lines[0].syllables == form.sections[3].lines[0].syllables
    verses = [section.energy for section in form.sections if section.name == "verse"]
    assert verses[0] < verses[1] < form.sections[1].energy < form.sections[3].energy


def test_a_chorus_may_change_a_line() -> None:
    changed = CHORUS.replace("Home across the silver sea", "Home across the golden land")
    form = lay("\n\n".join([verse("hill"), CHORUS, verse("road"), changed]), 32)
    assert [section.name for section in form.sections] == ["verse", "chorus"] * 2
    assert len(form.lines) == 16


def test_lines_that_end_every_stanza_are_a_chorus() -> None:
    refrain = "\n".join(CHORUS.splitlines()[2:])
    form = lay(f"{verse('hill')}\n{refrain}\n\n{verse('road')}\n{refrain}", 24)
    assert described(form) == "verse A8 chorus B4 verse A8 chorus B4"


def test_what_stands_before_every_chorus_is_a_pre_chorus() -> None:
    pre = "Now the night is near\nAnd the road is clear"
    form = lay("\n\n".join([verse("hill"), pre, CHORUS, verse("road"), pre, CHORUS]), 40)
    assert [section.name for section in form.sections] == ["verse", "pre-chorus", "chorus"] * 2


def test_stanzas_of_one_shape_are_verses_and_another_one_late_is_a_bridge() -> None:
    assert described(lay("\n\n".join(map(verse, ("hill", "road", "sea"))), 24)) == "verse A8 verse A8 verse A8"
    bridge = "Wait\nStay here"
    form = lay("\n\n".join([verse("hill"), CHORUS, verse("road"), CHORUS, bridge, CHORUS]), 44)
    assert [section.name for section in form.sections] == ["verse", "chorus", "verse", "chorus", "bridge", "chorus"]


MARKED = f"[Verse 1]\n{verse('hill')}\n[Chorus]\n{CHORUS}\n[Verse 2]\n{verse('road')}"
MARKED += "\n[Chorus]\n[Solo]\n[Chorus x2]\n[Outro]"


def test_markers_make_the_form_and_repeat_the_words() -> None:
    form = lay(MARKED)
    names = ["verse", "chorus", "verse", "chorus", "solo", "chorus", "chorus", "outro"]
    assert [section.name for section in form.sections] == names
    choruses = [section for section in form.sections if section.name == "chorus"]
    assert all(section.lines == choruses[0].lines for section in choruses)
    assert len(choruses[0].lines) == 4
    assert [section.repeats for section in choruses] == [0, 1, 2, 3]
    assert not form.sections[4].lines
    assert not form.notes


def test_a_chorus_may_stand_before_its_words() -> None:
    form = lay(f"[Chorus]\n[Verse]\n{verse('hill')}\n[Chorus]\n{CHORUS}")
    assert form.sections[0].name == "chorus" or form.sections[1].name == "chorus"
    assert len(form.lines) == 12


def test_a_verse_below_a_marked_chorus_needs_no_marker() -> None:
    form = lay(f"[Verse 1]\n{verse('hill')}\n\n[Chorus]\n{CHORUS}\n\n{verse('road')}\n\n[Chorus]")
    assert [section.name for section in form.sections if section.lines] == ["verse", "chorus"] * 2
    assert len(form.sections[-2].lines) == 4
    assert any("shape of a verse" in note for note in form.notes)


@pytest.mark.parametrize("marker", ["[Chorus]", "(Refrain)", "Pre-Chorus:"])
def test_a_marker_without_words_anywhere_is_refused(marker: str) -> None:
    with pytest.raises(InvalidRequest, match="write the words under it once, or leave the marker out"):
        lay(f"[Verse 1]\n{verse('hill')}\n{marker}\n")


def test_a_verse_or_a_bridge_without_words_is_a_choice_that_is_told() -> None:
    form = lay(f"[Verse 1]\n{verse('hill')}\n[Bridge]\n[Verse 2]\n[Chorus]\n{CHORUS}")
    assert any("played without singing" in note for note in form.notes)
    assert any("repeats those of another verse" in note for note in form.notes)


def test_few_words_in_a_long_song_are_sung_again_and_that_is_told() -> None:
    form = lay(verse("hill"), 40)
    assert [section.name for section in form.sections] == ["intro", *["verse"] * 4, "outro"]
    assert form.notes == ("the words take 8 of 40 bars: they are sung four times",)


def test_more_words_than_the_bars_can_hold_are_refused() -> None:
    text = "\n\n".join([verse("hill"), CHORUS, verse("road"), CHORUS])
    with pytest.raises(InvalidRequest, match=r"ask for at least \d+ bars") as raised:
        lay(text, 5)
    needed = int(raised.value.detail.split("at least ")[1].split()[0])
    assert_whole(lay(text, needed), needed)
    with pytest.raises(InvalidRequest):
        lay(text, needed - 1)


def test_words_that_would_take_too_many_bars_are_refused() -> None:
    with pytest.raises(InvalidRequest, match="at most 200"):
        lay("\n".join(["la la la la"] * 120))


WORDS = st.sampled_from(
    ["river", "moon", "hill", "running", "silver", "tonight", "away", "the", "and", "of", "my", "over"]
)
LINES = st.lists(WORDS, min_size=1, max_size=9).map(" ".join)
STANZAS = st.lists(LINES, min_size=1, max_size=6).map("\n".join)


@settings(max_examples=150, deadline=None)
@given(
    stanzas=st.lists(STANZAS, min_size=1, max_size=4),
    order=st.lists(st.integers(0, 3), min_size=1, max_size=6),
    markers=st.lists(
        st.sampled_from(["", "", "[Verse]", "[Chorus]", "Bridge:", "[Solo]\n[Verse]"]), min_size=6, max_size=6
    ),
    bars=st.one_of(st.none(), st.integers(1, 200)),
    metre=st.sampled_from(["4/4", "3/4", "6/8", "2/4", "5/4", "7/8", "12/8"]),
    style=st.sampled_from(form_style_names()),
)
def test_every_layout_covers_the_bars_and_places_every_line(
    stanzas: list[str], order: list[int], markers: list[str], bars: int | None, metre: str, style: str
) -> None:
    chosen = [stanzas[number % len(stanzas)] for number in order]
    text = "\n\n".join(
        f"{marker}\n{stanza}" if marker else stanza for marker, stanza in zip(markers, chosen, strict=False)
    )
    try:
        form = lay(text, bars, style, 3, metre)
    except InvalidRequest:
        return
    assert_whole(form, bars)
    assert form == lay(text, bars, style, 3, metre)
    written = [line.syllables for line in read_lyrics(text).lines]
    sung = [line.syllables for line in form.lines]
    assert sung[: len(written)] == written
    if len(sung) > len(written):
        assert form.notes
    for section in form.sections:
        if section.lines:
            notes = set_lyrics(section.lines, parse_metre(metre), 100, section.bars)
            assert len(notes) == sum(len(line.syllables) for line in section.lines)
