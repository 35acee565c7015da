"""Compressed MusicXML, and hostile archives."""

import io
import struct
import zipfile
from collections.abc import Callable

import pytest
from bandmate_music.musicxml.read import read_musicxml
from bandmate_music.musicxml.write import write_musicxml
from bandmate_music.score import Notes, Part, Score
from bandmate_shared.errors import BandmateError, LimitExceeded, UnreadableFile
from bandmate_shared.settings import SharedSettings
from hypothesis import given, settings
from hypothesis import strategies as st

LIMITS = SharedSettings().file_limits
SCORE = write_musicxml(Score((Part("Tune", 0, Notes.from_rows([(0, 480, 60, 80), (480, 480, 62, 80)])),)))
CONTAINER = b'<?xml version="1.0"?><container><rootfiles><rootfile full-path="%s"/></rootfiles></container>'


def mxl(
    entries: dict[str, bytes] | None = None, path: bytes = b"score.musicxml", method: int = zipfile.ZIP_DEFLATED
) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        archive.writestr("META-INF/container.xml", CONTAINER % path)
        for name, content in (entries if entries is not None else {"score.musicxml": SCORE}).items():
            archive.writestr(name, content)
    return buffer.getvalue()


def test_the_score_in_the_container_is_read(corpus: Callable[[str], bytes]) -> None:
    assert read_musicxml(mxl(), LIMITS).note_count == 2
    assert read_musicxml(mxl(method=zipfile.ZIP_STORED), LIMITS).note_count == 2
    chorale = corpus("bach/bwv66.6")
    assert chorale[:2] == b"PK"
    assert read_musicxml(chorale, LIMITS).note_count > 100


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (mxl({}), "does not hold it"),
        (mxl({"a.xml": SCORE, "b.xml": SCORE}, path=b"../../etc/passwd"), "does not hold it"),
        (mxl({"score.musicxml": b"<score-partwise"}), "damaged"),
        (mxl(method=zipfile.ZIP_LZMA), "packed by method 14"),
        (mxl()[:-30], "cut off"),
        (b"PK\x03\x04" + bytes(100), "cut off"),
        (mxl(method=zipfile.ZIP_STORED).replace(b"<container>", b"<contain\x00r>"), "damaged"),
    ],
)
def test_bad_archives_get_a_readable_error(data: bytes, words: str) -> None:
    with pytest.raises(UnreadableFile, match=words):
        read_musicxml(data, LIMITS)


def test_a_zip_that_is_no_score_says_so() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("holiday.jpg", b"\xff\xd8\xff")
    with pytest.raises(UnreadableFile, match=r"a zip archive, not an \.mxl score"):
        read_musicxml(buffer.getvalue(), LIMITS)


def test_an_encrypted_entry_is_refused() -> None:
    data = bytearray(mxl())
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = data.find(signature)
        data[place + offset] |= 1
    with pytest.raises(UnreadableFile, match="encrypted"):
        read_musicxml(bytes(data), LIMITS)


def test_zip_bombs_are_refused_before_they_are_expanded() -> None:
    with pytest.raises(LimitExceeded, match="BANDMATE_MAX_UNZIPPED_BYTES"):
        read_musicxml(mxl({"score.musicxml": bytes(70_000_000)}), LIMITS)
    with pytest.raises(LimitExceeded, match="more than 250 times"):
        read_musicxml(mxl({"score.musicxml": bytes(5_000_000)}), LIMITS)
    with pytest.raises(LimitExceeded, match="BANDMATE_MAX_ZIP_ENTRIES"):
        read_musicxml(mxl({f"{n}.xml": b"" for n in range(30)}), SharedSettings(max_zip_entries=20).file_limits)


def test_a_false_size_in_the_directory_is_refused() -> None:
    """The directory says 1,000 bytes; the data says 30 million."""
    data = bytearray(mxl({"score.musicxml": bytes(30_000_000)}))
    place = data.rfind(b"PK\x01\x02")
    data[place + 24 : place + 28] = struct.pack("<I", 1000)
    with pytest.raises(BandmateError):
        read_musicxml(bytes(data), LIMITS)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_mutated_archives_end_in_a_score_or_an_error(data: st.DataObject) -> None:
    mutated = bytearray(mxl())
    for _ in range(data.draw(st.integers(1, 5))):
        position = data.draw(st.integers(4, len(mutated) - 1))
        mutated[position] = data.draw(st.integers(0, 255))
    try:
        score = read_musicxml(bytes(mutated), LIMITS)
    except BandmateError:
        return
    assert score.note_count <= 2
