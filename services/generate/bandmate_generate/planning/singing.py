"""The singer of a given song: the words that stay with their notes, and those of the bars that are composed anew.

Bars that are composed anew keep the rhythm of their words and get another tune; where new words are given, those get
a rhythm of their own.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bandmate_music.language.hints import without_hints
from bandmate_music.score import Lyric
from bandmate_music.theory.metre import Metre
from bandmate_shared.contracts.languages import LanguageSource
from bandmate_shared.contracts.songs import SongRequest, SongWords, WordNote
from bandmate_shared.contracts.vocals import Ensemble
from bandmate_shared.errors import InvalidRequest
from bandmate_shared.singing.check import check_hints, sung_language

from bandmate_generate.lyrics.lines import Line, read_lyrics, sung_lines
from bandmate_generate.lyrics.prosody import Feel, SungSyllable, set_lyrics
from bandmate_generate.planning.source_piece import Given, Stretch

_MIN_SHARE = 0.9
"""Of the words' notes, that a track has to have for it to be the singer's."""


@dataclass(frozen=True, slots=True)
class NewNote:
    """A note to be composed: its place on the models' grid and in the file, both in ticks, and its syllable."""

    onset: int
    duration: int
    tick: int
    ticks: int
    syllable: str | None
    word_end: bool
    line_end: bool

    @property
    def lyric(self) -> Lyric | None:
        return None if self.syllable is None else Lyric(self.tick, without_hints(self.syllable), self.word_end)


@dataclass(frozen=True, slots=True)
class Singing:
    """Who sings an edited song, and what. `track` is the singer's among the given tracks; `kept` notes stay as they are
    sung, `new` ones get their pitches from the model. `seed` is of the singing, `seconds` how long its
    bars are.
    """

    track: int
    voice: str | None
    language: str | None
    language_source: LanguageSource | None
    engine: str | None
    ensemble: Ensemble
    seed: int
    seconds: float
    kept: tuple[WordNote, ...]
    new: tuple[NewNote, ...] = ()

    @property
    def rhythm(self) -> tuple[tuple[int, int], ...]:
        """Onset and duration of the new notes, in grid ticks."""
        return tuple((note.onset, note.duration) for note in self.new)


def singing_of(request: SongRequest, given: Given, words: SongWords | None) -> Singing | None:
    """The singing of a given song as it is; None where nothing is sung in it."""
    if words is None or not words.notes or words.ticks_per_quarter != given.score.ticks_per_quarter:
        return None
    track = _singers_track(given, [note.tick for note in words.notes])
    if track is None:
        return None
    onsets = {note.onset for note in given.tracks[track].notes}
    kept = tuple(note for note in words.notes if note.tick in onsets)
    language = request.language or words.language
    source: LanguageSource | None = "request" if language is not None else None
    voice, engine = request.voice or words.voice, request.engine or words.engine
    ensemble = request.ensemble or words.ensemble
    return Singing(track, voice, language, source, engine, ensemble, words.seed, words.seconds, kept)


def with_new_notes(
    singing: Singing,
    request: SongRequest,
    stretch: Stretch,
    ranges: Sequence[tuple[int, int]],
    tempo: float,
    feel: Feel,
) -> Singing:
    """The singing once the bars of `ranges` ((first, past the last) of the stretch) of the singer are composed anew.

    Raises:
        InvalidRequest: the words do not fit into the bars, or none of the singer's bars are composed.
    """
    words = request.words
    if request.lyrics is not None and not ranges:
        raise InvalidRequest(
            "new words need bars of the singer to be composed anew; name the singer's track in `infill.tracks`, or "
            "leave `tracks` out"
        )
    tick_map = stretch.tick_map
    bars = {bar for first, past in ranges for bar in range(first, past)}
    inside = [note for note in singing.kept if tick_map.bar_of_onset(note.tick) in bars]
    kept = tuple(note for note in singing.kept if tick_map.bar_of_onset(note.tick) not in bars)
    if words is None:  # Also where they are yet to be written.
        return replace(singing, kept=kept, new=tuple(_same_rhythm(inside, stretch, ranges)))
    language = sung_language(sung_lines(words), request.language or singing.language, singing.voice)
    check_hints(sung_lines(words), language.tag, singing.voice, singing.engine)
    lines = read_lyrics(words, language.tag).lines
    new = _new_words(lines, stretch, ranges, tempo, feel)
    return replace(singing, kept=kept, new=tuple(new), language=language.tag, language_source=language.source)


