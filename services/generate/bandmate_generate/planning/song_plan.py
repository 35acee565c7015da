"""The plan of a song: everything settled but the notes. `WritePlan` for a new song, `EditPlan` for a given piece."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from bandmate_music.analysis.key_finder import estimate_key
from bandmate_music.note_rows import NoteRow
from bandmate_music.score import Score, TempoChange
from bandmate_music.theory.bars import Bars
from bandmate_music.theory.keys import Key, parse_key
from bandmate_music.theory.metre import Metre
from bandmate_shared.contracts.composition import (
    GRID_TICKS_PER_QUARTER,
    BarChange,
    ChordSpan,
    CompositionRequest,
    Hole,
    PartSpec,
    RhythmNote,
    holes_from,
)
from bandmate_shared.contracts.songs import PerformanceMode, SongRequest
from bandmate_shared.contracts.vocals import Ensemble
from bandmate_shared.singing.check import SungLanguage

from bandmate_generate.form.song_form import SongForm
from bandmate_generate.lead.notes import LeadNote
from bandmate_generate.lyrics.prosody import SungSyllable
from bandmate_generate.planning.singing import Singing
from bandmate_generate.planning.source_piece import Given, Stretch
from bandmate_generate.planning.styles import Style, StylePart
from bandmate_generate.seeds import derived, random_generator

_MAJOR_TONICS = (0, 2, 4, 5, 7, 9, 10, 3)
_MINOR_TONICS = (9, 4, 2, 11, 7, 0, 6)


@dataclass(frozen=True, slots=True)
class Sampling:
    """How the model chooses among what it finds likely; `top_k` 0 is off."""

    temperature: float
    top_p: float
    top_k: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SongPlan:
    """What a plan of either kind settles before the model composes. Times are in grid ticks (24 a quarter note).

    Part k of the model's request is `specs[k]`, mixed as `parts[k]`. `prompt` holds the given notes, `holes` say what
    is composed. `rhythm` is the melody's (onset, duration), where words or `wordless.py` settle it. `key_wish`: the key
    was asked for. `frame` are the bars, most of them of `metre`. For the report, `choices` say what was chosen where
    the request left it open, and `warnings` what the model cannot do of it.
    """

    seed: int
    style: Style
    title: str
    key: Key
    key_wish: bool
    metre: Metre
    tempo: float
    frame: Bars
    parts: tuple[StylePart, ...]
    specs: tuple[PartSpec, ...]
    prompt: tuple[NoteRow, ...]
    holes: tuple[Hole, ...]
    chords: tuple[ChordSpan, ...]
    density: int | None
    sampling: Sampling
    rhythm: tuple[tuple[int, int], ...] = ()
    choices: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def bars(self) -> int:
        return len(self.frame)

    @property
    def melody(self) -> int | None:
        """Index of the melody part."""
        return next((index for index, part in enumerate(self.parts) if part.role == "melody"), None)

    @property
    def seconds(self) -> float:
        """Length of the bars at `tempo`."""
        return seconds_until(self.frame.end, (), self.tempo)

    def composition(self, candidates: int) -> CompositionRequest:
        """The request to the model, with a seed for each candidate."""
        composes_all = list(self.holes) == holes_from(0, self.bars, len(self.specs))
        return self.request_for(
            self.frame,
            candidates,
            prompt=self.prompt,
            holes=None if composes_all else self.holes,
            chords=self.chords,
            rhythm=self.rhythm,
        )

    def request_for(
        self,
        frame: Bars,
        candidates: int,
        *,
        prompt: Sequence[NoteRow],
        holes: Sequence[Hole] | None,
        chords: Sequence[ChordSpan],
        rhythm: Sequence[tuple[int, int]],
    ) -> CompositionRequest:
        """A request to the model for bars of the plan's parts, key, tempo and wishes; `rhythm` is the melody's."""
        rhythms = {}
        if rhythm and self.melody is not None:
            rhythms[self.melody] = [RhythmNote(onset=onset, duration=duration) for onset, duration in rhythm]
        first = frame[0].metre
        return CompositionRequest.model_validate(
            {
                "style": self.style.model_style,
                "tonic": self.key.tonic,
                "mode": self.key.mode,
                "key_wish": self.key_wish,
                "numerator": first.numerator,
                "denominator": first.denominator,
                "bars": len(frame),
                "bar_changes": _bar_changes(frame),
                "tempo": self.tempo,
                "parts": self.specs,
                "rhythm": rhythms,
                "prompt": prompt,
                "holes": None if holes is None else list(holes),
                "seeds": self.candidate_seeds(candidates),
                "density": self.density,
                "chords": list(chords),
                "temperature": self.sampling.temperature,
                "top_p": self.sampling.top_p,
                "top_k": self.sampling.top_k,
            }
        )

    def candidate_seeds(self, candidates: int) -> list[int]:
        """A seed for each candidate."""
        return [derived(self.seed, f"candidate {number}") for number in range(candidates)]


@dataclass(frozen=True, slots=True, kw_only=True)
class WritePlan(SongPlan):
    """A plan for a new song, perhaps going on from a prompt.

    `prompt` are the prompt's notes in the line-up's parts, in the first `prompt_bars` bars, transposed by
    `prompt_semitones`; `tempi` its own changes of tempo as (grid tick, quarters a minute), after which `tempo` holds.
    `sung` is empty without lyrics; `singer` None is the vocal service's default. A song without a prompt has a `form`,
    and its `lead`, the tune, is composed before the model is asked; until then `lead` and `sung` are empty although
    `has_words`. `tempo_wish`: the tempo was asked for, so it holds to the last bar. `language` None: there are no
    words; `engine` None: the best for them; `ensemble`: who sings with the singer.
    """

    singer: str | None
    has_words: bool
    sung: tuple[SungSyllable, ...]
    prompt_bars: int
    prompt_semitones: int
    tempi: tuple[tuple[int, float], ...]
    form: SongForm | None = None
    lead: tuple[LeadNote, ...] = ()
    performance: PerformanceMode = "human"
    tempo_wish: bool = False
    language: SungLanguage | None = None
    engine: str | None = None
    ensemble: Ensemble = "solo"

    @property
    def seconds(self) -> float:
        """Length of the bars, the prompt's at its own tempi."""
        prompt_seconds = seconds_until(self.frame.start(self.prompt_bars), self.tempi, self.tempo)
        return prompt_seconds + (self.bars - self.prompt_bars) * self.metre.bar_seconds(self.tempo)


