"""From a composed take to the files: exact frame, words on their notes, and music21 reads the same music."""

from pathlib import Path

import music21
import pytest
from bandmate_generate.compose import with_lead
from bandmate_generate.planning.plan import plan_song
from bandmate_generate.planning.song_plan import WritePlan
from bandmate_generate.scoring.check import BadComposition
from bandmate_generate.scoring.score import to_score
from bandmate_generate.scoring.song_words import song_words, sung_notes
from bandmate_generate.selection.chords import chords_of
from bandmate_generate.selection.measure import measure
from bandmate_music.analysis.key_finder import estimate_key
from bandmate_music.midi.read import read_midi
from bandmate_music.midi.write import write_midi
from bandmate_music.musicxml.write import write_musicxml
from bandmate_music.score import Score
from bandmate_music.theory.keys import Key
from bandmate_shared.contracts.composition import ComposedTake
from bandmate_shared.contracts.songs import Originality, SongRequest
from bandmate_shared.errors import InvalidRequest
from bandmate_shared.settings import SharedSettings

Row = tuple[int, int, int, int, int]
LYRICS = "The river runs beneath the moon\nAnd carries all my dreams away"
REQUEST = SongRequest(style="folk", key="D", metre="3/4", tempo=97, bars=6, lyrics=LYRICS)
MELODY = (62, 64, 66, 67, 69, 66, 69, 67, 66, 64, 62, 64, 66, 69, 67, 66, 64)


@pytest.fixture
def plan(settings: SharedSettings) -> WritePlan:
    planned = plan_song(REQUEST, 4, settings)
    assert isinstance(planned, WritePlan)
    return with_lead(planned)


def composed(plan: WritePlan, last_bar: bool = True) -> ComposedTake:
    """A take by hand: the words on a D major line, I-IV-V-I below."""
    rows: list[Row] = [
        (0, note.onset, note.duration, MELODY[index % len(MELODY)], 64) for index, note in enumerate(plan.sung)
    ]
    for bar in range(plan.bars if last_bar else plan.bars - 1):
        root = (50, 55, 57, 50)[bar % 4] if bar < plan.bars - 1 else 50
        rows += [(1, bar * 72, 72, root + step, 60) for step in (0, 4, 7)]
        rows.append((2, bar * 72, 72, root - 12, 60))
    rows.sort(key=lambda row: (row[1], row[0], row[3]))
    originality = Originality()
    return ComposedTake(seed=1, notes=rows, log_likelihood=-1.0, tokens=len(rows), originality=originality)


def syllables(plan: WritePlan) -> list[str]:
    return [note.syllable.text for note in plan.sung if note.syllable is not None]


def changed(take: ComposedTake, index: int, row: Row) -> ComposedTake:
    return take.model_copy(update={"notes": [row if number == index else old for number, old in enumerate(take.notes)]})


def test_the_midi_file_holds_exactly_what_was_asked(plan: WritePlan, settings: SharedSettings) -> None:
    midi = write_midi(to_score(plan, composed(plan)))
    score = read_midi(midi, settings.file_limits)
    properties = measure(REQUEST, plan, midi, score)
    assert {name: outcome.met for name, outcome in properties.items()} == dict.fromkeys(properties, True)
    assert properties["key"].measured == "D major"
    assert properties["tempo"].measured == 97.0
    assert properties["bars"].measured == 6
    assert properties["chords"].measured == ["D", "G", "A", "D", "D", "D"]
    assert properties["lyrics"].measured == f"{len(syllables(plan))} syllables"


def test_music21_reads_the_musicxml_as_meant(plan: WritePlan, tmp_path: Path) -> None:
    path = tmp_path / "song.musicxml"
    path.write_bytes(write_musicxml(to_score(plan, composed(plan))))
    read = music21.converter.parse(path)
    assert [part.partName for part in read.parts] == ["Voice", "Guitar", "Double bass"]
    for part in read.parts:
        assert len(part.getElementsByClass("Measure")) == 6
        assert part.recurse().getElementsByClass("TimeSignature").first().ratioString == "3/4"
    voice = read.parts[0]
    assert voice.recurse().getElementsByClass("KeySignature").first().sharps == 2
    assert read.recurse().getElementsByClass("MetronomeMark").first().number == 97
    sung = [note for note in voice.flatten().notes if note.lyric is not None]
    assert [note.lyric for note in sung] == syllables(plan)
    onsets = {note.onset / 24: MELODY[index % len(MELODY)] for index, note in enumerate(plan.sung)}
    assert [note.pitch.midi for note in sung] == [onsets[float(note.offset)] for note in sung]
    assert [float(note.offset) for note in sung] == [note.onset / 24 for note in plan.sung if note.syllable]
    words = " ".join("".join(text) for text in _words(sung))
    assert words == LYRICS.replace("\n", " ")


def _words(notes: list[music21.note.Note]) -> list[list[str]]:
    words: list[list[str]] = []
    for note in notes:
        lyric = note.lyrics[0]
        if lyric.syllabic in ("single", "begin"):
            words.append([])
        words[-1].append(lyric.text)
    return words


