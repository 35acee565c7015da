"""Find the singers of a score: which voices of which parts are sung, on which notes, with which syllables.

A voice with words of its own is a singer. A few stray words under an instrument ("solo", "pizz.") make none. Where all
voices are asked for, those without words of their own take the words of the voice that has some, by their onsets.
"""

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

from bandmate_music.analysis.bars import bars_of
from bandmate_music.errors import InvalidRequest
from bandmate_music.instrument_names import named_instrument
from bandmate_music.score import Lyric, Notice, Part, Score
from bandmate_music.singing.syllable_text import clean_syllables

VoicesAsked = Literal["own", "all", "one"]
_MIN_SYLLABLES = 3
_MIN_SHARE = 0.1
"""A voice with fewer words than this share of the longest, and few in itself, is no singer."""
_VOICE_PROGRAMS = (52, 53, 54)
_MARKS_TEXT = (
    "pizz arco solo soli tutti div unis cresc decresc dim rit rall accel con sord senza legato stacc ten simile sim ad "
    "lib tacet a2 gliss trem"
)
_PLAYER_MARKS = frozenset(_MARKS_TEXT.split())
"""Words under the notes of an instrument that are for its player."""
_SNAP = 4
"""Words up to a quarter note divided by this off their note belong to it."""
_REST = 4
"""A pause of a quarter note divided by this ends a melisma, in written music; in played music a quarter note does."""


@dataclass(frozen=True, slots=True)
class LineNote:
    """A note of a singer, in ticks. `syllable` None: the vowel goes on."""

    onset: int
    end: int
    pitch: int
    syllable: Lyric | None


@dataclass(frozen=True, slots=True)
class SingerLine:
    """What one singer sings, in order of time without overlaps. `name` as a person would call it."""

    name: str
    part: Part
    notes: tuple[LineNote, ...]

    @property
    def syllables(self) -> int:
        return sum(note.syllable is not None for note in self.notes)


def sung_lines(score: Score, part: str | None, voices: VoicesAsked) -> tuple[list[SingerLine], list[Notice]]:
    """The singers of a score with words of its own, in the order of the score, and what was left out.

    `part`: a part's name, or its number from 1. `voices`: "own" are all that have words of their own, "all" those
    without as well, "one" the one with most words.

    Raises:
        InvalidRequest: there is no such part, or nothing has words.
    """
    chosen = parts_of(score, part)
    notices: list[Notice] = []
    lines = [line for each in chosen if (line := _line(score, each, notices)) is not None]
    if not lines:
        where = f"the part {_name(chosen[0], chosen)!r}" if part is not None else "the melody"
        raise InvalidRequest(f"{where} carries no words; give them with --lyrics{_others_with_words(score, part)}")
    longest = max(lines, key=lambda line: line.syllables)
    own = lines
    if part is None:
        own = [line for line in lines if not _is_stray(line, longest, lines)]
    own = [longest] if voices == "one" else own
    for line in lines:
        if all(line is not other for other in own):
            words = " ".join(note.syllable.text for note in line.notes if note.syllable)[:40]
            text = f"{line.name} was left out, with its {line.syllables} syllables ({words!r}); --part sings it"
            notices.append(Notice("singer-left-out", text, line.syllables))
    if voices == "all":
        own += _without_words(score, chosen, own, part is not None)
        order = {id(each): number for number, each in enumerate(score.parts)}
        own.sort(key=lambda line: order[id(line.part)])
    return _with_changed_voices(own), notices


def melody_part(score: Score, part: str | None) -> Part:
    """The part that sings words that are given: the one asked for, else the one with most words, else the highest.

    Raises:
        InvalidRequest: there is no such part, or it has no notes with a pitch.
    """
    pitched = [each for each in parts_of(score, part) if not each.is_drum and len(each.notes)]
    if not pitched:
        raise InvalidRequest("the melody has no notes with a pitch")
    return max(pitched, key=lambda each: (len(each.lyrics), float(each.notes.pitch.mean())))


def parts_of(score: Score, part: str | None) -> list[Part]:
    """The parts of a score, or the voices of the one that `part` names or numbers (1 is the first)."""
    written = _written_parts(score)
    if part is None:
        return list(score.parts)
    wanted = part.strip().casefold()
    for fits in (str.__eq__, str.startswith, str.__contains__):
        for number, voices in enumerate(written, 1):
            names = (voices[0].name.casefold(), voices[0].identifier.casefold(), str(number))
            if any(name and fits(name, wanted) for name in names[: 3 if fits is str.__eq__ else 1]):
                return voices
    listed = ", ".join(
        f"{number} {_name(voices[0], [])}{' (with words)' if any(v.lyrics for v in voices) else ''}"
        for number, voices in enumerate(written, 1)
    )
    raise InvalidRequest(f"there is no part {part[:40]!r}; the score has: {listed}")


