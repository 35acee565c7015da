"""Words as recognisers are asked for them: spelling, errors, phrases, and what a score carries."""

import zipfile
from itertools import pairwise
from pathlib import Path

import pytest
from bandmate_bench.singing.cases import LANGUAGE_CODES, own_cases, score_cases, verse_of
from bandmate_bench.singing.own_lyrics import own_lyrics, words_kept
from bandmate_bench.singing.phrases import phrases_of
from bandmate_bench.singing.scores import acceptance, beginning, chosen, read_scores
from bandmate_bench.singing.sung import JudgedNote
from bandmate_bench.singing.word_errors import spelled, word_errors
from bandmate_shared.errors import InvalidRequest, NotFound

NOTE = """<note><pitch><step>{step}</step><octave>4</octave></pitch><duration>4</duration><voice>1</voice>
<type>quarter</type>{lyrics}</note>"""
LYRIC = '<lyric number="{verse}"><syllabic>{kind}</syllabic><text>{text}</text></lyric>'
SCORE = """<?xml version="1.0" encoding="UTF-8"?><score-partwise version="3.1"><part-list>
<score-part id="P1"><part-name>Voice</part-name></score-part></part-list><part id="P1"><measure number="1">
<attributes><divisions>4</divisions><time><beats>4</beats><beat-type>4</beat-type></time></attributes>
{notes}</measure></part></score-partwise>"""


def score(*lyrics: str) -> str:
    return SCORE.format(
        notes="".join(NOTE.format(step="CDEFG"[number % 5], lyrics=text) for number, text in enumerate(lyrics))
    )


def lyric(text: str, kind: str = "single", verse: int = 1) -> str:
    return LYRIC.format(verse=verse, kind=kind, text=text)


def test_words_are_compared_as_they_sound() -> None:
    assert spelled("Half past 4, I'll go — mid-day!") == ["half", "past", "four", "ill", "go", "midday"]
    assert spelled("Vögel, 4", "de") == ["vögel", "4"]
    assert word_errors(["a", "b", "c"], ["a", "x", "c", "d"]) == 2
    assert word_errors(["a", "b"], []) == 2


def test_a_recogniser_that_repeats_itself_costs_no_more_than_the_phrase() -> None:
    assert word_errors(["so", "it", "goes"], ["no"] * 50) == 3


def notes_of(text: str, seconds: float = 0.4, rests: tuple[int, ...] = ()) -> list[JudgedNote]:
    notes, time = [], 0.0
    for number, word in enumerate(text.split()):
        time += 1.0 if number in rests else 0.0
        parts = word.strip("/").split("-")
        for part_number, part in enumerate(parts):
            last = part_number == len(parts) - 1
            notes.append(JudgedNote(time, time + seconds, 60, part, last, last and word.endswith("/")))
            time += seconds
    return notes


def test_phrases_end_with_lines_and_at_rests_and_hold_whole_words() -> None:
    phrases = phrases_of(notes_of("The mor-ning comes/ a-cross the hill and on it goes", rests=(6,)))
    assert [" ".join(phrase.words) for phrase in phrases] == ["The morning comes", "across the hill", "and on it goes"]
    assert all(before.end <= after.start + 0.07 for before, after in pairwise(phrases))


def test_a_vowel_that_goes_on_belongs_to_its_word() -> None:
    notes = [
        JudgedNote(0.0, 0.5, 60, "long", True, False),
        JudgedNote(0.5, 2.5, 62, None, True, False),
        JudgedNote(2.5, 3.0, 60, "day", True, True),
    ]
    (phrase,) = phrases_of(notes)
    assert phrase.words == ("long", "day")


def test_a_text_without_an_end_is_cut_into_pieces_that_a_recogniser_takes() -> None:
    phrases = phrases_of(notes_of(" ".join(["word"] * 60)))
    assert max(phrase.end - phrase.start for phrase in phrases) < 16.0
    assert sum(len(phrase.words) for phrase in phrases) == 60


