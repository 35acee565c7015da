"""Converts between syllables and MIDI lyric events, and finds the part that sings them.

A lyric event holds one syllable. Three spellings of "the word goes on" are in use: a hyphen after the syllable, a space
after the last syllable of a word (RP-017, where an end of line does the same and an empty event holds the syllable
before), and (karaoke) a space, slash or backslash before its first. We write the hyphen. A sign alone holds the vowel.
"""

import re
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace

from bandmate_music.instrument_names import named_instrument
from bandmate_music.marks import chord_marks
from bandmate_music.score import Lyric, Part

_STARTS = ("\\", "/", " ")
_ENDS = (" ", "\r", "\n")
_STRIPPED = " \\/\r\n"
_HOLDS = frozenset(("-", "--", "---", "+", "+~", "~", "_", "__", "___", "–", "—", "ー", "*", "="))
"""What stands on a note that carries on the syllable before."""
_BREAKS = re.compile(r"\s*[\\/\r\n]+\s*")
"""Ends of lines within a text."""
_TAG = re.compile(r"^(@|\{[@#])|^\[%")
"""Karaoke headers (@KMIDI, @T) and the tags of RP-026 are not sung."""
_MIN_WORDS = 8
_ON_NOTES = 0.6
"""Of text events that are words so many stand on notes."""
_WORD_TRACKS = frozenset(("words", "lyrics", "lyric", "text", "karaoke", "paroles", "letra", "testo", "songtext"))
_NEAR = 8
"""A syllable belongs to a note at most a quarter note divided by this beside it; without one, to the nearest free one
within `_FAR` quarter notes."""
_FAR = 0.5
_MAX_NOTES_PER_SYLLABLE = 2.5


@dataclass(frozen=True, slots=True)
class Words:
    """The lyric events of a track: (tick, text) in order; `before` is how many parts precede the track."""

    events: Sequence[tuple[int, str]]
    track: str
    before: int


def lyric_event(lyric: Lyric) -> str:
    """The text of a lyric event: the syllable, and a hyphen where the word goes on."""
    return lyric.text if lyric.word_end else f"{lyric.text}-"


def lyrics_from_events(events: Sequence[tuple[int, str]]) -> tuple[Lyric, ...]:
    """Syllables from (onset in ticks, text) events in time order, whichever spelling they use.

    Syllables at one tick are sung on one note: their texts are joined, with a blank between words. What holds the
    syllable before has an empty text.
    """
    told = [(onset, text) for onset, text in events if not _TAG.match(text)]
    written = [text for _, text in told if text.strip()]
    is_blank = sum(text.endswith(" ") or text.startswith(_STARTS) for text in written) * 4 > len(written)
    lyrics: list[Lyric] = []
    for number, (onset, text) in enumerate(told):
        word = _BREAKS.sub(" ", text.strip(_STRIPPED))
        if not word or word in _HOLDS:
            if lyrics and lyrics[-1].onset < onset:
                lyrics.append(Lyric(onset, "", lyrics[-1].word_end))
            continue
        if len(word) > 1 and word.endswith("-"):
            word, word_end = word.rstrip("-") or "-", False
        elif is_blank:
            between, following = _what_follows(told, number)
            word_end = text.endswith(_ENDS) or following.startswith(_STARTS) or between
        else:
            word_end = True
        line_end = text.endswith(("\r", "\n"))
        if lyrics and lyrics[-1].onset == onset and lyrics[-1].text:
            lyrics[-1] = _joined(lyrics[-1], word, word_end)
        else:
            lyrics.append(Lyric(onset, word, word_end, line_end=line_end))
    return tuple(lyrics)


def _what_follows(told: Sequence[tuple[int, str]], number: int) -> tuple[bool, str]:
    """Whether blanks or ends of lines stand alone before the next syllable, and its text."""
    between = False
    for later in range(number + 1, len(told)):
        text = told[later][1]
        if text.strip(_STRIPPED):
            return between, text
        between = between or text != ""
    return between, " "


