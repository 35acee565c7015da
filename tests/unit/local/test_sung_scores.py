"""Scores as people have them are sung as a musician would: the words' own voice, every word once, in order."""

import pytest
from bandmate_local.melody import vocal_request
from bandmate_music.musicxml.read import read_musicxml
from bandmate_music.singing.lines import VoicesAsked
from bandmate_music.verses import Verses
from bandmate_shared.contracts.vocals import VocalRequest
from bandmate_shared.errors import InvalidRequest
from bandmate_shared.settings import SharedSettings
from bandmate_shared.singing.melody import Singing
from bandmate_vocal.alignment.syllables import lines_of

from tests.support.musicxml import attributes, back, barline, document, note, rest, sung, words

LIMITS = SharedSettings().file_limits
EACH_ITS_OWN = Verses()


def request_of(data: bytes, verses: Verses = EACH_ITS_OWN, **asked: object) -> VocalRequest:
    return vocal_request(read_musicxml(data, LIMITS, verses), None, Singing(**asked))  # type: ignore[arg-type]


def voice(*measures: str) -> bytes:
    return document(("Voice", measures))


def notes_of(request: VocalRequest, singer: int = 0) -> list[tuple[float, int, str | None]]:
    """(Quarter, pitch, syllable) of a singer; a quarter lasts half a second."""
    return [(note.onset * 2, note.pitch, note.syllable) for note in request.singers()[singer]]


def sung_words(request: VocalRequest) -> str:
    return " ".join(line.text for notes in request.singers().values() for line in lines_of(notes))


def syllables(request: VocalRequest) -> list[str | None]:
    return [note.syllable for note in request.notes]


def test_the_words_own_voice_is_sung_below_a_descant_and_above_other_voices() -> None:
    tune = sung("C4 one D4 two E4 three F4 four")
    descant = voice(tune + back(8) + note("G5", 8, voice="2"))
    assert notes_of(request_of(descant)) == [(0, 60, "one"), (1, 62, "two"), (2, 64, "three"), (3, 65, "four")]
    below = sung("C5 Long E5 notes", 4) + back(8) + "".join(note("A4", 1, voice="2") for _ in range(8))
    assert notes_of(request_of(voice(below))) == [(0, 72, "Long"), (2, 76, "notes")]


def test_the_piano_staves_of_the_singers_part_are_not_sung() -> None:
    song = note("C5", 4, words("Deep"), staff="1") + note("E5", 4, words("sea"), staff="1")
    piano = back(8) + note("G5", 8, voice="1", staff="2") + back(8) + note("C3", 8, voice="9", staff="3")
    request = request_of(voice(attributes(extra="<staves>3</staves>") + song + piano))
    assert notes_of(request) == [(0, 72, "Deep"), (2, 76, "sea")]


def test_a_duet_has_two_singers_and_a_part_can_be_chosen() -> None:
    data = document(
        ("Soprano", [rest(8), sung("C5 then D5 I E5 come F5 in")]),
        ("Tenor", [sung("C4 he D4 sings E4 a F4 line"), rest(8)]),
    )
    request = request_of(data, voices=("soprano", "tenor"))
    assert (request.voices, sorted(request.singers())) == (["soprano", "tenor"], [0, 1])
    assert notes_of(request, 0)[0] == (4, 72, "then")
    assert notes_of(request, 1)[0] == (0, 60, "he")
    for part in ("Tenor", "tenor", "2", "ten"):
        assert syllables(request_of(data, part=part)) == ["he", "sings", "a", "line"]
    assert syllables(request_of(data, lines="one")) == ["then", "I", "come", "in"]
    with pytest.raises(InvalidRequest, match=r"no part 'Bass'; the score has: 1 Soprano \(with words\), 2 Tenor"):
        request_of(data, part="Bass")


