"""Resolve a SongRequest for a new song into a WritePlan; unset options come from the style and the seed."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bandmate_music.note_rows import NoteRow, sorted_rows
from bandmate_music.score import Score
from bandmate_music.theory.bars import Bars
from bandmate_music.theory.keys import Key
from bandmate_music.theory.metre import Metre, parse_metre
from bandmate_shared.contracts.composition import GRID_TICKS_PER_QUARTER, holes_from
from bandmate_shared.contracts.songs import SongRequest, SongWords
from bandmate_shared.contracts.wishes import MAX_SONG_SECONDS, TrackWish
from bandmate_shared.errors import InvalidRequest, about
from bandmate_shared.settings import SharedSettings
from bandmate_shared.singing.check import SungLanguage, check_hints, check_voice, sung_language

from bandmate_generate.form.form_style import form_style
from bandmate_generate.form.layout import lay_out_form
from bandmate_generate.harmony.chord_spans import chord_spans
from bandmate_generate.harmony.contradictions import contradictions
from bandmate_generate.harmony.progressions import write_progressions
from bandmate_generate.lyrics.lines import Line, Lyrics, read_lyrics, sung_lines
from bandmate_generate.lyrics.phrasing import MAX_BARS, bars_for
from bandmate_generate.lyrics.prosody import comfortable_step, set_lyrics
from bandmate_generate.lyrics.sections import read_header
from bandmate_generate.lyrics.wordless import wordless_rhythm
from bandmate_generate.planning.going_on import kept_syllables, old_words, words_from
from bandmate_generate.planning.lineup import capped, parts_for, requested_lineup
from bandmate_generate.planning.prompt import Opening, fit_prompt, last_tempo, prompt_bars, read_prompt
from bandmate_generate.planning.prompt_band import band_of, bars_to_continue
from bandmate_generate.planning.prompt_metre import with_countable_bars
from bandmate_generate.planning.singer_range import in_singers_range
from bandmate_generate.planning.song_plan import WritePlan, key_for, sampling_of, seconds_until
from bandmate_generate.planning.styles import VOICE_PROGRAM, Style, StylePart
from bandmate_generate.seeds import random_generator

DEFAULT_BARS = 16
BARS_AFTER_PROMPT = 8
_MIN_TEMPO, _MAX_TEMPO = 20.0, 300.0


@dataclass(frozen=True, slots=True)
class _Inputs:
    """The request with its style, lyrics and prompt read. `lineup` None: the style's own."""

    request: SongRequest
    seed: int
    style: Style
    lineup: tuple[StylePart, ...] | None
    lyrics: Lyrics | None
    language: SungLanguage | None
    prompt: Score | None
    prompt_words: SongWords | None = None
    notes: tuple[str, ...] = ()

    @property
    def lines(self) -> Sequence[Line]:
        return self.lyrics.lines if self.lyrics is not None else ()


