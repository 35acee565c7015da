"""`bandmate benchmark singing`: sung words judged by recognisers and pitch trackers that the singer does not use."""

import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any

import typer
from bandmate_local.cli.job_runner import platform_session
from bandmate_local.cli.output import err_console
from bandmate_shared.errors import InvalidRequest, NotFound
from rich.table import Table

from bandmate_bench.cli.results import met, table, write_results
from bandmate_bench.progress_bar import ProgressBar
from bandmate_bench.singing.cases import (
    EIGHTHS,
    FIRST_SONG,
    GROUPS,
    LANGUAGE_CODES,
    LONG,
    own_cases,
    score_cases,
)
from bandmate_bench.singing.first_song import write_first_song
from bandmate_bench.singing.judge import check_installed, judge_all
from bandmate_bench.singing.recognise import RECOGNISERS, Recognisers
from bandmate_bench.singing.rows import summarise
from bandmate_bench.singing.scores import acceptance, chosen, read_scores
from bandmate_bench.singing.sing_cases import sing_all
from bandmate_bench.singing.sung import Sung, read_all

_WITHOUT_WORDS = (EIGHTHS, LONG)
"""Groups that ask for nothing of the words."""

_VOICE_COLUMNS = {
    "words wrong": "words_wrong",
    "in the mix": "words_wrong_in_mix",
    "P808": "p808",
    "sibilants": "fricatives_present",
    "their dB": "fricative_db",
    "clicks/s": "clicks_per_second",
}
_PITCH_COLUMNS = {
    "RPA": "rpa",
    "pYIN": "second_rpa",
    "octaves": "octave_errors",
    "voiced": "voiced",
    "median c": "note_mean_cents",
    "worst c": "note_worst_cents",
    "onset ms": "onset_median_ms",
    "p90": "onset_p90_ms",
}


def singing(
    scores: Annotated[
        Path | None, typer.Option(help="Folder of scores with words; those in folders named en are sung.")
    ] = None,
    pieces: Annotated[int, typer.Option(min=1, max=1000, help="Scores to sing, drawn by the seed.")] = 6,
    names: Annotated[str | None, typer.Option(help="Sing these scores: 'lc6210961,lc6221731'.")] = None,
    seconds: Annotated[float, typer.Option(min=4, max=600, help="Of each score.")] = 24.0,
    groups: Annotated[str | None, typer.Option(help=f"Of {', '.join(GROUPS)}. [default: all]")] = None,
    languages: Annotated[str, typer.Option(help="Whose verses are sung.")] = ",".join(LANGUAGE_CODES),
    lyrics: Annotated[Path, typer.Option(help="The first song's words.")] = Path("examples/first-song.txt"),
    recognisers: Annotated[str, typer.Option(help="Who listens to the words.")] = ",".join(RECOGNISERS),
    second_tracker: Annotated[bool, typer.Option(help="Follow the pitch by pYIN as well.")] = True,
    seed: Annotated[int, typer.Option(min=0, help="Of the draw of scores, and of our own melodies.")] = 1,
    from_folder: Annotated[
        Path | None, typer.Option("--from", help="Judge what is sung in this folder; sing nothing.")
    ] = None,
    keep: Annotated[
        Path | None, typer.Option(help="Keep what is sung here; what is there already is not sung again.")
    ] = None,
    as_json: Annotated[Path | None, typer.Option("--json", help="Write the numbers to this file; '-': print.")] = None,
) -> None:
    """Words, voice, pitch, timing and sound of the singing, by judges that have no part in it."""
    check_installed()
    wanted = _among(groups, GROUPS, "--groups") if groups else list(GROUPS)
    codes = _among(languages, LANGUAGE_CODES, "--languages")
    failures: list[str] = []
    accepted = None
    with ProgressBar() as progress, ExitStack() as stack:
        listening = stack.enter_context(Recognisers(recognisers.split(",")))
        if from_folder is not None:
            sung = read_all(from_folder)
        else:
            folder = keep or Path(stack.enter_context(tempfile.TemporaryDirectory()))
            cases = own_cases(wanted, codes, seed)
            if scores is not None:
                found = read_scores(scores, progress.show)
                accepted = acceptance(found)
                drawn = chosen(found, pieces, names.split(",") if names else [], seed)
                cases += score_cases(drawn, seconds, wanted)
            if FIRST_SONG in wanted:
                failures += _first_song(lyrics, folder)
            failures += sing_all(cases, folder, progress.show)
            sung = _sung_now(folder, {(case.group, case.name) for case in cases})
        measured = judge_all(sung, listening, progress.show, second_tracker, _WITHOUT_WORDS)
    rows = summarise(measured, accepted)
    result: dict[str, Any] = {
        "benchmark": "singing",
        "seed": seed,
        "recognisers": list(listening.names),
        "rows": rows,
        "scores": accepted,
        "pieces": measured,
        "failures": failures,
        "passed": all(row["met"] is not False for row in rows) and not failures,
    }
    write_results(result, as_json, _overview(rows), *_by_piece(measured))
    for line in failures:
        err_console.print(f"  not sung: {line}", markup=False)


def _first_song(lyrics: Path, folder: Path) -> list[str]:
    if not lyrics.is_file():
        raise NotFound(f"there is no file {lyrics}; name the first song's words with --lyrics")
    with platform_session("generate", "vocal") as session:
        failure = write_first_song(session, lyrics.read_text(encoding="utf-8"), folder)
    return [failure] if failure is not None else []


def _sung_now(folder: Path, cases: set[tuple[str, str]]) -> list[Sung]:
    """What was sung in this run: a kept folder may hold more."""
    return [piece for piece in read_all(folder) if piece.group == FIRST_SONG or (piece.group, piece.name) in cases]


def _among(text: str, known: Sequence[str], option: str) -> list[str]:
    values = [value.strip() for value in text.split(",") if value.strip()]
    if strange := [value for value in values if value not in known]:
        raise InvalidRequest(f"{option}: there is no {', '.join(strange)}; there are {', '.join(known)}")
    return values


def _overview(rows: list[dict[str, Any]]) -> Table:
    overview = table("row", "asked", "measured", "pieces", "met", "before")
    for row in rows:
        reached = "-" if row["met"] is None else met(row["met"])
        overview.add_row(row["title"], _limits(row), _shown(row["value"]), str(row["pieces"]), reached, row["before"])
    return overview


def _by_piece(measured: list[dict[str, Any]]) -> list[Table]:
    tables = []
    for columns in (_VOICE_COLUMNS, _PITCH_COLUMNS):
        by_piece = table("piece", *columns)
        for piece in measured:
            by_piece.add_row(piece["name"], *(_shown(piece.get(name)) for name in columns.values()))
        tables.append(by_piece)
    return tables


def _limits(row: dict[str, Any]) -> str:
    low, high = row["low"], row["high"]
    if low is not None and high is not None:
        return f"{low:g} to {high:g}"
    if low is not None:
        return f">= {low:g}"
    return f"<= {high:g}" if high is not None else "-"


def _shown(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.3f}" if abs(value) < 2 else f"{value:.2f}" if abs(value) < 10 else f"{value:.1f}"
