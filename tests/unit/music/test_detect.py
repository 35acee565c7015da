"""The kind of a file by its first bytes."""

import io
import zipfile

import pytest
from bandmate_music.detect import describe, kind_of

MIDI = b"MThd\x00\x00\x00\x06\x00\x01\x00\x01\x01\xe0MTrk\x00\x00\x00\x04\x00\xff\x2f\x00"


def stored_zip() -> bytes:
    """A zip that keeps a MIDI file as it is, near its beginning."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("jigs/1.mid", MIDI)
    return file.getvalue()


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (MIDI, "midi"),
        (b"RIFF\x20\x00\x00\x00RMIDdata" + MIDI, "midi"),
        (bytes(128) + MIDI, "midi"),  # MacBinary
        (b"\r\n" + MIDI, "midi"),
        (stored_zip(), "mxl"),
        (b"\x1f\x8b\x08" + MIDI, "other"),
        (b"RIFF\x20\x00\x00\x00WAVE" + MIDI, "other"),
        (b"\x7fELF" + MIDI, "other"),
        (b'<?xml version="1.0"?><score-partwise/>' + MIDI, "musicxml"),
        (b"<!DOCTYPE html><html>" + MIDI, "other"),
        (bytes(2000) + MIDI, "other"),
        (b"", "other"),
    ],
)
def test_a_midi_file_within_something_of_another_kind_does_not_count(data: bytes, kind: str) -> None:
    assert kind_of(data) == kind


def test_a_zip_is_called_a_zip() -> None:
    assert describe(stored_zip()) == "a zip archive"
