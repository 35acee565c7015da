"""`bandmate song`: request a song, follow the job and collect its files."""

import json
import re
from pathlib import Path
from typing import Annotated, Any

import typer
from bandmate_music.language.scripts import refuse_unsung_scripts
from bandmate_shared.contracts.jobs import JobView
from bandmate_shared.contracts.songs import SongRequest
from bandmate_shared.errors import InvalidRequest, NotFound
from bandmate_shared.singing.check import check_voice, sung_language
from bandmate_vocal.settings import vocal_settings
from bandmate_vocal.speech.choice import choose_engine
from rich.markup import escape

from bandmate_local.cli.interpretation import print_interpretation, show_understood
from bandmate_local.cli.job_runner import platform_session, run_job
from bandmate_local.cli.output import console, json_anywhere, megabytes, print_json
from bandmate_local.cli.progress import StageDisplay
from bandmate_local.cli.singer_options import EngineOption, EnsembleOption, LanguageOption, VoiceOption
from bandmate_local.given_piece import encoded_piece

_FILE_DESCRIPTIONS = {
    "song.wav": "the mix",
    "vocals.wav": "the singing alone",
    "instrumental.wav": "the band alone",
    "words.txt": "the words that were written",
    "song.mid": "the notes, and the words if there are any",
    "song.musicxml": "the score, for MuseScore and its like",
    "pianoroll.png": "a picture of the notes",
    "report.json": "what was asked and what came out",
    "vocal.json": "what was measured of the singing",
    "alignment.json": "the syllables with their times, to be edited and sung again",
    "lyrics.lrc": "the words with their times",
    "pitch.svg": "a picture of the sung pitch over the notes",
}


