"""MusicXML as programs and people leave it: encodings, containers, rests, ties and divisions against the rule."""

import pytest
from bandmate_music.errors import UnreadableFile
from bandmate_music.musicxml.encoding import to_utf8
from bandmate_music.musicxml.read import read_musicxml
from bandmate_music.sandbox.pool import read_untrusted
from bandmate_music.score import Score
from bandmate_music.verses import Verses
from bandmate_shared.settings import SharedSettings

from tests.support.musicxml import attributes, back, container, document, note, rest, sung, words

LIMITS = SharedSettings().file_limits
TUNE = document(("Voice", [sung("C5 la D5 la E5 la F5 la"), sung("C5 la D5 la E5 la F5 la")]))
DOCTYPE = (
    '<?xml version="1.0" encoding="UTF-8"?><!DOCTYPE container PUBLIC'
    ' "-//Recordare//DTD MusicXML 2.0 Container//EN" "http://www.musicxml.org/dtds/container.dtd">'
)


def rows(score: Score, part: int = 0) -> list[tuple[float, float, int]]:
    notes, scale = score.parts[part].notes, score.ticks_per_quarter
    columns = zip(notes.onset.tolist(), notes.duration.tolist(), notes.pitch.tolist(), strict=True)
    return [(round(onset / scale, 4), round(duration / scale, 4), pitch) for onset, duration, pitch in columns]


def kinds(score: Score) -> list[str]:
    return [notice.kind for notice in score.notices]


@pytest.mark.parametrize(
    ("declared", "stored", "named"),
    [
        ("UTF-8", "utf-8", ""),
        ("UTF-8", "utf-8-sig", ""),
        ("UTF-16", "utf-8", "UTF-8 (declared as utf-16)"),
        ("UTF-16", "utf-16", "UTF-16"),
        ("UTF-16", "utf-16-le", "UTF-16"),
        ("UTF-16", "utf-16-be", "UTF-16"),
        ("UTF-8", "utf-16", "UTF-16"),
        ("ISO-8859-1", "latin-1", "ISO-8859-1 (as declared)"),
        ("UTF-8", "cp1252", "CP1252 (declared as utf-8)"),
        ("Windows-1252", "cp1252", "WINDOWS-1252 (as declared)"),
        ("x-unknown", "utf-8", "UTF-8 (declared as x-unknown)"),
        ("", "cp1252", "CP1252"),
    ],
)
def test_what_the_bytes_show_outweighs_the_declared_encoding(declared: str, stored: str, named: str) -> None:
    head = f'<?xml version="1.0" encoding="{declared}"?>' if declared else ""
    text = document(("Ténor", [sung("C5 für D5 schön", 4)]), head=head).decode()
    score = read_untrusted(text.encode(stored), "song.xml", LIMITS)
    assert score.parts[0].name == "Ténor"
    assert [lyric.text for lyric in score.parts[0].lyrics] == ["für", "schön"]
    assert [notice.text.removeprefix("the text was read as ")[: len(named)] for notice in score.notices] == (
        [named] if named else []
    )


def test_divisions_are_found_in_every_encoding_and_hold_from_the_start_of_the_part() -> None:
    sevenths = attributes(28) + "".join(note("C5", 16) for _ in range(7))
    utf16 = read_musicxml(document(("Voice", [sevenths, sevenths])).decode().encode("utf-16"), LIMITS)
    assert utf16.end == 8 * utf16.ticks_per_quarter
    late = note("C5", 32) + note("D5", 32) + attributes(64) + note("E5", 64)
    score = read_musicxml(document(("Voice", [late])), LIMITS)
    assert rows(score) == [(0, 0.5, 72), (0.5, 0.5, 74), (1, 1, 76)]


def test_a_rest_for_a_bar_lasts_the_bar_whatever_is_written() -> None:
    three = attributes(beats=3)
    full, whole = rest(8, ' measure="yes"'), rest(8).replace("<voice>", "<type>whole</type><voice>")
    flute = [three + sung("C5 a D5 b E5 c"), *(sung("C5 a D5 b E5 c") for _ in range(3))]
    cello = [three + full, note("C3", 6), whole, note("C3", 6)]
    score = read_musicxml(document(("Flute", flute), ("Cello", cello)), LIMITS)
    assert [change.metre.name for change in score.metres] == ["3/4"]
    assert rows(score, 1) == [(3, 3, 48), (9, 3, 48)]
    both = read_musicxml(document(("Flute", [three + full, sung("C5 a D5 b E5 c")])), LIMITS)
    assert rows(both)[0] == (3, 1, 72)
    behind = three + full + back(6) + note("C4", 6, voice="2")
    assert rows(read_musicxml(document(("Flute", [behind, note("C5", 6)])), LIMITS)) == [(0, 3, 60), (3, 3, 72)]


