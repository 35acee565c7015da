"""Routes that make something of a finished song's files when it is asked for.

    GET /v1/songs/{id}/score.svg?page=2       a page of the score; the header Score-Pages says how many there are
    GET /v1/songs/{id}/score.json             where its bars and notes stand on those pages
    GET /v1/songs/{id}/audio/{name}.{format}  song.wav, vocals.wav, stems/….wav as flac, mp3 or opus
    GET /v1/songs/{id}/archive.zip            everything in one file

Of a song with several takes, `take=1` says which is meant.
"""

import hashlib
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

from bandmate_shared.contracts.jobs import Artifact
from bandmate_shared.contracts.scores import ScorePositions
from bandmate_shared.contracts.songs import MAX_TAKES
from bandmate_shared.errors import NotFound
from bandmate_shared.http.authentication import Tenant
from bandmate_shared.jobs.model import Job
from bandmate_shared.objects.blobs import blob_key
from bandmate_shared.runtime import Runtime
from fastapi import APIRouter, BackgroundTasks, Query, Request
from starlette.responses import FileResponse, Response

from bandmate_generate.delivery.archive import write_archive
from bandmate_generate.delivery.engraving import ENGRAVING, engrave, engraved_positions

_SVG_POLICY = "default-src 'none'; style-src 'unsafe-inline'; font-src data:; sandbox"

Take = Annotated[int | None, Query(ge=1, le=MAX_TAKES, description="Which take, of a song that has several.")]


def song_files_router(runtime: Runtime) -> APIRouter:
    """The routes below `/v1/songs/{id}`."""
    router = APIRouter(prefix="/v1/songs", tags=["songs"])

    def files_of(tenant: str, job_id: str, take: int | None) -> tuple[Job, dict[str, Artifact]]:
        job = runtime.store.get(job_id, tenant)
        folder = "" if take is None else f"take-{take}/"
        files = {
            artifact.name.removeprefix(folder): artifact.model_copy(update={"name": artifact.name.removeprefix(folder)})
            for artifact in job.artifacts
            if artifact.name.startswith(folder)
        }
        if "song.mid" not in files:
            takes = [artifact.name.split("/")[0] for artifact in job.artifacts if artifact.name.endswith("/song.mid")]
            hint = f"; it has {', '.join(takes)}: ask with take=1" if takes else ""
            raise NotFound(f"{job_id} has no finished song{hint}")
        return job, files

    def score_of(tenant: str, job_id: str, take: int | None) -> Artifact:
        _, files = files_of(tenant, job_id, take)
        if "song.musicxml" not in files:
            raise NotFound(f"{job_id} has no score")
        return files["song.musicxml"]

    @router.get("/{job_id}/score.svg", summary="A page of the score, engraved", response_class=Response)
    def score(
        request: Request, tenant: Tenant, job_id: str, page: Annotated[int, Query(ge=1, le=500)] = 1, take: Take = None
    ) -> Response:
        musicxml = score_of(tenant, job_id, take)
        headers = _headers(f"{musicxml.sha256}/{page}/{ENGRAVING}") | {"Content-Security-Policy": _SVG_POLICY}
        if _has(request, headers["ETag"]):
            return Response(status_code=304, headers=headers)
        svg, pages = engrave(runtime.storage.get(blob_key(musicxml.sha256)), page)
        return Response(svg, headers=headers | {"Score-Pages": str(pages)}, media_type="image/svg+xml")

    @router.get("/{job_id}/score.json", summary="Where its bars and notes stand on the pages of the score")
    def score_positions(tenant: Tenant, job_id: str, take: Take = None) -> ScorePositions:
        musicxml = score_of(tenant, job_id, take)
        return engraved_positions(runtime.storage.get(blob_key(musicxml.sha256)))

    @router.get("/{job_id}/audio/{name:path}", summary="Its sound as FLAC, MP3 or Opus", response_class=Response)
    def audio(request: Request, tenant: Tenant, job_id: str, name: str, take: Take = None) -> Response:
        from bandmate_generate.delivery.audio_formats import MEDIA_TYPES, encoded  # start-up time: scipy

        _, files = files_of(tenant, job_id, take)
        stem, _, extension = name.rpartition(".")
        wav = files.get(f"{stem}.wav")
        if wav is None or extension not in MEDIA_TYPES:
            sounds = ", ".join(file.removesuffix(".wav") for file in files if file.endswith(".wav"))
            raise NotFound(f"there is no {name!r}; {job_id} has {sounds}, each as {', '.join(MEDIA_TYPES)}")
        headers = _headers(f"{wav.sha256}.{extension}")
        if _has(request, headers["ETag"]):
            return Response(status_code=304, headers=headers)
        data = encoded(runtime.storage.get(blob_key(wav.sha256)), extension)
        return Response(data, headers=headers, media_type=MEDIA_TYPES[extension])

    @router.get("/{job_id}/archive.zip", summary="All of it in one file", response_class=Response)
    def archive(tenant: Tenant, job_id: str, background: BackgroundTasks, take: Take = None) -> Response:
        job, files = files_of(tenant, job_id, take)
        folder = TemporaryDirectory(prefix="bandmate-archive-")
        background.add_task(folder.cleanup)
        target = Path(folder.name) / "song.zip"
        title = job.title or job_id
        write_archive(target, list(files.values()), lambda file: runtime.storage.blocks(blob_key(file.sha256)), title)
        safe = "".join(letter if letter.isalnum() else "-" for letter in title).strip("-")[:60] or job_id
        return FileResponse(target, filename=f"{safe}.zip", media_type="application/zip", background=background)

    return router


def _headers(content: str) -> dict[str, str]:
    etag = hashlib.sha256(content.encode()).hexdigest()
    return {"ETag": f'"{etag}"', "Cache-Control": "private, no-cache"}


def _has(request: Request, etag: str) -> bool:
    """Whether the client has it already; compressed it has a weak tag."""
    return request.headers.get("if-none-match", "").removeprefix("W/") == etag
