"""The form that a request's `sections` ask for."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from bandmate_music.language.detect import DEFAULT_LANGUAGE
from bandmate_music.theory.chord_symbols import parse_progression
from bandmate_shared.contracts.wishes import MAX_BARS, SectionWish
from bandmate_shared.errors import InvalidRequest

from bandmate_generate.form.draft import SectionDraft, WordRoom, equal_lengths
from bandmate_generate.form.lengths import shorten, total_bars
from bandmate_generate.form.section_names import SUNG, section_name
from bandmate_generate.form.words import form_of_words
from bandmate_generate.lyrics.lines import Line, Lyrics, read_lyrics


def form_of_wishes(
    wishes: Sequence[SectionWish], lyrics: Lyrics | None, bars: int | None, room: WordRoom
) -> tuple[list[SectionDraft], list[str]]:
    """A section for each wish, in order, with exactly `bars` bars together, and notes on what had to be chosen.

    Raises:
        InvalidRequest: a name is unknown, the bars do not add up, or the words do not fit the sections.
    """
    named = [section_name(wish.name) for wish in wishes]
    names = [name for name, _ in named]
    if any(wish.lyrics is not None for wish in wishes):
        lines, notes = _own_words(wishes, named, DEFAULT_LANGUAGE if lyrics is None else lyrics.language)
    elif lyrics is not None:
        lines, notes = _shared_out(names, lyrics, room)
    else:
        lines, notes = [()] * len(wishes), []
    drafts = [
        _draft(wish, name, music, own, room)
        for wish, name, music, own in zip(wishes, names, _music(wishes, names), lines, strict=True)
    ]
    drafts = equal_lengths(_bars_of_the_same(drafts, wishes))
    return _adding_up(drafts, bars, room), notes


def _draft(wish: SectionWish, name: str, music: str, lines: tuple[Line, ...], room: WordRoom) -> SectionDraft:
    draft = replace(room.draft(name, music, lines), chords=wish.chords)
    if wish.bars is not None:
        if wish.bars < draft.min_bars:
            raise InvalidRequest(
                f"the section {wish.name} has {wish.bars} {'bar' if wish.bars == 1 else 'bars'} and its words take "
                f"{draft.min_bars} of {room.metre.name} at this tempo; give it more bars or fewer words"
            )
        return replace(draft, bars=wish.bars, is_fixed=True)
    if wish.chords is not None and not lines:
        written = len(parse_progression(wish.chords))
        return replace(draft, bars=written * -(-draft.bars // written))
    return draft


def _music(wishes: Sequence[SectionWish], names: Sequence[str]) -> list[str]:
    """Sections of a name are the same music, unless their chords were asked for and differ."""
    first_chords: dict[str, str | None] = {}
    music = []
    for wish, name in zip(wishes, names, strict=True):
        if first_chords.get(name) is None:
            first_chords[name] = wish.chords
        is_same = wish.chords is None or wish.chords.split() == (first_chords[name] or "").split()
        music.append(name if is_same else f"{name} {wish.chords}")
    return music


def _bars_of_the_same(drafts: Sequence[SectionDraft], wishes: Sequence[SectionWish]) -> list[SectionDraft]:
    """A section without bars of its own has those that were asked for another one of its music, if its words fit."""
    asked: dict[str, int] = {}
    for draft, wish in zip(drafts, wishes, strict=True):
        if wish.bars is not None:
            asked.setdefault(draft.music, wish.bars)
    return [
        replace(draft, bars=max(asked[draft.music], draft.min_bars))
        if not draft.is_fixed and draft.music in asked
        else draft
        for draft in drafts
    ]


def _own_words(
    wishes: Sequence[SectionWish], named: Sequence[tuple[str, int | None]], language: str
) -> tuple[list[tuple[Line, ...]], list[str]]:
    """The lines of each section, its own or those of an earlier (else a later) one of its name."""
    notes: list[str] = []
    own: list[tuple[Line, ...] | None] = []
    stanza = 0
    for wish in wishes:
        if wish.lyrics is None or not wish.lyrics.strip():
            own.append(None if wish.lyrics is None else ())
            continue
        read = [replace(line, stanza=line.stanza + stanza) for line in read_lyrics(wish.lyrics, language).lines]
        stanza = read[-1].stanza + 1
        own.append(tuple(read))
    lines = []
    for index, ((name, number), words) in enumerate(zip(named, own, strict=True)):
        if words is not None or name not in SUNG:
            lines.append(words or ())
            continue
        others = [
            (number is None or named[at][1] != number, at > index, abs(at - index), at)
            for at, other in enumerate(own)
            if other and named[at][0] == name
        ]
        lines.append(own[min(others)[3]] or () if others else ())
        if not others:
            notes.append(f"section {index + 1}, {wishes[index].name}, has no words: it is played without singing")
        elif name == "verse":
            notes.append(f"section {index + 1}, {wishes[index].name}, repeats the words of another verse")
    return lines, notes


def _shared_out(names: Sequence[str], lyrics: Lyrics, room: WordRoom) -> tuple[list[tuple[Line, ...]], list[str]]:
    """The words of the song for each section: by name where the words say or show what they are, else in order."""
    drafts, notes = form_of_words(lyrics, room)
    texts: list[SectionDraft] = [draft for draft in drafts if draft.lines]
    sung = [index for index, name in enumerate(names) if name in SUNG or len(name) == 1]
    if not sung:
        raise InvalidRequest("there are words, and no section to sing them in: ask for a verse or a chorus")
    lines: list[tuple[Line, ...]] = [()] * len(names)
    is_told = bool(lyrics.sections) or any(draft.name == "chorus" for draft in texts)
    has_names = is_told and {draft.name for draft in texts} <= {names[index] for index in sung}
    if has_names:
        for name in dict.fromkeys(draft.name for draft in texts):
            places = [index for index in sung if names[index] == name]
            parts = [draft.lines for draft in texts if draft.name == name]
            if len(parts) > len(places):
                parts = _different(parts)
            _check_room(len(parts), len(places), "choruses" if name == "chorus" else f"{name}s")
            for number, index in enumerate(places):
                lines[index] = parts[number % len(parts)]
                if number >= len(parts) and name == "verse":
                    notes.append(
                        f"there are {len(places)} verses and words for {len(parts)}: verse {number + 1} repeats"
                    )
    else:
        parts = [draft.lines for draft in texts]
        if len(parts) > len(sung):
            parts = _different(parts)
        _check_room(len(parts), len(sung), "stanzas")
        for index, part in zip(sung, parts, strict=False):
            lines[index] = part
        for index in sung[len(parts) :]:
            earlier = next((lines[at] for at in sung if names[at] == names[index] and lines[at]), ())
            lines[index] = earlier
    silent = Counter(names[index] for index in sung if not lines[index])
    notes += [f"there are no words for the {name}: it is played without singing" for name in silent]
    return lines, notes


def _different(parts: Sequence[tuple[Line, ...]]) -> list[tuple[Line, ...]]:
    """The stanzas whose text was not there before."""
    first: dict[tuple[object, ...], tuple[Line, ...]] = {}
    for part in parts:
        first.setdefault(tuple(line.syllables for line in part), part)
    return list(first.values())


def _check_room(texts: int, places: int, names: str) -> None:
    if texts > places:
        raise InvalidRequest(
            f"the words have {texts} {names} and the form has {places} to sing them in; ask for more sections, or "
            f"leave `sections` out to have the form follow the words"
        )


def _adding_up(drafts: Sequence[SectionDraft], bars: int | None, room: WordRoom) -> list[SectionDraft]:
    """The sections without bars of their own shortened or lengthened until the song has `bars` bars."""
    total = total_bars(drafts)
    if bars is None:
        if total > MAX_BARS:
            raise InvalidRequest(f"the sections take {total} bars together; a song has at most {MAX_BARS}")
        return list(drafts)
    fixed = sum(draft.bars for draft in drafts if draft.is_fixed)
    free = [index for index, draft in enumerate(drafts) if not draft.is_fixed]
    if not free and total != bars:
        raise InvalidRequest(
            f"the sections have {total} bars together and `bars` asks for {bars}; leave one of them out"
        )
    if fixed + sum(drafts[index].min_bars for index in free) > bars:
        raise InvalidRequest(
            f"the sections that say their bars have {fixed} of the {bars} that `bars` asks for, and the other "
            f"{len(free)} need at least {sum(drafts[index].min_bars for index in free)}"
        )
    if total > bars:
        return shorten(drafts, bars, room, may_add=False)
    sizes = [draft.bars for draft in drafts]
    while (spare := bars - sum(sizes)) > 0:
        groups: dict[str, list[int]] = {}
        for index in free:
            groups.setdefault(drafts[index].music, []).append(index)
        step = 2 if spare > 1 else 1
        whole = [indices for indices in groups.values() if len(indices) * step <= spare]
        if not whole:
            sizes[free[-1]] += step
            continue
        for index in min(whole, key=lambda indices: sizes[indices[0]] / drafts[indices[0]].bars):
            sizes[index] += step
    return [replace(draft, bars=size) for draft, size in zip(drafts, sizes, strict=True)]