def test_a_tie_of_a_chord_member_that_is_shorter_than_its_chord_holds() -> None:
    start, stop = '<tie type="start"/>', '<tie type="stop"/>'
    measure = (
        note("A3", 3)
        + note("E4", 2, before="<chord/>", extra=start)
        + note("G3", 5)
        + note("E4", 5, before="<chord/>", extra=stop)
    )
    score = read_musicxml(document(("Piano", [measure])), LIMITS)
    assert rows(score) == [(0, 1.5, 57), (0, 4, 64), (1.5, 2.5, 55)]


def test_ties_that_are_only_drawn_and_ties_of_two_voices_on_one_pitch_hold() -> None:
    start, stop = (f'<notations><tied type="{kind}"/></notations>' for kind in ("start", "stop"))
    drawn = note("C5", 4, extra=start) + note("C5", 4, extra=stop)
    assert rows(read_musicxml(document(("Voice", [drawn])), LIMITS)) == [(0, 4, 72)]
    tie_on, tie_off = '<tie type="start"/>', '<tie type="stop"/>'
    first = note("C5", 8, extra=tie_on) + back(8) + note("C5", 8, voice="2", extra=tie_on)
    second = note("C5", 2, extra=tie_off) + rest(6) + back(8) + note("C5", 8, voice="2", extra=tie_off)
    assert rows(read_musicxml(document(("Organ", [first, second])), LIMITS)) == [(0, 5, 72), (0, 8, 72)]


def test_a_note_without_a_duration_lasts_its_note_value() -> None:
    half = note("C5", 0, extra="<type>half</type>") + note("D5", 4)
    assert rows(read_musicxml(document(("Voice", [half])), LIMITS)) == [(0, 2, 72), (2, 2, 74)]


@pytest.mark.parametrize(
    ("rootfile", "name", "head"),
    [
        ('<rootfile full-path="score.xml"/>', "score.xml", DOCTYPE),
        ('<rootfile full-path="score.xml" media-type="application/xml"/>', "score.xml", ""),
        ('<rootfile full-path="score.musicxml" media-type="application/octet-stream"/>', "score.musicxml", ""),
        ('<rootfile full-path="/score.xml"/>', "score.xml", ""),
        ('<rootfile full-path="./score.xml"/>', "score.xml", ""),
        ('<rootfile full-path="My%20song.xml"/>', "My song.xml", ""),
        ('<rootfile full-path="Score.XML"/>', "score.xml", ""),
        ('<rootfile full-path="F\u00fcr.xml"/>', "Fu\u0308r.xml", ""),
        ('<rootfile full-path="a\\score.xml"/>', "a/score.xml", ""),
        (
            '<rootfile full-path="score.pdf" media-type="application/pdf"/><rootfile full-path="score.xml"/>',
            "score.xml",
            "",
        ),
    ],
)
def test_containers_as_programs_write_them(rootfile: str, name: str, head: str) -> None:
    score = read_untrusted(container(TUNE, rootfile, name, head), "song.mxl", LIMITS)
    assert (score.note_count, kinds(score)) == (8, [])


def test_a_container_without_its_list_is_read_and_told() -> None:
    data = container(TUNE, "").replace(b"META-INF/container.xml", b"META-INF/containe_.xml")
    assert kinds(read_musicxml(data, LIMITS)) == ["missing-container"]
    elsewhere = container(TUNE, '<rootfile full-path="other.xml"/>', "songs/score.xml")
    assert "names 'other.xml', which is missing" in read_musicxml(elsewhere, LIMITS).notices[0].text
    with pytest.raises(UnreadableFile, match="names no score"):
        read_musicxml(container(TUNE, '<rootfile full-path="a.pdf" media-type="application/pdf"/>'), LIMITS)


def test_a_part_that_the_list_lacks_is_read_and_told() -> None:
    data = document(("Flute", [sung("C5 a D5 b", 4)]), ("Extra", [note("C3", 8)]), unlisted=["Extra"])
    score = read_musicxml(data, LIMITS)
    assert [(part.name, len(part.notes)) for part in score.parts] == [("Flute", 2), ("P2", 1)]
    assert score.notices[0].text == "the part 'P2' is missing in the part list; it was read"


