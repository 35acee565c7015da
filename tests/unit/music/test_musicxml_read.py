"""Reading MusicXML as other programs write it."""

from collections.abc import Callable
from types import ModuleType

import pytest
from bandmate_music.analysis.bars import bars_of
from bandmate_music.musicxml.read import read_musicxml
from bandmate_music.score import KeyChange, Lyric, Score
from bandmate_music.theory.keys import Key
from bandmate_music.theory.metre import Metre
from bandmate_shared.errors import BandmateError, LimitExceeded, UnreadableFile
from bandmate_shared.settings import SharedSettings
from hypothesis import given, settings
from hypothesis import strategies as st

LIMITS = SharedSettings().file_limits
DOCTYPE = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE score-partwise PUBLIC'
    ' "-//Recordare//DTD MusicXML 4.0 Partwise//EN" "http://www.musicxml.org/dtds/partwise.dtd">\n'
)
PART = '<score-part id="P1"><part-name>Tune</part-name></score-part>'


def document(*measures: str, part_list: str = PART, head: str = DOCTYPE) -> bytes:
    bars = "".join(f'<measure number="{n}">{content}</measure>' for n, content in enumerate(measures, 1))
    return (
        f'{head}<score-partwise><part-list>{part_list}</part-list><part id="P1">{bars}</part></score-partwise>'.encode()
    )


def attributes(divisions: int = 2, beats: int = 4, extra: str = "") -> str:
    time = f"<time><beats>{beats}</beats><beat-type>4</beat-type></time>"
    return f"<attributes><divisions>{divisions}</divisions>{time}{extra}</attributes>"


def note(step: str, duration: int, extra: str = "", before: str = "", octave: int = 4) -> str:
    pitch = f"<pitch><step>{step}</step><octave>{octave}</octave></pitch>"
    return f"<note>{before}{pitch}<duration>{duration}</duration>{extra}</note>"


def rows(score: Score, part: int = 0) -> list[tuple[float, float, int]]:
    """Onset and duration in quarters, and pitch."""
    notes, scale = score.parts[part].notes, score.ticks_per_quarter
    columns = zip(notes.onset.tolist(), notes.duration.tolist(), notes.pitch.tolist(), strict=True)
    return [(onset / scale, duration / scale, pitch) for onset, duration, pitch in columns]


def read(*measures: str, **options: str) -> Score:
    return read_musicxml(document(*measures, **options), LIMITS)


def test_voices_chords_and_ties() -> None:
    tie_on, tie_off = '<tie type="start"/>', '<tie type="stop"/>'
    score = read(
        attributes()
        + note("C", 4)
        + note("E", 4, before="<chord/>")
        + note("G", 4, tie_on)
        + "<backup><duration>8</duration></backup><forward><duration>2</duration></forward>"
        + note("C", 2, octave=3),
        note("G", 2, tie_off + tie_on) + note("G", 2, tie_off) + note("G", 4),
    )
    assert rows(score) == [(0, 2, 60), (0, 2, 64), (1, 1, 48), (2, 4, 67), (6, 2, 67)]
    assert score.metres[0].metre == Metre(4, 4)


def test_divisions_may_change_and_be_anything() -> None:
    score = read(attributes(3) + note("C", 1) + note("D", 1) + note("E", 10), attributes(7) + note("F", 28))
    assert score.ticks_per_quarter % 21 == 0
    ticks = [(onset * 21, duration * 21, pitch) for onset, duration, pitch in rows(score)]
    assert ticks == [(0, 7, 60), (7, 7, 62), (14, 70, 64), (84, 84, 65)]


def test_grace_and_cue_notes_do_not_sound() -> None:
    grace = "<note><grace/><pitch><step>B</step><octave>4</octave></pitch></note>"
    cue = note("A", 2, before="<cue/>")
    assert rows(read(attributes() + grace + note("C", 2) + cue + note("D", 4))) == [(0, 1, 60), (2, 2, 62)]


def test_transposing_instruments_are_read_at_sounding_pitch() -> None:
    key = "<key><fifths>2</fifths><mode>major</mode></key>"
    transpose = (
        "<transpose><diatonic>-1</diatonic><chromatic>-2</chromatic><octave-change>-1</octave-change></transpose>"
    )
    score = read(attributes(extra=transpose).replace("<time>", key + "<time>", 1) + note("D", 8))
    assert rows(score) == [(0, 4, 48)]
    assert score.keys == (KeyChange(0, Key(0, "major")),)


def test_an_upbeat_gets_a_metre_of_its_own_so_that_the_bars_are_right() -> None:
    score = read(attributes(2, 3) + note("C", 2), note("D", 6), note("E", 6), note("F", 4))
    assert [(c.onset / score.ticks_per_quarter, c.metre.name) for c in score.metres] == [(0, "1/4"), (1, "3/4")]
    assert [bar.onset / score.ticks_per_quarter for bar in bars_of(score)] == [0, 1, 4, 7]