def plan_new_song(
    request: SongRequest, seed: int, style: Style, settings: SharedSettings, sung: SongWords | None = None
) -> WritePlan:
    """The plan of a request without edits; `sung` are the words of the song that it goes on from, which are sung again
    where it has none. Raises as `plan_song` does."""
    words = request.words or (None if sung is None else old_words(sung, request.bars))
    language = None
    if words is not None:
        with about("lyrics"):
            wished = request.language or (sung.language if sung is not None and request.words is None else None)
            language = sung_language(sung_lines(words), wished, request.voice)
            check_hints(sung_lines(words), language.tag, request.voice, request.engine)
        check_voice(request.voice, language.tag, request.engine)
    lyrics = read_lyrics(words, language.tag) if words is not None and language is not None else None
    lines = lyrics.lines if lyrics is not None else ()
    with about("tracks" if request.tracks is not None else "instruments"):
        lineup = requested_lineup(request, style)
    if lines and style.melody is None and lineup is None:
        raise InvalidRequest(f"there is nobody to sing in the style {style.name!r}; leave the lyrics out")
    with about("prompt"):
        prompt = (
            read_prompt(request.prompt, settings, strict=bool(request.strict)) if request.prompt is not None else None
        )
    notes: tuple[str, ...] = ()
    if prompt is not None:
        prompt, said = with_countable_bars(prompt) if request.metre is None else (prompt, ())
        prompt, first_tick, notes = _bars_of_prompt(request, prompt)
        notes = (*said, *notes)
        sung = words_from(sung, first_tick) if sung is not None else None
        prompt, lineup, more = _with_band(request, prompt, lineup, style, sung=bool(lines))
        notes = (*notes, *more)
    inputs = _Inputs(request, seed, style, lineup, lyrics, language, prompt, sung, notes)
    metre, tempo = _metre(inputs), _tempo(inputs)
    if request.seconds is not None:
        inputs, tempo = _with_seconds(inputs, request.seconds, metre, tempo)
        request = inputs.request
    make_plan = _plan_form if prompt is None else _plan_continuation
    try:
        return make_plan(inputs, metre, tempo)
    except InvalidRequest:
        # A metre or tempo that was only drawn may change: the usual metre and the slowest tempo hold most syllables.
        roomiest = (
            metre if request.metre or prompt else style.metres[0],
            tempo if request.tempo or prompt else float(style.tempi[0]),
        )
        if not lines or roomiest == (metre, tempo):
            raise
        return make_plan(inputs, *roomiest)


def _plan_form(inputs: _Inputs, metre: Metre, tempo: float) -> WritePlan:
    """The plan of a song without a prompt: sections with their chords; its tune is composed later."""
    request, seed, style = inputs.request, inputs.seed, inputs.style
    parts = tuple(_with_kit(part, style) for part in inputs.lineup or _style_lineup(inputs))
    key, _ = key_for(request, style, None, seed)
    with about("sections" if request.sections is not None else "bars"):
        layout = lay_out_form(
            lyrics=inputs.lyrics,
            wishes=request.sections,
            bars=request.bars,
            metre=metre,
            tempo=tempo,
            style=form_style(style.form),
            seed=seed,
        )
        _check_seconds(layout.bars, metre, layout.bars * metre.bar_seconds(tempo), tempo)
    frame = Bars.of([(metre.bar_ticks(GRID_TICKS_PER_QUARTER), metre)] * layout.bars)
    with about("chords"):
        form = write_progressions(
            layout, key=key, metre=metre, frame=frame, harmony=style.harmony, chords=request.chords, seed=seed
        )
    choices = layout.notes
    if request.key is not None:
        wished = tuple(section.chords_wish is not None for section in layout.sections)
        choices = (*choices, *contradictions(form, key=key, chords=request.chords, wished=wished))
    return WritePlan(
        seed=seed,
        style=style,
        title=_title(request, style, key),
        key=key,
        key_wish=request.key is not None or request.mode is not None,
        metre=metre,
        tempo=tempo,
        frame=frame,
        parts=parts,
        specs=tuple(part.spec(sung=bool(inputs.lines)) for part in parts),
        prompt=(),
        holes=tuple(holes_from(0, layout.bars, len(parts))),
        chords=form.chords,
        density=request.density,
        sampling=sampling_of(request, style),
        singer=request.voice or style.singer,
        language=inputs.language,
        engine=request.engine,
        ensemble=request.ensemble or (inputs.prompt_words.ensemble if inputs.prompt_words is not None else "solo"),
        has_words=bool(inputs.lines),
        sung=(),
        prompt_bars=0,
        prompt_semitones=0,
        tempi=(),
        form=form,
        performance=request.performance,
        tempo_wish=request.tempo is not None,
        choices=choices,
    )


