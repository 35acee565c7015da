"""Compose the lead sheet's tune: the rhythm of the words, then pitches over the chords, section by section."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from bandmate_music.theory.bars import Bars
from bandmate_music.theory.keys import Key
from bandmate_music.theory.metre import Metre
from bandmate_music.theory.metrical_grid import EIGHTH, QUARTER, bar_ticks, is_compound

from bandmate_generate.form.song_form import SongForm, SongSection
from bandmate_generate.lead.beats import song_level
from bandmate_generate.lead.chords import ChordTrack
from bandmate_generate.lead.climax import place_climax
from bandmate_generate.lead.contour import plan_phrases, registers, tune_window
from bandmate_generate.lead.idioms import Idiom, find_idiom, with_blue_notes
from bandmate_generate.lead.instrumental import invented_lines, plays
from bandmate_generate.lead.judge import judge_lead
from bandmate_generate.lead.line_ends import hold_line_ends
from bandmate_generate.lead.notes import LeadNote
from bandmate_generate.lead.ornaments import SLOW_TEMPO, add_melismas
from bandmate_generate.lead.pitches import TuneSearch, scale_pitches
from bandmate_generate.lead.placing import SectionWords, place_words
from bandmate_generate.lead.rhythm import RhythmTaste, stress_class
from bandmate_generate.lead.section_tune import PhraseTune, SectionSetting, compose_section, kept_phrase
from bandmate_generate.lead.statistics import LeadStatistics, statistics_of
from bandmate_generate.lead.words import WordFit, fit_words
from bandmate_generate.lyrics.lines import Line
from bandmate_generate.lyrics.prosody import Feel, finest_step
from bandmate_generate.seeds import derived, random_generator

_UNSHORTENED_QUARTERS = 680
"""Songs that are longer than so many quarter notes get fewer tries: six of this length are half a second's work."""
_CHANCE, _RHYTHM_CHANCES = 1.0, (0.45, 0.75)
_MAX_RUN = 4


@dataclass(frozen=True, slots=True)
class Lead:
    """The tune of a song, onsets ascending, none overlapping; and in words, what was chosen in composing it."""

    notes: tuple[LeadNote, ...]
    notes_on_choices: tuple[str, ...]