def test_the_singer_gets_seconds(plan: WritePlan) -> None:
    notes = sung_notes(song_words(plan, b"", to_score(plan, composed(plan))))
    assert [note.syllable for note in notes if note.syllable] == syllables(plan)
    assert len(notes) == len(plan.sung)
    assert notes[0].onset == pytest.approx(plan.sung[0].onset / 24 * 60 / 97)
    assert [note for note in notes if note.syllable][-1].line_end
    assert [note.pitch for note in notes[:3]] == list(MELODY[:3])


def test_the_singer_gets_the_velocities_of_the_performance(plan: WritePlan) -> None:
    score = to_score(plan, composed(plan))
    notes = sung_notes(song_words(plan, b"", score))
    assert plan.melody is not None
    assert [note.velocity for note in notes] == score.parts[plan.melody].notes.velocity.tolist()
    assert len({note.velocity for note in notes}) > 1


def test_pronunciations_and_held_vowels_reach_the_singer_and_not_the_score(settings: SharedSettings) -> None:
    words = "The riv-er runs be-neath[bɪˈniːθ] the moon\nAnd car- _ ries all my dreams[ˈdɹiːmz] _ a-way"
    planned = plan_song(REQUEST.model_copy(update={"lyrics": words}), 4, settings)
    assert isinstance(planned, WritePlan)
    plan = with_lead(planned)
    midi = write_midi(to_score(plan, composed(plan)))
    score = read_midi(midi, settings.file_limits)
    assert measure(REQUEST, plan, midi, score)["lyrics"].met
    texts = [lyric.text for part in score.parts for lyric in part.lyrics]
    assert " ".join(texts) == "The riv er runs be neath the moon And car ries all my dreams a way"
    notes = song_words(plan, b"", to_score(plan, composed(plan))).notes
    assert [note.syllable for note in notes if note.syllable and "[" in note.syllable] == [
        "neath[bɪˈniːθ]",
        "dreams[ˈdɹiːmz]",
    ]
    car = next(index for index, note in enumerate(notes) if note.syllable == "car")
    assert [(note.syllable, note.word_end) for note in notes[car : car + 3 : 2]] == [("car", False), ("ries", True)]
    assert notes[car + 1].syllable is None
    dreams = next(index for index, note in enumerate(notes) if note.syllable == "dreams[ˈdɹiːmz]")
    assert (notes[dreams].word_end, notes[dreams + 1].syllable) == (True, None)


@pytest.mark.parametrize("fields", [{"engine": "espeak"}, {"language": "de"}, {"voice": "pico-en"}])
def test_pronunciations_that_nothing_follows_are_refused_before_composing(
    settings: SharedSettings, fields: dict[str, str]
) -> None:
    request = SongRequest(style="folk", lyrics="leaves[ˈliːvz] fall", **fields)
    with pytest.raises(InvalidRequest, match="follow the pronunciation in 'leaves"):
        plan_song(request, 1, settings)


def test_flat_velocities_get_accents(plan: WritePlan) -> None:
    score = to_score(plan, composed(plan))
    for part in score.parts:
        assert len(set(part.notes.velocity.tolist())) > 1
    guitar = score.parts[1].notes
    assert guitar.velocity.min() >= 1


def test_a_song_whose_last_bar_is_empty_keeps_its_bars(plan: WritePlan, settings: SharedSettings) -> None:
    take = composed(plan, last_bar=False)
    end = plan.bars * 72
    rows = [row for row in take.notes if row[0] != 0]
    unsung = plan_song(REQUEST.model_copy(update={"lyrics": None}), 4, settings)
    score = to_score(unsung, take.model_copy(update={"notes": rows}))
    assert score.end == end * 20
    assert measure(REQUEST, plan, write_midi(score), score)["bars"].measured == 6


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ((1, 6 * 72, 24, 60, 60), "outside"),
        ((1, 0, 24, 110, 60), "pitch 110"),
        ((7, 0, 24, 60, 60), "part 7"),
        ((0, 0, 5, 62, 60), "rhythm"),
    ],
)
def test_a_bad_answer_of_the_model_is_refused(plan: WritePlan, row: Row, message: str) -> None:
    take = composed(plan)
    first = next(index for index, old in enumerate(take.notes) if old[0] == (0 if message == "rhythm" else 1))
    with pytest.raises(BadComposition, match=message):
        to_score(plan, changed(take, first, row))


@pytest.mark.parametrize("number", ["bwv66.6", "bwv269", "bwv10.7"])
def test_the_key_of_real_music_is_heard(number: str, settings: SharedSettings, tmp_path: Path) -> None:
    piece = music21.corpus.parse(number)
    path = tmp_path / "piece.mid"
    piece.write("midi", path)
    analysed = piece.analyze("key")
    key = estimate_key(read_midi(path.read_bytes(), settings.file_limits))
    assert key == Key(analysed.tonic.pitchClass, analysed.mode)


def test_chords_of_an_empty_score_are_dashes() -> None:
    from bandmate_music.score import MetreChange
    from bandmate_music.theory.metre import Metre

    assert chords_of(Score((), 480, (), (MetreChange(0, Metre(4, 4)),)), 2, Key(0, "major")) == ["-", "-"]
