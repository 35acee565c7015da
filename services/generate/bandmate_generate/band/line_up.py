"""Who plays in which bar: few at the beginning, more from return to return, all in the last chorus.

A section has a line-up by its energy. In a band, one harmony part is kept back from the first chorus, so that the last
one is fuller. Within a section, in blocks of four bars, a first hearing builds up, and in a long section somebody rests
for a block before all come back.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from bandmate_generate.band.drum_entry import drum_entry
from bandmate_generate.band.section_bars import PHRASE_BARS
from bandmate_generate.form.song_form import SongForm, SongSection
from bandmate_generate.planning.styles import StylePart
from bandmate_generate.seeds import random_generator

SHORT_SONG_BARS = 12
"""Songs of fewer bars are played by all throughout."""
_MIN_SHARE = 0.5
"""Of the bars: how much of a song bass and drums play at least."""
_INTRO_FULL = 0.75
_LONG_BLOCKS = 3
_BAND = 3
"""Parts beside the tune from which a band can keep one back."""

Playing = list[list[bool]]
"""For each part, for each bar of the song."""

_Blocks = list[set[int]]
"""For each block of four bars of a section, who plays."""


def who_plays(
    parts: Sequence[StylePart], arranged: Sequence[int], form: SongForm, tune_bars: Sequence[bool], seed: int
) -> Playing:
    """Which part plays in which bar. `arranged` are the parts that may rest; the others always play. `tune_bars`: in
    which bars the tune sounds; bass and drums are not left alone where it does not."""
    playing = [[True] * form.bars for _ in parts]
    if form.bars < SHORT_SONG_BARS or len(arranged) < 2:
        return playing
    entries = _Entries(parts, tuple(sorted(arranged, key=lambda index: (parts[index].enters, index))), form, seed)
    for section, blocks in zip(form.sections, entries.blocks(), strict=True):
        entries.accompany(section, blocks, tune_bars)
        for index in arranged:
            for bar in range(section.bars):
                playing[index][section.first_bar + bar] = index in blocks[bar // PHRASE_BARS]
    for index in arranged:
        if parts[index].role == "drums":
            rng = random_generator(seed, f"entry of part {index}")
            _enter(playing[index], drum_entry(form, parts[index].enters, rng), form)
        _ensure(parts[index], playing[index], form)
    return playing


def loudest(form: SongForm) -> int:
    """The number of the last of the sections of most energy."""
    top = max(section.energy for section in form.sections)
    return max(number for number, section in enumerate(form.sections) if section.energy >= top - 1e-9)


@dataclass(frozen=True, slots=True)
class _Entries:
    """`order`: the parts that may rest, those that enter at the least energy first."""

    parts: Sequence[StylePart]
    order: tuple[int, ...]
    form: SongForm
    seed: int

    def blocks(self) -> list[_Blocks]:
        """For each section, who plays in each of its blocks."""
        line_ups = self._line_ups()
        found: list[_Blocks] = []
        for number, (section, line_up) in enumerate(zip(self.form.sections, line_ups, strict=True)):
            same = number > 0 and line_up == line_ups[number - 1]
            blocks = self._within(section, line_up, same_as_before=same, is_full=number == self._loudest)
            self._grow(number, section, blocks)
            if found and found[-1][-1] == blocks[0]:
                self._thin_intro(found[-1], self.form.sections[number - 1])
            found.append(blocks)
        return found

    def accompany(self, section: SongSection, blocks: _Blocks, tune_bars: Sequence[bool]) -> None:
        """A harmony part plays where neither the tune nor another one does."""
        able = [index for index in self.order if self.parts[index].role == "harmony"]
        for number, block in enumerate(blocks):
            first = section.first_bar + number * PHRASE_BARS
            tune = tune_bars[first : min(first + PHRASE_BARS, section.end_bar)]
            if able and not all(tune) and not block & set(able):
                block.add(able[0])

    @property
    def _start(self) -> int:
        """The first bar after the intro."""
        return next((section.first_bar for section in self.form.sections if section.name != "intro"), 0)

    @property
    def _loudest(self) -> int:
        return loudest(self.form)

    @property
    def _kept_back(self) -> int | None:
        """The harmony part that the first chorus lacks: the last to enter of two or more in a band."""
        able = [index for index in self.order if self.parts[index].role == "harmony"]
        returns = self.form.sections[self._loudest].repeats > 0
        return able[-1] if returns and len(able) > 1 and len(self.order) >= _BAND else None

    @property
    def _first_chorus(self) -> int:
        """The first hearing of the section that is the loudest at its last."""
        return next(number for number, section in enumerate(self.form.sections) if self._is_chorus(section))

    def _grow(self, number: int, section: SongSection, blocks: _Blocks) -> None:
        """Bring in the part that is kept back: with the second half of a long first chorus and of those between it and
        the last one, with the last block before the last chorus. In a return where it plays from the start, it stands
        in for the first harmony part for a block.
        """
        kept_back = self._kept_back
        if kept_back is None or len(blocks) < 2:
            return
        is_return = self._first_chorus < number < self._loudest and section.repeats > 0 and not self._is_chorus(section)
        if number == self._first_chorus and len(blocks) > _LONG_BLOCKS:
            for block in blocks[len(blocks) // 2 :]:
                block.add(kept_back)
        elif is_return and kept_back in blocks[0]:
            blocks[0].discard(next(index for index in self.order if self.parts[index].role == "harmony"))
        elif is_return and number == self._loudest - 1:
            blocks[-1].add(kept_back)
        elif self._first_chorus < number < self._loudest and self._is_chorus(section):
            for block in blocks[len(blocks) // 2 :]:
                block.add(kept_back)

    def _is_held_back(self, number: int, section: SongSection) -> bool:
        """Whether the part that is kept back rests: up to the first chorus, and in those before the last."""
        if self._kept_back is None or number == self._loudest:
            return False
        is_first = section.repeats == 0 or self.form.sections[self._loudest].name == "chorus"
        return (number <= self._first_chorus and is_first) or self._is_chorus(section)

    def _is_chorus(self, section: SongSection) -> bool:
        return section.letter == self.form.sections[self._loudest].letter

    def _line_ups(self) -> list[set[int]]:
        first = next((number for number, section in enumerate(self.form.sections) if section.name != "intro"), 0)
        peak, line_ups = self._loudest, list[set[int]]()
        kept_back = self._kept_back
        for number, section in enumerate(self.form.sections):
            players = {index for index in self.order if section.energy >= self.parts[index].enters} or {self.order[0]}
            if self._is_held_back(number, section):
                players = players - {kept_back} or {self.order[0]}
            if number == peak:
                players = set(self.order)
            elif section.name == "intro" and section.energy < _INTRO_FULL:
                players &= set(self.order[: (len(self.order) + 1) // 2])
            elif section.name == "bridge" and len(players) > 1:
                players.discard(self._resting(players, drums_first=True))
            elif number == first and len(players) == len(self.order):
                players.discard(self.order[-1])
            if line_ups and players == line_ups[-1] and kept_back is None:
                players = self._changed(players, section, self.form.sections[number - 1], number == peak)
            line_ups.append(players or {self.order[0]})
        return line_ups

    def _changed(self, players: set[int], section: SongSection, before: SongSection, is_loudest: bool) -> set[int]:
        """Another line-up than the section before had: one more part, or one fewer where all play already."""
        more = [index for index in self.order if index not in players]
        if more and section.energy >= before.energy - 0.1:
            return {*players, more[0]}
        if is_loudest or len(players) == 1 or section.name == "chorus":
            return players
        if len(players) == 2:
            return players  # One of them rests for the first block instead.
        if section.energy >= before.energy:
            return players - {self._resting(players, drums_first=False)}
        return players - {max(players, key=self.order.index)}

    def _within(self, section: SongSection, line_up: set[int], *, same_as_before: bool, is_full: bool) -> _Blocks:
        """The blocks of a section: built up at its first hearing, thinned once in a long one; all alike where the last
        chorus returns in full."""
        count = -(-section.bars // PHRASE_BARS)
        blocks = [set(line_up) for _ in range(count)]
        if count < 2 or len(line_up) < 2 or (is_full and section.repeats):
            return blocks
        is_chorus = section.name in ("chorus", "post-chorus")
        latest = sorted(line_up, key=self.order.index)
        if section.first_bar <= self._start:  # Where the drums begin is drawn.
            latest = [index for index in latest if self.parts[index].role != "drums"] or latest
        if not is_chorus and section.name != "outro" and section.repeats % 2 == 0:
            blocks[0].discard(latest[-1])
            if count > _LONG_BLOCKS and len(latest) > 2:
                blocks[1] = set(blocks[0])
                blocks[0].discard(latest[-2])
            return blocks
        if same_as_before and not is_chorus:
            rng = random_generator(self.seed, f"who rests in section {section.first_bar}")
            blocks[0].discard(self._resting(line_up, drums_first=rng.random() < 0.5))
        if count >= _LONG_BLOCKS:
            blocks[count // 2].discard(self._resting(line_up, drums_first=False))
        return blocks

    def _resting(self, players: set[int], *, drums_first: bool) -> int:
        """Who rests: the drums, or what lies between bass and drums, where both go on; else who entered last."""
        drums = [index for index in self.order if index in players and self.parts[index].role == "drums"]
        if drums and drums_first and len(players) > 2:
            return drums[0]
        basses = [index for index in self.order if index in players and self.parts[index].role == "bass"]
        between = [index for index in self.order if index in players and self.parts[index].role == "harmony"]
        if between and drums and basses:
            return between[-1]
        return max(players, key=self.order.index)

    def _thin_intro(self, before: _Blocks, section: SongSection) -> None:
        """An intro that would sound like what follows is played by one fewer."""
        if section.name == "intro" and len(before[-1]) > 1:
            rests = max(before[-1], key=self.order.index)
            for block in before:
                if len(block) > 1:
                    block.discard(rests)


def _enter(playing: list[bool], entry: int, form: SongForm) -> None:
    """The drums begin in bar `entry`, unless they play in the intro; from there on they do not wait in that section."""
    section = form.at(entry)
    intro = form.sections[0].end_bar if form.sections[0].name == "intro" else 0
    if not any(playing[:intro]):
        playing[:entry] = [False] * entry
    playing[entry : section.end_bar] = [True] * (section.end_bar - entry)


def _ensure(part: StylePart, playing: list[bool], form: SongForm) -> None:
    """Nobody is silent throughout, and bass and drums play most of the song: the sections of most energy first."""
    least = _MIN_SHARE if part.role in ("bass", "drums") else 0.0
    for section in sorted(form.sections, key=lambda section: (-section.energy, section.first_bar)):
        if any(playing) and sum(playing) >= least * len(playing):
            return
        playing[section.first_bar : section.end_bar] = [True] * section.bars
