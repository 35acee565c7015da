"""Align phones with notes: each sung syllable gets the phones that are sung on it.

Spoken and written words need not agree: an engine merges words ("in the"), counts syllables otherwise than the
lyrics do ("fire" on one note, "ev-e-ry" on three), or says nothing. So phones and notes are matched in groups of words
that correspond, and within a group the numbers are made equal:

- more vowels than notes: the cheapest neighbours share a note, the first is held, the rest follow it like a coda
  (a schwa joins first, then vowels with fewest consonants between);
- more notes than vowels: the stressed vowel, or else the longest, is held over the extra notes;
- no vowel at all ("hmm", "shh"): the longest sonorant, or else the longest consonant, is held.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from bandmate_vocal.alignment.syllables import SungLine
from bandmate_vocal.speech import ipa
from bandmate_vocal.speech.base import Phone, SpokenWord


@dataclass(frozen=True, slots=True)
class SungSyllable:
    """Phones `start`..`nucleus` are the onset, `nucleus` is held over `notes`, up to `end` is the coda."""

    notes: tuple[int, ...]
    start: int
    nucleus: int
    end: int


@dataclass(frozen=True, slots=True)
class Alignment:
    """A line's syllables in order; `mended` counts the groups of words whose vowels and notes differed in number."""

    syllables: tuple[SungSyllable, ...]
    mended: int


def align(line: SungLine, spoken_words: Sequence[SpokenWord], phones: Sequence[Phone]) -> Alignment:
    """Match a line's notes with its phones, by the words that the engine said.

    `phones` must not be empty; every note gets a syllable.
    """
    syllables: list[SungSyllable] = []
    mended = 0
    for start, end, slots in _groups(line, spoken_words, phones):
        nuclei = [index for index in range(start, end) if phones[index].is_nucleus]
        if len(nuclei) != len(slots):
            mended += 1
        nuclei = nuclei or [_strongest_consonant(phones, start, end)]
        while len(nuclei) > len(slots):
            nuclei.pop(_cheapest_to_join(phones, nuclei))
        while len(slots) > len(nuclei):
            held = max(range(len(nuclei)), key=lambda i: _weight(phones[nuclei[i]]))
            slots[held : held + 2] = [slots[held] + slots[held + 1]]
        begin = start
        for position, nucleus in enumerate(nuclei):
            last = position == len(nuclei) - 1
            stop = end if last else _boundary(phones, nucleus, nuclei[position + 1])
            syllables.append(SungSyllable(slots[position], begin, nucleus, stop))
            begin = stop
    return Alignment(tuple(syllables), mended)


def _groups(
    line: SungLine, spoken_words: Sequence[SpokenWord], phones: Sequence[Phone]
) -> list[tuple[int, int, list[tuple[int, ...]]]]:
    """Runs of words that correspond, as (first phone, end phone, notes of each syllable)."""
    starts = line.starts
    word_of_spoken = [max(0, bisect_right(starts, spoken.char_start) - 1) for spoken in spoken_words]
    groups: list[tuple[int, int, list[tuple[int, ...]]]] = []
    first_phone: dict[int, int] = {}
    for index, phone in enumerate(phones):
        first_phone.setdefault(word_of_spoken[phone.word], index)
    waiting: list[tuple[int, ...]] = []
    for number, word in enumerate(line.words):
        if number in first_phone and (not groups or first_phone[number] > groups[-1][0]):
            groups.append((first_phone[number], len(phones), [*waiting, *word.syllables]))
            waiting = []
        elif groups:
            groups[-1][2].extend(word.syllables)
        else:
            waiting.extend(word.syllables)
    ends = [group[0] for group in groups[1:]] + [len(phones)]
    firsts = [0] + [group[0] for group in groups[1:]]
    return [(first, end, group[2]) for first, end, group in zip(firsts, ends, groups, strict=True)]


def _strongest_consonant(phones: Sequence[Phone], start: int, end: int) -> int:
    return max(range(start, end), key=lambda i: (ipa.is_sonorant(phones[i].ipa), phones[i].t1 - phones[i].t0))


def _cheapest_to_join(phones: Sequence[Phone], nuclei: Sequence[int]) -> int:
    """Position of the nucleus whose note goes to the one before it."""

    def cost(position: int) -> tuple[bool, int, float]:
        phone = phones[nuclei[position]]
        between = nuclei[position] - nuclei[position - 1] - 1
        return (not ipa.is_schwa(phone.ipa), between + 2 * ipa.is_stressed(phone.ipa), phone.t1 - phone.t0)

    return min(range(1, len(nuclei)), key=cost)


def _weight(phone: Phone) -> tuple[bool, float]:
    return ipa.is_stressed(phone.ipa), phone.t1 - phone.t0


def _boundary(phones: Sequence[Phone], nucleus: int, following: int) -> int:
    """Where the next syllable's onset begins: as many consonants as rise in sonority, s before a stop included.

    The maximal onset principle (Selkirk 1982), with sonority in place of a list of a language's clusters. Vowels that
    gave up their note stay with the syllable before.
    """
    start = following
    while start - 1 > nucleus and not phones[start - 1].is_nucleus:
        candidate = phones[start - 1].ipa
        if ipa.bare(candidate)[:1] == "ŋ":
            break
        if start < following:
            inner = phones[start].ipa
            rises = ipa.sonority(candidate) < ipa.sonority(inner)
            s_cluster = ipa.bare(candidate) in ("s", "ʃ") and ipa.sonority(inner) == 0
            if not (rises or s_cluster):
                break
        start -= 1
    return start