@pytest.mark.parametrize(("asked", "singers"), [("own", 1), ("all", 2)])
def test_all_voices_of_a_choir_take_the_words_of_the_one_that_has_some(asked: VoicesAsked, singers: int) -> None:
    tune = (
        note("C5", 2, words("Glo", "begin")) + note("D5", 2, words("ri", "middle")) + note("E5", 4, words("a", "end"))
    )
    data = document(("Soprano", [tune]), ("Alto", [note("A4", 4) + note("B4", 4)]), ("Organ", [note("C3", 8)]))
    request = request_of(data, lines=asked)
    assert len(request.singers()) == singers
    if singers == 2:
        assert notes_of(request, 1) == [(0, 69, "Glori"), (2, 71, "a")]
        assert sung_words(request) == "gloria gloria"


def test_a_line_that_changes_its_voice_number_is_one_singer() -> None:
    second = "<forward><duration>4</duration></forward>" + note("E5", 4, words("ning", "end"), voice="2")
    request = request_of(voice(note("C5", 4, words("Mor", "begin")) + back(4) + second, sung("C5 sun D5 light", 4)))
    assert notes_of(request) == [(0, 72, "Mor"), (2, 76, "ning"), (4, 72, "sun"), (6, 74, "light")]
    assert sung_words(request) == "morning sun light"


def test_a_stray_word_under_an_instrument_makes_no_singer() -> None:
    violin = [note("G5", 8, words("solo")), *(note("E5", 8) for _ in range(15))]
    data = document(("Violin", violin), ("Voice", [sung("B5 here B5 are C5 the C5 words") for _ in range(16)]))
    request = request_of(data)
    assert sung_words(request).startswith("here are the words here")
    assert len(request.singers()) == 1
    assert any(notice.startswith("singer-left-out: Violin") for notice in request.notices)


@pytest.mark.parametrize(
    ("lyric", "expected"),
    [
        (
            "<syllabic>single</syllabic><text>to</text><elision>‿</elision><syllabic>single</syllabic><text>us</text>",
            "to us",
        ),
        ("<syllabic>single</syllabic><text>to</text><elision/><text>us</text>", "to us"),
        ("<text>to‿us</text>", "to us"),
        ("<text>to_us</text>", "to us"),
        (
            "<syllabic>single</syllabic><text>1.</text><elision/><syllabic>single</syllabic><text>“Come,</text>",
            "“Come,",
        ),
        ("<text>1. Come</text>", "Come"),
        ("<text>(2) Come</text>", "Come"),
        ("<text>1 Come</text>", "Come"),
        ("<text>Refrain: Come</text>", "Come"),
        ("<text>&amp;</text>", "and"),
        ("<text>99</text>", "ninety nine"),
        ("<syllabic>begin</syllabic><text>e</text><elision/><syllabic>end</syllabic><text>v'n</text>", "ev'n"),
    ],
)
def test_what_stands_under_one_note(lyric: str, expected: str) -> None:
    request = request_of(voice(note("C5", 4, words(inside=lyric)) + note("D5", 4, words("now"))))
    assert syllables(request) == [expected, "now"]


def test_a_word_may_begin_on_the_note_on_which_another_ends() -> None:
    elided = "<syllabic>end</syllabic><text>de</text><elision>_</elision><syllabic>begin</syllabic><text>a</text>"
    notes = note("C5", 2, words("gran", "begin")) + note("D5", 2, words(inside=elided))
    request = request_of(voice(notes + note("E5", 2, words("mor", "end")) + note("F5", 2, words("mio"))))
    assert syllables(request) == ["gran", "de a", "mor", "mio"]
    assert sung_words(request) == "grande amor mio"


@pytest.mark.parametrize("typed", ["C5 Hal- D5 le- E5 lu- F5 jah!", "C5 Hal D5 -le E5 -lu F5 -jah!"])
def test_typed_hyphens_make_one_word(typed: str) -> None:
    assert sung_words(request_of(voice(sung(typed)))) == "hallelujah"


@pytest.mark.parametrize("sign", ["-", "_", "+", "+~", "ー", "—", "~", "__"])
def test_signs_that_hold_the_vowel_are_no_words(sign: str) -> None:
    request = request_of(
        voice(note("C5", 4, words("moon")) + note("D5", 2, words(sign)) + note("E5", 2, words("light")))
    )
    assert syllables(request) == ["moon", None, "light"]


