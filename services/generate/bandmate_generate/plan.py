"""A request made complete: everything it leaves open is chosen by the style and the seed.

A plan is a pure function of the request and its seed: the same at submission, where it is made to find faults, and in
the worker, where it is carried out.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

from bandmate_shared.contracts.composition import (
    GRID_TICKS_PER_QUARTER,
    BarChange,
    ChordSpan,
    CompositionRequest,
    Hole,
    PartSpec,
    RhythmNote,
)
from bandmate_shared.contracts.songs import SongRequest
from bandmate_shared.errors import InvalidRequest, about
from bandmate_shared.music.bars import Bar, Bars
from bandmate_shared.music.keys import Key, parse_key
from bandmate_shared.music.metre import Metre, parse_metre
from bandmate_shared.music.score import Score, TempoChange
from bandmate_shared.settings import SharedSettings

from bandmate_generate.given import Given, Stretch
from bandmate_generate.harmony import chord_spans
from bandmate_generate.line_up import asked_line_up, capped
from bandmate_generate.lyrics import Line, read_lyrics
from bandmate_generate.phrasing import MAX_BARS, bars_for
from bandmate_generate.prompt import Opening, Row, fit_prompt, last_tempo, prompt_bars, read_prompt
from bandmate_generate.prosody import SungSyllable, comfortable_step, set_lyrics
from bandmate_generate.seeds import derived, dice
from bandmate_generate.styles import VOICE_PROGRAM, Style, StylePart, find_style
from bandmate_generate.vocalise import wordless_rhythm

DEFAULT_BARS = 16
BARS_AFTER_PROMPT = 8
LONGEST_SECONDS = 900.0
_MAJOR_TONICS = (0, 2, 4, 5, 7, 9, 10, 3)
_MINOR_TONICS = (9, 4, 2, 11, 7, 0, 6)
_PLAIN_TEMPI = (20.0, 300.0)


@dataclass(frozen=True, slots=True)
class Sampling:
    """How the model chooses among what it finds likely; `top_k` 0 is off."""

    temperature: float
    top_p: float
    top_k: int = 0


@dataclass(frozen=True, slots=True)
class Edit:
    """What a given piece and the plan have to do with each other: the plan's bars are the stretch's, part k of it is
    track `tracks[k]` of the piece, or a new one where that is None."""

    given: Given
    stretch: Stretch
    tracks: tuple[int | None, ...]


@dataclass(frozen=True, slots=True)
class SongPlan:
    """A song settled but for its notes, on the model's grid.

    `sung` is empty without lyrics. `rhythm` is the melody's, (onset, duration), where it is settled: by the words, or
    in songs without words by `vocalise.py`. `holes` None: everything after the prompt is composed. `key_wish`: the key
    was asked for. With `edit` the plan covers a stretch of a given piece, and only the holes are composed.
    """

    seed: int
    style: Style
    key: Key
    metre: Metre
    tempo: float
    bars: int
    parts: tuple[StylePart, ...]
    specs: tuple[PartSpec, ...]
    title: str
    singer: str | None
    sung: tuple[SungSyllable, ...] = ()
    rhythm: tuple[tuple[int, int], ...] = ()
    prompt: tuple[Row, ...] = ()
    prompt_bars: int = 0
    opening: tuple[Bar, ...] = ()
    """The first bars, in grid ticks: the prompt's, or of a given piece all; the rest is of `metre`."""
    tempi: tuple[tuple[int, float], ...] = ()
    """(grid tick, quarters a minute) of the prompt's own changes of tempo; after its bars `tempo` holds."""
    prompt_semitones: int = 0
    chords: tuple[ChordSpan, ...] = ()
    density: int | None = None
    sampling: Sampling | None = None
    holes: tuple[Hole, ...] | None = None
    key_wish: bool = False
    edit: Edit | None = field(default=None, compare=False)

    @property
    def melody(self) -> int | None:
        """Index of the melody part."""
        return next((index for index, part in enumerate(self.parts) if part.role == "melody"), None)

    @property
    def frame(self) -> Bars:
        """The bars, in grid ticks."""
        return _frame(self.opening, self.metre, self.bars)

    @property
    def seconds(self) -> float:
        """Length of the bars."""
        rest = self.bars - len(self.opening)
        opening = _seconds(sum(bar.length for bar in self.opening), self.tempi, self.tempo)
        return opening + rest * self.metre.bar_seconds(self.tempo)

    def composition(self, candidates: int) -> CompositionRequest:
        """What the model is asked for."""
        rhythm = {}
        changes = _bar_changes(self.frame)
        sampling = self.sampling or Sampling(self.style.temperature, self.style.top_p)
        if self.rhythm and self.melody is not None:
            rhythm[self.melody] = [RhythmNote(onset=onset, duration=duration) for onset, duration in self.rhythm]
        return CompositionRequest.model_validate(
            {
                "style": self.style.model_style,
                "tonic": self.key.tonic,
                "mode": self.key.mode,
                "key_wish": self.key_wish,
                "numerator": self.frame[0].metre.numerator,
                "denominator": self.frame[0].metre.denominator,
                "bars": self.bars,
                "bar_changes": changes,
                "tempo": self.tempo,
                "parts": self.specs,
                "rhythm": rhythm,
                "prompt": self.prompt,
                "prompt_bars": self.prompt_bars,
                "seeds": [derived(self.seed, f"candidate {number}") for number in range(candidates)],
                "holes": None if self.holes is None else list(self.holes),
                "density": self.density,
                "chords": list(self.chords),
                "temperature": sampling.temperature,
                "top_p": sampling.top_p,
                "top_k": sampling.top_k,
            }
        )


