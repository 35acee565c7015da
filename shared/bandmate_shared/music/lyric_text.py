"""Syllables as MIDI lyric events spell them, and the part they belong to.

A lyric event holds one syllable. Three spellings of "the word goes on" are in use: a hyphen after the syllable, a space
after the last syllable of a word, and (karaoke) a space, slash or backslash before its first. We write the hyphen.
"""

from collections.abc import Sequence
from dataclasses import replace

from bandmate_shared.music.score import Lyric, Part

_STARTS = ("\\", "/", " ")


def lyric_event(lyric: Lyric) -> str:
    """The text of a lyric event: the syllable, and a hyphen where the word goes on."""
    return lyric.text if lyric.word_end else f"{lyric.text}-"


def lyrics_from_events(events: Sequence[tuple[int, str]]) -> tuple[Lyric, ...]:
    """Syllables from (onset in ticks, text) events in time order, whichever spelling they use."""
    texts = [text for _, text in events]
    spaced = sum(text.endswith(" ") for text in texts) * 4 > len(texts)
    karaoke = not spaced and sum(text.startswith(_STARTS) for text in texts) * 4 > len(texts)
    lyrics: list[Lyric] = []
    for number, (onset, text) in enumerate(events):
        word = text.strip(" \\/")
        if not word or text.startswith("@"):
            continue
        following = texts[number + 1] if number + 1 < len(texts) else " "
        if len(word) > 1 and word.endswith("-"):
            word, word_end = word.rstrip("-") or "-", False
        elif spaced:
            word_end = text.endswith(" ") or number + 1 == len(texts)
        else:
            word_end = not karaoke or following.startswith(_STARTS)
        lyrics.append(Lyric(onset, word, word_end))
    return tuple(lyrics)


def attach_lyrics(parts: list[Part], events: Sequence[tuple[int, str]], track: str, before: int) -> None:
    """Gives the syllables of one track to the part that sings them, in place.

    Words may lie in a track of their own. They belong to the pitched part with a note at most of their onsets; where
    several have, to the part of the same name, then to the one just before them (`before` parts precede the track).
    """
    lyrics = lyrics_from_events(events)
    if not lyrics:
        return
    best: tuple[float, bool, bool, int] | None = None
    for number, part in enumerate(parts):
        if part.is_drum or part.lyrics:
            continue
        onsets = set(part.notes.onset.tolist())
        sung = sum(lyric.onset in onsets for lyric in lyrics) / len(lyrics)
        rank = (round(sung, 2), part.name == track, number < before, number if number < before else -number)
        if best is None or rank > best:
            best = rank
    if best is not None and best[0] > 0:
        number = abs(best[3])
        parts[number] = replace(parts[number], lyrics=lyrics)
