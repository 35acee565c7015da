"""The rows of the table: what each measures, in pieces of which length, what is asked, and what real music has."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from bandmate_bench.form import arrangement, harmony, melody, performance, repetition, words
from bandmate_bench.form.arrangement import Rates
from bandmate_bench.form.piece import Piece

Value = float | Rates | None


class Asked(NamedTuple):
    """What is asked of the mean over songs: at least `low`, at most `high`. `styles` None: of all."""

    low: float | None = None
    high: float | None = None
    styles: tuple[str, ...] | None = None

    def distance(self, value: float) -> float:
        """How far a value is outside; 0 within."""
        below = 0.0 if self.low is None else max(0.0, self.low - value)
        above = 0.0 if self.high is None else max(0.0, value - self.high)
        return below + above

    def rank(self, value: float) -> float:
        """The smaller the better; a limit to one side tells two values apart that are both within."""
        if self.low is not None and self.high is not None:
            return self.distance(value)
        return value if self.low is None else -value

    def __str__(self) -> str:
        if self.low is not None and self.high is not None:
            return f"{self.low:g} - {self.high:g}"
        return f">= {self.low:g}" if self.low is not None else f"<= {self.high:g}"


@dataclass(frozen=True, slots=True)
class Row:
    """One row. `bars` is the length of the pieces that are measured, None for whole pieces of any length.

    `published` is what was measured from outside: ours before, and real music. `real` names the groups of real pieces
    that the row makes sense for. `only` leaves songs out.
    """

    name: str
    title: str
    measure: Callable[[Piece], Value]
    asked: tuple[Asked, ...] = ()
    bars: int | None = 32
    before: str = "-"
    published: str = "-"
    real: tuple[str, ...] = ("art songs", "hymns")
    only: Callable[[Piece], bool] | None = None


_ART, _HYMNS, _ROCK, _DRUMMERS, _CHORALES = "art songs", "hymns", "game rock", "drummers", "chorales"
_PITCHED = (_ART, _HYMNS, _ROCK)
"""Rows about the tune are without game rock: no track of it is marked as the tune."""


def _chords_asked(piece: Piece) -> bool:
    return piece.chords_asked


def _key_open(piece: Piece) -> bool:
    return not piece.key_asked


ROWS: tuple[Row, ...] = (
    Row(
        "same_text_32", "same text, same pitch, 32 bars", words.same_text_same_pitch, (Asked(0.95),), 32, ".70", real=()
    ),
    Row(
        "same_text_64", "same text, same pitch, 64 bars", words.same_text_same_pitch, (Asked(0.95),), 64, ".27", real=()
    ),
    Row(
        "other_text",
        "other text of as many syllables, same pitch",
        words.other_text_same_pitch,
        (Asked(high=0.35),),
        None,
        real=(),
    ),
    Row(
        "longest_return",
        "longest returning section, bars",
        repetition.longest_return,
        (Asked(8),),
        64,
        ".3",
        "8.6 / - / 14.7",
        (_ART, _ROCK),
    ),
    Row(
        "bars_heard",
        "whole bars heard before",
        repetition.bars_heard_before,
        (Asked(0.25, 0.60),),
        64,
        ".02",
        ".23-.54",
        (_ART, _ROCK),
    ),
    Row(
        "clean_chords",
        "beats with a clean chord",
        harmony.clean_chord_beats,
        (Asked(0.78, styles=("folk", "pop")), Asked(0.40, styles=("rock",))),
        32,
        "folk, pop .53; rock .21",
        ".51 / .76 / .33",
        _PITCHED,
    ),
    Row(
        "bass_root",
        "bass = chord root at the bar line",
        harmony.bass_is_root,
        (Asked(0.70, styles=("folk", "pop")),),
        32,
        ".40",
        ".37-.45",
        _PITCHED,
    ),
    Row("bass_planned_root", "bass = planned root at the bar line", harmony.bass_is_planned_root, (), None, real=()),
    Row(
        "home_key",
        "four-bar windows in the home key",
        harmony.windows_in_home_key,
        (Asked(0.75, styles=("rock",)), Asked(0.80, styles=("pop",))),
        32,
        "rock .47, pop .62",
        ".69 / .83",
        _PITCHED,
    ),
    Row(
        "steps_chords",
        "melody: steps, chords asked for",
        melody.steps,
        (Asked(0.45),),
        32,
        ".09",
        ".48-.53",
        only=_chords_asked,
    ),
    Row("steps", "melody: steps", melody.steps, (), 32),
    Row(
        "strong_planned",
        "melody: strong beats in the chord asked for",
        harmony.strong_beats_in_planned_chord,
        (Asked(0.65, 0.82),),
        32,
        ".97",
        ".67-.73",
        (),
        _chords_asked,
    ),
    Row("strong_heard", "melody: strong beats in the chord heard", harmony.strong_beats_in_heard_chord, (), 32),
    Row("range", "melody: range, semitones", melody.pitch_range, (Asked(11, 15),), 32, "8-9.5", "11.6-14.3"),
    Row("leaps", "melody: leaps over a fourth", melody.leaps, (Asked(0.04, 0.10),), 32, ".01", ".06-.08"),
    Row(
        "melody_bars_heard",
        "melody: bars heard before, planned returns apart",
        melody.bars_heard_before,
        (Asked(high=0.25),),
        32,
        ".45",
        ".10-.20",
    ),
    Row(
        "rhythms_heard",
        "melody: bar rhythms heard before, planned returns apart",
        melody.rhythms_heard_before,
        (Asked(high=0.70),),
        32,
        ".82",
        ".34-.65",
    ),
    Row(
        "rhythms_heard_all",
        "melody: bar rhythms heard before, returns included",
        melody.rhythms_heard_before_with_returns,
        (),
        32,
        ".82",
    ),
    Row(
        "entropy",
        "melody: entropy of onset distances, bits",
        melody.onset_entropy,
        (Asked(1.5),),
        32,
        "1.2-1.4",
        "1.4-2.0",
    ),
    Row(
        "highest",
        "melody: place of the highest note",
        melody.place_of_highest,
        (Asked(0.40, 0.75),),
        32,
        ".25",
        ".43-.56",
    ),
    Row("stress", "stressed syllable higher", words.stressed_higher, (Asked(0.60),), None, ".54", real=(_HYMNS,)),
    Row(
        "melisma_slow",
        "melisma in slow songs",
        words.melisma_if_slow,
        (Asked(0.03, 0.12),),
        None,
        "0",
        ".08",
        (_HYMNS,),
    ),
    Row("melisma", "melisma", words.melisma, (), None, "0", ".08", (_HYMNS,)),
    Row("chorus_above", "chorus above verse, semitones", words.chorus_above_verse, (Asked(2),), None, "-.1", real=()),
    Row(
        "line_up",
        "four-bar blocks where the line-up changes",
        arrangement.line_up_changes,
        (Asked(0.30, styles=("rock", "pop")),),
        64,
        "rock .02, pop .00",
        ".46",
        (_ROCK,),
    ),
    Row(
        "fills",
        "drum fills in 4th bars : other bars",
        arrangement.fills,
        (Asked(1.7),),
        None,
        "1.2 / .9",
        "1.8",
        (_ROCK,),
    ),
    Row(
        "crashes",
        "crash at a section's first beat : elsewhere",
        arrangement.crashes,
        (Asked(3),),
        None,
        "1.0",
        "3.6",
        (_ROCK,),
    ),
    Row(
        "no_kick",
        "songs with drums under half a kick a bar",
        arrangement.lacks_kick,
        (Asked(high=0),),
        None,
        "3 of 46",
        "0 of 19",
        (_ROCK,),
    ),
    Row(
        "key",
        "heard key = planned key, no key wish",
        harmony.key_as_planned,
        (Asked(0.95, styles=("rock",)),),
        None,
        "rock .60",
        real=(),
        only=_key_open,
    ),
    Row(
        "loudness",
        "loudness, softest to loudest 4-bar block, velocities",
        performance.loudness_range,
        (),
        None,
        "4-5",
        "10-12",
        (_ROCK, _DRUMMERS),
    ),
    Row(
        "chorus_louder", "chorus louder than verse, velocities", performance.chorus_louder, (Asked(10),), None, real=()
    ),
    Row(
        "off_grid",
        "off-grid onsets in drums",
        performance.off_grid_drums,
        (Asked(0.5),),
        None,
        "0",
        ".77",
        (_DRUMMERS,),
    ),
    Row("drum_spread", "spread of drum onsets, ms", performance.drum_offset_spread, (), None, real=(_DRUMMERS,)),
    Row(
        "chorale_clean",
        "chorales: beats with a clean chord",
        harmony.clean_chord_beats,
        (Asked(0.56, styles=("chorale",)),),
        None,
        ".40",
        ".49 (TonicNet .56)",
        (_CHORALES,),
        lambda piece: piece.group in ("chorale", _CHORALES),
    ),
    Row(
        "chorale_bass",
        "chorales: bass in the chord",
        harmony.bass_in_chord,
        (Asked(0.88, styles=("chorale",)),),
        None,
        ".76",
        ".85 (TonicNet .88)",
        (_CHORALES,),
        lambda piece: piece.group in ("chorale", _CHORALES),
    ),
)
