"""The sound of a finished song: its mix, and its stems with the gains that a player's mixer sets.

FOLDER/song.wav       the mix
FOLDER/report.json    style; `mix.gains`: the factor of each stem
FOLDER/stems/*.wav    and vocals.wav, where words are sung
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from bandmate_shared.errors import InvalidRequest
from numpy.typing import NDArray

from bandmate_bench.song_folders import folders_holding

Sound = NDArray[np.float32]
"""[samples, 2]"""


@dataclass(frozen=True, slots=True)
class SongSound:
    """A mix and its stems, at `rate`; `stems` are multiplied by their gains. Silent stems are there, too."""

    name: str
    style: str
    rate: int
    mix: Sound
    stems: Mapping[str, Sound]
    is_sung: bool

    @property
    def has_rhythm_section(self) -> bool:
        """Whether drums and a bass play, as in the music that the published balance is the average of."""
        heard = {name for name, stem in self.stems.items() if stem.any()}
        return any("drum" in name for name in heard) and any("bass" in name for name in heard)


def find_sounds(folder: Path) -> list[Path]:
    """The folders below one that hold a song's mix, in order. Raises NotFound, InvalidRequest."""
    return folders_holding(folder, "song.wav")


def read_sound(folder: Path) -> SongSound:
    """Raises InvalidRequest where report.json is missing or is not a song's."""
    try:
        report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
        gains = dict((report.get("mix") or {}).get("gains") or {})
        style = str(report["style"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InvalidRequest(f"{folder / 'report.json'} is not the report of a song: {error}") from error
    mix, rate = _read(folder / "song.wav")
    stems = {}
    for path in [*sorted((folder / "stems").glob("*.wav")), folder / "vocals.wav"]:
        gain = gains.get(path.stem)
        if gain is not None and path.is_file():
            stems[path.stem] = _as_long(_read(path)[0], len(mix)) * np.float32(gain)
    return SongSound(folder.name, style, rate, mix, stems, "vocals" in stems)


def _read(path: Path) -> tuple[Sound, int]:
    sound, rate = soundfile.read(path, dtype="float32", always_2d=True)
    return (np.repeat(sound, 2, axis=1) if sound.shape[1] == 1 else sound[:, :2]), int(rate)


def _as_long(sound: Sound, length: int) -> Sound:
    fitted = np.zeros((length, 2), dtype=np.float32)
    fitted[: min(length, len(sound))] = sound[:length]
    return fitted