def are_karaoke_words(events: Sequence[tuple[int, str]], track: str, onsets: set[int], is_marked: bool) -> bool:
    """Whether a track's text events are the words of a song.

    `onsets` are those of the pitched notes; `is_marked` says that the file calls itself karaoke.
    """
    texts = [(tick, text) for tick, text in events if text.strip() and not text.startswith("@")]
    if not texts:
        return False
    if (is_marked or track.strip().lower() in _WORD_TRACKS) and len({tick for tick, _ in texts}) > 1:
        return True
    if len({tick for tick, _ in texts}) < _MIN_WORDS or chord_marks(texts):
        return False
    return sum(tick in onsets for tick, _ in texts) >= _ON_NOTES * len(texts)


def attach_lyrics(parts: list[Part], words: Words, ticks_per_quarter: int) -> None:
    """Attach the syllables of one track to the part that sings them, in place.

    Words may lie in a track of their own. They belong to the pitched part with a note at most of their onsets, and not
    many others; of equals to the part of the same name, then to a singer, to one that plays no chords, and to the one
    just before them. A syllable beside its note
    moves to it; one that no note sings stays where it is.
    """
    lyrics = lyrics_from_events(words.events)
    if not lyrics:
        return
    near = max(ticks_per_quarter // _NEAR, 1)
    best: tuple[bool, float, bool, bool, bool, bool, int] | None = None
    for number, part in enumerate(parts):
        if part.is_drum or part.lyrics or not len(part.notes):
            continue
        onsets = sorted(set(part.notes.onset.tolist()))
        distances = [_nearest(onsets, lyric.onset)[0] for lyric in lyrics]
        sung = sum(distance <= near for distance in distances)
        share, exact = sung / len(lyrics), distances.count(0) / len(lyrics)
        preceding, named = number < words.before, named_instrument(part.name)
        rank = (
            # An accompaniment in quavers has a note at every syllable too, and many more.
            share >= _ON_NOTES and sung * _MAX_NOTES_PER_SYLLABLE >= len(onsets),
            round(share + exact, 2),
            part.name == words.track,
            named is not None and named.is_singer,
            len(onsets) == len(part.notes),
            preceding,
            number if preceding else -number,
        )
        if best is None or rank > best:
            best = rank
    if best is None or best[1] == 0:
        return
    number = abs(best[-1])
    onsets = sorted(set(parts[number].notes.onset.tolist()))
    parts[number] = replace(parts[number], lyrics=_placed(lyrics, onsets, near, _FAR * ticks_per_quarter))


def _placed(lyrics: Sequence[Lyric], onsets: Sequence[int], near: int, far: float) -> tuple[Lyric, ...]:
    """The syllables at the onsets of their notes."""
    placed: dict[int, Lyric] = {}
    beside: list[Lyric] = []
    for lyric in lyrics:
        distance, onset = _nearest(onsets, lyric.onset)
        if distance > near:
            beside.append(lyric)
        elif onset in placed and placed[onset].text and lyric.text:
            placed[onset] = _joined(placed[onset], lyric.text, lyric.word_end)
        elif onset not in placed or lyric.text:
            placed[onset] = replace(lyric, onset=onset)
    for lyric in beside:
        free = [onset for onset in onsets if onset not in placed and abs(onset - lyric.onset) <= far]
        onset = min(free, key=lambda tick: abs(tick - lyric.onset)) if free else lyric.onset
        placed.setdefault(onset, replace(lyric, onset=onset))
    return tuple(placed[onset] for onset in sorted(placed))


def _joined(before: Lyric, text: str, word_end: bool) -> Lyric:
    between = " " if before.word_end else ""
    return replace(before, text=f"{before.text}{between}{text}", word_end=word_end)


def _nearest(onsets: Sequence[int], tick: int) -> tuple[int, int]:
    """Distance and tick of the nearest onset."""
    index = bisect_left(onsets, tick)
    near = onsets[max(0, index - 1) : index + 1]
    return min((abs(onset - tick), onset) for onset in near)