def one_voice(part: Part) -> list[tuple[int, int, int]]:
    """(onset, end, pitch) in ticks: the highest of the notes that begin together, each ending where the next begins."""
    highest: dict[int, tuple[int, int]] = {}
    for onset, duration, pitch in zip(part.notes.onset, part.notes.duration, part.notes.pitch, strict=True):
        highest[int(onset)] = (int(onset + duration), int(pitch))  # Sorted by onset, then pitch: the last is highest.
    onsets = sorted(highest)
    return [
        (onset, min(highest[onset][0], onsets[i + 1] if i + 1 < len(onsets) else highest[onset][0]), highest[onset][1])
        for i, onset in enumerate(onsets)
    ]


def _written_parts(score: Score) -> list[list[Part]]:
    """The voices of each written part, in order."""
    found: dict[object, list[Part]] = {}
    for number, each in enumerate(score.parts):
        found.setdefault(each.identifier or number, []).append(each)
    return list(found.values())


def _name(part: Part, chosen: Sequence[Part]) -> str:
    """The part's name, with its voice where several voices of it are at hand."""
    name = part.name or part.identifier or "the part without a name"
    several = sum(other.identifier == part.identifier for other in chosen) > 1
    return f"{name}, voice {part.voice}" if part.voice and several else name


def _line(score: Score, part: Part, notices: list[Notice]) -> SingerLine | None:
    """The singer of a part; None where it has no words."""
    if part.is_drum or not len(part.notes) or not part.lyrics:
        return None
    found = one_voice(part)
    name = _name(part, score.parts)
    syllables = _at_notes(clean_syllables(part.lyrics), [onset for onset, _, _ in found], score, name, notices)
    if not any(lyric.text for lyric in syllables.values()):
        return None
    rest = score.ticks_per_quarter // (_REST if score.is_notation else 1)
    notes: list[LineNote] = []
    left_out: list[int] = []
    carries = is_cut = False
    for onset, end, pitch in found:
        lyric = syllables.get(onset)
        if lyric is not None and lyric.text:
            carries, is_cut = not lyric.word_end or lyric.held, False
        elif lyric is not None and notes:
            carries, is_cut = carries or lyric.held, False
        elif not notes or is_cut or (not carries and onset - notes[-1].end >= rest):
            is_cut = bool(notes)
            left_out.append(onset)
            continue
        notes.append(LineNote(onset, end, pitch, lyric if lyric is not None and lyric.text else None))
    if left_out:
        count = f"{len(left_out)} notes" if len(left_out) > 1 else "1 note"
        text = f"{count} of {name} without words, from {bar_of(score, left_out[0])} on, were not sung"
        notices.append(Notice("notes-without-words", text, len(left_out)))
    return SingerLine(name, part, tuple(notes))


def _with_changed_voices(lines: Sequence[SingerLine]) -> list[SingerLine]:
    """The lines; voices of one staff that never sound at once are one singer, written now as one, now as the other."""
    singers: list[SingerLine] = []
    for line in lines:
        for number, other in enumerate(singers):
            if _staff(line) == _staff(other) and not _overlap(line.notes, other.notes):
                notes = tuple(sorted((*other.notes, *line.notes), key=lambda note: note.onset))
                singers[number] = SingerLine(other.name, other.part, notes)
                break
        else:
            singers.append(line)
    return singers


def _staff(line: SingerLine) -> tuple[str, str] | int:
    """The staff that a line stands on; a part whose file knows no staves stands alone."""
    part = line.part
    return (part.identifier, part.voice.partition(" ")[2]) if part.identifier and part.voice else id(part)


def _overlap(one: Sequence[LineNote], other: Sequence[LineNote]) -> bool:
    spans = sorted([*((note.onset, note.end) for note in one), *((note.onset, note.end) for note in other)])
    return any(following[0] < before[1] for before, following in pairwise(spans))