def test_a_bar_split_by_a_repeat_sign_stays_one_bar() -> None:
    score = read(attributes() + note("C", 8), note("D", 6), note("E", 2), note("F", 8))
    assert [change.metre.name for change in score.metres] == ["4/4"]
    assert len(bars_of(score)) == 3


def test_the_longest_part_makes_the_measure() -> None:
    second = '<score-part id="P2"><part-name>Bass</part-name></score-part>'
    long, short = note("C", 8), note("C", 2)
    body = f'<part id="P1"><measure>{attributes()}{short}</measure><measure>{long}</measure></part>'
    body += f'<part id="P2"><measure>{attributes()}{long}</measure><measure>{long}</measure></part>'
    data = f"{DOCTYPE}<score-partwise><part-list>{PART}{second}</part-list>{body}</score-partwise>".encode()
    score = read_musicxml(data, LIMITS)
    assert rows(score, 0) == [(0, 1, 60), (4, 4, 60)]
    assert rows(score, 1) == [(0, 4, 60), (4, 4, 60)]


def test_lyrics_are_the_first_verse() -> None:
    def lyric(number: int, syllabic: str, text: str) -> str:
        return f'<lyric number="{number}"><syllabic>{syllabic}</syllabic><text>{text}</text></lyric>'

    elided = (
        "<lyric number='1'><syllabic>single</syllabic><text>del</text><elision>‿</elision>"
        "<syllabic>begin</syllabic><text>a</text></lyric>"
    )
    score = read(
        attributes()
        + note("C", 2, lyric(1, "begin", "Ro") + lyric(2, "begin", "Vi"))
        + note("D", 2, lyric(1, "end", "ses") + lyric(2, "end", "olets"))
        + note("E", 2, elided)
        + note("F", 2, lyric(2, "single", "blue"))
    )
    q = score.ticks_per_quarter
    assert score.parts[0].lyrics == (Lyric(0, "Ro", False), Lyric(q, "ses", True), Lyric(2 * q, "del a", False))


def test_tempi_from_sounds_and_from_metronome_marks() -> None:
    mark = (
        "<direction><direction-type><metronome><beat-unit>quarter</beat-unit><beat-unit-dot/>"
        "<per-minute>c. 60</per-minute></metronome></direction-type></direction>"
    )
    words = "<direction-type><words>rit.</words></direction-type>"
    late = f'<direction>{words}<offset>2</offset><sound tempo="50"/></direction>'
    score = read(attributes() + mark + note("C", 8), late + note("D", 8))
    assert [(c.onset / score.ticks_per_quarter, c.tempo) for c in score.tempi] == [(0, 90), (5, 50)]


def test_drums_by_instrument_and_by_their_place_on_the_staff() -> None:
    kit = (
        '<score-part id="P1"><part-name>Kit</part-name><score-instrument id="a"><instrument-name>x</instrument-name>'
        '</score-instrument><midi-instrument id="a"><midi-channel>10</midi-channel>'
        "<midi-unpitched>50</midi-unpitched></midi-instrument></score-part>"
    )
    place = "<unpitched><display-step>{}</display-step><display-octave>{}</display-octave></unpitched>"
    hits = [place.format("A", 5), place.format("F", 4), place.format("C", 5), place.format("G", 5)]
    notes = [f"<note>{hit}<duration>2</duration></note>" for hit in hits]
    notes[0] = notes[0].replace("</duration>", '</duration><instrument id="a"/>')
    score = read(attributes() + "".join(notes), part_list=kit)
    assert score.parts[0].is_drum
    assert [pitch for _, _, pitch in rows(score)] == [49, 36, 38, 42]


def test_programs_come_from_the_file_or_the_name() -> None:
    def program(name: str, extra: str = "") -> int:
        part = f'<score-part id="P1"><part-name>{name}</part-name>{extra}</score-part>'
        return read(attributes() + note("C", 8), part_list=part).parts[0].program

    midi = '<midi-instrument id="x"><midi-program>57</midi-program></midi-instrument>'
    assert program("Violin", midi) == 56
    names = ["Violoncello", "Viola", "Soprano Saxophone", "Soprano", "Double Bass", "Klavier", "Zither"]
    assert [program(name) for name in names] == [42, 41, 64, 52, 43, 0, 0]


