"""Reads a score from a MIDI, MusicXML or .mxl file; the kind is judged by the content, never by the name."""

from bandmate_music.detect import describe, kind_of
from bandmate_music.errors import LimitExceeded, UnreadableFile
from bandmate_music.limits import Limits
from bandmate_music.midi.read import read_midi
from bandmate_music.musicxml.read import read_musicxml
from bandmate_music.score import Score
from bandmate_music.verses import Verses


def read_score(data: bytes, name: str, limits: Limits, verses: Verses | None = None) -> Score:
    """The score in a MIDI, MusicXML or .mxl file; `name` is only for the errors. With `verses` as it is sung.

    Untrusted files go through `sandbox.pool.read_untrusted`, which calls this in a child process.

    Raises:
        UnreadableFile: it is none of these, or damaged.
        LimitExceeded: a limit is exceeded; the detail names it and its setting.
    """
    try:
        limits.check_file_bytes(len(data))
        kind = kind_of(data)
        if kind == "midi":
            return read_midi(data, limits)
        if kind in ("mxl", "musicxml"):
            return read_musicxml(data, limits, verses)
        raise UnreadableFile(f"this is {describe(data)}, neither MIDI nor MusicXML")
    except (UnreadableFile, LimitExceeded) as error:
        raise type(error)(f"{name}: {error.detail}") from None


def refuse_repairs(score: Score) -> None:
    """For strict reading: raises UnreadableFile where the file had to be repaired, naming each repair."""
    repairs = [notice.text for notice in score.notices if notice.is_repair]
    if repairs:
        raise UnreadableFile(f"the file is damaged, and strict reading repairs nothing: {'; '.join(repairs)}")
