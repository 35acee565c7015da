"""What was asked against what is in the file: pure functions of the MIDI bytes and the request made complete.

Hard wishes (bars, metre, tempo, instruments, range, polyphony, and in a given piece all that was not asked for) hold in
every song that is delivered. Soft ones (style, key, density, chords) are measured over the bars that were composed.
"""

from collections.abc import Sequence

import numpy as np
from bandmate_shared.contracts.composition import (
    GRID_TICKS_PER_QUARTER,
    ChordSpan,
    PartSpec,
    density_level,
)
from bandmate_shared.contracts.songs import Measured, SongRequest
from bandmate_shared.contracts.wishes import DENSITY_NAMES
from bandmate_shared.music.bars import bars_of, metres_in_words
from bandmate_shared.music.gm import program_name
from bandmate_shared.music.midi_edit import GivenTrack, given_tracks
from bandmate_shared.music.midi_events import cut
from bandmate_shared.music.note_names import note_name
from bandmate_shared.music.score import Score

from bandmate_generate.chords import chords_of
from bandmate_generate.edited import holes_of
from bandmate_generate.key_estimate import estimate_key
from bandmate_generate.plan import SongPlan
from bandmate_generate.players import with_metre
from bandmate_generate.prompt import Row
from bandmate_generate.untouched import untouched

CHORD_SHARE = 0.85
"""A progression counts as met when so much of the sounding time lies in its chords."""
_TEMPO_TOLERANCE = 0.001
"""A MIDI file counts microseconds a quarter note, which rounds the tempo by less than this."""


def measure(request: SongRequest, plan: SongPlan, midi: bytes, score: Score) -> dict[str, Measured]:
    """Each property of the song. `score` is what `midi` reads as. What was not asked for is held against what the plan
    chose, or against the given piece."""
    rows = composed_rows(plan, midi, score)
    properties = _frame(request, plan, score)
    properties["instruments"] = _instruments(request, plan, midi, score)
    properties["range"] = _ranges(plan, rows)
    properties["polyphony"] = _polyphony(plan, rows, sounding_rows(plan, midi, score))
    properties["chords"] = _chords(request, plan, rows, score)
    properties["density"] = _density(request, plan, rows)
    if plan.sung:
        syllables = [lyric.text for part in score.parts for lyric in part.lyrics]
        properties["lyrics"] = Measured(
            requested=f"{len(plan.sung)} syllables",
            measured=f"{len(syllables)} syllables",
            met=syllables == [sung.syllable.text for sung in plan.sung],
            hard=True,
        )
    if plan.prompt_bars:
        properties["prompt"] = Measured(
            requested=f"{plan.prompt_bars} bars",
            measured={"bars": plan.prompt_bars, "moved_semitones": plan.prompt_semitones},
        )
    if plan.edit is not None:
        properties |= _edit(request, plan, midi, rows)
    if any(wish is not None for wish in (request.temperature, request.top_p, request.top_k)):
        used = plan.composition(1)
        properties["sampling"] = Measured(
            requested={"temperature": request.temperature, "top_p": request.top_p, "top_k": request.top_k},
            measured={"temperature": used.temperature, "top_p": used.top_p, "top_k": used.top_k or None},
        )
    return properties


def broken(properties: dict[str, Measured]) -> list[str]:
    """The hard wishes that do not hold, in words."""
    return [
        f"{name}: asked for {found.requested}, found {found.measured}"
        for name, found in properties.items()
        if found.hard and not found.met
    ]


def composed_rows(plan: SongPlan, midi: bytes, score: Score) -> list[Row]:
    """The notes that were composed, on the plan's grid: what lies after the prompt, or in the holes."""
    if plan.edit is None:
        start = plan.frame.start(plan.prompt_bars)
        return [row for row in _rows_by_name(plan, score) if row[1] >= start]
    ruler, rows = plan.edit.stretch.ruler, []
    for part, track in enumerate(_tracks(plan, midi)):
        holes = holes_of(plan, part)
        for onset, duration, pitch, velocity in track.notes if track else ():
            if any(start <= onset < end for start, end in holes):
                begin = ruler.grid_tick(onset)
                rows.append((part, begin, max(1, ruler.grid_tick(onset + duration) - begin), pitch, velocity))
    return sorted(rows, key=lambda row: (row[1], row[0], row[3]))


