"""A folder with a song as HTML for a notebook: complete without a network, and safe with any title."""

import json
import re
import shutil
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
import soundfile
from bandmate_generate.delivery.player_data import notes_json, timemap_json
from bandmate_local.notebook import Song
from bandmate_local.notebook.song import _request
from bandmate_music.musicxml.write import write_musicxml
from bandmate_music.score import ChordMark, SectionMark
from bandmate_shared.errors import InvalidRequest, NotFound

from tests.support.tunes import tune

RATE = 44_100


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What `bandmate song` leaves of a tune of four bars, with a second of noise for its mix."""
    score = replace(
        tune(3, bars=4),
        title="Rain & <b>thunder</b>",
        sections=(SectionMark(0, "Verse"),),
        chords=(ChordMark(0, "C"), ChordMark(1920, "G7")),
    )
    seconds = float(score.seconds_at([4 * 1920])[0])
    song = tmp_path / "song"
    (song / "stems").mkdir(parents=True)
    (song / "notes.json").write_bytes(notes_json(score, {"Fiddle": "fiddle"}))
    (song / "timemap.json").write_bytes(timemap_json(score, seconds))
    (song / "song.musicxml").write_bytes(write_musicxml(score))
    measured = {"key": {"measured": "C major"}, "bars": {"measured": 4}, "tempo": {"measured": 93.0}}
    report = {"job_id": "song_1", "seed": 3, "style": "folk", "seconds": seconds, "properties": measured}
    (song / "report.json").write_text(json.dumps(report))
    noise = np.random.default_rng(1).uniform(-0.1, 0.1, (RATE, 2))
    for name in ("song.wav", "stems/fiddle.wav"):
        soundfile.write(song / name, noise, RATE, subtype="PCM_16")
    return song


class Elements(HTMLParser):
    """The elements of a piece of HTML with their attributes, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.found if name == tag]


def test_a_song_is_shown_with_player_roll_and_score(folder: Path) -> None:
    song = Song.open(folder)
    shown = Elements(song._repr_html_())
    assert song.title in shown.text
    assert "folk · C major · 93 bpm · 4 bars" in shown.text
    [audio] = shown.of("audio")
    assert (audio["src"] or "").startswith("data:audio/mpeg;base64,")
    assert [(image["src"] or "")[:26] for image in shown.of("img")] == ["data:image/svg+xml;base64,"]
    notes = [note for part in json.loads((folder / "notes.json").read_text())["parts"] for note in part["notes"]]
    assert len(shown.of("rect")) == len(notes)
    for text in ("Verse", "G7", "Fiddle", "Bass"):
        assert text in shown.text


def test_nothing_in_it_comes_from_elsewhere_or_from_the_title(folder: Path) -> None:
    text = Song.open(folder)._repr_html_()
    shown = Elements(text)
    assert "<b>" not in text, "the title is text"
    assert not shown.of("script")
    assert not shown.of("style")
    for _, attributes in shown.found:
        for name in ("src", "href"):
            assert (attributes.get(name) or "data:").startswith("data:")
    assert "http" not in re.sub(r"base64,[\w+/=]+", "", text)


def test_a_mix_that_is_too_large_is_named_and_further_pages_are_counted(folder: Path) -> None:
    shown = Elements(Song.open(folder).html(max_audio_bytes=100))
    assert shown.of("audio") == []
    assert str(folder / "song.wav") in shown.text
    (folder / "song.musicxml").write_bytes(write_musicxml(tune(3, bars=96)))
    pages = Elements(Song.open(folder).html(max_score_pages=1))
    assert len(pages.of("img")) == 1
    assert re.search(r"[2-9] pages; the others are in song.musicxml", pages.text)


def test_a_song_without_sound_or_score_still_has_its_notes(folder: Path) -> None:
    shutil.rmtree(folder / "stems")
    for name in ("song.wav", "song.musicxml"):
        (folder / name).unlink()
    song = Song.open(folder)
    assert (song.stems, song.title) == ({}, "song")
    assert len(Elements(song._repr_html_()).of("rect")) > 10


def test_a_folder_without_a_song_is_refused_with_its_takes(folder: Path) -> None:
    (folder.parent / "both").mkdir()
    folder.rename(folder.parent / "both" / "take-1")
    with pytest.raises(NotFound, match=r"no report.json; it has takes: .*take-1"):
        Song.open(folder.parent / "both")
    assert Song.open(folder.parent / "both" / "take-1").reference == "song:song_1"


def test_a_song_is_asked_for_by_the_fields_of_a_request(folder: Path) -> None:
    assert _request("a waltz", None, {"seed": 3, "bars": None}) == {"text": "a waltz", "seed": 3}
    again = _request(None, Song.open(folder), {"infill": {"bars": "5-8"}})
    assert again == {"prompt": "song:song_1", "infill": {"bars": "5-8"}}
    with pytest.raises(InvalidRequest, match="sytle"):
        _request(None, None, {"sytle": "folk"})
    with pytest.raises(InvalidRequest, match="one take"):
        _request(None, None, {"takes": 2})
    with pytest.raises(NotFound, match="nowhere"):
        _request(None, "nowhere.mid", {})
