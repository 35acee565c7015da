"""What a page needs to show a song while it plays: its notes, its bars in seconds, and the peaks of its sound."""

import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import soundfile
from bandmate_music.analysis.bars import bars_of
from bandmate_music.audio import SAMPLE_RATE
from bandmate_music.score import Score
from numpy.typing import NDArray

COLUMNS = 800
"""Points of a waveform: as wide as a page shows it."""
_FULL_SCALE = 127


def notes_json(score: Score, stems: Mapping[str, str]) -> bytes:
    """`notes.json`: each part's notes as [tick, ticks, pitch, velocity, seconds, length in seconds].

    `stems` gives the stem of each part by its name; a singer has none.
    """
    parts = []
    for part in score.parts:
        notes = part.notes
        starts = score.seconds_at(notes.onset)
        lengths = score.seconds_at(notes.onset + notes.duration) - starts
        columns = (notes.onset, notes.duration, notes.pitch, notes.velocity, np.round(starts, 4), np.round(lengths, 4))
        rows = [list(row) for row in zip(*(column.tolist() for column in columns), strict=True)]
        lyrics = [[lyric.onset, lyric.text, lyric.word_end] for lyric in part.lyrics]
        parts.append(
            {
                "name": part.name,
                "program": part.program,
                "is_drum": part.is_drum,
                "stem": stems.get(part.name),
                "notes": rows,
                "lyrics": lyrics,
            }
        )
    return _dumped({"ticks_per_quarter": score.ticks_per_quarter, "parts": parts})


def timemap_json(score: Score, seconds: float) -> bytes:
    """`timemap.json`: where bars, sections and chords begin, in ticks and in seconds; bars count from 1."""
    bars = bars_of(score)

    def place(tick: int) -> dict[str, Any]:
        return {"tick": tick, "seconds": round(float(score.seconds_at([tick])[0]), 4)}

    def bar_at(tick: int) -> int:
        return max((number for number, bar in enumerate(bars, start=1) if bar.onset <= tick), default=1)

    return _dumped(
        {
            "ticks_per_quarter": score.ticks_per_quarter,
            "seconds": round(seconds, 4),
            "tempi": [{**place(change.onset), "tempo": change.tempo} for change in score.tempi],
            "bars": [
                {"number": number, **place(bar.onset), "ticks": bar.length, "metre": bar.metre.name}
                for number, bar in enumerate(bars, start=1)
            ],
            "sections": [
                {"title": mark.text, "bar": bar_at(mark.onset), **place(mark.onset)} for mark in score.sections
            ],
            "chords": [
                {"symbol": mark.symbol, "bar": bar_at(mark.onset), **place(mark.onset)} for mark in score.chords
            ],
        }
    )


def peaks_of(sound: NDArray[np.float32]) -> list[int]:
    """Lowest and highest sample of each column in turn, -127 to 127; [samples] or [samples, channels]."""
    mono = sound if sound.ndim == 1 else sound.mean(axis=1)
    edges = np.linspace(0, len(mono), COLUMNS + 1).astype(np.int64)[:-1]
    if len(mono) < COLUMNS:
        return [0] * (2 * COLUMNS)
    lowest, highest = np.minimum.reduceat(mono, edges), np.maximum.reduceat(mono, edges)
    pairs = np.stack([lowest, highest], axis=1) * _FULL_SCALE
    rounded: list[int] = np.clip(np.rint(pairs), -_FULL_SCALE, _FULL_SCALE).astype(int).reshape(-1).tolist()
    return rounded


def peaks_json(peaks: Mapping[str, Sequence[int]], seconds: float) -> bytes:
    """`peaks.json`: the waveform of each stem, of `vocals` where there are any, and of the `song`."""
    return _dumped({"columns": COLUMNS, "full_scale": _FULL_SCALE, "seconds": round(seconds, 4), "stems": dict(peaks)})


def with_sung_peaks(peaks: bytes, sounds: Mapping[str, bytes]) -> bytes:
    """`peaks.json` with the waveforms of more WAV files."""
    described = json.loads(peaks)
    for name, wav in sounds.items():
        samples, _ = soundfile.read(io.BytesIO(wav), dtype="float32")
        described["stems"][name] = peaks_of(samples)
    return _dumped(described)


def seconds_of(sound: NDArray[np.float32]) -> float:
    return len(sound) / SAMPLE_RATE


def _dumped(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