def test_a_timewise_score_is_read_as_the_partwise_one() -> None:
    parts = ("Voice", [sung("C5 la D5 la", 4), sung("E5 la F5 la", 4)]), ("Bass", [note("C3", 8), note("D3", 8)])
    partwise, timewise = (read_musicxml(document(*parts, timewise=order), LIMITS) for order in (False, True))
    for part in (0, 1):
        assert rows(timewise, part) == rows(partwise, part)
    assert timewise.parts[0].lyrics == partwise.parts[0].lyrics
    named = document(*parts).replace(b"<score-partwise>", b'<score-partwise xmlns="http://www.example.org/score">')
    assert rows(read_musicxml(named, LIMITS)) == rows(partwise)


def test_errors_name_the_part_and_the_bar() -> None:
    bad = document(("Alto", [sung("C5 a D5 b", 4), note("H5", 8)]))
    with pytest.raises(UnreadableFile, match=r"step 'H' \(part 'Alto', bar 2\)"):
        read_musicxml(bad, LIMITS)


def test_a_score_of_too_many_passes_is_refused_by_its_bars() -> None:
    measure = '<barline location="right"><repeat direction="backward" times="20"/></barline>'
    many = document(("Voice", [note("C5", 8, words("la")) + measure for _ in range(600)]))
    with pytest.raises(Exception, match="BANDMATE_MAX_BARS"):
        read_untrusted(many, "song.xml", LIMITS, Verses())


def test_a_document_cut_inside_a_character_is_damaged() -> None:
    with pytest.raises(UnreadableFile, match="UTF-16"):
        to_utf8(TUNE.decode().encode("utf-16")[:-1])


def test_each_staff_may_be_transposed_alone() -> None:
    staves = '<staves>2</staves><transpose number="2"><chromatic>-12</chromatic></transpose>'
    measure = attributes(extra=staves) + note("C5", 8, staff="1") + back(8) + note("C5", 8, staff="2")
    assert rows(read_musicxml(document(("Horns", [measure])), LIMITS)) == [(0, 4, 60), (0, 4, 72)]


def test_signatures_of_several_metres_are_their_sum() -> None:
    both = (
        attributes()
        .replace("</time>", "<beats>3</beats><beat-type>8</beat-type></time>")
        .replace(">4</beats>", ">2</beats>")
    )
    score = read_musicxml(document(("Voice", [both + note("C5", 7), note("D5", 7)])), LIMITS)
    assert [change.metre.name for change in score.metres] == ["7/8"]


def test_rhythm_slashes_are_no_notes_and_are_told() -> None:
    slashes = "".join(note("B4", 2, extra="<notehead>slash</notehead>") for _ in range(4))
    score = read_musicxml(document(("Guitar", [slashes, note("C5", 8)])), LIMITS)
    assert rows(score) == [(4, 4, 72)]
    assert score.notices[0].text == "4 rhythm slashes in the part 'Guitar' were left out"


@pytest.mark.parametrize(
    ("name", "inside", "program"),
    [
        ("Klarinette in B", "", 71),
        ("P1", "<instrument-name>Oboe</instrument-name>", 68),
        ("P1", "<instrument-name/><instrument-sound>voice.tenor</instrument-sound>", 52),
        ("P1", "<instrument-name/><instrument-sound>pluck.bass.electric</instrument-sound>", 33),
        ("Bass", "", 33),
    ],
)
def test_parts_without_a_program_have_that_of_their_names(name: str, inside: str, program: int) -> None:
    described = f'</part-name><score-instrument id="I">{inside}</score-instrument>'.encode()
    data = document((name, [note("C3", 8)])).replace(b"</part-name>", described)
    assert read_musicxml(data, LIMITS).parts[0].program == program


def test_the_bass_of_a_choir_is_a_singer_and_a_part_called_drums_plays_drums() -> None:
    choir = document(*((name, [note("C3", 8)]) for name in ("Soprano", "Alto", "Tenor", "Bass")))
    assert [part.program for part in read_musicxml(choir, LIMITS).parts] == [52] * 4
    kit = read_musicxml(document(("Drumset", [note("C2", 8)])), LIMITS)
    assert kit.parts[0].is_drum
