"""Detects the kind of a file from its first bytes, not from its name."""

_SIGNATURES: tuple[tuple[bytes, str], ...] = (
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"\x89PNG", "a PNG image"),
    (b"GIF8", "a GIF image"),
    (b"BM", "a BMP image"),
    (b"II*\x00", "a TIFF image"),
    (b"MM\x00*", "a TIFF image"),
    (b"%PDF", "a PDF document"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ", "an xz archive"),
    (b"7z\xbc\xaf", "a 7-Zip archive"),
    (b"Rar!", "a RAR archive"),
    (b"PK\x03\x04", "a zip archive"),
    (b"PK\x05\x06", "an empty zip archive"),
    (b"ID3", "an MP3 recording"),
    (b"\xff\xfb", "an MP3 recording"),
    (b"fLaC", "a FLAC recording"),
    (b"OggS", "an Ogg recording"),
    (b"FORM", "an AIFF recording"),
    (b"SMF2CLIP", "a MIDI 2.0 clip"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a Windows program"),
    (b"SQLite format 3", "a SQLite database"),
    (b"#!", "a script"),
)

_MIDI_HEADER = b"MThd\x00\x00\x00\x06"
_MAX_LEADING_BYTES = 1024


def kind_of(data: bytes) -> str:
    """'midi', 'mxl' (a zip), 'musicxml' (any XML), or 'other'."""
    if data[:4] == b"MThd" or (data[:4] == b"RIFF" and data[8:12] == b"RMID"):
        return "midi"
    if data[:4] == b"PK\x03\x04":
        return "mxl"
    if _is_markup(data):
        return "other" if _is_html(data) else "musicxml"
    is_known = data[:4] == b"RIFF" or any(data.startswith(signature) for signature, _ in _SIGNATURES)
    return "midi" if not is_known and midi_header_at(data) > 0 else "other"


def midi_header_at(data: bytes) -> int:
    """Where a MIDI file begins behind a few bytes of something else, such as a MacBinary header; -1 where none does."""
    return data.find(_MIDI_HEADER, 0, _MAX_LEADING_BYTES)


def describe(data: bytes) -> str:
    """A noun with its article for an error: 'a JPEG image', 'an HTML page', 'an empty file'."""
    if not data:
        return "an empty file"
    if data[:4] == b"RIFF":
        form = data[8:12]
        return {b"WAVE": "a WAV recording", b"AVI ": "a video", b"WEBP": "a WebP image"}.get(form, "a RIFF file")
    if data[4:8] == b"ftyp":
        return "an MPEG-4 video or recording"
    for signature, name in _SIGNATURES:
        if data.startswith(signature):
            return name
    if _is_html(data):
        return "an HTML page"
    if _is_markup(data):
        return "an XML document"
    if not data.strip(b"\x00"):
        return "a file of zeros"
    return "plain text" if _is_text(data[:512]) else "a file of an unknown kind"


def _head(data: bytes) -> bytes:
    head = data[:2048]
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        head = head[2:]
    if b"\x00" in head[:2] and b"<" in head[:4]:  # UTF-16 and UTF-32, with or without a byte order mark
        head = head.replace(b"\x00", b"")
    return head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()


def _is_markup(data: bytes) -> bool:
    head = _head(data)
    return head.startswith((b"<?xml", b"<!doctype", b"<score-", b"<!--"))


def _is_html(data: bytes) -> bool:
    head = _head(data)
    return head.startswith((b"<html", b"<!doctype html", b"<head", b"<body")) or (_is_markup(data) and b"<html" in head)


def _is_text(head: bytes) -> bool:
    try:
        text = head.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start < len(head) - 4:
            return False
        text = head[: error.start].decode("utf-8")
    return all(c.isprintable() or c in "\r\n\t\f" for c in text)