def _plan_continuation(inputs: _Inputs, metre: Metre, tempo: float) -> WritePlan:
    """The plan of a song that goes on from a prompt: one stretch of bars after the prompt's own."""
    request, seed, style, lines, prompt = inputs.request, inputs.seed, inputs.style, inputs.lines, inputs.prompt
    assert prompt is not None, "only called for songs with a prompt"
    parts = inputs.lineup or _with_drums_of(prompt, _style_lineup(inputs), style)
    specs = tuple(part.spec(sung=bool(lines)) for part in parts)
    key, semitones = key_for(request, style, prompt, seed)
    with about("prompt"):
        own_bars = request.metre is None and bool(prompt.metres)
        opening = fit_prompt(prompt, specs, metre, semitones, own_bars=own_bars)
    tempi = opening.tempi if request.tempo is None and any(other != tempo for _, other in opening.tempi) else ()
    with about("bars"):
        bars = _checked_bars(inputs, opening, metre, tempo, tempi)
    first_bar = len(opening.bars)
    rest = [(metre.bar_ticks(GRID_TICKS_PER_QUARTER), metre)] * (bars - first_bar)
    frame = Bars.of([*((bar.length, bar.metre) for bar in opening.bars), *rest])
    # Rhythms are made as if every bar were of `metre`; the prompt's own bars may be longer or shorter.
    shift = frame.start(first_bar) - first_bar * metre.bar_ticks(GRID_TICKS_PER_QUARTER)
    sung = set_lyrics(lines, metre, tempo, bars, first_bar, style.feel) if lines else []
    sung = [replace(note, onset=note.onset + shift) for note in sung]
    kept = kept_syllables(inputs.prompt_words, opening, parts) if sung and inputs.prompt_words is not None else []
    sung = [*kept, *sung]
    rhythm = [(note.onset, note.duration) for note in sung]
    if not sung and any(_sings_without_words(part) for part in parts) and request.density is None:
        note_spans = wordless_rhythm(metre, tempo, bars, first_bar, style.feel, random_generator(seed, "rhythm"))
        rhythm = [(onset + shift, duration) for onset, duration in note_spans]
    with about("chords"):
        chords = chord_spans(request.chords, frame, first_bar, bars) if request.chords is not None else ()
    return WritePlan(
        seed=seed,
        style=style,
        title=_title(request, style, key),
        key=key,
        key_wish=request.key is not None,
        metre=metre,
        tempo=tempo,
        frame=frame,
        parts=parts,
        specs=opening.specs,
        choices=(*inputs.notes, *opening.notes),
        prompt=tuple(_without_singing(opening.rows, parts) if sung and not kept else opening.rows),
        holes=tuple(holes_from(first_bar, bars, len(parts))),
        chords=chords,
        density=request.density,
        sampling=sampling_of(request, style),
        rhythm=tuple(rhythm),
        singer=request.voice or style.singer,
        language=inputs.language,
        engine=request.engine,
        ensemble=request.ensemble or (inputs.prompt_words.ensemble if inputs.prompt_words is not None else "solo"),
        has_words=bool(sung),
        sung=tuple(sung),
        prompt_bars=first_bar,
        prompt_semitones=semitones,
        tempi=tempi,
    )


def _bars_of_prompt(request: SongRequest, prompt: Score) -> tuple[Score, int, tuple[str, ...]]:
    """The bars of the prompt that are gone on from, the tick at which they begin, and what to report."""
    with about("from_bar" if request.from_bar is not None else "to_bar" if request.to_bar is not None else "prompt"):
        return bars_to_continue(prompt, request.from_bar, request.to_bar, request.bars)


def _with_band(
    request: SongRequest, prompt: Score, lineup: tuple[StylePart, ...] | None, style: Style, *, sung: bool
) -> tuple[Score, tuple[StylePart, ...] | None, tuple[str, ...]]:
    """The prompt with the tracks that go on, the band that goes on, and what to report.

    A piece of several tracks goes on with them. The style's band joins a tune alone, and plays a song of its own on.
    """
    sounding = [part for part in prompt.parts if len(part.notes)]
    own_names = {name for part in style.parts for name in (part.name, part.lead[0] if part.lead else part.name)}
    if lineup is not None or len(sounding) < 2 or {part.name for part in sounding} <= own_names:
        return prompt, lineup, ()
    prompt, band, notes = band_of(prompt, sung=sung)
    return prompt, tuple(capped(part, request.polyphony) for part in band), notes


