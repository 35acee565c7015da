"""`bandmate song`: one song, asked for and waited for."""

import base64
import json
from pathlib import Path
from typing import Annotated, Any

import typer
from bandmate_shared.contracts.jobs import JobView
from bandmate_shared.contracts.songs import MAX_PROMPT_CHARACTERS, SONG_SOURCE, SongRequest
from bandmate_shared.contracts.uploads import UPLOAD_SOURCE
from bandmate_shared.errors import InvalidRequest, LimitExceeded, NotFound
from rich.markup import escape

from bandmate_local.cli.output import console, megabytes, print_json
from bandmate_local.cli.progress import StageDisplay
from bandmate_local.cli.working import perform, platform_session

_WHAT_IT_IS = {
    "song.wav": "the mix",
    "vocals.wav": "the singing alone",
    "instrumental.wav": "the band alone",
    "song.mid": "the notes, and the words if there are any",
    "song.musicxml": "the score, for MuseScore and its like",
    "pianoroll.png": "a picture of the notes",
    "report.json": "what was asked and what came out",
    "vocal.json": "what was measured of the singing",
}


def song(
    style: Annotated[str | None, typer.Option(help="The style, for instance folk. [default: song]")] = None,
    key: Annotated[str | None, typer.Option(help="'D', 'F# minor', 'Bbm'.")] = None,
    bars: Annotated[int | None, typer.Option(help="Length in bars.")] = None,
    tempo: Annotated[float | None, typer.Option(help="Quarter notes a minute.")] = None,
    metre: Annotated[str | None, typer.Option(help="'4/4', '3/4', '6/8'.")] = None,
    seed: Annotated[int | None, typer.Option(help="Same request, model and seed: same song.")] = None,
    prompt: Annotated[
        str | None, typer.Option(help="A MIDI file to go on from or to work on, or song:ID of a song of yours.")
    ] = None,
    lyrics: Annotated[str | None, typer.Option(help="The words, or a file of them; one phrase a line.")] = None,
    voice: Annotated[str | None, typer.Option(help="The singer.")] = None,
    instruments: Annotated[str | None, typer.Option(help="Exactly those play: 'violin, guitar, drums'.")] = None,
    tracks: Annotated[
        str | None,
        typer.Option(
            help="With --infill or --variation tracks of the prompt: 'Bass, Drums'. Else the line-up: JSON, or a file."
        ),
    ] = None,
    density: Annotated[str | None, typer.Option(help="1 to 5, or sparse, light, medium, dense, full.")] = None,
    polyphony: Annotated[int | None, typer.Option(help="The most notes at once in any one track.")] = None,
    chords: Annotated[str | None, typer.Option(help="'Dm7 G7 | Cmaj7 | %', repeated until the end.")] = None,
    infill: Annotated[str | None, typer.Option(help="Bars of the prompt to compose anew: '5-8'.")] = None,
    add: Annotated[
        list[str] | None, typer.Option(help="A new track over the prompt's: bass, drums, harmony. May be repeated.")
    ] = None,
    variation: Annotated[float | None, typer.Option(help="Share of the prompt to compose anew, 0 to 1.")] = None,
    temperature: Annotated[float | None, typer.Option(help="Above 1 more daring, below more usual.")] = None,
    top_p: Annotated[float | None, typer.Option(help="Choose among the likeliest that make up this share.")] = None,
    top_k: Annotated[int | None, typer.Option(help="Choose among so many of the likeliest.")] = None,
    candidates: Annotated[int | None, typer.Option(help="So many are composed; the best one is kept.")] = None,
    takes: Annotated[int | None, typer.Option(help="How many different songs. [default: 1]")] = None,
    model: Annotated[str | None, typer.Option(help="A model's id or alias; without it, the one in production.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for the files. [default: out/<job id>]")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the job, its report and its files as JSON.")] = False,
) -> None:
    """Write a song: notes, score, stems, mix, and vocals when there are lyrics. Or work on a given piece."""
    edits = infill is not None or (variation is not None and tracks is not None)
    asked = {
        "style": style,
        "key": key,
        "bars": bars,
        "tempo": tempo,
        "metre": metre,
        "seed": seed,
        "lyrics": None if lyrics is None else text_or_file(lyrics),
        "voice": voice,
        "prompt": None if prompt is None else _encoded(prompt),
        "instruments": None if instruments is None else _names(instruments),
        "tracks": None if tracks is None or edits else _line_up(tracks),
        "density": density,
        "polyphony": polyphony,
        "chords": None if chords is None else text_or_file(chords),
        "infill": _infill(infill, tracks) if edits else None,
        "add": None if not add else [name for given in add for name in _names(given)],
        "variation": variation,
        "temperature": temperature,
        "top_p": top_p,
        "top_k": top_k,
        "candidates": candidates,
        "takes": takes,
        "model": model,
    }
    request = {name: value for name, value in asked.items() if value is not None}
    SongRequest.model_validate(request)  # What is wrong is said before anything is started.
    with platform_session("generate", "vocal") as session, StageDisplay(quiet=as_json) as display:
        job = perform(session, "songs", request, display)
        folder = out or Path("out") / job.id
        files = session.collect("songs", job, folder)
    if as_json:
        report = json.loads(files["report.json"].read_text()) if "report.json" in files else None
        print_json({**json.loads(job.model_dump_json()), "report": report, "files": files})
    else:
        _print(job, folder, files)


def text_or_file(given: str) -> str:
    """The words themselves, or the content of the file they name.

    Raises:
        NotFound: it looks like a file's name, and there is no such file.
        InvalidRequest: the file is not text.
    """
    one_line = "\n" not in given and 0 < len(given) < 1024
    if one_line and Path(given).is_file():
        try:
            return Path(given).read_text(encoding="utf-8")
        except UnicodeDecodeError as error:
            raise InvalidRequest(f"{given} is not a text file in UTF-8") from error
    if one_line and Path(given).suffix in (".txt", ".lrc", ".md") and " " not in given:
        raise NotFound(f"there is no file {given}")
    return given


def _encoded(prompt: str) -> str:
    """A file's content as Base64; what names an upload or a song as it is."""
    if prompt.startswith((SONG_SOURCE, UPLOAD_SOURCE)):
        return prompt
    path = Path(prompt)
    if not path.is_file():
        raise NotFound(f"there is no file {prompt}")
    if path.stat().st_size > MAX_PROMPT_CHARACTERS * 3 // 4:
        raise LimitExceeded(f"{prompt} has {path.stat().st_size} bytes; a prompt may have about 1 MiB")
    return base64.b64encode(path.read_bytes()).decode()


def _infill(bars: str | None, tracks: str | None) -> dict[str, Any]:
    return {"bars": bars or "all", "tracks": "all" if tracks is None else _names(tracks)}


def _names(given: str) -> list[str]:
    """Names between commas."""
    return [name.strip() for name in given.split(",") if name.strip()]


def _line_up(given: str) -> list[Any]:
    """Tracks as JSON, from the command line or a file. Raises InvalidRequest."""
    text = Path(given).read_text(encoding="utf-8") if len(given) < 1024 and Path(given).is_file() else given
    try:
        tracks = json.loads(text)
    except ValueError:
        tracks = None
    if not isinstance(tracks, list):
        raise InvalidRequest(
            f"--tracks without --infill is a JSON list, or a file of one: "
            f'\'[{{"instrument": "violin", "low": "G3", "density": 3}}]\', not {given[:60]!r}'
        )
    return tracks


def _print(job: JobView, folder: Path, files: dict[str, Path]) -> None:
    started, finished = job.started_at or job.created_at, job.finished_at or job.created_at
    seconds = (finished - started).total_seconds()
    takes = (job.result or {}).get("takes")
    if takes is None:
        console.print(f"[green]✓[/] {escape(_described(job.result or {}))}; {seconds:.1f} s")
        _print_files("", folder, files)
    else:
        console.print(f"[green]✓[/] {len(takes)} takes; {seconds:.1f} s")
        for take in takes:
            console.print(f"  {take['folder']}: {_described(take)}", markup=False)
            _print_files(f"{take['folder']}/", folder, files)


def _print_files(prefix: str, folder: Path, files: dict[str, Path]) -> None:
    for name, meaning in _WHAT_IT_IS.items():
        if path := files.get(prefix + name):
            console.print(f"  {path!s:<36} {megabytes(path.stat().st_size):>9}  {meaning}", markup=False)
    stems = [Path(name).stem for name in files if name.startswith(f"{prefix}stems/")]
    if stems:
        where = folder / prefix / "stems"
        console.print(f"  {where!s:<36} {len(stems):>3} files  each instrument alone: {', '.join(stems)}", markup=False)


def _described(result: dict[str, Any]) -> str:
    """A song in a few words, from its job's result."""
    told = [result.get("title", "a song"), result.get("key"), result.get("metre"), result.get("style")]
    return ", ".join(str(one) for one in [*told, f"seed {result.get('seed')}"] if one is not None)
