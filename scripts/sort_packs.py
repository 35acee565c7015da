"""Sort unpacked collections of MIDI files into one folder a style, as `bandmate ingest` reads them.

    python scripts/sort_packs.py PACKS OUT

`PACKS` holds the collections by name (`openscore_lieder`, `mutopia`, …), each with folders `train` and `valid`; those
that are missing are left out. `OUT` gets `STYLE/train` and `STYLE/valid` with copies of the files. The starter model
was made from such a folder (services/model/bandmate_model/starter/MODEL_CARD.md).
"""

import csv
import shutil
import sys
from collections import Counter
from pathlib import Path

WHOLE = {
    "openscore_lieder": "song",
    "openscore_quartets": "quartet",
    "freedoom": "rock",
    "groove": "groove",
    "js_fakes": "chorale",
    "openhymnal": "hymn",
    "carols_songs": "hymn",
}
"""Collections of one style."""
SPLITS = ("train", "valid")
_DANCES = ("Jazz", "March", "Popular / Dance")
_CHOIRS = ("SATB", "TTBB", "SSA", "SAATB", "Choir", "choir", "Soprani", "(SB)")
_LONE_LINES = ("Koto", "Shamisen", "Shakuhachi")


def style_of_mutopia(row: dict[str, str]) -> str | None:
    """The style of a line of the collection's index; None for what is left out: lone lines, and files whose chord
    symbols may sound as a part of their own."""
    style, instrument = row["style"], row["instrument"]
    if instrument in _LONE_LINES or row["has_chords"] == "1":
        return None
    if style in _DANCES or (style == "Folk" and instrument == "Piano"):
        return "dance"
    if style == "Hymn" or any(word in instrument for word in _CHOIRS):
        return "hymn"
    return "song"


def style_of_polish_song(row: dict[str, str]) -> str | None:
    """The style of a line of the collection's index; None for lone voices."""
    if int(row["tracks"]) < 2:
        return None
    return "song" if row["with_piano"] == "1" else "hymn"


def main(packs: Path, out: Path) -> None:
    copied: Counter[tuple[str, str]] = Counter()

    def copy(path: Path, pack: str, split: str, style: str) -> None:
        folder = out / style / split
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, folder / "_".join((pack, *path.relative_to(packs / pack / split).parts)))
        copied[style, split] += 1

    for pack, style in WHOLE.items():
        for split in SPLITS:
            for path in sorted((packs / pack / split).rglob("*.mid")):
                copy(path, pack, split, style)
    for pack, style_of in (("mutopia", style_of_mutopia), ("polish_songs", style_of_polish_song)):
        index = packs / pack / "index.csv"
        if not index.is_file():
            continue
        with index.open(encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        for row in rows:
            path = packs / pack / row["file"]
            row["with_piano"] = "1" if path.is_file() and b"Piano" in path.read_bytes() else "0"
            chosen = style_of(row)
            if chosen is not None and row["split"] in SPLITS:
                copy(path, pack, row["split"], chosen)
    for (style, split), count in sorted(copied.items()):
        sys.stdout.write(f"{style} {split}: {count} files\n")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(str(__doc__))
    main(Path(sys.argv[1]), Path(sys.argv[2]))
