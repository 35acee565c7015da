"""Small MusicXML documents for tests: parts of measures of notes with words. Two divisions a quarter note, in 4/4."""

import io
import zipfile
from collections.abc import Iterable, Sequence

_HEAD = '<?xml version="1.0" encoding="UTF-8"?>'
_STEPS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}


def words(text: str = "", kind: str = "", line: str = "1", inside: str = "", **attributes: str) -> str:
    """A <lyric>: `text` with a trailing "-" goes on as in "Hal-"; `kind` is the syllabic; `inside` replaces both."""
    extra = "".join(f' {name.replace("_", "-")}="{value}"' for name, value in attributes.items())
    content = inside or f"<syllabic>{kind or 'single'}</syllabic><text>{text}</text>"
    return f'<lyric number="{line}"{extra}>{content}</lyric>'


def note(
    pitch: str, duration: int, lyrics: str = "", *, voice: str = "1", staff: str = "", before: str = "", extra: str = ""
) -> str:
    """A note by its name ("C5"); `before`: what stands before its pitch (<grace/>, <chord/>)."""
    length = f"<duration>{duration}</duration>" if duration else ""
    staves = f"<staff>{staff}</staff>" if staff else ""
    return (
        f"<note>{before}<pitch><step>{pitch[0]}</step><octave>{pitch[1:]}</octave></pitch>{length}"
        f"<voice>{voice}</voice>{staves}{extra}{lyrics}</note>"
    )


def sung(pairs: str, duration: int = 2, line: str = "1") -> str:
    """Notes with a word each: "C5 then D5 I". A "-" after a word goes on in the next one."""
    items = pairs.split()
    return "".join(
        note(pitch, duration, words(text, line=line)) for pitch, text in zip(items[::2], items[1::2], strict=True)
    )


def rest(duration: int, extra: str = "") -> str:
    return f"<note><rest{extra}/><duration>{duration}</duration><voice>1</voice></note>"


def back(duration: int) -> str:
    return f"<backup><duration>{duration}</duration></backup>"


def attributes(divisions: int = 2, beats: int = 4, extra: str = "") -> str:
    time = f"<time><beats>{beats}</beats><beat-type>4</beat-type></time>"
    return f"<attributes><divisions>{divisions}</divisions>{time}{extra}</attributes>"


def barline(*, left: bool = False, ending: str = "", kind: str = "start", repeat: str = "", times: int = 0) -> str:
    """A barline with an ending ("1") and a repeat ("forward", "backward")."""
    number = f' times="{times}"' if times else ""
    endings = f'<ending number="{ending}" type="{kind}"/>' if ending else ""
    repeats = f'<repeat direction="{repeat}"{number}/>' if repeat else ""
    return f'<barline location="{"left" if left else "right"}">{endings}{repeats}</barline>'


def document(
    *parts: tuple[str, Sequence[str]], head: str = _HEAD, unlisted: Iterable[str] = (), timewise: bool = False
) -> bytes:
    """A score of (name, measures) parts; the first measure gets attributes where it has none."""
    listed, bodies = [], []
    for number, (name, measures) in enumerate(parts, 1):
        if name not in unlisted:
            listed.append(f'<score-part id="P{number}"><part-name>{name}</part-name></score-part>')
        first = measures[0] if "<attributes>" in measures[0] else attributes() + measures[0]
        bodies.append([first, *measures[1:]])
    part_list = f"<part-list>{''.join(listed)}</part-list>"
    if timewise:
        rows = zip(*bodies, strict=True)
        body = "".join(
            f'<measure number="{m}">'
            + "".join(f'<part id="P{p}">{content}</part>' for p, content in enumerate(row, 1))
            + "</measure>"
            for m, row in enumerate(rows, 1)
        )
        return f"{head}<score-timewise>{part_list}{body}</score-timewise>".encode()
    body = "".join(
        f'<part id="P{p}">'
        + "".join(f'<measure number="{m}">{content}</measure>' for m, content in enumerate(measures, 1))
        + "</part>"
        for p, measures in enumerate(bodies, 1)
    )
    return f"{head}<score-partwise>{part_list}{body}</score-partwise>".encode()


def container(score: bytes, rootfile: str, name: str = "score.xml", head: str = "") -> bytes:
    """An .mxl whose container.xml has this <rootfile>."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("META-INF/container.xml", f"{head}<container><rootfiles>{rootfile}</rootfiles></container>")
        archive.writestr(name, score)
    return buffer.getvalue()