def sounding_rows(plan: SongPlan, midi: bytes, score: Score) -> list[Row]:
    """The composed notes, and in a given piece those that are held into the holes as well."""
    if plan.edit is None:
        return composed_rows(plan, midi, score)
    ruler, rows = plan.edit.stretch.ruler, []
    for part, track in enumerate(_tracks(plan, midi)):
        holes = holes_of(plan, part)
        for onset, duration, pitch, velocity in track.notes if track else ():
            if onset >= ruler.origin and any(onset < end and start < onset + duration for start, end in holes):
                rows.append((part, ruler.grid_tick(onset), ruler.grid_tick(onset + duration), pitch, velocity))
    return [(part, onset, max(1, end - onset), pitch, loud) for part, onset, end, pitch, loud in rows]


def chord_tone_share(chords: Sequence[ChordSpan], specs: Sequence[PartSpec], rows: Sequence[Row]) -> float | None:
    """Share of the sounding pitched time under the chords whose pitch class is in the chord of that moment.

    None where nothing pitched sounds under a chord. Drums do not count.
    """
    if not chords:
        return None
    inside = total = 0
    starts = np.array([chord.onset for chord in chords])
    for part, onset, duration, pitch, _ in rows:
        if specs[part].is_drum:
            continue
        first = max(0, int(np.searchsorted(starts, onset, "right")) - 1)
        for chord in chords[first:]:
            if chord.onset >= onset + duration:
                break
            shared = min(onset + duration, chord.onset + chord.duration) - max(onset, chord.onset)
            if shared > 0:
                total += shared
                inside += shared if pitch % 12 in chord.pitch_classes or pitch % 12 == chord.bass else 0
    return inside / total if total else None


def notes_a_quarter(plan: SongPlan, rows: Sequence[Row]) -> dict[int, float]:
    """For each part that is composed, notes a quarter note over its composed bars; a chord's notes count each."""
    frame = plan.frame
    ticks = dict.fromkeys(range(len(plan.specs)), frame.end - frame.start(plan.prompt_bars))
    if plan.holes is not None:
        ticks = dict.fromkeys(range(len(plan.specs)), 0)
        for hole in plan.holes:
            ticks[hole.part] += frame.start(hole.first_bar + hole.bars) - frame.start(hole.first_bar)
    counts = dict.fromkeys(ticks, 0)
    for row in rows:
        counts[row[0]] += 1
    return {part: counts[part] / (count / GRID_TICKS_PER_QUARTER) for part, count in ticks.items() if count}


def _most_at(ticks: Sequence[int], rows: Sequence[Row]) -> int:
    """The most notes that sound at one of these moments."""
    starts, ends = np.sort([row[1] for row in rows]), np.sort([row[1] + row[2] for row in rows])
    return int((np.searchsorted(starts, ticks, "right") - np.searchsorted(ends, ticks, "right")).max())


def density_wishes(plan: SongPlan) -> dict[int, int]:
    """The level wished for, of each part that has one and whose rhythm is not settled by words."""
    composed = set(range(len(plan.specs))) if plan.holes is None else {hole.part for hole in plan.holes}
    wishes = {}
    for part, spec in enumerate(plan.specs):
        level = spec.density if spec.density is not None else plan.density
        if level is not None and part in composed and not (plan.rhythm and part == plan.melody):
            wishes[part] = level
    return wishes


