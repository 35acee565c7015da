"""Adds the files that accompany the sung voice to a job."""

from collections.abc import Mapping, Sequence

import numpy as np
from bandmate_music.audio.wav import to_wav
from bandmate_shared.contracts.alignments import ALIGNMENT_FILE, Alignment
from bandmate_shared.jobs.execution.context import JobContext
from numpy.typing import NDArray

from bandmate_vocal.outputs.lrc import lyrics_with_times
from bandmate_vocal.outputs.pitch_picture import Track, draw_pitch

LYRICS_FILE, PICTURE_FILE = "lyrics.lrc", "pitch.svg"
_ALIASES = {"song.wav": "mix.wav", "vocal.json": "report.json"}
"""Files of a job of its own that are listed under the name as well that they have beside a score: the same content."""


def add_alignment(context: JobContext, alignment: Alignment, tracks: Mapping[int, Track]) -> None:
    """`alignment.json`, `lyrics.lrc` and `pitch.svg`. `tracks`: the measured pitch of each singer."""
    context.add(ALIGNMENT_FILE, alignment.text().encode(), "application/json")
    context.add(LYRICS_FILE, lyrics_with_times(alignment).encode(), "text/plain")
    context.add(PICTURE_FILE, draw_pitch(alignment, tracks).encode(), "image/svg+xml")


def add_stems(context: JobContext, singers: Sequence[int], stems: Sequence[NDArray[np.float32]]) -> None:
    """`stems/singer-1.wav` and so on, where there are several."""
    if len(stems) > 1:
        for singer, stem in zip(singers, stems, strict=True):
            context.add(f"stems/singer-{singer + 1}.wav", to_wav(stem), "audio/wav")


def add_aliases(context: JobContext) -> None:
    """`mix.wav` and `report.json` of a job that belongs to no song, whose own these names would be."""
    if context.job.parent_id is None:
        for artifact in list(context.artifacts):
            if artifact.name in _ALIASES:
                context.adopt(artifact.model_copy(update={"name": _ALIASES[artifact.name]}))