def test_the_words_of_a_file_are_its_first_verse(tmp_path: Path) -> None:
    text = score(lyric("Mor", "begin") + lyric("Ev", "begin", 2), lyric("ning", "end") + lyric("ning", "end", 2))
    path = tmp_path / "two.musicxml"
    path.write_text(text)
    with zipfile.ZipFile(tmp_path / "two.mxl", "w") as archive:
        archive.writestr("META-INF/container.xml", "<container/>")
        archive.writestr("two.xml", text)
    assert own_lyrics(path) == own_lyrics(tmp_path / "two.mxl") == ["Mor", "ning"]
    path.write_text(score("", ""))
    assert own_lyrics(path) is None
    path.write_text("no score")
    assert own_lyrics(path) is None


def test_words_are_kept_when_each_is_sung_in_order() -> None:
    assert words_kept(["The", "mor", "ning,"], ["the", "mor", "ning", "the", "mor", "ning"])
    assert not words_kept(["The", "mor", "ning"], ["the", "morning"])
    assert not words_kept(["a", "b"], ["b", "a"])
    assert words_kept(["ma", "ny", "an"], ["ma", "ny an"])
    assert words_kept(["ma", "ny an"], ["ma", "ny", "an"])


def test_scores_are_read_and_counted(tmp_path: Path) -> None:
    (tmp_path / "en").mkdir()
    (tmp_path / "other").mkdir()
    (tmp_path / "en" / "good.musicxml").write_text(score(lyric("Good"), lyric("day"), lyric("to"), lyric("you")))
    (tmp_path / "other" / "gut.musicxml").write_text(score(lyric("Gu", "begin"), lyric("ten", "end"), lyric("Tag")))
    (tmp_path / "other" / "wordless.musicxml").write_text(score("", ""))
    (tmp_path / "other" / "broken.mid").write_bytes(b"MThd")
    scores = read_scores(tmp_path, lambda *_: None)
    counted = acceptance(scores)
    assert (counted["scores"], counted["accepted"], counted["words_kept"]) == (3, pytest.approx(2 / 3), 1.0)
    assert list(counted["refused"]) == ["broken"]
    assert [one.path.stem for one in chosen(scores, 5, [], 1)] == ["good"]
    assert [one.path.stem for one in chosen(scores, 5, ["gut"], 1)] == ["gut"]
    with pytest.raises(NotFound, match="there is no wordless"):
        chosen(scores, 5, ["wordless"], 1)
    cases = score_cases(chosen(scores, 5, [], 1), 1.2, ["scores", "scores-in-range"])
    assert [(case.group, case.name, case.request.get("voice")) for case in cases] == [
        ("scores", "good", None),
        ("scores-in-range", "good-alto", "alto"),
    ]
    written, moved = (case.request["notes"] for case in cases)
    assert [low["pitch"] - high["pitch"] for high, low in zip(written, moved, strict=True)] == [-5] * len(written)


def test_a_beginning_ends_with_a_whole_note(tmp_path: Path) -> None:
    (tmp_path / "good.musicxml").write_text(score(lyric("Good"), lyric("day"), lyric("to"), lyric("you")))
    (one,) = read_scores(tmp_path, lambda *_: None)
    assert one.request is not None
    cut = beginning(one.request, 1.2)
    assert [note.syllable for note in cut.notes] == ["Good", "day"]
    assert cut.seconds == pytest.approx(cut.notes[-1].onset + cut.notes[-1].duration + 0.5)


def test_a_folder_without_scores_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match="holds no score"):
        read_scores(tmp_path, lambda *_: None)
    with pytest.raises(NotFound):
        read_scores(tmp_path / "none", lambda *_: None)


def test_each_language_has_a_verse_and_the_same_seed_the_same_melody() -> None:
    for code in LANGUAGE_CODES:
        assert len(verse_of(code)) == 4, code
    first, again, other = (own_cases(["languages", "eighths", "long"], ["de"], seed) for seed in (1, 1, 2))
    assert first == again != other
    by_name = {case.name: case.request for case in first}
    assert by_name["de"]["language"] == "de"
    assert by_name["3-minutes"]["seconds"] == 180.0
    assert by_name["3-minutes"]["notes"][-1]["onset"] > 160.0
    assert {round(note["duration"], 3) for note in by_name["140-bpm"]["notes"]} == {0.214}