def _frame(request: SongRequest, plan: SongPlan, score: Score) -> dict[str, Measured]:
    key = estimate_key(score)
    tempi = [change.tempo for change in score.tempi] or [120.0]
    own = bars_of(score)
    metre, bars = metres_in_words(own), len(own)
    planned = metres_in_words(plan.frame.bars)
    style = Measured(requested=request.style, measured=plan.style.name)
    kept = plan.edit is not None and request.key is None
    heard = Measured(requested=request.key, measured=key.name if key else None, met=kept or key in (None, plan.key))
    if plan.edit is not None:
        given = plan.edit.given
        was = with_metre(given.score).metres
        return {
            "style": style,
            "key": heard,
            "tempo": Measured(measured=round(tempi[0], 2), met=score.tempi == given.score.tempi, hard=True),
            "metre": Measured(measured=metre, met=with_metre(score).metres == was, hard=True),
            "bars": Measured(measured=bars, met=_same_length(plan, bars), hard=True),
        }
    return {
        "style": style,
        "key": heard,
        "tempo": Measured(
            requested=request.tempo,
            measured=round(tempi[-1], 2),
            met=abs(tempi[-1] / plan.tempo - 1) < _TEMPO_TOLERANCE,
            hard=True,
        ),
        "metre": Measured(requested=request.metre, measured=metre, met=metre == planned, hard=True),
        "bars": Measured(requested=request.bars, measured=bars, met=bars == plan.bars, hard=True),
    }


def _same_length(plan: SongPlan, bars: int) -> bool:
    """A piece whose last bars are composed anew may end in any of these: they may begin with a rest."""
    assert plan.edit is not None, "only called for plans over a given piece"
    before, stretch = len(plan.edit.given.bars), plan.edit.stretch
    first = min((hole.first_bar for hole in plan.holes or ()), default=stretch.bars)
    return bars == before or (stretch.first + first < bars < before)


def _instruments(request: SongRequest, plan: SongPlan, midi: bytes, score: Score) -> Measured:
    if plan.edit is None:
        wanted = {spec.name: _instrument(spec.program, spec.is_drum) for spec in plan.specs}
        found = {part.name: _instrument(part.program, part.is_drum) for part in score.parts if len(part.notes)}
        asked = request.instruments is not None or request.tracks is not None
        return Measured(requested=wanted, measured=found, met=found == wanted, hard=asked)
    tracks = list(zip(plan.specs, plan.edit.tracks, _tracks(plan, midi), strict=True))
    if any(index is None for index in plan.edit.tracks):
        wanted = {spec.name: _instrument(spec.program, spec.is_drum) for spec, index, _ in tracks if index is None}
        found = {
            spec.name: _instrument(now.program, now.is_drum) for spec, index, now in tracks if index is None and now
        }
        return Measured(requested=wanted, measured=found, met=found == wanted, hard=True)
    found = {track.name: _instrument(track.program, track.is_drum) for track in given_tracks(midi)}
    same = all(now is None or (now.program, now.is_drum) == (spec.program, spec.is_drum) for spec, _, now in tracks)
    return Measured(measured=found, met=same, hard=True)


def _ranges(plan: SongPlan, rows: Sequence[Row]) -> Measured:
    asked, found, met = {}, {}, True
    for part, spec in enumerate(plan.specs):
        pitches = [row[3] for row in rows if row[0] == part]
        if spec.is_drum or not pitches:
            continue
        asked[spec.name] = f"{note_name(spec.low)}-{note_name(spec.high)}"
        found[spec.name] = f"{note_name(min(pitches))}-{note_name(max(pitches))}"
        met = met and spec.low <= min(pitches) and max(pitches) <= spec.high
    return Measured(requested=asked, measured=found, met=met, hard=True)


def _polyphony(plan: SongPlan, composed: Sequence[Row], sounding: Sequence[Row]) -> Measured:
    asked: dict[str, int] = {}
    found: dict[str, int] = {}
    met = True
    for part, spec in enumerate(plan.specs):
        own = [row for row in composed if row[0] == part]
        if spec.is_drum or not own:
            continue
        cap = spec.polyphony or (1 if spec.monophonic else None)
        # Given notes may be more than the cap; where a composed one is struck, all that sound count.
        most = _most_at(sorted({row[1] for row in own}), [row for row in sounding if row[0] == part])
        found[spec.name] = most
        if cap is not None:
            asked[spec.name] = cap
            met = met and most <= cap
    return Measured(requested=asked or None, measured=found, met=met, hard=True)