def test_real_scores_agree_with_music21(corpus: Callable[[str], bytes], music21: ModuleType) -> None:
    """A chorale, with an upbeat and ties, note by note."""
    score = read_musicxml(corpus("bach/bwv66.6"), LIMITS)
    parsed = music21.corpus.parse("bach/bwv66.6")
    for number, part in enumerate(parsed.parts):
        expected = [(float(n.offset), float(n.quarterLength), n.pitch.midi) for n in part.stripTies().flatten().notes]
        assert rows(score, number) == sorted(expected)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"<?xml version='1.0'?><html/>", "an XML document of kind 'html'"),
        (b"<?xml version='1.0'?><score-timewise/>", "without parts"),
        (b"<?xml version='1.0'?><score-partwise/>", "without parts"),
        (b"<?xml version='1.0'?><score-partwise><part-list>", "damaged"),
        (document(attributes(0)), "divisions"),
        (document(attributes() + note("C", -1)), "duration"),
        (document(attributes() + note("H", 4)), "step 'H'"),
        (document(attributes() + note("C", 4).replace("<duration>4", "<duration>1e999")), "cannot be"),
        (document(attributes() + note("C", 4).replace("<duration>4", "<duration>nan")), "cannot be"),
        (document(head='<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x "y">]>'), "entities"),
        (document(head='<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/hostname">]>'), "entities"),
        (
            document(head='<?xml version="1.0"?><!DOCTYPE a [<!ENTITY % x SYSTEM "file:///etc/hostname"> %x;]>'),
            "entities",
        ),
    ],
)
def test_bad_documents_get_a_readable_error(data: bytes, words: str) -> None:
    data = (
        data
        if data.count(b"<measure") or b"P1" not in data
        else data.replace(b'<part id="P1">', b'<part id="P1"><measure/>')
    )
    with pytest.raises(UnreadableFile, match=words):
        read_musicxml(data, LIMITS)


def test_limits_hold() -> None:
    many = document(*["".join(note("C", 1) for _ in range(1000))] * 30)
    with pytest.raises(LimitExceeded, match="BANDMATE_MAX_NOTES"):
        read_musicxml(many, SharedSettings(max_notes=10_000).file_limits)
    with pytest.raises(LimitExceeded, match="BANDMATE_MAX_SECONDS"):
        read(attributes() + note("C", 100_000))
    with pytest.raises(LimitExceeded, match="BANDMATE_MAX_SECONDS"):
        read(*[attributes() + note("C", 4_000_000)] * 5)
    with pytest.raises(LimitExceeded, match=r"at least 10,001 bars; the limit is 10,000 \(BANDMATE_MAX_BARS\)"):
        read(*[""] * 10_001)
    quick = '<sound tempo="10000"/>'
    with pytest.raises(LimitExceeded, match=r"33,334 bars; .* \(BANDMATE_MAX_BARS\)"):
        read(attributes(beats=3) + quick + note("C", 200_000))
    with pytest.raises(LimitExceeded, match=r"1,000,000 quarter notes; .* \(BANDMATE_MAX_BARS\)"):
        read(attributes(beats=64) + quick + note("C", 2_000_000))
    keys = document(*["<attributes>" + "<key><fifths>1</fifths></key>" * 501 + "</attributes>"] * 2)
    with pytest.raises(LimitExceeded, match="at least 1,002 notes"):
        read_musicxml(keys, SharedSettings(max_notes=1000).file_limits)
    with pytest.raises(UnreadableFile, match="a tempo more than"):
        read(f"<direction><offset>{10**30}</offset><sound tempo='90'/></direction>" + note("C", 4))
    with pytest.raises(LimitExceeded, match="BANDMATE_MAX_TRACKS"):
        read(part_list=PART * 300)
    with pytest.raises(LimitExceeded, match="BANDMATE_MAX_FILE_BYTES"):
        read_musicxml(bytes(9_000_000), LIMITS)


GOOD = document(attributes() + note("C", 4) + note("D", 4, "<tie type='start'/>"), note("D", 8, "<tie type='stop'/>"))
PIECES = [
    b"-1",
    b"9999999999",
    b"1e999",
    b"nan",
    b"<chord/>",
    b"<grace/>",
    b"</note>",
    b"<measure>",
    b"&x;",
    b"\xff",
    b"",
]


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_mutated_documents_end_in_a_score_or_an_error(data: st.DataObject) -> None:
    mutated = GOOD
    for _ in range(data.draw(st.integers(1, 4))):
        position = data.draw(st.integers(150, len(mutated)))
        length = data.draw(st.integers(0, 6))
        mutated = mutated[:position] + data.draw(st.sampled_from(PIECES)) + mutated[position + length :]
    try:
        score = read_musicxml(mutated, LIMITS)
    except BandmateError:
        return
    assert all(onset >= 0 and duration >= 0 and 0 <= pitch < 128 for onset, duration, pitch in rows(score))
