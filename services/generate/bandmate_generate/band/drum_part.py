"""Lays out the drums: a groove for each letter, fills before sections, crashes on them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random

from bandmate_music.note_rows import NoteRow
from bandmate_music.theory.bars import Bar
from bandmate_music.theory.metrical_grid import is_compound

from bandmate_generate.band.groove_bank import PITCHES, Groove, GrooveFamily
from bandmate_generate.band.rhythm import SLOT_TICKS, Line, line_in_bar
from bandmate_generate.band.section_bars import PHRASE_BARS, SectionBars
from bandmate_generate.seeds import random_generator

_VELOCITIES = {"g": 46, "x": 82, "X": 106}
_TIME_VELOCITIES = {"g": 44, "x": 66, "X": 84}
_TIME = ("hat", "open", "pedal", "ride", "bell")
_TOMS = ("high", "mid", "floor")
_FILL = ("snare", "rim", *_TOMS)
_FILL_STROKES = 3
_SOFT_FAMILIES = frozenset(("bossa", "jazz"))
_TWO_BAR_FAMILIES = frozenset(("bossa", "latin"))
_RIDE_FAMILIES = frozenset(("pop", "rock", "ballad", "country", "soul", "solo", "jazz"))
_RIM_FAMILIES = frozenset(("ballad", "pop", "soul", "country"))
_ONE_DROP_FAMILIES = frozenset(("reggae",))
"""Kick and snare fall together on the second and fourth beats, and the first is left out."""
_CLAVE_FAMILIES = frozenset(("latin",))
_SON_CLAVE = "x..x..x...x.x..."
"""The 3-2 son clave in a bar of sixteenths."""
_QUIET_BELOW, _RIM_BELOW, _RIDE_FROM, _JAZZ_RIDE_FROM = 0.4, 0.45, 0.7, 0.5
_EIGHTHS_FROM_TEMPO = 144.0
"""Quarters a minute from which the cymbals play no sixteenths."""
_CRASH_VELOCITY, _SOFT_CRASH_VELOCITY, _CRASH_TICKS = 104, 78, 24
_TYPICAL, _CHOSEN = 8, 3

_Slots = dict[str, str]
"""Instrument → its line in one bar."""


@dataclass(frozen=True, slots=True)
class Drummer:
    """Plays a family of grooves in one part. `grooves` are those of the song, from the sparsest to the busiest."""

    family: GrooveFamily
    name: str
    grooves: tuple[Groove, ...]
    part: int
    seed: int
    tempo: float

    @staticmethod
    def of(name: str, family: GrooveFamily, part: int, seed: int, bass: Line | None, tempo: float) -> "Drummer":
        """With grooves drawn by the seed from the typical ones, those rather whose kick drum goes with the bass."""
        rng = random_generator(seed, f"grooves of part {part}")
        grooves = family.grooves
        if name in _ONE_DROP_FAMILIES:
            grooves = tuple(groove for groove in grooves if not groove.is_struck_first("kick")) or grooves
        typical = grooves[:_TYPICAL]
        scores = [_together(groove, bass) + 0.5 * rng.random() for groove in typical]
        best = sorted(range(len(typical)), key=lambda index: -scores[index])[:_CHOSEN]
        chosen = sorted((typical[index] for index in best), key=lambda groove: groove.hits("kick", "snare", "rim"))
        return Drummer(family, name, tuple(chosen), part, seed, tempo)

    def section(
        self, bars: SectionBars, number: int, next_energy: float | None, plays: Sequence[bool], crashes: bool
    ) -> list[NoteRow]:
        """The strokes of section `number` in its bars where `plays`, which goes one bar on where the song does; before
        they come in, a fill of one beat. `next_energy` is that of the section after it, None after the last. `crashes`:
        a cymbal marks the first beat."""
        rng = random_generator(self.seed, f"fills of section {number}")
        groove = self._groove(bars.energy, bars.section.letter)
        rows: list[NoteRow] = []
        last = len(bars.bars) - 1
        for index, bar in enumerate(bars.bars):
            if not plays[index]:
                if index + 1 < len(plays) and plays[index + 1]:
                    rows += self._pick_up(bar, groove, rng)
                continue
            slots = self._bar(groove, bar, self._line_bar(index), bars.energy)
            if index == last and next_energy is not None:
                slots = self._with_fill(slots, bar, rng, 0.75 if next_energy < bars.energy + 0.05 else 1.0)
            elif index % PHRASE_BARS == PHRASE_BARS - 1 and index != last and rng.random() < 0.85:
                slots = self._with_fill(slots, bar, rng, 0.5)
            if crashes and index == 0:
                slots = self._with_crash(slots, bars.energy)
            rows += self._rows(slots, bar)
        return rows

    def final(self, bar: Bar) -> list[NoteRow]:
        """The last bar: one stroke, left to sound."""
        cymbal, velocity = ("ride", 70) if self.name in _SOFT_FAMILIES else ("crash", _CRASH_VELOCITY)
        rows = [NoteRow(self.part, bar.onset, bar.length, PITCHES[cymbal], velocity)]
        return [*rows, NoteRow(self.part, bar.onset, min(bar.length, SLOT_TICKS * 4), PITCHES["kick"], velocity)]

    def feathered(self, bars: Sequence[Bar], rows: Sequence[NoteRow]) -> list[NoteRow]:
        """Soft kicks on the first beat of those bars that have none."""
        kicks = {row.onset for row in rows if row.pitch == PITCHES["kick"]}
        silent = [bar for bar in bars if not any(bar.onset <= tick < bar.end for tick in kicks)]
        return [NoteRow(self.part, bar.onset, SLOT_TICKS, PITCHES["kick"], _VELOCITIES["g"]) for bar in silent]

    def _groove(self, energy: float, letter: str) -> Groove:
        """The busier the more energy; a letter of middle energy draws one of its own."""
        if energy < 0.5:
            return self.grooves[0]
        if energy >= _RIDE_FROM:
            return self.grooves[-1]
        return random_generator(self.seed, f"groove of {letter}").choice(self.grooves)

    def _line_bar(self, index: int) -> int:
        """Which bar of the groove's two is played: the second one at the end of a phrase, in a two-bar rhythm always in
        turn."""
        return index if self.name in _TWO_BAR_FAMILIES else int(index % PHRASE_BARS == PHRASE_BARS - 1)

    def _bar(self, groove: Groove, bar: Bar, index: int, energy: float) -> _Slots:
        slots = {name: line_in_bar(line, bar.metre, bar.length, index) for name, line in groove.lines.items()}
        if is_compound(bar.metre) and all(line.six is None for line in groove.lines.values()):
            slots = {name: _flowing(text) if name in _TIME[:4] else text for name, text in slots.items()}
        if self.tempo >= _EIGHTHS_FROM_TEMPO:
            slots = {name: _even(text) if name in _TIME else text for name, text in slots.items()}
        if energy < _QUIET_BELOW:
            slots = {name: text.replace("g", ".").replace("X", "x") for name, text in slots.items()}
        if energy < _RIM_BELOW and self.name in _RIM_FAMILIES and "snare" in slots:
            slots["rim"] = _merged(slots.get("rim", ""), slots.pop("snare").replace("g", "."))
        ride_from = _JAZZ_RIDE_FROM if self.name == "jazz" else _RIDE_FROM
        if energy >= ride_from and self.name in _RIDE_FAMILIES and "hat" in slots:
            slots["ride"] = _merged(slots.get("ride", ""), _even(slots.pop("hat")))
        if self.name in _CLAVE_FAMILIES and max(map(len, slots.values()), default=0) == len(_SON_CLAVE):
            slots["claves"] = _SON_CLAVE
        return slots

    def _with_fill(self, slots: _Slots, bar: Bar, rng: Random, size: float) -> _Slots:
        """The bar with a fill at its end: `size` is how likely a long one is. The groove stops where it begins."""
        length = max(map(len, slots.values()), default=0)
        fills = self.family.fills
        if not fills or length < 4:
            return slots
        half = length // 2 // 4 * 4
        start = half if rng.random() < size or length < 8 else length - 4
        if size >= 1 and rng.random() < 0.3:
            start = 0
        fill = self._fill(rng, bar, start)
        if fill is None:
            return slots
        first = min(_first_hit(text, start) for name, text in fill.items() if name in _FILL)
        start = max(start, first // 4 * 4)
        kept = {name: text[:start].ljust(length, ".") for name, text in slots.items()}
        kick = slots.get("kick", "")
        for name, text in fill.items():
            if name in (*_FILL, "kick"):
                kept[name] = kept.get(name, "." * length)[:start] + text[start:]
        if not any(name == "kick" for name in fill):
            kept["kick"] = kick[:start] + _beats_of(kick[start:])
        if start == 0:
            kept["kick"] = "x" + kept.get("kick", "." * length)[1:]
        return kept

    def _pick_up(self, bar: Bar, groove: Groove, rng: Random) -> list[NoteRow]:
        """What leads into the drums' first bar: the last beat of a fill, with a kick where it begins."""
        length = max((len(line_in_bar(line, bar.metre, bar.length, 0)) for line in groove.lines.values()), default=0)
        start = (length - 1) // 4 * 4
        fill = self._fill(rng, bar, start) if start > 0 else None
        if fill is None:
            return []
        slots = {name: "." * start + text[start:] for name, text in fill.items() if name in _FILL}
        slots["kick"] = "." * start + "x"
        return self._rows(slots, bar)

    def _fill(self, rng: Random, bar: Bar, start: int) -> _Slots | None:
        """One of the fills with at least three strokes from `start` on, rather one on the toms; None: there is none."""
        order = list(range(len(self.family.fills)))
        rng.shuffle(order)
        fitting = []
        for index in order:
            lines = self.family.fills[index].lines
            slots = {name: line_in_bar(line, bar.metre, bar.length, 0) for name, line in lines.items()}
            toms, snares = _strokes(slots, _TOMS, start), _strokes(slots, ("snare", "rim"), start)
            if toms + snares >= _FILL_STROKES:
                fitting.append((min(toms, 2), slots))
        if not fitting:
            return None
        most = max(toms for toms, _ in fitting)
        slots = next(slots for toms, slots in fitting if toms == most)
        return {name: text.replace("g", "x") for name, text in slots.items()}

    def _with_crash(self, slots: _Slots, energy: float) -> _Slots:
        mark = "x" if self.name in _SOFT_FAMILIES or energy < _QUIET_BELOW else "X"
        length = max(map(len, slots.values()), default=1)
        struck = {name: "." + text[1:] if name in _TIME else text for name, text in slots.items()}
        struck["crash"] = mark.ljust(length, ".")
        struck["kick"] = _merged("x".ljust(length, "."), struck.get("kick", ""))
        return struck

    def _rows(self, slots: Mapping[str, str], bar: Bar) -> list[NoteRow]:
        rows = []
        for name, text in slots.items():
            loud = _TIME_VELOCITIES if name in _TIME else _VELOCITIES
            for slot, mark in enumerate(text):
                tick = bar.onset + slot * SLOT_TICKS
                if mark not in loud or tick >= bar.end:
                    continue
                velocity, ticks = loud[mark], SLOT_TICKS
                if name == "crash":
                    velocity = _CRASH_VELOCITY if mark == "X" else _SOFT_CRASH_VELOCITY
                    ticks = _CRASH_TICKS
                rows.append(NoteRow(self.part, tick, min(ticks, bar.end - tick), PITCHES[name], velocity))
        return rows