def _style_lineup(inputs: _Inputs) -> tuple[StylePart, ...]:
    """The style's own parts, with a voice for the melody where there are words."""
    voice = inputs.request.voice or inputs.style.singer
    usual = (
        in_singers_range(_singer(part), voice) if inputs.lines and part.role == "melody" else part
        for part in inputs.style.parts
    )
    return tuple(capped(part, inputs.request.polyphony) for part in usual)


def _with_drums_of(prompt: Score, parts: tuple[StylePart, ...], style: Style) -> tuple[StylePart, ...]:
    """The parts, and drums where the prompt has them and the style has none."""
    has_drums = any(part.is_drum and len(part.notes) for part in prompt.parts)
    if not has_drums or any(part.is_drum for part in parts):
        return parts
    return (*parts, *parts_for([TrackWish(instrument="drums")], style, taken=[part.name for part in parts]))


def _checked_bars(
    inputs: _Inputs, opening: Opening, metre: Metre, tempo: float, tempi: Sequence[tuple[int, float]]
) -> int:
    """How many bars a continuation has. Raises InvalidRequest: no more than the prompt's, or too many seconds."""
    first_bar = len(opening.bars)
    bars = inputs.request.bars or _bars(inputs.lines, metre, tempo, first_bar)
    if first_bar >= bars:
        more = f"ask for more than that, up to {MAX_BARS}" if first_bar < MAX_BARS else "send a part of it"
        raise InvalidRequest(f"the prompt has {first_bar} bars already; {more}")
    prompt_seconds = seconds_until(sum(bar.length for bar in opening.bars), tempi, tempo)
    _check_seconds(bars, metre, prompt_seconds + (bars - first_bar) * metre.bar_seconds(tempo), tempo)
    return bars


def _check_seconds(bars: int, metre: Metre, seconds: float, tempo: float) -> None:
    """Raise InvalidRequest where a song would last too long."""
    if seconds > MAX_SONG_SECONDS:
        raise InvalidRequest(
            f"{bars} bars of {metre.name} at {tempo:g} last {seconds:.0f} s; a song may last {MAX_SONG_SECONDS:.0f} s"
        )


def _sings_without_words(part: StylePart) -> bool:
    """Whether the part's rhythm is made as if it had words: a wish for its density would be lost on it."""
    return part.role == "melody" and part.is_voice and part.lead is not None and part.density is None


def _with_kit(part: StylePart, style: Style) -> StylePart:
    """A drum part on the style's kit; any other part as it is."""
    return replace(part, program=style.kit) if part.is_drum else part


def _singer(part: StylePart) -> StylePart:
    """The melody's part where it is sung: a voice replaces the instrument."""
    if part.is_voice:
        return part
    return StylePart("Voice", "melody", VOICE_PROGRAM, 57, 76, monophonic=True, is_voice=True, pan=0.0, room=0.3)


def _without_singing(rows: Sequence[NoteRow], parts: tuple[StylePart, ...]) -> list[NoteRow]:
    """In a sung song the prompt's melody goes to an instrument, since it has no words; the voice enters after it."""
    melody = next(index for index, part in enumerate(parts) if part.role == "melody")
    other = next((index for index, part in enumerate(parts) if part.role == "harmony"), None)
    moved = [row._replace(part=other) if row.part == melody and other is not None else row for row in rows]
    return sorted_rows({(row.part, row.onset, row.pitch): row for row in moved if row.part != melody}.values())


def _metre(inputs: _Inputs) -> Metre:
    """The metre asked for, else the prompt's last one, else one of the style's by the seed."""
    if inputs.request.metre is not None:
        return parse_metre(inputs.request.metre)
    if inputs.prompt is not None and (prompt_own_bars := prompt_bars(inputs.prompt)):
        return prompt_own_bars[-1].metre
    return random_generator(inputs.seed, "metre").choice(_fitting(inputs.request, inputs.style.metres))


