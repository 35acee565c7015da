"""The rules of the interpreter one by one, and how a sentence and the fields of a request go together."""

from typing import Any

import pytest
from bandmate_generate.interpret.interpret import interpret, interpret_request
from bandmate_generate.planning.plan import plan_song
from bandmate_generate.planning.styles import STYLES
from bandmate_shared.contracts.songs import SongRequest, WordsWish
from bandmate_shared.errors import BandmateError, InvalidRequest
from bandmate_shared.settings import SharedSettings


def request_of(text: str, **fields: Any) -> SongRequest:
    return interpret_request(SongRequest(text=text, **fields), can_write_words=False).request


def found(text: str) -> dict[str, Any]:
    return {entry.field: entry.value for entry in interpret(text, can_write_words=False).understood}


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("in D minor", "D minor"),
        ("in f#m", None),
        ("in F#m", "F# minor"),
        ("in Bb", "Bb major"),
        ("key of g", "G major"),
        ("in A, with guitar", "A major"),
        ("in a park", None),
        ("H-Dur", "B major"),
        ("b-Moll", "Bb minor"),
        ("es-moll", "Eb minor"),
        ("la bémol majeur", "Ab major"),
        ("fa sostenido menor", "F# minor"),
        ("in D dorian", None),
    ],
)
def test_keys(text: str, key: str | None) -> None:
    assert found(text).get("key") == key


def test_a_minor_key_is_a_mode_and_a_minor_is_a_key() -> None:
    assert found("a tune in a minor key") == {"mode": "minor"}
    assert found("a tune in A minor") == {"key": "A minor"}
    assert found("a tune in a minor") == {"key": "A minor"}
    assert found("not in a minor key") == {"mode": "major"}


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("half a minute", 30),
        ("a minute", 60),
        ("a minute and a half", 90),
        ("two and a half minutes", 150),
        ("1:30", 90),
        ("2 minutes and 10 seconds", 130),
        ("0.5 min", 30),
        ("45s", 45),
        ("une minute et demie", 90),
        ("zweieinhalb Minuten", None),
        ("anderthalb Minuten", 90),
    ],
)
def test_durations(text: str, seconds: float | None) -> None:
    assert found(text).get("seconds") == seconds


@pytest.mark.parametrize(
    ("text", "tempo"),
    [
        ("around 90 bpm", 90),
        ("90-100 bpm", 95),
        ("at 120", 120),
        ("tempo: 72", 72),
        ("at 8 bars", None),
        ("not too fast", 96),
        ("too fast", None),
        ("not slow", None),
        ("allegro", 132),
        ("ninety six bpm", 96),
        ("a hundred and ten beats per minute", 110),
    ],
)
def test_tempi(text: str, tempo: float | None) -> None:
    assert found(text).get("tempo") == tempo


def test_slow_and_fast_are_relative_to_the_style() -> None:
    slow, fast = found("a slow punk song")["tempo"], found("a fast ballad")["tempo"]
    assert slow < STYLES["punk"].tempi[0]
    assert fast > STYLES["ballad"].tempi[1]


def test_for_is_exactly_and_with_is_beside_the_band() -> None:
    assert found("a waltz for violin and piano")["instruments"] == ["violin", "piano"]
    assert set(found("a waltz with piano")["instruments"]) > {"piano", "Accordion"}
    assert found("a waltz, piano only")["instruments"] == ["piano"]
    assert found("a tune with piano and flute")["instruments"] == ["piano", "flute"]


def test_no_leaves_out_a_whole_family_and_ends_at_the_comma() -> None:
    assert found("rock, no guitars")["instruments"] == ["Electric Bass (pick)", "drums"]
    assert "drums" not in found("pop without drums, with piano")["instruments"]
    assert "piano" in found("pop without drums, with piano")["instruments"]
    assert {"drums", "bass"}.isdisjoint(found("pop without bass or drums")["instruments"])


def test_every_line_up_can_be_planned() -> None:
    for style in STYLES:
        if style not in ("song", "drums"):
            name = "string quartet" if style == "quartet" else style
            request = interpret(f"a {name} piece with harp, no drums", can_write_words=False).request
            assert request.style == style
            plan_song(request, 1, SharedSettings())