def _singers_track(given: Given, ticks: Sequence[int]) -> int | None:
    """The track that has a note at the most of the words' places."""
    best, most = None, _MIN_SHARE * len(ticks)
    for index, track in enumerate(given.tracks):
        onsets = {note.onset for note in track.notes}
        count = sum(tick in onsets for tick in ticks)
        if not track.is_drum and count >= most:
            best, most = index, count + 0.5
    return best


def _same_rhythm(notes: Sequence[WordNote], stretch: Stretch, ranges: Sequence[tuple[int, int]]) -> list[NewNote]:
    """Notes at the places of these, within the bars composed anew."""
    tick_map, frame = stretch.tick_map, stretch.frame
    new: list[NewNote] = []
    for note in notes:
        bar = tick_map.bar_of_onset(note.tick)
        past = next(past for first, past in ranges if first <= bar < past)
        grid_bar, file_bar = tick_map.grid[bar], tick_map.file[bar]
        scale = grid_bar.length / file_bar.length
        onset = max(grid_bar.onset, grid_bar.onset + _even((note.tick - file_bar.onset) * scale))
        if new:
            onset = max(onset, new[-1].onset + 2)
        end = min(onset + max(2, _even(note.ticks * scale)), frame.end if past >= stretch.bars else frame.start(past))
        if onset >= end:
            continue
        if new and new[-1].onset + new[-1].duration > onset:
            new[-1] = replace(new[-1], duration=onset - new[-1].onset)
        new.append(NewNote(onset, end - onset, note.tick, note.ticks, note.syllable, note.word_end, note.line_end))
    return new


def _even(ticks: float) -> int:
    """The nearest tick that the models have."""
    return 2 * round(ticks / 2)


def _new_words(
    lines: Sequence[Line], stretch: Stretch, ranges: Sequence[tuple[int, int]], tempo: float, feel: Feel
) -> list[NewNote]:
    """The lines over the ranges, each with its share by the number of bars."""
    total, placed, done = sum(past - first for first, past in ranges), 0, 0
    new: list[NewNote] = []
    for first, past in ranges:
        done += past - first
        until = len(lines) if done == total else round(len(lines) * done / total)
        share, placed = lines[placed:until], until
        if share:
            new += [_placed(sung, stretch) for sung in _set(share, stretch, first, past, tempo, feel)]
    return new


def _set(
    lines: Sequence[Line], stretch: Stretch, first: int, past: int, tempo: float, feel: Feel
) -> list[SungSyllable]:
    """Lines in bars of the stretch, in grid ticks. Bars of another metre than the first count as if they were of it."""
    metre: Metre = stretch.frame[first].metre
    sung = set_lyrics(lines, metre, tempo, past - first, 0, feel)
    start = stretch.frame.start(first)
    return [replace(note, onset=note.onset + start) for note in sung]


def _placed(sung: SungSyllable, stretch: Stretch) -> NewNote:
    tick_map = stretch.tick_map
    bar = stretch.frame.at(sung.onset)
    grid_bar, file_bar = tick_map.grid[bar], tick_map.file[bar]
    scale = file_bar.length / grid_bar.length
    tick = file_bar.onset + round((sung.onset - grid_bar.onset) * scale)
    syllable = sung.syllable
    return NewNote(
        sung.onset,
        sung.duration,
        tick,
        max(1, round(sung.duration * scale)),
        None if syllable is None else syllable.sung_text,
        syllable is None or syllable.word_end,
        syllable is not None and syllable.line_end,
    )