def song(
    text: Annotated[
        str | None,
        typer.Argument(
            help="The song in a sentence: 'a slow waltz in D minor with strings'. Options have precedence over it."
        ),
    ] = None,
    style: Annotated[
        str | None, typer.Option(help="The style, for instance folk, or one of the model's own. [default: song]")
    ] = None,
    key: Annotated[str | None, typer.Option(help="'D', 'F# minor', 'Bbm'.")] = None,
    mode: Annotated[str | None, typer.Option(help="'major' or 'minor', where no key is named.")] = None,
    bars: Annotated[int | None, typer.Option(help="Length in bars.")] = None,
    seconds: Annotated[float | None, typer.Option(help="Length in seconds; the tempo is fitted to it.")] = None,
    tempo: Annotated[float | None, typer.Option(help="Quarter notes a minute.")] = None,
    metre: Annotated[str | None, typer.Option(help="'4/4', '3/4', '6/8'.")] = None,
    seed: Annotated[int | None, typer.Option(help="Same request, model and seed: same song.")] = None,
    prompt: Annotated[
        str | None, typer.Option(help="A MIDI file to go on from or to work on, or song:ID of a song of yours.")
    ] = None,
    from_bar: Annotated[int | None, typer.Option(help="With --prompt: the first of its bars to go on from.")] = None,
    to_bar: Annotated[int | None, typer.Option(help="With --prompt: the last of its bars to go on from.")] = None,
    lyrics: Annotated[str | None, typer.Option(help="The words, or a file of them; one phrase a line.")] = None,
    lyrics_about: Annotated[
        str | None,
        typer.Option(help="Have words written about this, where a writer is configured (BANDMATE_WORDS_URL)."),
    ] = None,
    form: Annotated[
        str | None, typer.Option(help="The sections with their bars: 'intro 4, verse 8, chorus 8, verse, chorus'.")
    ] = None,
    sections: Annotated[
        str | None, typer.Option(help="The sections with bars, chords and words each: JSON, or a file of it.")
    ] = None,
    voice: VoiceOption = None,
    language: LanguageOption = None,
    engine: EngineOption = None,
    ensemble: EnsembleOption = None,
    strict: Annotated[bool, typer.Option("--strict", help="Refuse a damaged prompt instead of repairing it.")] = False,
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
    infill: Annotated[
        str | None, typer.Option(help="Bars or sections of the prompt to compose anew: '5-8', 'chorus', 'verse 2'.")
    ] = None,
    add: Annotated[
        list[str] | None, typer.Option(help="A new track over the prompt's: bass, drums, harmony. May be repeated.")
    ] = None,
    variation: Annotated[float | None, typer.Option(help="Share of the prompt to compose anew, 0 to 1.")] = None,
    performance: Annotated[str | None, typer.Option(help="'human' timing, or 'tight'. [default: human]")] = None,
    temperature: Annotated[float | None, typer.Option(help="Above 1 more daring, below more usual.")] = None,
    top_p: Annotated[float | None, typer.Option(help="Choose among the likeliest that make up this share.")] = None,
    top_k: Annotated[int | None, typer.Option(help="Choose among so many of the likeliest.")] = None,
    candidates: Annotated[int | None, typer.Option(help="So many are composed; the best one is kept.")] = None,
    takes: Annotated[int | None, typer.Option(help="How many different songs. [default: 1]")] = None,
    model: Annotated[str | None, typer.Option(help="A model's id or alias; without it, the one in production.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for the files. [default: out/<job id>]")] = None,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Print the request and what was understood of the sentence; write nothing."),
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", callback=json_anywhere, help="Print the job, its report and its files as JSON.")
    ] = False,
) -> None:
    """Write a song: notes, score, stems, mix, and vocals when there are lyrics. Or work on a given piece."""
    check_voice(voice, language, engine)
    if lyrics is not None and lyrics_about is not None:
        raise InvalidRequest("give the words by --lyrics, or have them written by --lyrics-about, not both")
    if form is not None and sections is not None:
        raise InvalidRequest("give the sections by --form or by --sections, not by both")
    edits = infill is not None or (variation is not None and tracks is not None)
    options = {
        "text": text,
        "style": style,
        "key": key,
        "mode": mode,
        "bars": bars,
        "seconds": seconds,
        "tempo": tempo,
        "metre": metre,
        "seed": seed,
        "lyrics": _words(lyrics, lyrics_about),
        "sections": _form(form) if form is not None else None if sections is None else _sections(sections),
        "voice": voice,
        "language": language,
        "engine": engine,
        "ensemble": ensemble,
        "prompt": None if prompt is None else encoded_piece(prompt),
        "from_bar": from_bar,
        "to_bar": to_bar,
        "strict": strict or None,
        "instruments": None if instruments is None else _names(instruments),
        "tracks": None if tracks is None or edits else _line_up(tracks),
        "density": density,
        "polyphony": polyphony,
        "chords": None if chords is None else text_or_file(chords),
        "infill": _infill(infill, tracks) if edits else None,
        "add": None if not add else [name for names in add for name in _names(names)],
        "variation": variation,
        "performance": performance,
        "temperature": temperature,
        "top_p": top_p,
        "top_k": top_k,
        "candidates": candidates,
        "takes": takes,
        "model": model,
    }
    request = {name: value for name, value in options.items() if value is not None}
    from bandmate_local.song_check import checked_song  # start-up time: numpy

    interpretation = checked_song(SongRequest.model_validate(request))
    if dry_run:
        print_interpretation(interpretation, as_json)
        return
    if text is not None and not as_json:
        show_understood(interpretation)
    _check_installed(interpretation.request)
    with platform_session("generate", "vocal") as session, StageDisplay(quiet=as_json) as display:
        job = run_job(session, "songs", request, display)
        folder = out or Path("out") / job.id
        files = session.collect("songs", job, folder)
    if as_json:
        report = json.loads(files["report.json"].read_text()) if "report.json" in files else None
        print_json({**json.loads(job.model_dump_json()), "report": report, "files": files})
    else:
        _print(job, folder, files, with_choices=prompt is not None)


def _words(lyrics: str | None, topic: str | None) -> str | dict[str, str] | None:
    """The words, or the wish for some."""
    if lyrics is not None:
        return words_or_file(lyrics)
    return None if topic is None else {"about": topic}


def words_or_file(value: str) -> str:
    """Words to be sung: the text itself, or that of the file it names.

    Raises:
        ScriptNotSung: they are in a script that no voice sings; what `text_or_file` raises.
    """
    text = text_or_file(value)
    refuse_unsung_scripts(text.splitlines())
    return text


def _check_installed(request: SongRequest) -> None:
    """Raise SpeechEngineMissing where what would sing the words is not installed on this machine."""
    if request.words is not None:
        sung = sung_language(request.words.splitlines(), request.language, request.voice)
        choose_engine(vocal_settings(), sung.tag, [request.voice], request.engine)


