"""A finished song in a notebook: shown with its player, its notes and its score where a cell ends with it.

from bandmate_local.notebook import Song

Song.open("out/first-song")                                     # what `bandmate song` wrote
song = Song.ask("a slow waltz in D minor with strings", seed=3)
Song.ask(prompt=song, infill={"bars": "5-8"})                   # a new version of it
"""

import html
import json
import re
from dataclasses import dataclass
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import Any, Self

from bandmate_shared.contracts.jobs import JobState, JobView
from bandmate_shared.contracts.songs import SONG_SOURCE, SongRequest
from bandmate_shared.errors import BandmateError, InvalidRequest, NotFound
from bandmate_shared.faults import in_words
from pydantic import ValidationError

from bandmate_local.client import Session
from bandmate_local.given_piece import encoded_piece
from bandmate_local.notebook.page import MAX_AUDIO_BYTES, MAX_SCORE_PAGES, song_html
from bandmate_local.settings import local_settings

_NEEDED = ("report.json", "notes.json", "timemap.json")
_TITLE = re.compile(r"<work-title>(.*?)</work-title>", re.DOTALL)


class SongNotFinished(BandmateError):
    """The song that was asked for has failed, or was cancelled."""

    type = "song-not-finished"
    title = "The song is not finished"


@dataclass(frozen=True)
class Song:
    """The files of one take in a folder."""

    folder: Path

    @classmethod
    def open(cls, folder: str | PathLike[str]) -> Self:
        """A song that `bandmate song` wrote, or one take of it.

        Raises:
            NotFound: there are no such files in the folder; names the takes that it has.
        """
        path = Path(folder)
        missing = [name for name in _NEEDED if not (path / name).is_file()]
        if missing:
            takes = ", ".join(str(take.parent) for take in sorted(path.glob("take-*/report.json")))
            hint = f"; it has takes: {takes}" if takes else ""
            raise NotFound(f"{path} holds no song: there is no {missing[0]}{hint}")
        return cls(path)

    @classmethod
    def ask(
        cls,
        text: str | None = None,
        *,
        prompt: "Song | str | PathLike[str] | None" = None,
        out: str | PathLike[str] | None = None,
        **wishes: Any,
    ) -> Self:
        """Have a song written, and wait for it: by the platform that runs on this home, else by one started for it.

        `text` is a sentence, `wishes` are fields of a SongRequest (`lyrics`, `style`, `bars`, `seed`, …), `prompt` is
        a song or a file to go on from or to work on. The files go to `out`, by default `out/<job id>`.

        Raises:
            InvalidRequest: the fields contradict each other, or ask for several takes.
            RemoteProblem: the platform refused the request.
            SongNotFinished: it could not be made.
        """
        request = _request(text, prompt, wishes)
        # Free ports: the usual ones are for a platform that goes on running.
        settings = local_settings().model_copy(update={"port": 0, "redis_port": 0})
        with Session(settings, ("generate", "vocal")) as session:
            job = session.submit("songs", request)
            job = session.follow("songs", job.id, lambda _event: None)
            _require_success(job)
            folder = Path("out") / job.id if out is None else Path(out)
            session.collect("songs", job, folder)
        return cls.open(folder)

    @cached_property
    def report(self) -> dict[str, Any]:
        """What was asked for and what came out: `report.json`."""
        report: dict[str, Any] = json.loads(self._text("report.json"))
        return report

    @property
    def reference(self) -> str:
        """How a request of the platform that made it names the song: `song:ID`."""
        return f"{SONG_SOURCE}{self.report['job_id']}"

    @cached_property
    def title(self) -> str:
        """As the score has it."""
        score = self.folder / "song.musicxml"
        found = _TITLE.search(score.read_text(encoding="utf-8")) if score.is_file() else None
        return html.unescape(found[1]).strip() if found is not None else self.folder.name

    @property
    def mix(self) -> Path:
        """The song as a WAV file, with the singer if there is one."""
        sung = self.folder / "song.wav"
        return sung if sung.is_file() else self.folder / "instrumental.wav"

    @property
    def stems(self) -> dict[str, Path]:
        """The WAV file of each instrument by its name, and of the `vocals`."""
        files = {path.stem: path for path in sorted((self.folder / "stems").glob("*.wav"))}
        vocals = self.folder / "vocals.wav"
        return {"vocals": vocals, **files} if vocals.is_file() else files

    def html(self, max_audio_bytes: int = MAX_AUDIO_BYTES, max_score_pages: int = MAX_SCORE_PAGES) -> str:
        """Everything in one piece of HTML that asks no network: player, piano roll and score.

        A mix of more than `max_audio_bytes` as MP3 is named and not played; of the score there are `max_score_pages`.
        """
        musicxml = self.folder / "song.musicxml"
        return song_html(
            self.title,
            self.report,
            json.loads(self._text("notes.json")),
            json.loads(self._text("timemap.json")),
            self.mix,
            musicxml.read_bytes() if musicxml.is_file() else None,
            max_audio_bytes,
            max_score_pages,
        )

    def _repr_html_(self) -> str:
        return self.html()

    def __repr__(self) -> str:
        return f"Song({str(self.folder)!r}): {self.title}"

    def _text(self, name: str) -> str:
        return (self.folder / name).read_text(encoding="utf-8")


def _request(text: str | None, prompt: "Song | str | PathLike[str] | None", wishes: dict[str, Any]) -> dict[str, Any]:
    """The request as it is sent. Raises InvalidRequest."""
    given = None if prompt is None else prompt.reference if isinstance(prompt, Song) else encoded_piece(str(prompt))
    fields = {name: value for name, value in {"text": text, "prompt": given, **wishes}.items() if value is not None}
    try:
        request = SongRequest.model_validate(fields)
    except ValidationError as error:
        raise InvalidRequest(in_words(error)) from None
    if request.takes > 1:
        raise InvalidRequest("a song is one take; ask for each by itself, with a seed of its own")
    return request.model_dump(mode="json", exclude_unset=True)


def _require_success(job: JobView) -> None:
    if job.error is not None:
        raise SongNotFinished(f"{job.id}: {job.error.detail}")
    if job.state is not JobState.SUCCEEDED:
        raise SongNotFinished(f"{job.id} was cancelled")
