"""Map song time to positions in the spoken recordings.

The rules of choral singing: the vowel begins on the beat; the consonants before it borrow their time from the note or
rest before; consonants keep their spoken length (together at most 45 % of the note they borrow from) and the middle
of the vowel takes what is left.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from bandmate_shared.contracts.vocals import SungNote

from bandmate_vocal.alignment.align import SungSyllable
from bandmate_vocal.speech import ipa
from bandmate_vocal.speech.base import Phone

CONSONANT_SHARE = 0.45
LEGATO_GAP = 0.05
"""Seconds: a shorter gap between two notes is not heard as a rest, and the voice carries over it."""
_BREATH_AFTER, _BREATH_LATEST = 12.0, 24.0
"""Seconds without a rest after which the singer breathes: at the end of a note that can spare it; then anywhere."""
_BREATH, _BREATH_SHARE, _MIN_BREATH_NOTE = 0.14, 0.35, 0.3
_LEAD_AT_START = 0.06
"""Seconds of onset consonants sung inside the note where nothing comes before the song's first note."""


@dataclass(frozen=True, slots=True)
class Source:
    """A line's phones as spoken at one pitch; `take` names the recording."""

    take: int
    phones: Sequence[Phone]


@dataclass(frozen=True, slots=True)
class PlacedSyllable:
    """A syllable with the recording for each of its notes."""

    syllable: SungSyllable
    sources: tuple[Source, ...]
    """One a note of `syllable.notes`."""


@dataclass(frozen=True, slots=True)
class Segment:
    """Song time `t0`..`t1` sounds as `take` from `s0` to `s1` (seconds both); `held`: the steady part of a vowel."""

    t0: float
    t1: float
    take: int
    s0: float
    s1: float
    held: bool = False


@dataclass(frozen=True, slots=True)
class Vowel:
    """Where a vowel was placed: it should begin at `beat`."""

    beat: float
    t0: float
    t1: float
    after_obstruent: bool


@dataclass(frozen=True, slots=True)
class Phrase:
    """What is sung without a rest: segments follow each other without a gap."""

    segments: tuple[Segment, ...]
    vowels: tuple[Vowel, ...]
    ends_open: bool
    """The last sound is a vowel or sonorant, which needs fading."""

    @property
    def t0(self) -> float:
        return self.segments[0].t0

    @property
    def t1(self) -> float:
        return self.segments[-1].t1


@dataclass(frozen=True, slots=True)
class _Slot:
    """Consecutive notes without a rest, on one vowel: a syllable, or the part of a melisma after a rest."""

    placed: PlacedSyllable
    notes: tuple[int, ...]
    begin: float
    end: float
    first: bool
    last: bool

    def source(self, position: int) -> Source:
        return self.placed.sources[self.placed.syllable.notes.index(self.notes[position])]

    @property
    def onset(self) -> float:
        """Natural length of the consonants before the vowel."""
        if not self.first:
            return 0.0
        phones, syllable = self.source(0).phones, self.placed.syllable
        return phones[syllable.nucleus].t0 - phones[syllable.start].t0

    @property
    def coda(self) -> float:
        """Natural length of what follows the vowel."""
        if not self.last:
            return 0.0
        phones, syllable = self.source(-1).phones, self.placed.syllable
        return phones[syllable.end - 1].t1 - phones[syllable.nucleus].t1


def phrases_of(placed: Sequence[PlacedSyllable], notes: Sequence[SungNote]) -> list[Phrase]:
    """Lay the syllables out in time. They must cover the notes in order; returns phrases in order, not overlapping."""
    slots = _slots(placed, notes)
    phrases: list[Phrase] = []
    segments: list[Segment] = []
    vowels: list[Vowel] = []
    onset_scale, lead = 1.0, 0.0
    for index, slot in enumerate(slots):
        follower = slots[index + 1] if index + 1 < len(slots) else None
        if not segments:
            before = slot.begin - (phrases[-1].t1 if phrases else 0.0)
            lead = min(slot.onset, max(before, 0.0))
            inside = 0.0
            if lead < _LEAD_AT_START and not phrases:
                inside = min(slot.onset - lead, _LEAD_AT_START - lead, CONSONANT_SHARE / 2 * (slot.end - slot.begin))
            onset_scale = (lead + inside) / slot.onset if slot.onset else 0.0
            vowel_start = slot.begin + inside
        else:
            vowel_start = slot.begin
        legato = follower is not None and follower.begin - slot.end < 1e-9
        borrowed = follower.onset if legato and follower is not None else 0.0
        max_onset = CONSONANT_SHARE * (slot.end - vowel_start)
        scale = min(1.0, max_onset / (slot.coda + borrowed)) if slot.coda + borrowed > 0 else 1.0
        vowel_end = slot.end - scale * (slot.coda + borrowed)
        segments += _onset(slot, vowel_start, onset_scale)
        segments += _vowel(slot, vowel_start, vowel_end, notes)
        segments += _coda(slot, vowel_end, scale)
        vowels.append(Vowel(slot.begin, vowel_start, vowel_end, _after_obstruent(slot)))
        onset_scale = scale
        if not legato and segments:
            phrases.append(Phrase(tuple(segments), tuple(vowels), _ends_open(slot)))
            segments, vowels = [], []
    return phrases


