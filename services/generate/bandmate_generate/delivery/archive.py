"""A song as one zip: numbered stems, the mix, MIDI, MusicXML, the words with times, the report.

The same song gives the same bytes: files lie in a fixed order and carry one date.
"""

import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path, PurePosixPath

from bandmate_shared.contracts.jobs import Artifact
from bandmate_shared.contracts.songs import SongWords

from bandmate_generate.delivery.subtitles import lrc, srt

_DATE = (1980, 1, 1, 0, 0, 0)
_DOCUMENTS = ("song.mid", "song.musicxml", "report.json", "vocal.json", "pianoroll.png", "pitch.svg", "alignment.json")
_COMPRESSED = (".mid", ".musicxml", ".json", ".svg", ".lrc", ".srt")


def write_archive(
    target: Path, artifacts: Sequence[Artifact], read: Callable[[Artifact], Iterator[bytes]], title: str
) -> None:
    """Write a song's files (names without the folder of a take) to a zip; `read` gives a file's bytes in blocks."""
    files = {artifact.name: artifact for artifact in artifacts}
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:

        def add(name: str, blocks: Iterator[bytes]) -> None:
            entry = zipfile.ZipInfo(name, _DATE)
            entry.compress_type = zipfile.ZIP_DEFLATED if name.endswith(_COMPRESSED) else zipfile.ZIP_STORED
            entry.external_attr = 0o644 << 16
            with archive.open(entry, "w") as out:
                for block in blocks:
                    out.write(block)

        for name in ("song.wav", *_DOCUMENTS):
            if name in files:
                add(name, read(files[name]))
        for number, artifact in enumerate(_stems(files), start=1):
            add(f"stems/{number:02d}-{PurePosixPath(artifact.name).name}", read(artifact))
        if "words.json" in files:
            words = SongWords.model_validate_json(b"".join(read(files["words.json"])))
            add("lyrics.lrc", iter([lrc(words, title).encode()]))
            add("lyrics.srt", iter([srt(words).encode()]))


def _stems(files: dict[str, Artifact]) -> list[Artifact]:
    """The singer, then the band in the order of the score."""
    stems = [artifact for name, artifact in files.items() if name.startswith("stems/") and name.endswith(".wav")]
    return [files["vocals.wav"], *stems] if "vocals.wav" in files else stems