def test_extend_lines_go_on_over_rests_and_words_that_are_over_do_not() -> None:
    extended = '<syllabic>single</syllabic><text>Ah</text><extend type="start"/>'
    held = voice(note("C5", 2, words(inside=extended)) + rest(2) + note("D5", 4), sung("E5 now F5 then", 4))
    assert syllables(request_of(held)) == ["Ah", None, "now", "then"]
    over = voice(note("C5", 2, words("Ah")) + rest(2) + note("D5", 4), sung("E5 now F5 then", 4))
    request = request_of(over)
    assert syllables(request) == ["Ah", "now", "then"]
    assert "1 note of Voice without words, from bar 1 on, were not sung" in request.notices[0]


def test_notes_before_the_first_word_are_not_hummed() -> None:
    assert syllables(request_of(voice(note("C5", 8), sung("E5 now F5 then", 4)))) == ["now", "then"]


@pytest.mark.parametrize(
    ("main", "expected"),
    [
        ("", [(0, 72, "Oh"), (2, 74, "Lord")]),
        (words("-"), [(0, 72, "Oh"), (2, 74, "Lord")]),
        (words("my"), [(0, 74, "Oh"), (0.125, 72, "my"), (2, 74, "Lord")]),
    ],
)
def test_the_syllable_of_a_grace_note_is_sung_on_its_main_note(
    main: str, expected: list[tuple[float, int, str]]
) -> None:
    grace = note("D5", 0, words("Oh"), before="<grace/>")
    request = request_of(voice(grace + note("C5", 4, main) + note("D5", 4, words("Lord"))))
    assert notes_of(request) == expected


def test_a_syllable_on_a_tied_note_is_sung_anew_and_a_cue_with_words_is_sung() -> None:
    tie_on, tie_off = '<tie type="start"/>', '<tie type="stop"/>'
    french = note("F4", 4, words("gè", "begin"), extra=tie_on) + note("F4", 4, words("res", "end"), extra=tie_off)
    assert notes_of(request_of(voice(french))) == [(0, 65, "gè"), (2, 65, "res")]
    cue = sung("C5 ev’ry", 4) + note("G5", 4, words("bush"), before="<cue/>") + back(4) + note("E5", 4, voice="2")
    assert notes_of(request_of(voice(cue))) == [(0, 72, "ev’ry"), (2, 79, "bush")]


def test_the_first_verse_is_the_one_numbered_first_whatever_is_listed_first() -> None:
    both = [
        note(pitch, 2, words(second, line="2") + words(first))
        for pitch, first, second in (("C5", "first", "sec-"), ("D5", "verse", "ond"), ("E5", "goes", "verse"))
    ]
    data = voice("".join(both))
    request = request_of(data)
    assert syllables(request) == ["first", "verse", "goes"]
    assert "verse 1 is sung; the words have verse 2 as well" in request.notices[0]
    assert sung_words(request_of(data, Verses(2))) == "second verse"
    assert sung_words(request_of(data, Verses(every=True))) == "first verse goes second verse"


def test_a_chorus_on_another_lyric_line_belongs_to_every_verse() -> None:
    verse = [note(p, 2, words(a) + words(b, line="2")) for p, a, b in (("C5", "one", "two"), ("D5", "sun", "moon"))]
    chorus = sung("E5 sing F5 it G5 out A5 loud", line="3")
    data = voice("".join(verse) + rest(4), chorus)
    assert sung_words(request_of(data)) == "one sun sing it out loud"
    assert sung_words(request_of(data, Verses(2))) == "two moon sing it out loud"


def test_a_melisma_of_one_verse_takes_no_words_of_another() -> None:
    slur = "<notations><slur type='{}' number='1'/></notations>"
    notes = (
        note("C5", 2, words("love") + words("ma", "begin", "2"), extra=slur.format("start"))
        + note("D5", 2, words("ny", "middle", "2"))
        + note("E5", 2, words("more", "end", "2"), extra=slur.format("stop"))
        + note("F5", 2, words("you") + words("too", line="2"))
    )
    assert syllables(request_of(voice(notes))) == ["love", None, None, "you"]


