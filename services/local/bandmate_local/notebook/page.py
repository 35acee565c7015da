"""A song as one piece of HTML without a network: everything in it is a data URI or drawn in place.

Styles and handlers are attributes of their elements, so that songs in several cells do not meet, and what a notebook
that is not trusted takes away is only the cursor.
"""

import base64
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

from bandmate_generate.delivery.audio_formats import MEDIA_TYPES, encoded
from bandmate_generate.delivery.engraving import EngravingNotInstalled, engrave

from bandmate_local.notebook.roll import CURSOR, WIDTH, roll_svg

MAX_AUDIO_BYTES = 6_000_000
"""As MP3: about six minutes."""
MAX_SCORE_PAGES = 4
_FORMAT = "mp3"
"""What every browser plays."""
_MUTED = "opacity:.7;font-size:.9em"
_FOLLOW = (
    "const at=this.currentTime/{seconds}*{width},"
    "line=this.closest('.bandmate-song').querySelector('.{cursor}');"
    "line.setAttribute('x1',at);line.setAttribute('x2',at)"
)
_SEEK = (
    "const box=this.getBoundingClientRect(),sound=this.closest('.bandmate-song').querySelector('audio');"
    "if(sound)sound.currentTime=(event.clientX-box.left)/box.width*{seconds}"
)


def song_html(
    title: str,
    report: Mapping[str, Any],
    notes: Mapping[str, Any],
    timemap: Mapping[str, Any],
    mix: Path,
    musicxml: bytes | None,
    max_audio_bytes: int,
    max_score_pages: int,
) -> str:
    """The song with what its `report.json`, `notes.json` and `timemap.json` say. Raises UnreadableFile for no score."""
    seconds = max(float(report.get("seconds") or timemap["seconds"]), 0.1)
    roll = roll_svg(notes, timemap, seconds, escape(_SEEK.format(seconds=seconds)))
    parts = [
        f"<div style='font-size:1.2em;font-weight:600'>{escape(title)}</div>",
        f"<div style='{_MUTED}'>{escape(_facts(report, seconds))}</div>",
        _player(title, mix, seconds, max_audio_bytes),
        roll,
        "" if musicxml is None else _score(musicxml, max_score_pages),
    ]
    return f"<div class='bandmate-song' style='max-width:60em;display:grid;gap:.6em'>{''.join(parts)}</div>"


def _facts(report: Mapping[str, Any], seconds: float) -> str:
    measured = {name: one["measured"] for name, one in report["properties"].items() if isinstance(one, dict)}
    tempo, bars = measured.get("tempo"), measured.get("bars")
    facts = [
        report.get("style"),
        measured.get("key"),
        measured.get("metre"),
        None if tempo is None else f"{tempo:g} bpm",
        None if bars is None else f"{bars} {'bar' if bars == 1 else 'bars'}",
        f"{int(seconds) // 60}:{int(seconds) % 60:02d}",
        f"seed {report['seed']}",
    ]
    return " · ".join(str(fact) for fact in facts if fact)


def _player(title: str, mix: Path, seconds: float, max_bytes: int) -> str:
    if not mix.is_file():
        return f"<div style='{_MUTED}'>There is no sound beside these notes.</div>"
    sound = encoded(mix.read_bytes(), _FORMAT)
    if len(sound) > max_bytes:
        size = f"{len(sound) / 1e6:.1f} MB, more than the {max_bytes / 1e6:.1f} MB that a notebook is given"
        return f"<div style='{_MUTED}'>The mix is {escape(str(mix))} ({size}).</div>"
    follow = escape(_FOLLOW.format(seconds=seconds, width=WIDTH, cursor=CURSOR))
    return (
        f'<audio controls preload="metadata" style="width:100%" aria-label="{escape(title)}" ontimeupdate="{follow}" '
        f'src="{_data_uri(MEDIA_TYPES[_FORMAT], sound)}"></audio>'
    )


def _score(musicxml: bytes, max_pages: int) -> str:
    """The first pages, as pictures: fonts and styles of the engraving stay inside them."""
    try:
        first, pages = engrave(musicxml, 1)
        shown = [first, *(engrave(musicxml, page)[0] for page in range(2, min(pages, max_pages) + 1))]
    except EngravingNotInstalled as error:
        return f"<div style='{_MUTED}'>{escape(error.detail)}</div>"
    pictures = "".join(
        f'<img alt="Score, page {number} of {pages}" style="display:block;width:100%;background:#fff;margin:.4em 0" '
        f'src="{_data_uri("image/svg+xml", svg.encode())}">'
        for number, svg in enumerate(shown, start=1)
    )
    rest = f"<div style='{_MUTED}'>{pages} pages; the others are in song.musicxml.</div>" if pages > len(shown) else ""
    return f"<details open><summary style='cursor:pointer'>Score</summary>{pictures}{rest}</details>"


def _data_uri(media_type: str, data: bytes) -> str:
    return f"data:{media_type};base64,{base64.b64encode(data).decode()}"
