"""What repeats in words without markers: a stanza whose text returns is the chorus, stanzas of one shape are verses."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from bandmate_generate.lyrics.lines import Line

_MAX_STANZA_LINES = 8
_NEAR = 0.75
"""Stanzas that share this part of their lines, place by place, are one text."""
_REFRAIN_LINES = 2


@dataclass(frozen=True, slots=True)
class Stanza:
    """Lines that belong together; stanzas of equal `music` are sung to the same tune."""

    name: str
    music: str
    lines: tuple[Line, ...]


def find_stanzas(lines: Sequence[Line]) -> list[Stanza]:
    """Divide the words into verses, choruses and a bridge.

    Blank lines divide them; lines at the end of several stanzas that are the same are a chorus of their own; a block
    without blank lines is divided where lines return, else by fours.
    """
    blocks = _divided_by_refrains([piece for block in by_blank_lines(lines) for piece in _pieces(block)])
    texts = [_text(block) for block in blocks]
    groups = _groups(texts)
    sizes = Counter(groups)
    repeated = {group for group, count in sizes.items() if count > 1}
    if len(repeated) == 1 and len(sizes) == 1:
        return [Stanza("verse", "verse", block) for block in blocks]
    choruses = _choruses(groups, repeated)
    stanzas: list[Stanza] = []
    shapes: list[tuple[Line, ...]] = []
    for index, (block, group) in enumerate(zip(blocks, groups, strict=True)):
        if group in choruses:
            stanzas.append(Stanza(choruses[group], f"{choruses[group]} {group}", block))
            continue
        kind = next((number for number, shape in enumerate(shapes) if same_shape(shape, block)), None)
        if kind is None:
            kind = len(shapes)
            shapes.append(block)
        alike = [at for at, b in enumerate(blocks) if groups[at] not in choruses and same_shape(shapes[kind], b)]
        choruses_before = sum(choruses.get(other) == "chorus" for other in groups[:index])
        is_bridge = kind > 0 and choruses_before >= 2 and alike == [index]
        stanzas.append(Stanza("bridge" if is_bridge else "verse", f"verse {kind}", block))
    return stanzas


def _text(lines: Sequence[Line]) -> tuple[str, ...]:
    return tuple(
        "".join(c for syllable in line.syllables for c in syllable.text.casefold() if c.isalpha()) for line in lines
    )


def by_blank_lines(lines: Sequence[Line]) -> list[tuple[Line, ...]]:
    blocks: list[list[Line]] = []
    for line in lines:
        if blocks and blocks[-1][-1].stanza == line.stanza:
            blocks[-1].append(line)
        else:
            blocks.append([line])
    return [tuple(block) for block in blocks]


def _pieces(block: tuple[Line, ...]) -> list[tuple[Line, ...]]:
    """A long block in stanzas: cut around lines that return, the rest by fours (by threes, where only they fit)."""
    if len(block) <= _MAX_STANZA_LINES:
        return [block]
    text = _text(block)
    for size in range(min(_MAX_STANZA_LINES, len(block) // 2), 1, -1):
        for start in range(len(block) - 2 * size + 1):
            run = text[start : start + size]
            places = [start]
            for other in range(start + size, len(block) - size + 1):
                if text[other : other + size] == run and other >= places[-1] + size:
                    places.append(other)
            if len(places) > 1 and len(set(run)) > 1 and places[1] > start + size:
                return _cut(block, places, size)
    step = 4 if len(block) % 4 == 0 or len(block) % 3 else 3
    edges = list(range(0, len(block), step))
    if len(block) - edges[-1] == 1:
        edges.pop()
    return [block[start:end] for start, end in zip(edges, [*edges[1:], len(block)], strict=True)]


def _cut(block: tuple[Line, ...], places: Sequence[int], size: int) -> list[tuple[Line, ...]]:
    """The runs at `places` by themselves, what is between them divided further."""
    pieces: list[tuple[Line, ...]] = []
    before = 0
    for place in places:
        if place > before:
            pieces += _pieces(block[before:place])
        pieces.append(block[place : place + size])
        before = place + size
    return [*pieces, *_pieces(block[before:])] if before < len(block) else pieces


def _divided_by_refrains(blocks: list[tuple[Line, ...]]) -> list[tuple[Line, ...]]:
    """Stanzas that end with the same lines, two at least, and begin differently: verse and chorus."""
    texts = [_text(block) for block in blocks]
    divided: list[tuple[Line, ...]] = []
    for index, (block, text) in enumerate(zip(blocks, texts, strict=True)):
        shared = max((_shared_ending(text, other) for at, other in enumerate(texts) if at != index), default=0)
        if shared >= _REFRAIN_LINES and len(block) - shared >= _REFRAIN_LINES:
            divided += [block[:-shared], block[-shared:]]
        else:
            divided.append(block)
    return divided


def _shared_ending(one: tuple[str, ...], other: tuple[str, ...]) -> int:
    """How many last lines two different stanzas share."""
    if _near(one, other):
        return 0
    count = 0
    while count < min(len(one), len(other)) and one[-1 - count] == other[-1 - count]:
        count += 1
    return count


def _near(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    if len(one) != len(other):
        return False
    return sum(a == b for a, b in zip(one, other, strict=True)) >= _NEAR * len(one)


def _groups(texts: Sequence[tuple[str, ...]]) -> list[int]:
    """The number of each text's first occurrence."""
    groups: list[int] = []
    for index, text in enumerate(texts):
        groups.append(next((groups[at] for at in range(index) if _near(texts[at], text)), index))
    return groups


def _choruses(groups: Sequence[int], repeated: set[int]) -> dict[int, str]:
    """The name of each text that returns. What always stands before another one that returns is a pre-chorus; where
    every text returns, the first one is the verse."""
    names = {}
    first = groups[0] if repeated == set(groups) else None
    for group in sorted(repeated):
        if group == first:
            names[group] = "verse"
            continue
        followers = {groups[at + 1] if at + 1 < len(groups) else None for at, g in enumerate(groups) if g == group}
        follower = followers.pop() if len(followers) == 1 else None
        names[group] = "pre-chorus" if follower in repeated and follower != group else "chorus"
    return names


def same_shape(one: Sequence[Line], other: Sequence[Line]) -> bool:
    """As many lines, with about as many syllables in each and in all."""
    if len(one) != len(other):
        return False
    counts = [(len(a.syllables), len(b.syllables)) for a, b in zip(one, other, strict=True)]
    total, others = sum(a for a, _ in counts), sum(b for _, b in counts)
    return abs(total - others) <= max(2, total // 4) and all(abs(a - b) <= max(3, a // 2) for a, b in counts)
