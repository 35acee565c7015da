"""Has the other parts of a sung score played by the service that plays songs."""

import base64
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bandmate_shared.contracts.jobs import JobView

from bandmate_local.cli.job_runner import run_job
from bandmate_local.cli.output import JobFailed, err_console
from bandmate_local.cli.progress import StageDisplay
from bandmate_local.client import RemoteProblem, Session

_BAND = ["bass", "drums", "harmony"]


@dataclass(frozen=True, slots=True)
class Accompaniment:
    """What was played; `sha256` is the mix's."""

    job: JobView
    sha256: str

    def stems(self, session: Session, folder: Path) -> dict[str, Path]:
        """Copy each part alone into FOLDER/stems; returns where each one is."""
        parts = [artifact for artifact in self.job.artifacts if artifact.name.startswith("stems/")]
        return session.collect("songs", self.job.model_copy(update={"artifacts": parts}), folder)


def play(session: Session, midi: bytes, band: bool, seed: int, quiet: bool) -> Accompaniment | None:
    """The parts played as they are written, with `band` under new parts of ours.

    None where they cannot be played, which is told on standard error: the song is then sung without them. Raises
    JobFailed where a band was asked for and cannot be had.
    """
    wishes: dict[str, Any] = {"add": _BAND} if band else {"variation": 0.0, "performance": "tight"}
    request = {"prompt": base64.b64encode(midi).decode(), "seed": seed, **wishes}
    try:
        with StageDisplay(quiet=quiet) as display:
            job = run_job(session, "songs", request, display)
    except (JobFailed, RemoteProblem) as failure:
        if band:
            raise
        err_console.print(f"The other parts are not played: {failure.detail}", markup=False)
        return None
    return Accompaniment(
        job, next(artifact.sha256 for artifact in job.artifacts if artifact.name == "instrumental.wav")
    )
