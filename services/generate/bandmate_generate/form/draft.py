"""A section while the form is being made: its bars may be open, and its music has a name that becomes a letter."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bandmate_music.theory.metre import Metre
from bandmate_music.theory.metrical_grid import bar_ticks

from bandmate_generate.form.form_style import FormStyle
from bandmate_generate.lyrics.lines import Line
from bandmate_generate.lyrics.phrasing import bars_for
from bandmate_generate.lyrics.prosody import comfortable_step, finest_step

_USUAL_BARS = {"intro": 4, "pre-chorus": 4, "post-chorus": 4, "interlude": 4, "outro": 4}
_OTHER_BARS = 8


@dataclass(frozen=True, slots=True)
class SectionDraft:
    """One section. Sections of equal `music` are the same music. `bars` is how many it has as things stand; it may
    shrink to `min_bars`, and may not change at all where it `is_fixed`."""

    name: str
    music: str
    bars: int
    min_bars: int = 1
    lines: tuple[Line, ...] = ()
    chords: str | None = None
    is_fixed: bool = False


@dataclass(frozen=True, slots=True)
class WordRoom:
    """How many bars words take in a metre at a tempo."""

    metre: Metre
    tempo: float
    style: FormStyle

    def usual(self, lines: Sequence[Line]) -> int:
        """Two bars a line, more for long lines; a stanza of three lines as the style has it."""
        bars = bars_for(lines, self.metre, comfortable_step(self.metre, self.tempo))
        whole = self.style.stanza_bars
        if whole is not None and len(lines) % 3 == 0 and whole // 2 <= bars <= whole:
            return whole
        return bars

    def minimum(self, lines: Sequence[Line]) -> int:
        """The fewest bars in which the syllables can be sung at all."""
        syllables = sum(len(line.syllables) for line in lines)
        return max(1, -(-syllables * finest_step(self.metre, self.tempo) // bar_ticks(self.metre)))

    def draft(self, name: str, music: str, lines: Sequence[Line] = ()) -> SectionDraft:
        """A section of the usual length."""
        if not lines:
            return SectionDraft(name, music, _USUAL_BARS.get(name, _OTHER_BARS))
        return SectionDraft(name, music, self.usual(lines), self.minimum(lines), tuple(lines))


def equal_lengths(drafts: Sequence[SectionDraft]) -> list[SectionDraft]:
    """Sections of the same music with the same bars, unless the words of one need half as many again as another's."""
    longest: dict[str, int] = {}
    for draft in drafts:
        longest[draft.music] = max(longest.get(draft.music, 0), draft.bars)
    return [
        replace(draft, bars=longest[draft.music])
        if not draft.is_fixed and 2 * longest[draft.music] <= 3 * draft.bars
        else draft
        for draft in drafts
    ]
