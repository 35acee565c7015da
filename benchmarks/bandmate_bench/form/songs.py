"""Has songs written by the platform, and reads folders of finished ones.

FOLDER/<any>/song.mid       and beside it, where there are:
FOLDER/<any>/report.json    form, planned key, timings
FOLDER/<any>/request.json   what was asked: words, key, chords
"""

import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import replace
from pathlib import Path
from typing import Any

from bandmate_local.client import RemoteProblem, Session
from bandmate_music.theory.chord_symbols import BadChord, parse_progression
from bandmate_shared.contracts.jobs import JobEvent, JobState

from bandmate_bench.form.cases import SongCase
from bandmate_bench.form.piece import Piece, PlannedChord, Section
from bandmate_bench.form.read import read_piece
from bandmate_bench.song_folders import folders_holding

_FILES, _MIX = ("song.mid", "report.json"), "song.wav"


def write_songs(
    session: Session,
    cases: Sequence[SongCase],
    folder: Path,
    at_once: int,
    progress: Callable[[int, int], None],
    with_sound: bool = False,
) -> list[str]:
    """Each song as a job of the platform, a few at a time; files go to FOLDER/<name of the case>.

    The song as notes and its report, `with_sound` the mix and the stems, too. Songs that are there already, for the
    same request, are not written again. What failed is returned, a line each.
    """
    failures: list[str] = []
    needed = (*_FILES, _MIX) if with_sound else _FILES
    missing = [case for case in cases if not _is_there(folder / case.name, case, needed)]
    progress(len(cases) - len(missing), len(cases))
    with ThreadPoolExecutor(at_once) as pool:
        jobs = [pool.submit(_write, session, case, folder / case.name, with_sound) for case in missing]
        try:
            for done, job in enumerate(as_completed(jobs), 1):
                if (failure := job.result()) is not None:
                    failures.append(failure)
                progress(len(cases) - len(missing) + done, len(cases))
        finally:
            for job in jobs:
                job.cancel()
    return sorted(failures)


def _no_display(_: JobEvent) -> None:
    """Progress is told by the song."""


def _is_there(folder: Path, case: SongCase, needed: Sequence[str]) -> bool:
    try:
        asked = json.loads((folder / "request.json").read_text())
    except (OSError, ValueError):
        return False
    return bool(asked == case.request) and all((folder / name).is_file() for name in needed)


def _write(session: Session, case: SongCase, folder: Path, with_sound: bool) -> str | None:
    """Why the song failed; None where it was written."""
    try:
        job = session.submit("songs", case.request)
        job = session.follow("songs", job.id, _no_display)
    except RemoteProblem as problem:
        return f"{case.name}: {problem.detail}"
    if job.state is not JobState.SUCCEEDED:
        return f"{case.name}: {job.state} {job.error.detail if job.error else ''}".rstrip()
    for artifact in job.artifacts:
        if artifact.name in _FILES or (with_sound and artifact.name.endswith(".wav")):
            session.api.download(f"/v1/songs/{job.id}/artifacts/{artifact.name}", folder / artifact.name)
    (folder / "request.json").write_text(json.dumps(case.request, indent=1) + "\n")
    return None


def read_songs(folder: Path) -> list[Piece]:
    """The songs below a folder, in order of their paths.

    Raises:
        NotFound: there is no such folder.
        InvalidRequest: no song.mid lies in it.
    """
    return [read_song(found) for found in folders_holding(folder, "song.mid")]


def read_song(folder: Path) -> Piece:
    """The song in a folder, its group the style.

    Raises:
        UnreadableFile, LimitExceeded: song.mid.
    """
    report, request = _json_in(folder / "report.json"), _json_in(folder / "request.json")
    style = str(report.get("style") or request.get("style") or "unknown")
    piece = read_piece(folder / "song.mid", style, folder.name)
    sections = _planned_sections(report, len(piece.bars)) or piece.sections
    properties = report.get("properties") or {}
    return replace(
        piece,
        sections=sections,
        chords=_planned_chords(report, request, piece),
        chords_asked=_asked(request, properties, "chords") is not None,
        key_asked=_asked(request, properties, "key") is not None,
        lyrics=request.get("lyrics"),
        timings={str(stage): float(seconds) for stage, seconds in (report.get("timings") or {}).items()},
    )


def _asked(request: dict[str, Any], properties: dict[str, Any], name: str) -> Any:
    if request:
        return request.get(name)
    return (properties.get(name) or {}).get("requested")


def _planned_sections(report: dict[str, Any], bars: int) -> tuple[Section, ...]:
    """The report's table of sections, as far as the file goes."""
    sections = []
    for row in report.get("form") or ():
        first = int(row["first_bar"]) - 1
        if first < bars:
            sections.append(
                Section(str(row["name"]).lower(), str(row["letter"]), first, min(int(row["bars"]), bars - first))
            )
    return tuple(sections)


def _planned_chords(report: dict[str, Any], request: dict[str, Any], piece: Piece) -> tuple[PlannedChord, ...]:
    """The chords that the file names, else those of the report's sections, else those of the request, repeated."""
    if piece.chords:
        return piece.chords
    chords: list[PlannedChord] = []
    for row in report.get("form") or ():
        first = int(row["first_bar"]) - 1
        chords += _laid_out(row.get("chords"), piece, first, first + int(row["bars"]))
    return tuple(chords or _laid_out(request.get("chords"), piece, 0, len(piece.bars)))


def _laid_out(progression: Any, piece: Piece, first_bar: int, end_bar: int) -> list[PlannedChord]:
    """A progression over the bars from `first_bar` to before `end_bar`; bars before its first chord have none."""
    texts = str(progression or "").split("|")
    silent = next((number for number, text in enumerate(texts) if text.strip() not in ("", "%")), len(texts))
    try:
        bars = parse_progression("|".join(texts[silent:]))
    except BadChord:
        return []
    laid: list[PlannedChord] = []
    for number in range(first_bar + silent, min(end_bar, len(piece.bars))):
        bar, chords = piece.bars[number], bars[(number - first_bar - silent) % len(bars)]
        for index, chord in enumerate(chords):
            start = bar.onset + bar.length * index // len(chords)
            end = bar.onset + bar.length * (index + 1) // len(chords)
            laid.append(PlannedChord(start, end, chord.root, frozenset(chord.pitch_classes)))
    return laid


def _json_in(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}
