"""The benchmark of collections: what is read, what is refused, and the comparison with mido."""

from pathlib import Path

from bandmate_bench.judging.files import read_collection

from tests.unit.music.hostile import midi, quantity, track
from tests.unit.music.test_midi_state import KIT, named, notes
from tests.unit.music.test_midi_words import melody, on_notes


def test_a_collection_is_counted_and_compared(tmp_path: Path) -> None:
    (tmp_path / "song.mid").write_bytes(midi(melody(32, words=on_notes("la", "lo", "le", "lu"))))
    (tmp_path / "drums.mid").write_bytes(midi(named("Drums", notes(KIT * 16)), named("Lead", notes((72, 74) * 8, 1))))
    (tmp_path / "patterns.mid").write_bytes(midi(track(notes((60, 62))), track(notes((64, 65))), midi_format=2))
    (tmp_path / "page.mid").write_bytes(b"<!DOCTYPE html><html></html>")
    broken = midi(track(notes(tuple(range(60, 76))) + quantity(0) + b"\x90\x3c\xc8" + quantity(240) + b"\x80\x3c\x40"))
    (tmp_path / "broken.mid").write_bytes(broken)
    (tmp_path / "notes.txt").write_text("no music")
    found = read_collection(tmp_path)
    assert (found.files, found.read, found.refused.total()) == (5, 3, 2)
    assert dict(found.notices) == {"drums-off-channel-10": 1, "data-bytes": 1}
    assert found.same_notes == found.compared >= 2
    assert (found.letters, found.peer_letters) == (8, 8)
    assert found.pieces == 3
    assert read_collection(tmp_path, limit=2).files <= 3
