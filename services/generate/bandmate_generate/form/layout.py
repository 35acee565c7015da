"""Lay out the form of a song: from the request's sections, the words, or the usual forms of the style."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from bandmate_music.theory.metre import Metre
from bandmate_shared.contracts.wishes import MAX_BARS, SectionWish
from bandmate_shared.errors import InvalidRequest

from bandmate_generate.form.draft import SectionDraft, WordRoom
from bandmate_generate.form.energy import energies
from bandmate_generate.form.form_style import FormStyle
from bandmate_generate.form.lengths import add_instrumental, share_bars, total_bars
from bandmate_generate.form.letters import letters_form
from bandmate_generate.form.song_model import song_form
from bandmate_generate.form.wishes import form_of_wishes
from bandmate_generate.form.words import form_of_words
from bandmate_generate.lyrics.lines import Line, Lyrics
from bandmate_generate.seeds import random_generator

_FRAMED_FROM_LINES = 8
"""Shorter words stand by themselves, without an intro and an ending."""
_LONG_FRAMES_FROM_BARS = 24
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(frozen=True, slots=True)
class LaidOutSection:
    """A section without its chords; the fields are those of SongSection. `chords_wish` is the progression asked for."""

    name: str
    number: int | None
    letter: str
    first_bar: int
    bars: int
    energy: float
    lines: tuple[Line, ...] = ()
    repeats: int = 0
    chords_wish: str | None = None

    @property
    def end_bar(self) -> int:
        """The bar after the last one."""
        return self.first_bar + self.bars


@dataclass(frozen=True, slots=True)
class FormLayout:
    """The sections of a song in order, and notes for the report: what had to be chosen, in a sentence each."""

    sections: tuple[LaidOutSection, ...]
    notes: tuple[str, ...] = ()

    @property
    def bars(self) -> int:
        return self.sections[-1].end_bar

    @property
    def lines(self) -> tuple[Line, ...]:
        """All lines in the order in which they are sung, those of repeated sections each time."""
        return tuple(line for section in self.sections for line in section.lines)


def lay_out_form(
    *,
    lyrics: Lyrics | None,
    wishes: Sequence[SectionWish] | None,
    bars: int | None,
    metre: Metre,
    tempo: float,
    style: FormStyle,
    seed: int,
) -> FormLayout:
    """The form of a song: by the wishes, else by the words, else as songs of the style are built.

    With `bars`, the sections have exactly so many together.

    Raises:
        InvalidRequest: the bars do not add up or cannot hold the words, a section's name is unknown, or a marker has
            no words; the message says what would do.
    """
    room = WordRoom(metre, tempo, style)
    notes: list[str] = []
    if wishes:
        drafts, notes = form_of_wishes(wishes, lyrics, bars, room)
    elif lyrics is not None:
        drafts, notes = form_of_words(lyrics, room)
        if bars is None:
            drafts = _framed(drafts, lyrics, style)
        else:
            drafts, more = share_bars(drafts, bars, room)
            notes += more
    else:
        rng = random_generator(seed, "form")
        count = bars or style.default_bars
        drafts = letters_form(count, style, rng) if style.plan == "letters" else song_form(count, rng)
    if total_bars(drafts) > MAX_BARS:
        raise InvalidRequest(
            f"the words would take {total_bars(drafts)} bars and a song has at most {MAX_BARS}; use fewer lines, or "
            f"name the bars to have them sung closer together"
        )
    return FormLayout(_sections(drafts), tuple(dict.fromkeys(notes)))


def _framed(drafts: list[SectionDraft], lyrics: Lyrics, style: FormStyle) -> list[SectionDraft]:
    """With an intro and an ending of two bars each, four in longer songs, where the style has them."""
    lines = sum(len(draft.lines) for draft in drafts)
    total = total_bars(drafts)
    if not style.frames or lines < _FRAMED_FROM_LINES or any(s.kind in ("intro", "outro") for s in lyrics.sections):
        return drafts
    each = 4 if total >= _LONG_FRAMES_FROM_BARS else 2
    return add_instrumental(drafts, max(0, min(2 * each, (MAX_BARS - total) // 4 * 4)))


def _sections(drafts: Sequence[SectionDraft]) -> tuple[LaidOutSection, ...]:
    names = Counter(draft.name for draft in drafts)
    numbers: Counter[str] = Counter()
    letters: dict[str, str] = {}
    repeats: Counter[str] = Counter()
    sections = []
    bar = 0
    for draft, energy in zip(drafts, energies(drafts), strict=True):
        numbers[draft.name] += 1
        letter = letters.setdefault(draft.music, _LETTERS[len(letters) % len(_LETTERS)] + "'" * (len(letters) // 26))
        sections.append(
            LaidOutSection(
                name=draft.name,
                number=numbers[draft.name] if names[draft.name] > 1 and len(draft.name) > 1 else None,
                letter=letter,
                first_bar=bar,
                bars=draft.bars,
                energy=energy,
                lines=draft.lines,
                repeats=repeats[letter],
                chords_wish=draft.chords,
            )
        )
        repeats[letter] += 1
        bar += draft.bars
    return tuple(sections)
