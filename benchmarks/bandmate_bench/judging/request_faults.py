"""Whether a file keeps the hard wishes of its request, read from its bytes alone.

The service measures its songs as well (`bandmate_generate.selection.measure`); the benchmark counts what either of the
two finds broken.
"""

from collections.abc import Iterator

import numpy as np
from bandmate_generate.planning.song_plan import WritePlan
from bandmate_generate.selection.measure import measure, unmet_hard_wishes
from bandmate_music.analysis.bars import bars_of
from bandmate_music.instruments import parse_instrument
from bandmate_music.score import Part, Score
from bandmate_shared.contracts.songs import SongRequest

from bandmate_bench.judging.songs import Song

_TEMPO = 0.001


def broken_hard_wishes(song: Song) -> list[str]:
    """Describe each broken hard wish; empty where every one is met."""
    faults = unmet_hard_wishes(measure(song.request, song.plan, song.midi, song.score))
    if isinstance(song.plan, WritePlan):
        faults += list(_frame(song.request, song.score))
        if song.plan.prompt_bars == 0:
            faults += list(_parts(song.request, song.score))
    if song.score.note_count == 0:
        faults.append("the file holds no note")
    return faults


def _frame(request: SongRequest, score: Score) -> Iterator[str]:
    bars = len(bars_of(score))
    if request.bars is not None and bars != request.bars:
        yield f"{bars} bars, not {request.bars}"
    metres = [change.metre.name for change in score.metres]
    if request.metre is not None and metres != [request.metre]:
        yield f"metres {metres}, not {request.metre}"
    tempi = [change.tempo for change in score.tempi]
    if request.tempo is not None and not (len(tempi) == 1 and abs(tempi[0] / request.tempo - 1) < _TEMPO):
        yield f"tempi {tempi}, not {request.tempo}"


def _parts(request: SongRequest, score: Score) -> Iterator[str]:
    """Exactly the instruments, all of them sounding, within their ranges and with no more notes at once than asked."""
    wishes = request.tracks
    names = request.instruments if wishes is None else [wish.instrument for wish in wishes]
    if names is not None:
        requested_programs = [_of_name(name) for name in names]
        sounding_programs = [None if part.is_drum else part.program for part in score.parts if len(part.notes)]
        if sounding_programs != requested_programs:
            yield f"programs {sounding_programs} sound, not {requested_programs}"
            return
    for number, part in enumerate(score.parts):
        if part.is_drum or not len(part.notes):
            continue
        wish = wishes[number] if wishes is not None else None
        low, high = int(part.notes.pitch.min()), int(part.notes.pitch.max())
        if wish is not None and not ((wish.low or 0) <= low and high <= (127 if wish.high is None else wish.high)):
            yield f"{part.name} plays {low}-{high}, not {wish.low}-{wish.high}"
        cap = (wish.polyphony if wish is not None else None) or request.polyphony
        if cap is not None and (polyphony := max_polyphony(part)) > cap:
            yield f"{polyphony} notes of {part.name} sound at once, not {cap}"


def max_polyphony(part: Part) -> int:
    """The most notes of a part that sound at one moment; one that ends where another begins does not sound with it."""
    ends = part.notes.onset + part.notes.duration
    moments = np.concatenate([ends, part.notes.onset])
    change = np.repeat([-1, 1], len(part.notes))
    order = np.lexsort((change, moments))
    return int(np.cumsum(change[order]).max(initial=0))


def _of_name(name: str) -> int | None:
    """The program; None for drums."""
    instrument = parse_instrument(name)
    return None if instrument.is_drum else instrument.program