def test_the_upbeat_and_the_voice_of_another_verse_are_not_sung() -> None:
    upbeat = note("G4", 2, words("And", line="2")) + note("C5", 4, words("sun") + words("moon", line="2"))
    apart = note("D5", 2, words("up") + words("down", line="2")) + back(8)
    second = apart + "<forward><duration>6</duration></forward>" + note("B4", 2, words("too", line="2"), voice="2")
    assert sung_words(request_of(voice(upbeat + second))) == "sun up"


def test_each_pass_of_a_repeat_sings_its_verse_with_its_ending() -> None:
    line = [note(p, 4, words(a) + words(b, line="2")) for p, a, b in (("C5", "sun", "moon"), ("D5", "up", "down"))]
    first = (
        barline(left=True, ending="1") + sung("E5 now F5 then", 4) + barline(ending="1", kind="stop", repeat="backward")
    )
    last = barline(left=True, ending="2") + sung("G5 the A5 end", 4, "2") + barline(ending="2", kind="stop")
    request = request_of(voice(barline(left=True, repeat="forward") + "".join(line), first, last))
    assert sung_words(request) == "sun up now then moon down the end"
    assert [quarter for quarter, _, _ in notes_of(request)] == [0, 2, 4, 6, 8, 10, 12, 14]


def test_a_repeat_with_times_is_played_as_often() -> None:
    lines = words("one") + words("two", line="2") + words("three", line="3")
    measure = barline(left=True, repeat="forward") + note("C5", 8, lines) + barline(repeat="backward", times=3)
    assert sung_words(request_of(voice(measure, sung("C5 done D5 now", 4)))) == "one two three done now"


@pytest.mark.parametrize("by_words", [True, False])
def test_jumps_to_the_sign_and_the_coda_are_unfolded(by_words: bool) -> None:
    def mark(text: str, sound: str) -> str:
        heard = "" if by_words else f"<sound {sound}/>"
        return f"<direction><direction-type><words>{text}</words></direction-type>{heard}</direction>"

    sign = "<direction><direction-type><segno/></direction-type></direction>"
    coda = "<direction><direction-type><coda/></direction-type></direction>"
    data = voice(
        sung("C5 in D5 tro", 4),
        sign + sung("E5 sign F5 here", 4),
        sung("G5 to A5 coda", 4) + mark("To Coda", 'tocoda="c"'),
        sung("B5 mid C6 dle", 4) + mark("D.S. al Coda", 'dalsegno="s"'),
        coda + sung("D5 the E5 end", 4),
    )
    assert sung_words(request_of(data)) == ("in tro sign here to coda mid dle sign here to coda the end")


def test_da_capo_al_fine_ends_at_fine_and_takes_the_last_ending() -> None:
    def say(text: str) -> str:
        return f"<direction><direction-type><words>{text}</words></direction-type></direction>"

    data = voice(
        sung("C5 a D5 b", 4) + say("Fine"),
        barline(left=True, repeat="forward") + sung("E5 c F5 d", 4) + barline(repeat="backward"),
        sung("G5 e A5 f", 4) + say("D.C. al Fine"),
    )
    assert sung_words(request_of(data)) == "a b c d c d e f a b"


def test_one_note_that_no_voice_reaches_costs_that_note_and_says_where() -> None:
    measures = (sung("C5 not D5 too"), sung("E9 high C5 for D5 me C5 now"))
    request = request_of(voice(*measures))
    assert syllables(request) == ["not", "too", "for", "me", "now"]
    (notice,) = [each for each in request.notices if each.startswith("note-out-of-range")]
    assert "Voice, bar 2: E9 lies above C7" in notice
    assert "--transpose -12" in notice
    with pytest.raises(InvalidRequest, match=r"Voice, bar 1: C8 lies above C7.*--transpose -12"):
        request_of(voice(sung("C8 far D8 too C8 high")))
    assert request_of(voice(sung("C8 far D8 too C8 high")), transpose=-24).notes[0].pitch == 84