def compose_lead(
    form: SongForm,
    frame: Bars,
    *,
    key: Key,
    metre: Metre,
    tempo: float,
    feel: Feel,
    low: int,
    high: int,
    sings: bool,
    seed: int,
    idiom: str = "pop",
    tries: int = 6,
) -> Lead:
    """The tune of a song over the chords of its form, in pitches `low`..`high`.

    If it `sings`, each syllable of each section's lines has a note, in order, and sections without lines have none;
    otherwise an instrument plays it in all sections but quiet intros and outros. The best of `tries` is kept; of fewer
    in long songs, never of less than half.

    Raises:
        InvalidRequest: words do not fit a section's bars, or there is no such idiom.
    """
    table = find_idiom(idiom)
    song = _Song(form, frame, key, metre, tempo, feel, low, high, sings, seed, table)
    words = song.words()
    best: tuple[float, int, list[LeadNote]] | None = None
    shortened = tries * _UNSHORTENED_QUARTERS * QUARTER // max(1, frame.end)
    for number in range(max(-(-tries // 2), min(tries, shortened))):
        notes = song.compose(words, derived(seed, f"tune {number}"), _RHYTHM_CHANCES[number % len(_RHYTHM_CHANCES)])
        faults = judge_lead(notes, form, frame)
        if best is None or faults < best[0]:
            best = (faults, number, notes)
    notes = best[2] if best else []
    return Lead(tuple(notes), tuple(song.choices(notes)))


class _Song:
    """What is the same for all candidates."""

    def __init__(
        self,
        form: SongForm,
        frame: Bars,
        key: Key,
        metre: Metre,
        tempo: float,
        feel: Feel,
        low: int,
        high: int,
        sings: bool,
        seed: int,
        idiom: Idiom,
    ) -> None:
        self.form, self.frame, self.key, self.metre, self.tempo = form, frame, key, metre, tempo
        self.feel, self.low, self.high, self.sings, self.seed, self.idiom = feel, low, high, sings, seed, idiom
        self.finest = finest_step(metre, tempo)
        self.seconds_per_tick = 60 / tempo / QUARTER
        self.statistics: LeadStatistics = statistics_of(idiom)
        self.chords = ChordTrack(form.chords)
        self.window = tune_window(key, low, high)
        self.search = TuneSearch(self.statistics, idiom, key, *self.window, _CHANCE)

    def words(self) -> list[SectionWords | None]:
        """Where the lines are sung; an instrument's are invented, the same for all sections of a letter."""
        if self.sings:
            lines = [section.lines for section in self.form.sections]
        else:
            lines = [self._invented(section) for section in self.form.sections]
        return place_words(self.form, lines, self.frame, self.metre, self.tempo, self.finest)

    def _invented(self, section: SongSection) -> tuple[Line, ...]:
        if not plays(section):
            return ()
        model = self.form.model(section.letter)
        rng = random_generator(self.seed, f"phrases {section.letter}")
        bar = self.metre.bar_seconds(self.tempo)
        per_bar = max(1, bar_ticks(self.metre) // self.finest)
        shape = model if section.bars == model.bars else section
        return invented_lines(shape, bar, self.tempo, per_bar, self.idiom, rng)

    def compose(self, words: Sequence[SectionWords | None], seed: int, chance: float) -> list[LeadNote]:
        """One candidate; `chance` is the scale of the random costs of its rhythm."""
        rng = random_generator(seed, "lead")
        register_of = registers(self.form, self.window)
        last_index = max((i for i, found in enumerate(words) if found is not None), default=-1)
        last_letter = self.form.sections[last_index].letter if last_index >= 0 else ""
        models: dict[str, tuple[SectionWords, SectionSetting, list[PhraseTune]]] = {}
        before: list[int] = []
        for letter in dict.fromkeys(section.letter for section in self.form.sections):
            found = [w for w in words if w is not None and w.section.letter == letter]
            if not found:
                continue
            model = next((w for w in found if w.shares), found[0])
            register = register_of[letter]
            setting = SectionSetting(
                self.frame,
                self.chords,
                self.search,
                RhythmTaste(
                    self.statistics,
                    round(150 * self.feel.dotting),
                    self.idiom.subdivision,
                    self._likeness(),
                    QUARTER,
                    chance,
                ),
                self.finest,
                register,
                plan_phrases(len(model.slots), register, letter == last_letter, rng),
                self._anticipated(rng),
                self.seconds_per_tick,
                letter == last_letter,
            )
            phrases = compose_section(model, setting, before, (), rng)
            phrases = self._ornamented(model, phrases, setting, rng)
            models[letter] = (model, setting, phrases)
            before = phrases[-1].pitches[-2:] if phrases else before
        placed: list[list[PhraseTune]] = []
        for found_words in words:
            placed.append([] if found_words is None else self._returned(found_words, models, seed))
        notes, ends = self._notes(words, placed)
        notes = hold_line_ends(notes, ends, self.form, self.frame, self.chords, self.finest, self.seconds_per_tick)
        notes = self._resolved(_without_runs(notes, self.key, self.window))
        notes = place_climax(notes, self.form, self.frame, self.key, self.chords, self.high, self.finest)
        return with_blue_notes(notes, self.key, self.chords) if self.idiom.blue_notes else notes

    def _returned(
        self,
        words: SectionWords,
        models: dict[str, tuple[SectionWords, SectionSetting, list[PhraseTune]]],
        seed: int,
    ) -> list[PhraseTune]:
        """The phrases of a section from those of its letter's model."""
        model, setting, phrases = models[words.section.letter]
        if words is model:
            return phrases
        fresh: list[PhraseTune] | None = None
        result = []
        start = self.frame.start(words.section.first_bar)
        for index, slot in enumerate(words.slots):
            downbeat, slot_end = (tick - start for tick in slot.ticks(self.frame, words.section.first_bar))
            syllables = words.syllables(index)
            kept = kept_phrase(phrases, index, downbeat, len(words.slots))
            groups = None
            earliest = downbeat - words.pickups[index]
            slot_end -= words.reserved[index]
            if kept is not None and (words.shares or kept.fits(earliest, slot_end)):
                fit = WordFit(
                    self.statistics.stress.tolist(),
                    lambda tick: song_level(start + tick, self.frame),
                    self.finest,
                    earliest,
                    downbeat,
                )
                groups = fit_words(kept.groups, syllables, fit)
            if groups is not None and kept is not None:
                result.append(PhraseTune(syllables, tuple(groups), downbeat, kept.masks))
                continue
            if fresh is None:
                rng = random_generator(seed, f"return {words.section.first_bar}")
                fresh = compose_section(words, setting, phrases[-1].pitches[-2:], phrases, rng)
            result += [phrase for phrase in fresh if phrase.downbeat == downbeat]
        return result

    def _likeness(self) -> int:
        """How strongly lines take over each other's rhythm: less in short bars, which are alike by chance."""
        return 180 if bar_ticks(self.metre) >= 4 * QUARTER else 60

    def _anticipated(self, rng: random.Random) -> frozenset[int]:
        """Distances from a phrase's downbeat of the beats that are sung early in a section."""
        amount = min(0.9, self.feel.syncopation + self.idiom.syncopation * (self.feel.syncopation > 0))
        if is_compound(self.metre) or EIGHTH % self.finest or amount <= 0:
            return frozenset()
        beats = range(0, 8 * bar_ticks(self.metre), QUARTER)
        half = 2 * bar_ticks(self.metre)
        chosen = {distance for distance in range(0, half, QUARTER) if rng.random() < 0.55 * amount}
        return frozenset(distance for distance in beats if distance % half in chosen)

    def _ornamented(
        self, words: SectionWords, phrases: list[PhraseTune], setting: SectionSetting, rng: random.Random
    ) -> list[PhraseTune]:
        if not self.sings:
            return phrases
        share = self.idiom.melisma if self.tempo <= SLOW_TEMPO else self.idiom.fast_melisma
        start = self.frame.start(words.section.first_bar)
        result, owed = [], 0.3 + rng.random() * 0.6
        for phrase in phrases:
            owed += share * len(phrase.syllables)
            groups = add_melismas(
                phrase.groups,
                [stress_class(syllable.stress) for syllable in phrase.syllables],
                int(owed),
                lambda tick: frozenset(chord.pitch_classes) if (chord := self.chords.at(start + tick)) else frozenset(),
                self.key,
                (setting.register.low, setting.register.high),
                self.finest,
                self.seconds_per_tick,
                rng,
            )
            owed -= sum(len(group) > 1 for group in groups)
            result.append(PhraseTune(phrase.syllables, tuple(groups), phrase.downbeat, phrase.masks))
        return result

    def _notes(
        self, words: Sequence[SectionWords | None], placed: Sequence[Sequence[PhraseTune]]
    ) -> tuple[list[LeadNote], list[int]]:
        """The notes, and the index of each phrase's last one."""
        notes: list[LeadNote] = []
        ends: list[int] = []
        for found, phrases in zip(words, placed, strict=True):
            if found is None:
                continue
            start = self.frame.start(found.section.first_bar)
            for phrase in phrases:
                for syllable, group in zip(phrase.syllables, phrase.groups, strict=True):
                    for index, note in enumerate(group):
                        sung = syllable if self.sings and index == 0 else None
                        notes.append(
                            LeadNote(start + note.onset, note.duration, note.pitch, sung, self.sings and index > 0)
                        )
                ends.append(len(notes) - 1)
        return notes, ends

    def _resolved(self, notes: list[LeadNote]) -> list[LeadNote]:
        """The notes with the last one on the tonic, if its chord has it: a last section may have other chords."""
        chord = self.chords.at(notes[-1].onset) if notes else None
        tonics = [p for p in range(self.window[0], self.window[1] + 1) if p % 12 == self.key.tonic]
        if chord is None or self.key.tonic not in chord.pitch_classes or not tonics:
            return notes
        last = notes[-1]
        return [*notes[:-1], last._replace(pitch=min(tonics, key=lambda pitch: (abs(pitch - last.pitch), pitch)))]

    def choices(self, notes: Sequence[LeadNote]) -> list[str]:
        """What a reader of the report may ask about."""
        if not notes:
            return ["the tune rests throughout"]
        held = sum(note.is_held for note in notes)
        highest, lowest = max(notes, key=lambda note: note.pitch), min(note.pitch for note in notes)
        bar = self.frame.at(highest.onset)
        said = [
            f"the tune spans {highest.pitch - lowest} semitones; its highest note is in bar {bar + 1}, "
            f"{self.form.at(bar).title}"
        ]
        if held:
            said.append(f"notes of the tune that carry a syllable on: {held}")
        return said


def _without_runs(notes: Sequence[LeadNote], key: Key, bounds: tuple[int, int]) -> list[LeadNote]:
    """The notes, where one pitch would be heard more than _MAX_RUN times in a row with a neighbour of it between."""
    result: list[LeadNote] = []
    scale = scale_pitches(key, *bounds)
    for note in notes:
        before = [other.pitch for other in result[-_MAX_RUN:]]
        others = [pitch for pitch in scale if pitch != note.pitch]
        if len(before) == _MAX_RUN and set(before) == {note.pitch} and others:
            note = note._replace(pitch=min(others, key=lambda pitch: (abs(pitch - note.pitch), pitch)))
        result.append(note)
    return result
