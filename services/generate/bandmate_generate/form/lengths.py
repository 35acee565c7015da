"""Share a given number of bars among the sections of the words: shorten them, or add sections that nobody sings."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from bandmate_shared.errors import InvalidRequest

from bandmate_generate.form.draft import SectionDraft, WordRoom

_LONG_SONG, _VERY_LONG_SONG = 48, 96
_FEW_WORDS_SHARE, _SING_AGAIN_SHARE = 0.4, 0.85
_TIMES = {2: "twice", 3: "three times", 4: "four times", 5: "five times", 6: "six times"}
_SPARE_FOR_CHORUS = 24
"""With so many bars to spare beside it, the last chorus is sung once more."""
_SHORT_FRAME = 2
"""Bars of a short intro, interlude or ending."""
_LONGEST_INSTRUMENTAL = 16


def total_bars(drafts: Sequence[SectionDraft]) -> int:
    return sum(draft.bars for draft in drafts)


def share_bars(drafts: Sequence[SectionDraft], bars: int, room: WordRoom) -> tuple[list[SectionDraft], list[str]]:
    """The sections with exactly `bars` bars together, and notes on what had to be chosen.

    Raises:
        InvalidRequest: the bars cannot hold the words; the message says how many would do.
    """
    if total_bars(drafts) >= bars:
        return shorten(drafts, bars, room, may_add=True), []
    drafts, notes = _sung_again(list(drafts), bars)
    return add_instrumental(drafts, bars - total_bars(drafts)), notes


def shorten(drafts: Sequence[SectionDraft], bars: int, room: WordRoom, *, may_add: bool) -> list[SectionDraft]:
    """Take bars from the sections that have most to spare, from all of the same music alike, until they fit.

    What cannot be shared alike becomes an ending of a bar or two where the form may have one more section; else the
    last section has fewer bars than the others of its music.

    Raises:
        InvalidRequest: they cannot.
    """
    shortest = sum(draft.bars if draft.is_fixed else draft.min_bars for draft in drafts)
    if shortest > bars:
        lines = [line for draft in drafts for line in draft.lines]
        needed = shortest
        if not any(draft.is_fixed or not draft.lines for draft in drafts):
            if room.minimum(lines) <= bars:  # One section holds what several, each rounded up to bars, do not.
                return [SectionDraft("verse", "verse", bars, bars, tuple(lines))]
            needed = room.minimum(lines)
        syllables = sum(len(line.syllables) for line in lines)
        raise InvalidRequest(
            f"the lyrics have {syllables} syllables in {len(drafts)} {'section' if len(drafts) == 1 else 'sections'}, "
            f"more than {bars} {'bar' if bars == 1 else 'bars'} of {room.metre.name} can hold at this tempo; ask for "
            f"at least {needed} bars, fewer words or a slower tempo"
        )
    sizes = [draft.bars for draft in drafts]
    while (over := sum(sizes) - bars) > 0:
        groups = _groups_to_shorten(drafts, sizes, 1)
        step = next((step for step in (2, 1) if _fitting(_groups_to_shorten(drafts, sizes, step), step, over)), 0)
        if step:
            chosen = max(
                _fitting(_groups_to_shorten(drafts, sizes, step), step, over),
                key=lambda indices: (_slack(drafts, sizes, indices), -indices[0]),
            )
            for index in chosen:
                sizes[index] -= step
        elif may_add and groups:
            for index in min(groups, key=len):
                sizes[index] -= 1
        else:
            sizes[max(index for index, draft in enumerate(drafts) if _can_give(draft, sizes[index], 1))] -= 1
    shortened = [replace(draft, bars=size) for draft, size in zip(drafts, sizes, strict=True)]
    left = bars - sum(sizes)
    if left and shortened[-1].name == "outro":
        shortened[-1] = replace(shortened[-1], bars=shortened[-1].bars + left)
    elif left:
        shortened.append(SectionDraft("outro", "outro", left))
    return shortened


def _can_give(draft: SectionDraft, size: int, step: int) -> bool:
    return not draft.is_fixed and size - step >= draft.min_bars


def _groups_to_shorten(drafts: Sequence[SectionDraft], sizes: Sequence[int], step: int) -> list[list[int]]:
    """The sections of each music of which all can give `step` bars."""
    groups: dict[str, list[int]] = {}
    for index, draft in enumerate(drafts):
        groups.setdefault(draft.music, []).append(index)
    return [
        indices for indices in groups.values() if all(_can_give(drafts[index], sizes[index], step) for index in indices)
    ]


def _fitting(groups: Sequence[list[int]], step: int, over: int) -> list[list[int]]:
    """The groups that do not give more than is to be given."""
    return [indices for indices in groups if len(indices) * step <= over]


def _slack(drafts: Sequence[SectionDraft], sizes: Sequence[int], indices: Sequence[int]) -> float:
    """How many times the bars it needs at least the tightest of the sections has; more than any for sections without
    words that are longer than two bars, which give theirs before a line is sung faster."""
    if not drafts[indices[0]].lines:
        shortest = min(sizes[index] for index in indices)
        return float("inf") if shortest > _SHORT_FRAME else shortest / _SHORT_FRAME
    return min(sizes[index] / drafts[index].min_bars for index in indices)


def _sung_again(drafts: list[SectionDraft], bars: int) -> tuple[list[SectionDraft], list[str]]:
    """All sections again while they leave much of a song empty, or the last chorus where there is room for it."""
    once = total_bars(drafts)
    passes = min(max(_TIMES), int(_SING_AGAIN_SHARE * bars) // once) if once < _FEW_WORDS_SHARE * bars else 1
    if passes > 1:
        return drafts * passes, [f"the words take {once} of {bars} bars: they are sung {_TIMES[passes]}"]
    choruses = [index for index, draft in enumerate(drafts) if draft.name == "chorus" and draft.lines]
    if len(choruses) > 1 and bars - once >= drafts[choruses[-1]].bars + _SPARE_FOR_CHORUS:
        drafts.insert(choruses[-1], drafts[choruses[-1]])
        return drafts, [f"the words take {once} of {bars} bars: the last chorus is sung twice"]
    return drafts, []


def add_instrumental(drafts: Sequence[SectionDraft], spare: int) -> list[SectionDraft]:
    """Use `spare` bars: an intro and an ending, interludes after choruses, a solo before the last chorus."""
    if spare <= 0:
        return list(drafts)
    bars = total_bars(drafts) + spare
    most = 4 if bars < _LONG_SONG else 8
    added: Counter[tuple[int, str]] = Counter()
    outro = (len(drafts), "outro")
    if spare % 2:
        added[outro] += 1
        spare -= 1
    starts, ends = drafts[0].name == "intro", drafts[-1].name == "outro"
    frames = [(place, 2, 4) for place, is_there in (((0, "intro"), starts), (outro, ends)) if not is_there]
    steps = frames * 2
    interludes = [((place, "interlude"), 4, 4) for place in _interlude_places(drafts)]
    solo = _solo_place(drafts)
    solos = [((solo, "solo"), 8, 8 if bars < _VERY_LONG_SONG else 16)] if solo is not None else []
    steps += [*interludes[:1], *solos, *interludes[1:]]
    steps += [(place, 4, most) for place, _, _ in frames]
    while spare > 0:
        before = spare
        for place, step, limit in steps:
            if step <= spare and added[place] + step <= limit:
                added[place] += step
                spare -= step
        if before == spare:  # Everything has its usual length: the ones that may be long go on.
            longest = solos[0][0] if solos else outro
            for other in (longest, *(p for p, _, _ in interludes), (0, "intro"), outro):
                size = min(spare, 4)
                added[other] += size
                spare -= size
    result: list[SectionDraft] = []
    for index in range(len(drafts) + 1):
        for (at, name), size in added.items():
            if at == index and size:
                result.append(SectionDraft(name, "intro" if name == "interlude" else name, size))
        result += drafts[index : index + 1]
    return _divided(_joined(result))


def _interlude_places(drafts: Sequence[SectionDraft]) -> list[int]:
    """Before a verse that follows a chorus; without choruses before every second verse."""
    names = [draft.name for draft in drafts]
    places = [at for at in range(1, len(names)) if names[at] == "verse" and names[at - 1] in ("chorus", "post-chorus")]
    return places or [at for at in range(2, len(names), 2) if names[at] == names[at - 1] == "verse"]


def _solo_place(drafts: Sequence[SectionDraft]) -> int | None:
    """Before the last chorus, or the last section that is sung; None in a song of one section."""
    names = [draft.name for draft in drafts]
    choruses = [at for at, name in enumerate(names) if name == "chorus" and at > 1]
    sung = [at for at, draft in enumerate(drafts) if draft.lines and at > 0]
    return choruses[-1] if choruses else sung[-1] if sung else None


def _joined(drafts: Sequence[SectionDraft]) -> list[SectionDraft]:
    """Neighbours without words of one name as one section."""
    joined: list[SectionDraft] = []
    for draft in drafts:
        if joined and not draft.lines and not joined[-1].lines and joined[-1].name == draft.name:
            joined[-1] = replace(joined[-1], bars=joined[-1].bars + draft.bars)
        else:
            joined.append(draft)
    return joined


def _divided(drafts: Sequence[SectionDraft]) -> list[SectionDraft]:
    """Long sections without words as several of the same music, eight bars each."""
    divided: list[SectionDraft] = []
    for draft in drafts:
        rest = draft.bars
        while not draft.lines and not draft.is_fixed and rest > _LONGEST_INSTRUMENTAL:
            divided.append(replace(draft, bars=8))
            rest -= 8
        divided.append(replace(draft, bars=rest))
    return divided