def _fitting(request: SongRequest, metres: tuple[Metre, ...]) -> tuple[Metre, ...]:
    """The metres in which the bars asked for last as long as asked for, where a tempo is too; else all."""
    if request.seconds is None or request.bars is None or request.tempo is None:
        return metres
    bars, seconds, tempo = request.bars, request.seconds, request.tempo
    return tuple(m for m in metres if abs(bars * m.bar_seconds(tempo) - seconds) <= m.bar_seconds(tempo)) or metres


def _tempo(inputs: _Inputs) -> float:
    """Quarter notes a minute: asked for, else the prompt's last tempo, else one in the style's range by the seed."""
    if inputs.request.tempo is not None:
        return inputs.request.tempo
    if inputs.prompt is not None and (last := last_tempo(inputs.prompt)) is not None:
        return float(min(max(round(last, 2), _MIN_TEMPO), _MAX_TEMPO))
    low, high = inputs.style.tempi
    return float(random_generator(inputs.seed, "tempo").randrange(low, high + 1, 2))


def _with_seconds(inputs: _Inputs, seconds: float, metre: Metre, tempo: float) -> tuple[_Inputs, float]:
    """The request with bars that last so long, and the tempo at which they do.

    A tempo asked for stays, and a prompt's: then the length is right to half a bar.

    Raises:
        InvalidRequest: bars and a tempo were asked for, and together they last another time.
    """
    request = inputs.request
    written = [section.bars for section in request.sections or ()]
    total = sum(filter(None, written)) if written and None not in written else None
    bars = request.bars or total or max(1, round(seconds / metre.bar_seconds(tempo)))
    is_fixed = request.tempo is not None or inputs.prompt is not None
    lasting = bars * metre.bar_seconds(tempo)
    if is_fixed and request.bars is not None and abs(lasting - seconds) > metre.bar_seconds(tempo):
        raise InvalidRequest(
            f"{bars} bars of {metre.name} at {tempo:g} last {lasting:.0f} s, and `seconds` asks for {seconds:g}; leave "
            f"one of bars, tempo and seconds out"
        )
    if not is_fixed:
        tempo = bars * metre.bar_seconds(60.0) * 60.0 / seconds
        if not _MIN_TEMPO <= tempo <= _MAX_TEMPO:
            raise InvalidRequest(
                f"{bars} bars of {metre.name} last {seconds:g} s at {tempo:.0f} quarter notes a minute, which is not "
                f"between {_MIN_TEMPO:g} and {_MAX_TEMPO:g}; change `bars` or `seconds`"
            )
    fitted = request.model_copy(update={"bars": bars, "tempo": request.tempo if is_fixed else tempo})
    return replace(inputs, request=fitted), tempo


def _bars(lines: Sequence[Line], metre: Metre, tempo: float, first_bar: int) -> int:
    """Two bars a lyric line after the prompt; without lyrics 16, or eight more than the prompt if that is more."""
    if lines:
        bars = first_bar + bars_for(lines, metre, comfortable_step(metre, tempo))
    else:
        bars = max(DEFAULT_BARS, first_bar + BARS_AFTER_PROMPT)
    if bars > MAX_BARS:
        raise InvalidRequest(f"the prompt and what follows would take {bars} bars; a song has at most {MAX_BARS}")
    return bars


def _title(request: SongRequest, style: Style, key: Key) -> str:
    """The title: the first words of the lyrics, or a description of the piece."""
    if (words := request.words) is not None:
        headers = ((line, read_header(line)) for line in words.splitlines())
        sung_lines = (line if header is None else header.rest for line, header in headers)
        first = next(line.strip() for line in sung_lines if any(map(str.isalpha, line)))
        if len(first) > 48:
            first = first[:48].rsplit(" ", 1)[0] + "…"
        return first.rstrip(" ,;:.-–—")
    if style.name == "drums":
        return "Drum solo"
    nouns = {"song": "Song without words", "chorale": "Chorale", "quartet": "Movement for string quartet"}
    return f"{nouns.get(style.name, f'{style.name.capitalize()} tune')} in {key.name}"
