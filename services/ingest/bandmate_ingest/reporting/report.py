"""The report of a dataset: what came in, what each step did, what came out, as JSON and as a page."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from bandmate_music.theory.keys import Key
from bandmate_shared.contracts.datasets import DatasetReport, FileNotice, RejectedFile

from bandmate_ingest.dataset.assemble import Assembled, Written
from bandmate_ingest.reporting.card import CARD, dataset_card
from bandmate_ingest.reporting.page import render_page

_TEMPO_EDGES = [20, 40, 50, 60, 70, 80, 90, 100, 110, 120, 130, 140, 150, 160, 180, 200, 240, 301]
_BAR_EDGES = [0, 8, 16, 32, 48, 64, 96, 128, 192, 256, 512, 1024, 4096]


def finished_report(
    written: Written, assembled: Assembled, unread: Sequence[RejectedFile], *, seconds: float, processed: int
) -> DatasetReport:
    """The report of a dataset just written. `seconds` is the run's time, `processed` the files it cleaned."""
    rejected = [
        RejectedFile(name=file.name, reason=reason, detail=detail or "")
        for file, (reason, detail) in zip(assembled.inventory, assembled.outcomes, strict=True)
        if reason
    ]
    pieces = assembled.tables["pieces"]
    steps = dict(assembled.steps)
    if unread:
        steps["unreadable"] = steps.get("unreadable", 0) + len(unread)
    return DatasetReport(
        name=written.name,
        version=written.version,
        files=len(assembled.inventory) + len(unread),
        accepted=pieces.num_rows,
        rejected=[*rejected, *unread],
        notices=[FileNotice(name=name, notices=notices) for name, notices in sorted(assembled.notices.items())],
        steps=steps,
        splits=dict(Counter(pieces["split"].to_pylist())),
        statistics=statistics(assembled.tables),
        seconds=round(seconds, 3),
        files_processed=processed,
        sha256=written.sha256,
    )


def known_report(data: bytes, seconds: float, unread: Sequence[RejectedFile]) -> DatasetReport:
    """The report of a run that found nothing new: the stored one, with this run's time and unreadable files."""
    report = DatasetReport.model_validate_json(data)
    known = {(file.name, file.reason) for file in report.rejected}
    fresh = [file for file in unread if (file.name, file.reason) not in known]
    return report.model_copy(
        update={
            "seconds": round(seconds, 3),
            "files_processed": 0,
            "files": report.files + len(fresh),
            "rejected": [*report.rejected, *fresh],
        }
    )


def add_reports(files: Mapping[str, bytes], report: DatasetReport) -> dict[str, bytes]:
    """The dataset's files with report.json, report.html and the dataset's card among them."""
    return {
        **files,
        "report.json": report.model_dump_json(indent=1).encode(),
        "report.html": render_page(report).encode(),
        CARD: dataset_card(report),
    }


def statistics(tables: Mapping[str, pa.Table]) -> dict[str, Any]:
    """Distributions over the pieces: lengths, keys, metres, tempi, styles, instruments, roles, pitch, velocity.

    A histogram is {"edges": n + 1 numbers, "counts": n}; a count is {name: pieces or parts or notes}.
    """
    pieces, parts, notes = tables["pieces"], tables["parts"], tables["notes"]
    tonic, mode = pieces["tonic"].to_pylist(), pieces["mode"].to_pylist()
    confident = [confidence > 0 for confidence in pieces["key_confidence"].to_pylist()]
    keys = Counter(Key(t, m).name for t, m, known in zip(tonic, mode, confident, strict=True) if known)
    metres = Counter(
        f"{numerator}/{denominator}"
        for numerator, denominator in zip(
            pieces["numerator"].to_pylist(), pieces["denominator"].to_pylist(), strict=True
        )
    )
    seconds = pieces["seconds"].to_numpy()
    pitched = _pitched(parts, notes)
    return {
        "pieces": pieces.num_rows,
        "notes": notes.num_rows,
        "bars": int(np.sum(pieces["bars"].to_numpy())),
        "hours": round(float(np.sum(seconds, dtype=np.float64)) / 3600, 2),
        "styles": _counts(pieces["style"]),
        "keys": dict(keys.most_common()),
        "metres": dict(metres.most_common()),
        "instruments": _counts(parts["instrument"]),
        "roles": _counts(parts["role"]),
        "lengths": _histogram(pieces["bars"].to_numpy(), _BAR_EDGES),
        "tempi": _histogram(pieces["tempo"].to_numpy(), _TEMPO_EDGES),
        "pitches": _histogram(notes["pitch"].to_numpy()[pitched], list(range(0, 133, 6))),
        "velocities": _histogram(notes["velocity"].to_numpy(), list(range(0, 129, 8))),
        "ranges": _ranges(parts),
        "on_grid": round(float(np.mean(pieces["on_grid"].to_numpy())), 4) if pieces.num_rows else 0.0,
    }


def _pitched(parts: pa.Table, notes: pa.Table) -> Any:
    """Mask over the notes: those of parts that are not drums."""
    drum = parts.filter(parts["is_drum"])
    keys = drum["piece"].to_numpy().astype(np.int64) * 65536 + drum["part"].to_numpy()
    return ~np.isin(notes["piece"].to_numpy().astype(np.int64) * 65536 + notes["part"].to_numpy(), keys)


def _ranges(parts: pa.Table) -> dict[str, list[int]]:
    """Instrument → [lowest, median low, median high, highest] MIDI pitch over its parts, drums left out."""
    instruments = np.array(parts["instrument"].to_pylist(), dtype=object)
    low, high = parts["low"].to_numpy(), parts["high"].to_numpy()
    result = {}
    for name in sorted(set(instruments.tolist()) - {"drums"}):
        is_instrument = instruments == name
        usual = int(np.median(low[is_instrument])), int(np.median(high[is_instrument]))
        result[name] = [int(low[is_instrument].min()), *usual, int(high[is_instrument].max())]
    return result


def _counts(column: pa.ChunkedArray) -> dict[str, int]:
    return dict(Counter(column.to_pylist()).most_common())


def _histogram(values: Any, edges: Sequence[float]) -> dict[str, list[float]]:
    counts, _ = np.histogram(values, bins=np.asarray(edges))
    return {"edges": list(edges), "counts": counts.tolist()}