@pytest.mark.parametrize("text", ["", "purple", "???", "a " * 900, "no no no", "in in in 3/4/5", "about", "with"])
def test_any_text_is_interpreted(text: str) -> None:
    if not text:
        return
    assert interpret(text, can_write_words=False).request.style == "song"


def test_what_is_not_understood_is_named_and_nothing_is_guessed() -> None:
    result = interpret("a purple polka, not sad, like Beethoven", can_write_words=False)
    assert result.understood == []
    assert result.ignored == ["purple polka", "not sad", "Beethoven"]
    assert result.request == SongRequest(text=None)


def test_typing_errors_are_forgiven_and_ordinary_words_are_left_alone() -> None:
    assert found("a waltzz with saxaphone and guitr")["instruments"][-2:] == ["saxophone", "guitar"]
    assert found("morning sleep in the county, matching stars") == {}


def test_a_topic_ends_where_another_field_begins() -> None:
    assert found("about rain in D minor with strings")["about"] == "rain"
    assert found("about my dog that is happy")["about"] == "my dog"
    assert found("about 90 bpm") == {"tempo": 90}
    assert found("about a sad clown, fast")["about"] == "a sad clown"


def test_a_topic_without_a_writer_is_said_and_with_one_becomes_a_wish_for_words() -> None:
    without = interpret("a song about rain", can_write_words=False)
    assert without.request.lyrics is None
    assert "no words are written" in without.notes[0]
    assert interpret("a song about rain", can_write_words=True).request.lyrics == WordsWish(about="rain")


def test_fields_of_the_request_win_over_its_text() -> None:
    text = "a fast rock song in E minor with 8 bars, no drums, two verses and a chorus"
    request = request_of(text, style="folk", key="D", bars=16, instruments=["piano"])
    assert (request.style, request.key, request.bars, request.instruments) == ("folk", "D major", 16, ["piano"])
    assert request.tempo is not None
    assert request.sections is not None


def test_completing_a_request_twice_changes_nothing() -> None:
    once = request_of("half a minute of sad waltz in D with strings and no accordion, three takes")
    stored = SongRequest.model_validate(once.model_dump(mode="json"))
    assert interpret_request(stored, can_write_words=False).request == stored


def test_a_given_piece_keeps_what_a_sentence_would_change() -> None:
    request = SongRequest(text="faster, 12 bars, no drums", prompt="song:song_1", add=["bass"])
    result = interpret_request(request, can_write_words=False)
    assert (result.request.tempo, result.request.bars, result.request.instruments) == (None, None, None)
    assert all("keeps its own" in note for note in result.notes)


def test_a_length_in_seconds_is_kept_by_the_plan() -> None:
    for text in ("30 seconds of rock", "a waltz, 2 minutes", "45 seconds at 100 bpm", "a song of one minute in 6/8"):
        request = interpret(text, can_write_words=False).request
        plan = plan_song(request, 7, SharedSettings())
        assert request.seconds is not None
        room = plan.metre.bar_seconds(plan.tempo) / 2 if request.tempo else 0.01
        assert abs(plan.seconds - request.seconds) <= room, text


def test_seconds_that_contradict_bars_and_tempo_are_refused() -> None:
    with pytest.raises(InvalidRequest, match="leave one of bars, tempo and seconds out"):
        plan_song(SongRequest(bars=16, tempo=120, metre="4/4", seconds=90), 1, SharedSettings())
    with pytest.raises(InvalidRequest, match="not between 20 and 300"):
        plan_song(SongRequest(bars=100, seconds=10, metre="4/4"), 1, SharedSettings())


def test_a_mode_is_kept_whatever_the_seed() -> None:
    for seed in range(12):
        assert plan_song(SongRequest(mode="minor", style="march"), seed, SharedSettings()).key.mode == "minor"


def test_an_impossible_sentence_is_refused_like_its_fields() -> None:
    with pytest.raises(BandmateError):
        plan_song(interpret("20 minutes of rock", can_write_words=False).request, 1, SharedSettings())