def _together(groove: Groove, bass: Line | None) -> float:
    """The share of the kick drum's strokes in which the bass has a note."""
    kick = groove.lines.get("kick")
    if kick is None or bass is None:
        return 0.0
    line, notes = kick.four.replace("|", ""), bass.four.replace("|", "")
    struck = [slot for slot, mark in enumerate(line) if mark not in "."]
    return sum(notes[slot % len(notes)] not in "-." for slot in struck) / len(struck) if struck else 0.0


def _strokes(slots: _Slots, instruments: Sequence[str], start: int) -> int:
    """How many strokes these instruments have from a slot on."""
    lines = (slots[name][start:] for name in instruments if name in slots)
    return sum(mark in "gxX" for line in lines for mark in line)


def _merged(first: str, second: str) -> str:
    """The strokes of both; those of the first where both have one."""
    length = max(len(first), len(second))
    pairs = zip(first.ljust(length, "."), second.ljust(length, "."), strict=True)
    return "".join(one if one not in ".-" else other for one, other in pairs)


def _even(text: str) -> str:
    """The strokes on eighths: a ride cymbal in sixteenths would cover the band."""
    return "".join(mark if slot % 2 == 0 else "." for slot, mark in enumerate(text))


def _flowing(text: str) -> str:
    """In compound metres: the middle eighth of a beat whose other two are struck."""
    marks = list(text)
    for slot in range(0, len(marks) - 4, 6):
        if marks[slot] in "xX" and marks[slot + 4] in "gxX" and marks[slot + 2] in ".-":
            marks[slot + 2] = "x"
    return "".join(marks)


def _beats_of(text: str) -> str:
    return "".join(mark if slot % 4 == 0 else "." for slot, mark in enumerate(text))


def _first_hit(text: str, start: int) -> int:
    return next((slot for slot in range(start, len(text)) if text[slot] in "gxX"), len(text))
