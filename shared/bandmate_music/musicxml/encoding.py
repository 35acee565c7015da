"""Find the encoding of an XML document, and give it as UTF-8.

What the bytes show outweighs what the XML declaration says: programs write "UTF-16" and store UTF-8, or declare nothing
and store Latin-1.
"""

import re

from bandmate_music.errors import UnreadableFile
from bandmate_music.score import Notice

_DECLARATION = re.compile(r"\A\s*<\?xml\b[^>]{0,200}\?>\s*")
_DECLARED = re.compile(rb"""\A\s*<\?xml\b[^>]{0,200}?\bencoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']""")
_MARKS = (
    (b"\xef\xbb\xbf", "utf-8"),
    (b"\xff\xfe\x00\x00", "utf-32-le"),
    (b"\x00\x00\xfe\xff", "utf-32-be"),
    (b"\xff\xfe", "utf-16-le"),
    (b"\xfe\xff", "utf-16-be"),
)
_UNDECLARED = ("utf-8", "cp1252", "latin-1")
"""Tried in this order where the declaration is missing or wrong; the last one reads every file."""
_DECLARABLE_TEXT = (
    "ascii utf-8 utf-16 utf-16-le utf-16-be utf-32 utf-32-le utf-32-be latin-1 iso8859-2 iso8859-5 iso8859-7 iso8859-9 "
    "iso8859-15 cp1250 cp1251 cp1252 cp1253 cp1254 mac-roman koi8-r shift-jis cp932 euc-jp euc-kr cp949 gb2312 gbk "
    "gb18030 big5"
)
DECLARABLE = tuple(_DECLARABLE_TEXT.split())
"""Codecs that a document may name; the sandbox loads them before it gives up opening files."""


def to_utf8(data: bytes) -> tuple[bytes, tuple[Notice, ...]]:
    """The document as UTF-8 without its declaration, and a notice where it is not in plain UTF-8.

    Raises:
        UnreadableFile: it is cut inside a character of UTF-16 or UTF-32.
    """
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _decoded(data[len(mark) :], encoding, "its byte order mark")
    if encoding := _of_wide_characters(data):
        return _decoded(data, encoding, "its bytes")
    match = _DECLARED.match(data)
    declared = match[1].decode("ascii").lower() if match else "utf-8"
    wide = declared.replace("_", "-").startswith(("utf-16", "utf-32", "ucs", "iso-10646"))
    for encoding in (*(() if wide else (declared,)), *_UNDECLARED):
        try:
            text = data.decode(encoding)
        except (UnicodeDecodeError, LookupError):
            continue
        if encoding != declared:
            return _plain(text), (_notice(encoding, f"declared as {declared}"),)
        is_plain = encoding in ("utf-8", "utf8", "ascii", "us-ascii")
        return _plain(text), () if is_plain else (_notice(encoding, "as declared"),)
    raise AssertionError("latin-1 decodes every byte")


def _of_wide_characters(data: bytes) -> str:
    """UTF-16 or UTF-32 without a byte order mark, by the zeros around the first '<'."""
    head = data[:4]
    return {b"<\0\0\0": "utf-32-le", b"\0\0\0<": "utf-32-be"}.get(head) or (
        "utf-16-le" if head[:2] == b"<\0" else "utf-16-be" if head[:2] == b"\0<" else ""
    )


def _decoded(data: bytes, encoding: str, source: str) -> tuple[bytes, tuple[Notice, ...]]:
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        raise UnreadableFile(f"this XML is damaged: by {source} it is {encoding.upper()}, but {error.reason}") from None
    return _plain(text), () if encoding == "utf-8" else (_notice(encoding, f"by {source}"),)


def _plain(text: str) -> bytes:
    return _DECLARATION.sub("", text, count=1).encode("utf-8", "replace")


def _notice(encoding: str, reason: str) -> Notice:
    name = {"utf-16-le": "UTF-16", "utf-16-be": "UTF-16", "utf-32-le": "UTF-32", "utf-32-be": "UTF-32"}.get(encoding)
    return Notice("encoding", f"the text was read as {name or encoding.upper()} ({reason})")
