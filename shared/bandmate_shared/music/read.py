"""Any score file in, a score out: the kind is judged by the content, never by the name."""

from bandmate_shared.errors import LimitExceeded, UnreadableFile
from bandmate_shared.music.detect import describe, kind_of
from bandmate_shared.music.limits import Limits
from bandmate_shared.music.score import Score


def read_score(data: bytes, name: str, limits: Limits) -> Score:
    """The score in a MIDI, MusicXML or .mxl file; `name` is only for the errors.

    Files from strangers go through `sandbox.read_untrusted`, which calls this in a process of its own.

    Raises:
        UnreadableFile: it is none of these, or damaged.
        LimitExceeded: it is past a limit; the detail names the limit and its setting.
    """
    try:
        limits.check_file_bytes(len(data))
        kind = kind_of(data)
        if kind == "midi":
            from bandmate_shared.music.midi_read import read_midi

            return read_midi(data, limits)
        if kind in ("mxl", "musicxml"):
            from bandmate_shared.music.musicxml_read import read_musicxml

            return read_musicxml(data, limits)
        raise UnreadableFile(f"this is {describe(data)}, neither MIDI nor MusicXML")
    except (UnreadableFile, LimitExceeded) as error:
        raise type(error)(f"{name}: {error.detail}") from None
