"""Songs to arrange: a form with verses and choruses, chords, and a plain tune on them."""

from collections.abc import Sequence

from bandmate_generate.band.arrange import arrange
from bandmate_generate.form.song_form import SongForm, SongSection
from bandmate_generate.harmony.chord_spans import chord_spans
from bandmate_generate.lead.notes import LeadNote
from bandmate_generate.planning.styles import STYLES, StylePart
from bandmate_music.note_rows import NoteRow
from bandmate_music.theory.bars import Bars
from bandmate_music.theory.keys import Key
from bandmate_music.theory.metre import Metre
from bandmate_shared.contracts.composition import PartSpec

SECTIONS = (
    ("intro", "I", 4, 0.3, "C | G"),
    ("verse", "A", 8, 0.42, "C | Am | F | G7"),
    ("chorus", "B", 8, 0.8, "F | G/B | C | Dm G"),
    ("verse", "A", 8, 0.5, "C | Am | F | G7"),
    ("bridge", "D", 8, 0.55, "Am | E7 | Bdim | G"),
    ("chorus", "B", 8, 1.0, "F | G/B | C | Dm G"),
    ("outro", "O", 4, 0.45, "F | G | C | C"),
)


class Song:
    """A song of a style, arranged; `sections` are (name, letter, bars, energy, chords)."""

    def __init__(
        self,
        style: str,
        metre: str = "4/4",
        seed: int = 1,
        parts: Sequence[StylePart] | None = None,
        specs: Sequence[PartSpec] | None = None,
        sections: Sequence[tuple[str, str, int, float, str]] = SECTIONS,
        composed: Sequence[NoteRow] = (),
        keep: frozenset[int] = frozenset(),
    ) -> None:
        self.style = STYLES[style]
        numerator, denominator = map(int, metre.split("/"))
        self.metre = Metre(numerator, denominator)
        self.parts = tuple(parts or self.style.parts)
        self.specs = tuple(specs or (part.spec(sung=False) for part in self.parts))
        bars = sum(section[2] for section in sections)
        self.frame = Bars.of([(self.metre.bar_ticks(24), self.metre)] * bars)
        self.form = _form(sections, self.frame)
        self.melody = next((index for index, part in enumerate(self.parts) if part.role == "melody"), None)
        self.lead = [] if self.melody is None else _tune(self.form, self.frame, self.specs[self.melody])
        self.rows = arrange(
            style=self.style,
            parts=self.parts,
            specs=self.specs,
            form=self.form,
            frame=self.frame,
            metre=self.metre,
            key=Key(0, "major"),
            tempo=float(self.style.tempi[0]),
            lead=self.lead,
            melody=self.melody,
            composed=composed,
            keep=keep,
            seed=seed,
        )

    def part(self, name: str) -> list[NoteRow]:
        index = next(number for number, part in enumerate(self.parts) if part.name == name)
        return [row for row in self.rows if row.part == index]

    def drums(self) -> list[NoteRow]:
        return [row for row in self.rows if self.specs[row.part].plays_drums]

    def bars(self, rows: Sequence[NoteRow]) -> list[set[tuple[int, int]]]:
        """The (onset in the bar, pitch) pairs of each bar."""
        found: list[set[tuple[int, int]]] = [set() for _ in range(len(self.frame))]
        for row in rows:
            bar = self.frame.at(row.onset)
            found[bar].add((row.onset - self.frame[bar].onset, row.pitch))
        return found


def _form(sections: Sequence[tuple[str, str, int, float, str]], frame: Bars) -> SongForm:
    made: list[SongSection] = []
    for name, letter, bars, energy, chords in sections:
        first = made[-1].end_bar if made else 0
        spans = chord_spans(chords, frame, first, first + bars)
        repeats = sum(section.letter == letter for section in made)
        made.append(SongSection(name, None, letter, first, bars, energy, spans, (), repeats))
    return SongForm(tuple(made))


def _tune(form: SongForm, frame: Bars, spec: PartSpec) -> list[LeadNote]:
    """Two notes a bar in the middle of the range, silent in intro, solo and outro."""
    middle, notes = (spec.low + spec.high) // 2, []
    for section in form.sections:
        if section.name in ("intro", "outro", "solo"):
            continue
        for number in range(section.bars):
            bar = frame[section.first_bar + number]
            half = max(1, bar.length // 2)
            notes.append(LeadNote(bar.onset, half, middle + number % 3))
            notes.append(LeadNote(bar.onset + half, bar.length - half, middle - number % 2))
    return notes