def plan_song(request: SongRequest, seed: int, settings: SharedSettings) -> SongPlan:
    """The song that the request means with this seed.

    Raises:
        UnknownStyle, UnreadableFile, LimitExceeded: the style or the prompt is at fault.
        InvalidRequest: lyrics, bars, metre and style cannot be had together, or a wish cannot be met with the given
            piece; the message says what would do.
    """
    with about("style"):
        style = find_style(request.style)
    if request.edits:
        from bandmate_generate.edit_plan import plan_edit

        return plan_edit(request, seed, style, settings)
    lines = read_lyrics(request.lyrics) if request.lyrics is not None else []
    with about("tracks" if request.tracks is not None else "instruments"):
        asked = asked_line_up(request, style)
    if lines and style.melody is None and asked is None:
        raise InvalidRequest(f"there is nobody to sing in the style {style.name!r}; leave the lyrics out")
    with about("prompt"):
        prompt = read_prompt(request.prompt, settings) if request.prompt is not None else None
    chosen = _metre(request, style, prompt, seed), _tempo(request, style, prompt, seed)
    try:
        return _plan(request, seed, style, asked, lines, prompt, *chosen)
    except InvalidRequest:
        # What nobody asked for may give way: the usual metre and the slowest tempo hold the most syllables.
        roomiest = (
            chosen[0] if request.metre or prompt else style.metres[0],
            chosen[1] if request.tempo or prompt else float(style.tempi[0]),
        )
        if not lines or roomiest == chosen:
            raise
        return _plan(request, seed, style, asked, lines, prompt, *roomiest)


