"""`bandmate sing`: words on a melody that you bring."""

import json
from pathlib import Path
from typing import Annotated

import typer
from bandmate_shared.contracts.vocals import VocalRequest
from bandmate_shared.errors import NotFound

from bandmate_local.cli.output import console, megabytes, print_json
from bandmate_local.cli.progress import StageDisplay
from bandmate_local.cli.song import text_or_file
from bandmate_local.cli.working import perform, platform_session
from bandmate_local.settings import local_settings


def sing(
    melody: Annotated[Path, typer.Argument(help="MIDI, MusicXML or .mxl; or a vocal request as JSON.")],
    lyrics: Annotated[
        str | None, typer.Option(help="The words, or a file of them, a syllable a note; without them the melody's own.")
    ] = None,
    voice: Annotated[str | None, typer.Option(help="The singer.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for the files. [default: out/<job id>]")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the finished job as JSON.")] = False,
) -> None:
    """Sing words on a melody."""
    if not melody.is_file():
        raise NotFound(f"there is no file {melody}")
    request = _request(melody, None if lyrics is None else text_or_file(lyrics), voice)
    with platform_session("vocal") as session, StageDisplay(quiet=as_json) as display:
        job = perform(session, "vocals", request.model_dump(mode="json", exclude_none=True), display)
        folder = out or Path("out") / job.id
        files = session.collect("vocals", job, folder)
    if as_json:
        print_json({**json.loads(job.model_dump_json()), "files": files})
        return
    console.print(f"[green]✓[/] {job.id}")
    for path in files.values():
        console.print(f"  {path!s:<36} {megabytes(path.stat().st_size):>9}", markup=False)


def _request(melody: Path, words: str | None, voice: str | None) -> VocalRequest:
    if melody.suffix == ".json":
        return VocalRequest.model_validate_json(melody.read_bytes())
    # Reading music needs numpy, which only this branch is to wait for.
    from bandmate_shared.music.sandbox import read_untrusted

    from bandmate_local.melody import vocal_request

    score = read_untrusted(melody.read_bytes(), melody.name, local_settings())
    return vocal_request(score, words, voice)
