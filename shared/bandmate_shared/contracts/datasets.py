"""Dataset requests, the cleaning report, and the layout of a finished dataset.

A dataset is a folder in the store under `datasets/<name>/<version>/` with
  pieces.parquet   one row a piece     (PIECE_COLUMNS)
  parts.parquet    one row a part      (PART_COLUMNS)
  measures.parquet one row a bar       (MEASURE_COLUMNS)
  notes.parquet    one row a note      (NOTE_COLUMNS)
  README.md (a dataset card), report.json, report.html, manifest.json (written last)
Time is in grid ticks, 24 a quarter note; tick 0 is the start of the first bar. Rows are sorted by their leading
columns.
"""

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from bandmate_shared.contracts.base import Contract

DatasetName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]
Split = Literal["train", "valid", "test"]
SplitSource = Literal["folders", "hash"]


def _columns(text: str) -> dict[str, str]:
    """'piece:int32 …' → {'piece': 'int32', …}."""
    return dict(column.split(":") for column in text.split())


PIECE_COLUMNS = _columns(
    "piece:int32 sha256:string name:string style:string split:string tonic:int8 mode:string key_confidence:float32 "
    "tempo:float32 numerator:int8 denominator:int8 bars:int32 notes:int32 seconds:float32 duplicate_group:int32 "
    "grid_offset:float32 on_grid:float32"
)
PART_COLUMNS = _columns(
    "piece:int32 part:int16 name:string program:int8 is_drum:bool role:string instrument:string notes:int32 low:int8 "
    "high:int8"
)
MEASURE_COLUMNS = _columns("piece:int32 bar:int32 onset:int32 length:int32 numerator:int8 denominator:int8")
NOTE_COLUMNS = _columns("piece:int32 part:int16 onset:int32 duration:int32 pitch:uint8 velocity:uint8")


class DatasetRequest(Contract):
    """Sources to clean into a dataset. Asking again with more sources adds to the dataset of that name."""

    name: DatasetName
    sources: list[str] = Field(
        min_length=1, description="Folders, zips, files, `upload:ID`, `s3://BUCKET/FOLDER`, `music21:bach`."
    )
    style: str | None = Field(
        None, description="Label of every piece, also of known ones; None: the name of the folder it lies in."
    )
    splits: SplitSource = Field(
        "folders",
        description="'folders': files in folders called train, valid and test side by side keep these splits, a hash "
        "decides on all others; 'hash': it decides on all. A piece never changes its split.",
    )
    strict: bool = Field(False, description="Reject damaged files instead of repairing them.")
    free: bool = Field(False, description="Take performances without a beat in free time instead of rejecting them.")


class RejectedFile(Contract):
    """A file that did not become a piece."""

    name: str
    reason: str = Field(description="One of the named cleaning steps, e.g. 'unreadable', 'too-short', 'duplicate'.")
    detail: str


class FileNotice(Contract):
    """Something of an accepted file that was read otherwise than it is written: a repair, an encoding."""

    name: str
    notices: list[str] = Field(description="Each as 'kind: what was done', e.g. 'unreleased-notes: 4 notes …'.")


class DatasetReport(Contract):
    """`report.json`: what came in, what each cleaning step did, what came out."""

    kind: Literal["dataset"] = "dataset"
    name: str
    version: str
    files: int
    accepted: int
    rejected: list[RejectedFile]
    notices: list[FileNotice] = Field([], description="What was read otherwise than it is written, file by file.")
    steps: dict[str, int] = Field(description="Cleaning step → how many files or notes it touched.")
    splits: dict[str, int]
    statistics: dict[str, Any]
    seconds: float
    files_processed: int = Field(description="Files read in this run; the rest were known from an earlier one.")
    sha256: str = Field(description="Hash over the manifest: the dataset's identity in a model's lineage.")