def _plan(
    request: SongRequest,
    seed: int,
    style: Style,
    asked: tuple[StylePart, ...] | None,
    lines: list[Line],
    prompt: Score | None,
    metre: Metre,
    tempo: float,
) -> SongPlan:
    if asked is not None:
        parts = asked
    else:
        usual = (_singer(part) if lines and part.role == "melody" else part for part in style.line_up(metre))
        parts = tuple(capped(part, request.polyphony) for part in usual)
    specs = tuple(part.spec(sung=bool(lines)) for part in parts)
    key, semitones = key_for(request, style, prompt, seed)
    given = Opening([], ())
    if prompt is not None:
        with about("prompt"):
            given = fit_prompt(prompt, specs, metre, semitones, own_bars=request.metre is None and bool(prompt.metres))
    rows, opening, prompt_bars = given.rows, given.bars, len(given.bars)
    tempi = given.tempi if request.tempo is None and any(held != tempo for _, held in given.tempi) else ()
    with about("bars"):
        bars = request.bars or _bars(lines, metre, tempo, prompt_bars)
        if prompt_bars >= bars:
            more = f"ask for more than that, up to {MAX_BARS}" if prompt_bars < MAX_BARS else "send a part of it"
            raise InvalidRequest(f"the prompt has {prompt_bars} bars already; {more}")
        length = sum(bar.length for bar in opening)
        seconds = _seconds(length, tempi, tempo) + (bars - prompt_bars) * metre.bar_seconds(tempo)
        if seconds > LONGEST_SECONDS:
            raise InvalidRequest(
                f"{bars} bars of {metre.name} at {tempo:g} last {seconds:.0f} s; a song may last "
                f"{LONGEST_SECONDS:.0f} s"
            )
    sung = set_lyrics(lines, metre, tempo, bars, prompt_bars, style.feel) if lines else []
    late = length - prompt_bars * metre.bar_ticks(GRID_TICKS_PER_QUARTER)
    sung = [replace(note, onset=note.onset + late) for note in sung]
    rhythm = [(note.onset, note.duration) for note in sung]
    if sung:
        rows = _without_singing(rows, parts)
    elif any(_sings_without_words(part) for part in parts) and request.density is None:
        made = wordless_rhythm(metre, tempo, bars, prompt_bars, style.feel, dice(seed, "rhythm"))
        rhythm = [(onset + late, duration) for onset, duration in made]
    with about("chords"):
        frame = _frame(opening, metre, bars)
        chords = chord_spans(request.chords, frame, prompt_bars, bars) if request.chords is not None else ()
    return SongPlan(
        seed=seed,
        style=style,
        key=key,
        metre=metre,
        tempo=tempo,
        bars=bars,
        parts=parts,
        specs=specs,
        title=_title(request, style, key),
        singer=request.voice or style.singer,
        sung=tuple(sung),
        rhythm=tuple(rhythm),
        prompt=tuple(rows),
        prompt_bars=prompt_bars,
        opening=opening,
        tempi=tempi,
        prompt_semitones=semitones,
        chords=chords,
        density=request.density,
        sampling=sampling_of(request, style),
        key_wish=request.key is not None,
    )


@lru_cache(64)
def _frame(opening: tuple[Bar, ...], metre: Metre, bars: int) -> Bars:
    rest = [(metre.bar_ticks(GRID_TICKS_PER_QUARTER), metre)] * (bars - len(opening))
    return Bars.of([*((bar.length, bar.metre) for bar in opening), *rest])


def _seconds(end: int, tempi: Sequence[tuple[int, float]], tempo: float) -> float:
    """Seconds from the start to a grid tick, with these changes of tempo; `tempo` where there are none."""
    score = Score((), GRID_TICKS_PER_QUARTER, tuple(TempoChange(*change) for change in tempi or ((0, tempo),)))
    return float(score.seconds_at([end])[0])


def _bar_changes(frame: Bars) -> list[BarChange]:
    """Where bars are of another metre or length than those before; of the first, where it is cut short."""
    changes: list[BarChange] = []
    before = frame[0].metre, frame[0].metre.bar_ticks(GRID_TICKS_PER_QUARTER)
    for number, bar in enumerate(frame.bars):
        if (bar.metre, bar.length) != before:
            whole = bar.length == bar.metre.bar_ticks(GRID_TICKS_PER_QUARTER)
            changes.append(
                BarChange.model_validate(
                    {
                        "bar": number,
                        "numerator": bar.metre.numerator,
                        "denominator": bar.metre.denominator,
                        "ticks": None if whole else bar.length,
                    }
                )
            )
        before = bar.metre, bar.length
    return changes


def sampling_of(request: SongRequest, style: Style) -> Sampling:
    """What is asked for; the rest as the style has it."""
    return Sampling(
        style.temperature if request.temperature is None else request.temperature,
        style.top_p if request.top_p is None else request.top_p,
        request.top_k or 0,
    )


def _sings_without_words(part: StylePart) -> bool:
    """Whether the part's rhythm is made as if it had words: a wish for its density would be lost on it."""
    return part.role == "melody" and part.is_voice and part.lead is not None and part.density is None