@dataclass(frozen=True, slots=True, kw_only=True)
class EditPlan(SongPlan):
    """A plan for working on a given piece: its bars are those of `stretch`, and only the holes are composed.

    Part k is track `tracks[k]` of the piece, or a new one where that is None. `singing` is of a sung song.
    """

    given: Given = field(compare=False)
    stretch: Stretch
    tracks: tuple[int | None, ...]
    singing: Singing | None = None

    @property
    def has_words(self) -> bool:
        return self.singing is not None


def seconds_until(end: int, tempi: Sequence[tuple[int, float]], tempo: float) -> float:
    """Seconds from the start to a grid tick; `tempi` are (tick, quarters a minute), `tempo` holds without any."""
    score = Score((), GRID_TICKS_PER_QUARTER, tuple(TempoChange(*change) for change in tempi or ((0, tempo),)))
    return float(score.seconds_at([end])[0])


def _bar_changes(frame: Bars) -> list[BarChange]:
    """Where bars are of another metre or length than those before; of the first, where it is cut short."""
    changes: list[BarChange] = []
    before = frame[0].metre, frame[0].metre.bar_ticks(GRID_TICKS_PER_QUARTER)
    for number, bar in enumerate(frame.bars):
        if (bar.metre, bar.length) != before:
            is_complete = bar.length == bar.metre.bar_ticks(GRID_TICKS_PER_QUARTER)
            changes.append(
                BarChange.model_validate(
                    {
                        "bar": number,
                        "numerator": bar.metre.numerator,
                        "denominator": bar.metre.denominator,
                        "ticks": None if is_complete else bar.length,
                    }
                )
            )
        before = bar.metre, bar.length
    return changes


def sampling_of(request: SongRequest, style: Style) -> Sampling:
    """The sampling options asked for; the style's where none are."""
    return Sampling(
        style.temperature if request.temperature is None else request.temperature,
        style.top_p if request.top_p is None else request.top_p,
        request.top_k or 0,
    )


def key_for(request: SongRequest, style: Style, prompt: Score | None, seed: int) -> tuple[Key, int]:
    """The key, and by how many semitones the prompt is transposed into it (-6 to 5).

    The key asked for; else the prompt's, stated or estimated; else one by the style and the seed.
    """
    prompt_key = None
    if prompt is not None:
        stated = prompt.keys[0].key if prompt.keys else None
        # Many programs write C major where no key was chosen.
        prompt_key = stated if stated not in (None, Key(0, "major")) else estimate_key(prompt) or stated
    if request.key is not None:
        key = parse_key(request.key)
        if prompt_key is None:
            return key, 0
        relative = (
            prompt_key.tonic
            if prompt_key.mode == key.mode
            else (prompt_key.tonic + (9 if key.mode == "minor" else 3)) % 12
        )
        return key, (key.tonic - relative + 6) % 12 - 6
    if prompt_key is not None:
        return prompt_key, 0
    rng = random_generator(seed, "key")
    draws_major = rng.random() < style.majors
    if request.mode == "major" or (request.mode is None and draws_major):
        return Key(rng.choice(_MAJOR_TONICS), "major"), 0
    return Key(rng.choice(_MINOR_TONICS), "minor"), 0