def _chords(request: SongRequest, plan: SongPlan, rows: Sequence[Row], score: Score) -> Measured:
    share = chord_tone_share(plan.chords, plan.specs, rows)
    bars = len(bars_of(score)) if plan.edit is not None else plan.bars
    heard = chords_of(score, bars, plan.key)
    if request.chords is None:
        return Measured(measured=heard)
    return Measured(
        requested=request.chords,
        measured={"share": None if share is None else round(share, 4), "heard": heard},
        met=share is None or share >= CHORD_SHARE,
        how="share of the composed pitched notes' sounding time whose pitch is in the chord asked for then; "
        f"{CHORD_SHARE:.0%} and more is met",
    )


def _density(request: SongRequest, plan: SongPlan, rows: Sequence[Row]) -> Measured:
    rates = notes_a_quarter(plan, rows)
    wishes = density_wishes(plan)
    found = {
        plan.specs[part].name: {
            "level": density_level(rate),
            "name": DENSITY_NAMES[density_level(rate) - 1],
            "notes_a_quarter": round(rate, 3),
        }
        for part, rate in rates.items()
    }
    asked = {plan.specs[part].name: level for part, level in wishes.items()}
    met = all(density_level(rates[part]) == level for part, level in wishes.items() if part in rates)
    return Measured(
        requested=(asked or request.density) or None,
        measured=found,
        met=met,
        how="notes a quarter note, mean over the composed bars of each track",
    )


def _edit(request: SongRequest, plan: SongPlan, midi: bytes, rows: Sequence[Row]) -> dict[str, Measured]:
    """What stayed, and what was put in."""
    assert plan.edit is not None, "only called for plans over a given piece"
    verdict = untouched(plan, midi)
    counts = {
        spec.name: sum(row[0] == part for row in rows)
        for part, spec in enumerate(plan.specs)
        if any(hole.part == part for hole in plan.holes or ())
    }
    found = {
        "untouched": Measured(
            requested="everything but the composed bars",
            measured="unchanged" if verdict.holds else "changed",
            met=verdict.holds,
            hard=True,
            how=verdict.compared,
        )
    }
    if request.infill is not None:
        found["infill"] = Measured(
            requested=request.infill.model_dump(mode="json"), measured={"notes": counts}, met=all(counts.values())
        )
    if request.add is not None:
        asked = [wish.model_dump(mode="json", exclude_none=True) for wish in request.add]
        found["add"] = Measured(requested=asked, measured={"notes": counts}, met=all(counts.values()), hard=True)
    if request.variation is not None:
        cells = sum(hole.bars for hole in plan.holes or ())
        found["variation"] = Measured(
            requested=request.variation,
            measured={"bars": cells, "notes": counts},
            how="bars composed anew, over all tracks",
        )
    return found


def _rows_by_name(plan: SongPlan, score: Score) -> list[Row]:
    index = {spec.name: part for part, spec in enumerate(plan.specs)}
    scale = GRID_TICKS_PER_QUARTER / score.ticks_per_quarter
    rows = []
    for part in score.parts:
        if part.name not in index:
            continue
        notes = part.notes
        columns = (notes.onset.tolist(), notes.duration.tolist(), notes.pitch.tolist(), notes.velocity.tolist())
        for onset, duration, pitch, velocity in zip(*columns, strict=True):
            start = round(onset * scale)
            rows.append((index[part.name], start, max(1, round((onset + duration) * scale) - start), pitch, velocity))
    return sorted(rows, key=lambda row: (row[1], row[0], row[3]))


def _tracks(plan: SongPlan, midi: bytes) -> list[GivenTrack | None]:
    """For each part of the plan its track in the file; None where it holds no notes."""
    assert plan.edit is not None, "only called for plans over a given piece"
    now = {(track.chunk, track.channel): track for track in given_tracks(midi)}
    given, found = plan.edit.given, []
    following = len(cut(given.data).tracks)
    for index in plan.edit.tracks:
        if index is not None:
            track = given.tracks[index]
            found.append(now.get((track.chunk, track.channel)))
        else:
            found.append(next((one for (chunk, _), one in now.items() if chunk == following), None))
            following += 1
    return found


def _instrument(program: int, is_drum: bool) -> str:
    return "Drums" if is_drum else program_name(program)