def _singer(part: StylePart) -> StylePart:
    """The melody's part where it is sung: an instrument steps back for a voice."""
    if part.is_voice:
        return part
    return StylePart("Voice", "melody", VOICE_PROGRAM, 57, 76, monophonic=True, is_voice=True, pan=0.0, room=0.3)


def _without_singing(rows: list[Row], parts: tuple[StylePart, ...]) -> list[Row]:
    """In a sung song the prompt's melody goes to an instrument, since it has no words; the voice enters after it."""
    melody = next(index for index, part in enumerate(parts) if part.role == "melody")
    other = next((index for index, part in enumerate(parts) if part.role == "harmony"), None)
    moved = [(other, *row[1:]) if row[0] == melody and other is not None else row for row in rows]
    kept = {(row[0], row[1], row[3]): row for row in moved if row[0] != melody}
    return sorted(kept.values(), key=lambda row: (row[1], row[0], row[3]))


def _metre(request: SongRequest, style: Style, prompt: Score | None, seed: int) -> Metre:
    if request.metre is not None:
        return parse_metre(request.metre)
    if prompt is not None and (own := prompt_bars(prompt)):
        return own[-1].metre
    return dice(seed, "metre").choice(style.metres)


def _tempo(request: SongRequest, style: Style, prompt: Score | None, seed: int) -> float:
    if request.tempo is not None:
        return request.tempo
    if prompt is not None and (last := last_tempo(prompt)) is not None:
        return float(min(max(round(last, 2), _PLAIN_TEMPI[0]), _PLAIN_TEMPI[1]))
    low, high = style.tempi
    return float(dice(seed, "tempo").randrange(low, high + 1, 2))


def key_for(request: SongRequest, style: Style, prompt: Score | None, seed: int) -> tuple[Key, int]:
    """The key, and by how many semitones the prompt is moved into it (at most six, the nearer way)."""
    from bandmate_generate.key_estimate import estimate_key

    heard = None
    if prompt is not None:
        stated = prompt.keys[0].key if prompt.keys else None
        # Many programs write C major where nobody said anything.
        heard = stated if stated not in (None, Key(0, "major")) else estimate_key(prompt) or stated
    if request.key is not None:
        key = parse_key(request.key)
        if heard is None:
            return key, 0
        relative = heard.tonic if heard.mode == key.mode else (heard.tonic + (9 if key.mode == "minor" else 3)) % 12
        return key, (key.tonic - relative + 6) % 12 - 6
    if heard is not None:
        return heard, 0
    roll = dice(seed, "key")
    if roll.random() < style.majors:
        return Key(roll.choice(_MAJOR_TONICS), "major"), 0
    return Key(roll.choice(_MINOR_TONICS), "minor"), 0


def _bars(lines: list[Line], metre: Metre, tempo: float, prompt_bars: int) -> int:
    """Two bars a lyric line after the prompt; without lyrics 16, or eight more than the prompt if that is more."""
    if lines:
        bars = prompt_bars + bars_for(lines, metre, comfortable_step(metre, tempo))
    else:
        bars = max(DEFAULT_BARS, prompt_bars + BARS_AFTER_PROMPT) if prompt_bars else DEFAULT_BARS
    if bars > MAX_BARS:
        raise InvalidRequest(f"the prompt and what follows would take {bars} bars; a song has at most {MAX_BARS}")
    return bars


def _title(request: SongRequest, style: Style, key: Key) -> str:
    """The first words of the lyrics, or what the piece is."""
    if request.lyrics is not None:
        first = next(line.strip() for line in request.lyrics.splitlines() if any(map(str.isalpha, line)))
        if len(first) > 48:
            first = first[:48].rsplit(" ", 1)[0] + "…"
        return first.rstrip(" ,;:.-–—")
    if style.name == "drums":
        return "Drum solo"
    nouns = {"song": "Song without words", "chorale": "Chorale", "quartet": "Movement for string quartet"}
    return f"{nouns.get(style.name, f'{style.name.capitalize()} tune')} in {key.name}"