def test_a_note_without_a_length_gives_its_word_to_the_next() -> None:
    data = voice(
        sung("C5 one")
        + note("D5", 0, words("lost")).replace("<voice>", "<duration>0</duration><voice>")
        + sung("E5 two")
    )
    request = request_of(data)
    assert syllables(request) == ["one", "lost two"]
    assert "1 notes without a length in the part 'Voice' were left out" in request.notices[0]


def test_the_language_that_a_score_states_is_that_of_its_words() -> None:
    tagged = '<syllabic>single</syllabic><text xml:lang="de">La</text>'
    request = request_of(voice(note("C5", 4, words(inside=tagged)) + note("D5", 4, words("la"))))
    assert (request.language, request.language_source) == ("de", "score")


@pytest.mark.parametrize(("tempo", "onset"), [(None, 0.5), (60.0, 1.0), (240.0, 0.25)])
def test_the_tempo_can_be_chosen(tempo: float | None, onset: float) -> None:
    assert request_of(voice(sung("C5 one D5 two")), tempo=tempo).notes[1].onset == onset


def _direction(words_: str = "", sound: str = "", sign: str = "") -> str:
    types = "".join(f"<direction-type>{inside}</direction-type>" for inside in (words_, sign) if inside)
    return f"<direction>{types}{sound}</direction>"


def test_signs_in_words_and_by_name_lead_where_they_say() -> None:
    bars = [note("C5", 8, words(text)) for text in "abcde"]
    in_words = [bars[0], _direction("<words>𝄋</words>") + bars[1], bars[2] + _direction("<words>D.S.</words>")]
    assert sung_words(request_of(voice(*in_words))) == "a b c b c"
    named = [
        _direction(sign="<segno/>", sound='<sound segno="one"/>') + bars[0],
        _direction(sign="<segno/>", sound='<sound segno="two"/>') + bars[1],
        bars[2] + _direction("<words>D.S.</words>", '<sound dalsegno="one"/>'),
    ]
    assert sung_words(request_of(voice(*named))) == "a b c a b c"
    codas = [
        bars[0] + _direction("<words>To Coda 2</words>", '<sound tocoda="2"/>'),
        bars[1] + _direction("<words>D.C.</words>", '<sound dacapo="yes"/>'),
        _direction(sound='<sound coda="1"/>') + bars[2],
        _direction(sound='<sound coda="2"/>') + bars[3],
    ]
    assert sung_words(request_of(voice(*codas))) == "a b a d"


def test_a_short_measure_of_the_first_verse_alone_belongs_to_every_pass() -> None:
    verses = note("C5", 8, words("one") + words("two", line="2")) + barline(repeat="backward")
    assert sung_words(request_of(voice(verses, note("D5", 8, words("end"))))) == "one two end"


def test_a_syllable_on_a_rest_is_told_and_not_lost_in_silence() -> None:
    spoken = f"<note><rest/><duration>2</duration><voice>1</voice>{words('hey')}</note>"
    request = request_of(voice(sung("C5 la D5 lo") + spoken + note("E5", 2, words("le"))))
    assert syllables(request) == ["la", "lo", "le"]
    assert any(each.startswith("syllables-without-notes") and "hey" in each for each in request.notices)


def test_a_sign_that_holds_on_a_tied_note_leaves_it_one_note() -> None:
    tied = note("C5", 2, words("la"), extra='<tie type="start"/>') + note(
        "C5", 2, words("_"), extra='<tie type="stop"/>'
    )
    assert notes_of(request_of(voice(tied + sung("D5 lo E5 le")))) == [(0, 72, "la"), (2, 74, "lo"), (3, 76, "le")]


def test_dashes_typed_for_hyphens_join_and_dashes_of_a_sentence_do_not() -> None:
    assert sung_words(request_of(voice(sung("C5 Hal– D5 le– E5 lu– F5 jah")))) == "hallelujah"
    assert sung_words(request_of(voice(sung("C5 wait– D5 Then E5 we F5 go")))) == "wait then we go"


def test_marks_for_the_player_are_no_words() -> None:
    score = document(("Violin", [sung("C5 pizz. D5 arco")]), ("Voice", [sung("C5 here D5 are E5 the F5 words")]))
    assert sung_words(request_of(score)) == "here are the words"
