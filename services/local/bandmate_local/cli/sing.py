"""`bandmate sing`: words on a melody that you bring."""

import json
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from bandmate_music.verses import Verses
from bandmate_shared.contracts.jobs import ServiceName
from bandmate_shared.contracts.vocals import VocalRequest
from bandmate_shared.errors import InvalidRequest, NotFound
from bandmate_shared.singing.check import check_voice
from bandmate_vocal.check import check, language_of
from bandmate_vocal.settings import vocal_settings
from bandmate_vocal.speech.choice import choose_engine

from bandmate_local.cli.accompany import play
from bandmate_local.cli.job_runner import platform_session, run_job
from bandmate_local.cli.output import console, json_anywhere, megabytes, print_json
from bandmate_local.cli.progress import StageDisplay
from bandmate_local.cli.singer_options import EngineOption, EnsembleOption, LanguageOption, VoicesOption
from bandmate_local.cli.song import words_or_file

VoicesAsked = Literal["own", "all", "one"]


def sing(
    melody: Annotated[
        Path, typer.Argument(help="MIDI, MusicXML or .mxl; or JSON: an alignment.json of a song, a vocal request.")
    ],
    lyrics: Annotated[
        str | None,
        typer.Option(
            help="The words, or a file of them, a syllable a note; - or _ holds a vowel. Without: the melody's own."
        ),
    ] = None,
    part: Annotated[
        str | None, typer.Option(help="The part to sing, by name or number (1 is the first). [default: all with words]")
    ] = None,
    verse: Annotated[
        str | None,
        typer.Option(help="A verse's number, or 'all', one after the other. [default: each pass of a repeat its own]"),
    ] = None,
    voices: Annotated[
        VoicesAsked,
        typer.Option(
            help="own: every voice with words of its own; all: those without as well, with the words of the others; "
            "one: the voice with most words."
        ),
    ] = "own",
    voice: VoicesOption = None,
    language: LanguageOption = None,
    engine: EngineOption = None,
    transpose: Annotated[int, typer.Option(min=-48, max=48, help="Semitones up, or down if negative.")] = 0,
    tempo: Annotated[
        float | None, typer.Option(min=10, max=400, help="Quarter notes a minute. [default: the score's]")
    ] = None,
    band: Annotated[
        bool, typer.Option("--band", help="Add bass, drums and harmony of ours to the other parts.")
    ] = False,
    alone: Annotated[bool, typer.Option("--alone", help="The voice alone, without the score's other parts.")] = False,
    ensemble: EnsembleOption = None,
    strict: Annotated[bool, typer.Option("--strict", help="Refuse a damaged file instead of repairing it.")] = False,
    out: Annotated[Path | None, typer.Option(help="Folder for the files. [default: out/<job id>]")] = None,
    as_json: Annotated[
        bool, typer.Option("--json", callback=json_anywhere, help="Print the finished job as JSON.")
    ] = False,
) -> None:
    """Sing a score with its words, or words on a melody."""
    names = tuple(name.strip() for name in (voice or "").split(",") if name.strip())
    for name in names or (None,):
        check_voice(name, language, engine)
    if not melody.is_file():
        raise NotFound(f"there is no file {melody}")
    if band and alone:
        raise InvalidRequest("--band and --alone contradict each other; give one of them")
    words = None if lyrics is None else words_or_file(lyrics)
    others: bytes | None = None
    from bandmate_local import sing_request  # start-up time: numpy

    if melody.suffix == ".json":
        for_scores = {
            "--lyrics": lyrics,
            "--part": part,
            "--verse": verse,
            "--tempo": tempo,
            "--band": band or None,
            "--strict": strict or None,
        }
        if refused := [option for option, value in for_scores.items() if value is not None]:
            raise InvalidRequest(
                f"{', '.join(refused)}: of {melody.name} the notes and words are sung as they stand there"
            )
        request = _adjusted(sing_request.of_file(melody), names, language, transpose)
    else:
        asked = sing_request.Singing(part, voices, transpose, tempo, names, language)
        accompanied = None if alone else band
        request, others = sing_request.of_score(melody, words, _verses(verse), asked, accompanied, strict=strict)
    if engine is not None:
        request = request.model_copy(update={"engine": engine})
    if ensemble is not None:
        request = request.model_copy(update={"ensemble": ensemble})
    check(request)
    singers = [request.voice_of(singer) for singer in request.singers()]
    choose_engine(vocal_settings(), language_of(request).tag, singers, request.engine)
    services: tuple[ServiceName, ...] = ("vocal",) if others is None else ("generate", "vocal")
    with platform_session(*services) as session:
        accompaniment = None
        if others is not None:
            accompaniment = play(session, others, band, request.seed, quiet=as_json)
        if accompaniment is not None:
            request = request.model_copy(update={"instrumental": accompaniment.sha256})
        with StageDisplay(quiet=as_json) as display:
            job = run_job(session, "vocals", request.model_dump(mode="json", exclude_none=True), display)
        folder = out or Path("out") / job.id
        files = session.collect("vocals", job, folder)
        if accompaniment is not None:
            files |= accompaniment.stems(session, folder)
    if as_json:
        print_json({**json.loads(job.model_dump_json()), "files": files})
        return
    console.print(f"[green]✓[/] {job.id}")
    for notice in request.notices:
        console.print(f"  {notice.partition(': ')[2]}", markup=False, highlight=False)
    for path in files.values():
        console.print(f"  {path!s:<36} {megabytes(path.stat().st_size):>9}", markup=False)


def _adjusted(request: VocalRequest, voices: tuple[str, ...], language: str | None, transpose: int) -> VocalRequest:
    """A request with the options of the command line."""
    changes: dict[str, Any] = {}
    if voices:
        singers = len(request.singers())
        several = [voices[number % len(voices)] for number in range(singers)] if len(voices) > 1 else None
        changes |= {"voice": voices[0], "voices": several}
    if language is not None:
        changes |= {"language": language, "language_source": None}
    if transpose:
        changes["notes"] = [note.model_dump() | {"pitch": note.pitch + transpose} for note in request.notes]
    return VocalRequest.model_validate(request.model_dump() | changes) if changes else request


def _verses(verse: str | None) -> Verses:
    if verse is None:
        return Verses()
    if verse.strip().isdigit() and int(verse) > 0:
        return Verses(int(verse))
    if verse.strip().lower() == "all":
        return Verses(every=True)
    raise InvalidRequest(f"there is no verse {verse[:20]!r}; give its number, or 'all'")