def _slots(placed: Sequence[PlacedSyllable], notes: Sequence[SungNote]) -> list[_Slot]:
    runs: list[tuple[PlacedSyllable, list[int]]] = []
    for item in placed:
        for position, index in enumerate(item.syllable.notes):
            rests = position > 0 and notes[index].onset - _end(notes[index - 1]) > LEGATO_GAP
            if position == 0 or rests:
                runs.append((item, [index]))
            else:
                runs[-1][1].append(index)
    slots = []
    breath_at = 0.0
    for number, (item, indices) in enumerate(runs):
        begin, end = notes[indices[0]].onset, _end(notes[indices[-1]])
        following = notes[runs[number + 1][1][0]].onset if number + 1 < len(runs) else end + 1.0
        if following - end <= LEGATO_GAP:
            end = following
            sung_seconds = end - breath_at
            if sung_seconds > _BREATH_LATEST or (sung_seconds > _BREATH_AFTER and end - begin >= _MIN_BREATH_NOTE):
                end -= min(_BREATH, _BREATH_SHARE * (end - begin))
                breath_at = following
        else:
            breath_at = following
        all_notes = item.syllable.notes
        first, last = indices[0] == all_notes[0], indices[-1] == all_notes[-1]
        slots.append(_Slot(item, tuple(indices), begin, end, first, last))
    return slots


def _end(note: SungNote) -> float:
    return note.onset + note.duration


def _onset(slot: _Slot, vowel_start: float, scale: float) -> list[Segment]:
    length = scale * slot.onset
    if length <= 0:
        return []
    source, syllable = slot.source(0), slot.placed.syllable
    s0, s1 = source.phones[syllable.start].t0, source.phones[syllable.nucleus].t0
    return [Segment(vowel_start - length, vowel_start, source.take, s0, s1)]


def _coda(slot: _Slot, vowel_end: float, scale: float) -> list[Segment]:
    length = scale * slot.coda
    if length <= 0:
        return []
    source, syllable = slot.source(-1), slot.placed.syllable
    s0, s1 = source.phones[syllable.nucleus].t1, source.phones[syllable.end - 1].t1
    return [Segment(vowel_end, vowel_end + length, source.take, s0, s1)]


def _vowel(slot: _Slot, start: float, end: float, notes: Sequence[SungNote]) -> list[Segment]:
    """Attack and release at their spoken pace, the hold stretched; cut where one note's recording gives way."""
    nucleus = slot.placed.syllable.nucleus
    phone = slot.source(0).phones[nucleus]
    spoken_seconds, sung_seconds = phone.t1 - phone.t0, end - start
    hold0, hold1 = (0.15, 0.35) if ipa.is_diphthong(phone.ipa) else (0.3, 0.7)
    if sung_seconds > spoken_seconds:  # (song time, share of the phone) at each bend of the map
        bends = [
            (start, 0.0),
            (start + hold0 * spoken_seconds, hold0),
            (end - (1 - hold1) * spoken_seconds, hold1),
            (end, 1.0),
        ]
    else:
        bends = [(start, 0.0), (end, 1.0)]
    changes = [notes[index].onset for index in slot.notes[1:]]
    times = sorted({time for time, _ in bends} | {change for change in changes if start < change < end})
    result = []
    for t0, t1 in itertools.pairwise(times):
        if t1 - t0 < 1e-9:
            continue
        source = slot.source(sum(change <= t0 + 1e-9 for change in changes))
        vowel = source.phones[nucleus]
        length = vowel.t1 - vowel.t0
        s0, s1 = (vowel.t0 + _share(bends, t) * length for t in (t0, t1))
        held = len(bends) > 2 and t0 >= bends[1][0] - 1e-9 and t1 <= bends[2][0] + 1e-9
        result.append(Segment(t0, t1, source.take, s0, s1, held))
    return result


def _share(bends: Sequence[tuple[float, float]], time: float) -> float:
    for (t0, share0), (t1, share1) in itertools.pairwise(bends):
        if time <= t1 + 1e-12:
            return share0 + (share1 - share0) * (time - t0) / max(t1 - t0, 1e-12)
    return bends[-1][1]


def _after_obstruent(slot: _Slot) -> bool:
    phones, syllable = slot.source(0).phones, slot.placed.syllable
    if not slot.first or syllable.nucleus == syllable.start:
        return False
    return ipa.sonority(phones[syllable.nucleus - 1].ipa) <= 1


def _ends_open(slot: _Slot) -> bool:
    phones, syllable = slot.source(-1).phones, slot.placed.syllable
    return not slot.last or not ipa.is_voiceless(phones[syllable.end - 1].ipa)