def text_or_file(value: str) -> str:
    """The text itself, or the content of the file that it names.

    Raises:
        NotFound: it looks like a file's name, and there is no such file.
        InvalidRequest: the file is not text.
    """
    one_line = "\n" not in value and 0 < len(value) < 1024
    if one_line and Path(value).is_file():
        try:
            return Path(value).read_text(encoding="utf-8")
        except UnicodeDecodeError as error:
            raise InvalidRequest(f"{value} is not a text file in UTF-8") from error
    if one_line and Path(value).suffix in (".txt", ".lrc", ".md") and " " not in value:
        raise NotFound(f"there is no file {value}")
    return value


def _infill(bars: str | None, tracks: str | None) -> dict[str, Any]:
    return {"bars": bars or "all", "tracks": "all" if tracks is None else _names(tracks)}


def _names(value: str) -> list[str]:
    """Comma-separated names."""
    return [name.strip() for name in value.split(",") if name.strip()]


def _form(value: str) -> list[dict[str, Any]]:
    """Sections by name, separated by commas, each perhaps with its bars: 'intro 4, verse 8, chorus'."""
    matches = [re.fullmatch(r"(.*?)(?:\s+(\d{1,4}))?", part.strip()) for part in value.split(",") if part.strip()]
    return [
        {"name": match[1]} | ({"bars": int(match[2])} if match[2] else {}) for match in matches if match is not None
    ]


def _sections(value: str) -> list[Any]:
    """Sections as JSON, from the command line or a file. Raises InvalidRequest."""
    sections = _json_list(value)
    if sections is None:
        raise InvalidRequest(
            f"--sections is a JSON list, or a file of one: "
            f'\'[{{"name": "verse", "bars": 8, "chords": "C | F"}}, {{"name": "chorus"}}]\', not {value[:60]!r}'
        )
    return sections


def _json_list(value: str) -> list[Any] | None:
    """A JSON list, written out or in the file that is named; None where it is none."""
    text = Path(value).read_text(encoding="utf-8") if len(value) < 1024 and Path(value).is_file() else value
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return found if isinstance(found, list) else None


def _line_up(value: str) -> list[Any]:
    """Tracks as JSON, from the command line or a file. Raises InvalidRequest."""
    tracks = _json_list(value)
    if tracks is None:
        raise InvalidRequest(
            f"--tracks without --infill is a JSON list, or a file of one: "
            f'\'[{{"instrument": "violin", "low": "G3", "density": 3}}]\', not {value[:60]!r}'
        )
    return tracks


def _print(job: JobView, folder: Path, files: dict[str, Path], *, with_choices: bool) -> None:
    started, finished = job.started_at or job.created_at, job.finished_at or job.created_at
    seconds = (finished - started).total_seconds()
    takes = (job.result or {}).get("takes")
    if takes is None:
        console.print(f"[green]✓[/] {escape(_described(job.result or {}))}; {seconds:.1f} s")
        _print_files("", folder, files)
        _print_notes("", files, with_choices=with_choices)
    else:
        console.print(f"[green]✓[/] {len(takes)} takes; {seconds:.1f} s")
        for take in takes:
            console.print(f"  {take['folder']}: {_described(take)}", markup=False)
            _print_files(f"{take['folder']}/", folder, files)
            _print_notes(f"{take['folder']}/", files, with_choices=with_choices)


def _print_files(prefix: str, folder: Path, files: dict[str, Path]) -> None:
    for name, meaning in _FILE_DESCRIPTIONS.items():
        if path := files.get(prefix + name):
            console.print(f"  {path!s:<36} {megabytes(path.stat().st_size):>9}  {meaning}", markup=False)
    stems = [Path(name).stem for name in files if name.startswith(f"{prefix}stems/")]
    if stems:
        stems_folder = folder / prefix / "stems"
        console.print(
            f"  {stems_folder!s:<36} {len(stems):>3} files  each instrument alone: {', '.join(stems)}", markup=False
        )


def _print_notes(prefix: str, files: dict[str, Path], *, with_choices: bool) -> None:
    """What the report warns of; with `with_choices` also what was chosen."""
    path = files.get(f"{prefix}report.json")
    if path is None:
        return
    report = json.loads(path.read_text(encoding="utf-8"))
    for text in report.get("warnings", []):
        console.print(f"[yellow]![/] {escape(text)}")
    for text in report.get("choices", []) if with_choices else []:
        console.print(f"  {text}", markup=False)


def _described(result: dict[str, Any]) -> str:
    """A one-line summary of a song's result."""
    parts = [result.get("title", "a song"), result.get("key"), result.get("metre"), result.get("style")]
    return ", ".join(str(part) for part in [*parts, f"seed {result.get('seed')}"] if part is not None)
