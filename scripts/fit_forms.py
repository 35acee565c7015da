#!/usr/bin/env python3
"""Count how songs are built: which section follows which, and how long each is.

    python scripts/fit_forms.py PACK

PACK is the folder of the unpacked data pack `forms` (McGill Billboard annotations, CC0). Writes
services/generate/bandmate_generate/data/song_forms.json.
"""

import json
import sys
from collections import Counter, defaultdict
from itertools import pairwise
from pathlib import Path

OUTPUT = Path(__file__).parents[1] / "services" / "generate" / "bandmate_generate" / "data" / "song_forms.json"
NAMES = {
    "intro": "intro",
    "verse": "verse",
    "pre-chorus": "pre-chorus",
    "chorus": "chorus",
    "refrain": "chorus",
    "bridge": "bridge",
    "solo": "solo",
    "instrumental": "solo",
    "interlude": "interlude",
    "transition": "interlude",
    "outro": "outro",
    "coda": "outro",
    "fadeout": "outro",
}
"""The annotators' names, as this project calls them; sections of other names are passed over."""
LENGTHS = (2, 4, 8, 12, 16)
MIN_SONGS = 5


def main(pack: Path) -> None:
    songs = json.loads((pack / "train" / "forms.json").read_text(encoding="utf-8"))
    order: dict[str, Counter[str]] = defaultdict(Counter)
    lengths: dict[str, Counter[int]] = defaultdict(Counter)
    for song in songs:
        sections = [(NAMES[s["name"]], len(s["bars"])) for s in song["sections"] if s["name"] in NAMES]
        for before, after in set(pairwise(["start", *(name for name, _ in sections), "end"])):
            if before != after or before in ("verse", "chorus"):
                order[before][after] += 1
        for name, bars in set(sections):
            nearest = min(LENGTHS, key=lambda length: (abs(length - bars), length))
            lengths[name][nearest] += 1
    table = {
        "source": "Counts over the songs of the McGill Billboard annotations 2.0 (Burgoyne, Wild, Fujinaga 2011; CC0) "
        "in which the one follows the other, or a section has about so many bars; made by scripts/fit_forms.py.",
        "songs": len(songs),
        "order": {name: _kept(order[name]) for name in sorted(order)},
        "lengths": {
            name: {str(bars): lengths[name][bars] for bars in LENGTHS if lengths[name][bars] >= MIN_SONGS}
            for name in sorted(lengths)
        },
    }
    OUTPUT.write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")


def _kept(followers: Counter[str]) -> dict[str, int]:
    return {name: count for name, count in sorted(followers.items()) if count >= MIN_SONGS}


if __name__ == "__main__":
    main(Path(sys.argv[1]))
