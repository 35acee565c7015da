"""MIDI files to measure with: the chorales of the music21 corpus."""

import importlib.util
from dataclasses import replace
from pathlib import Path

from bandmate_music.midi.write import write_midi
from bandmate_music.musicxml.read import read_musicxml
from bandmate_music.score import TempoChange
from bandmate_shared.settings import SharedSettings

LIMITS = SharedSettings().file_limits


def write_chorales(folder: Path) -> list[Path]:
    """Write each chorale as MIDI four times, in other keys and tempi."""
    spec = importlib.util.find_spec("music21")
    assert spec is not None
    assert spec.origin is not None
    written = []
    for path in sorted((Path(spec.origin).parent / "corpus" / "bach").glob("*.mxl")):
        score = read_musicxml(path.read_bytes(), LIMITS)
        for number, semitones in enumerate((0, 2, -3, 5)):
            parts = [
                replace(part, notes=replace(part.notes, pitch=part.notes.pitch + semitones), lyrics=())
                for part in score.parts
            ]
            changed = replace(score.with_parts(parts), tempi=(TempoChange(0, 80.0 + 12 * number),))
            target = folder / f"{path.stem}-{number}.mid"
            target.write_bytes(write_midi(changed))
            written.append(target)
    return written