def _at_notes(
    lyrics: Sequence[Lyric], onsets: Sequence[int], score: Score, name: str, notices: list[Notice]
) -> dict[int, Lyric]:
    """The syllables by the onsets of their notes; what lies a little beside a note goes to the nearest."""
    placed: dict[int, Lyric] = {}
    lost: list[Lyric] = []
    for lyric in lyrics:
        onset = _nearest(onsets, lyric.onset)
        if abs(onset - lyric.onset) * _SNAP > score.ticks_per_quarter:
            if lyric.text:
                lost.append(lyric)
            continue
        before = placed.get(onset)
        if before is not None and before.text:
            if not lyric.text:
                continue
            joint = " " if before.word_end else ""
            lyric = replace(lyric, text=f"{before.text}{joint}{lyric.text}")
        placed[onset] = lyric
    if lost:
        words = " ".join(lyric.text for lyric in lost)[:60]
        where = bar_of(score, lost[0].onset)
        text = f"{len(lost)} syllables of {name} stand on no note and were not sung, from {where} on: {words!r}"
        notices.append(Notice("syllables-without-notes", text, len(lost)))
    return placed


def _nearest(onsets: Sequence[int], onset: int) -> int:
    index = bisect_right(onsets, onset)
    return min(onsets[max(0, index - 1) : index + 1], key=lambda each: (abs(each - onset), each))


def _is_stray(line: SingerLine, longest: SingerLine, lines: Sequence[SingerLine]) -> bool:
    """Whether the words of a part are marks for its player."""
    part = [other for other in lines if other.part.identifier and other.part.identifier == line.part.identifier]
    if line is longest or len(part) > 1 or _names_a_voice(line.part.name):
        return False
    texts = " ".join(note.syllable.text for note in line.notes if note.syllable).lower()
    if set(re.findall(r"\w+", texts)) <= _PLAYER_MARKS:
        return True
    few = line.syllables < _MIN_SYLLABLES or line.syllables < 0.08 * len(line.part.notes)
    return few and line.syllables < _MIN_SHARE * longest.syllables


def _without_words(score: Score, chosen: Sequence[Part], own: Sequence[SingerLine], named: bool) -> list[SingerLine]:
    """Singers of the voices without words: each takes the words of its own part's singer, else of the one with most."""
    main = max(own, key=lambda line: line.syllables)
    found = []
    for part in chosen:
        if part.is_drum or not len(part.notes) or any(line.part is part for line in own):
            continue
        leader = next((line for line in own if part.identifier and line.part.identifier == part.identifier), None)
        is_vocal = named or part.program in _VOICE_PROGRAMS or _names_a_voice(part.name)
        if leader is None and not is_vocal:
            continue
        found.append(SingerLine(_name(part, score.parts), part, _with_words_of(leader or main, part)))
    return [line for line in found if line.syllables]


def _names_a_voice(name: str) -> bool:
    words, named = name.casefold().replace(".", " ").split(), named_instrument(name)
    return (named is not None and named.is_singer) or (
        len(words) == 1 and words[0] in ("s", "a", "t", "b", "s1", "s2", "a1", "a2", "t1", "t2", "b1", "b2")
    )


def _with_words_of(leader: SingerLine, part: Part) -> tuple[LineNote, ...]:
    """The notes of a voice with another's syllables: each note takes those that begin while it sounds."""
    syllables = [note.syllable for note in leader.notes if note.syllable is not None]
    onsets = [lyric.onset for lyric in syllables]
    notes: list[LineNote] = []
    for onset, end, pitch in one_voice(part):
        taken = syllables[bisect_right(onsets, onset - 1) : bisect_right(onsets, end - 1)]
        if not taken and not notes:
            continue
        joined: Lyric | None = None
        for lyric in taken:
            joint = " " if joined is not None and joined.word_end else ""
            joined = lyric if joined is None else replace(lyric, text=f"{joined.text}{joint}{lyric.text}")
        notes.append(LineNote(onset, end, pitch, joined))
    return tuple(notes)


def _others_with_words(score: Score, part: str | None) -> str:
    names = [voices[0].name for voices in _written_parts(score) if any(each.lyrics for each in voices)]
    return f"; words stand in {', '.join(names)}" if part is not None and names else ""


def bar_of(score: Score, onset: int) -> str:
    """The bar in which a tick lies, as it is printed: 'bar 12'."""
    if not score.measures:
        bars = bars_of(score)
        return f"bar {bars[max(0, bisect_right([bar.onset for bar in bars], onset) - 1)].number}"
    index = bisect_right([mark.onset for mark in score.measures], onset) - 1
    return f"bar {score.measures[max(0, index)].number}"
