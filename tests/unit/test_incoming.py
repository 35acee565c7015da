"""Files as song requests: the rules that the Lambda function and the watched folder share."""

import base64

import pytest
from bandmate_music.midi.write import write_midi
from bandmate_shared.contracts.songs import SongRequest
from bandmate_shared.errors import BandmateError, InvalidRequest, UnreadableFile
from bandmate_shared.intake.incoming import FIELDS, options_name, read_options, role_of, song_request

from tests.support.tunes import tune


def test_the_fields_are_those_of_the_contract() -> None:
    assert set(SongRequest.model_fields) == FIELDS


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("incoming/a.mid", "prompt"),
        ("a.MIDI", "prompt"),
        ("a.b.txt", "lyrics"),
        ("a.json", "request"),
        ("a.b.json", "request"),
        ("a.mid.json", "options"),
        ("a.txt.json", "options"),
        (".hidden.mid", None),
        ("a.mid.part", None),
    ],
)
def test_a_name_says_what_a_file_is_for(name: str, role: str | None) -> None:
    assert role_of(name) == role


def test_a_name_of_an_unknown_kind_is_an_error() -> None:
    with pytest.raises(UnreadableFile, match=r"a\.wav is neither"):
        role_of("a.wav")


def test_a_prompt_a_text_and_a_request() -> None:
    midi = write_midi(tune(1))
    prompt = SongRequest.model_validate(song_request("a.mid", midi, {"bars": "8", "style": "folk"}))
    assert base64.b64decode(prompt.prompt or "") == midi
    assert prompt.bars == 8
    assert song_request("a.txt", b"\xef\xbb\xbfla la", {"key": "D"}) == {"lyrics": "la la", "key": "D"}
    assert song_request("a.json", b'{"style": "rock"}', {"style": "folk", "key": "A"}) == {"style": "rock", "key": "A"}
    assert options_name("x/a.mid") == "x/a.mid.json"


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("a.mid", b"", "a.mid is not MIDI but an empty file"),
        ("a.txt", b"\xff\xd8\xff\xe0", "not UTF-8 text but a JPEG image"),
        ("a.json", b"[" * 100_000, "not JSON"),
        ("a.json", b"[1]", "no JSON object"),
        ("a.json", b"\xff", "not JSON"),
        ("a.mid.json", b"{}", "no song request"),
    ],
)
def test_files_that_are_not_what_their_name_says_are_refused(name: str, data: bytes, reason: str) -> None:
    with pytest.raises(UnreadableFile, match=reason):
        song_request(name, data, {})


def test_options_may_not_give_what_the_file_gives_nor_what_no_request_has() -> None:
    with pytest.raises(InvalidRequest, match="name its lyrics too"):
        song_request("a.txt", b"la", {"lyrics": "other"})
    with pytest.raises(BandmateError, match="names colour; a song request has add, bars"):
        read_options(b'{"colour": "blue"}', "a.txt.json")
