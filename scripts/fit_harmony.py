#!/usr/bin/env python3
"""Count which bar of chords follows which in popular songs: by mode, kind of section and place in the phrase.

    python scripts/fit_harmony.py PACK

PACK is the folder of the unpacked data pack `forms` (McGill Billboard annotations, CC0). Writes
services/generate/bandmate_generate/data/chord_bars.tsv.
"""

import json
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

from bandmate_generate.harmony.degrees import DegreeChord
from bandmate_music.theory.chord_symbols import BadChord, parse_chord

OUTPUT = Path(__file__).parents[1] / "services" / "generate" / "bandmate_generate" / "data" / "chord_bars.tsv"
KINDS = {
    "verse": "verse",
    "pre-verse": "verse",
    "chorus": "chorus",
    "refrain": "chorus",
    "pre-chorus": "pre-chorus",
    "bridge": "bridge",
    "intro": "intro",
    "interlude": "intro",
    "transition": "intro",
    "instrumental": "intro",
    "solo": "verse",
    "outro": "chorus",
    "coda": "chorus",
    "fadeout": "chorus",
}
MIN_SONGS = 3
PHRASE = 4
QUALITIES = {
    (4, 7): "", (3, 7): "m", (4, 7, 10): "7", (4, 7, 11): "maj7", (3, 7, 10): "m7", (3, 6): "dim",
    (3, 6, 9): "dim7", (3, 6, 10): "m7b5", (5, 7): "sus4", (5, 7, 10): "7sus4", (4, 8): "aug", (7,): "5",
    (): "5", (4, 7, 9): "", (3, 7, 9): "m", (3, 10): "m7", (4, 10): "7", (4,): "", (3,): "m",
}  # fmt: skip
HEAD = """\
# Which bar of chords follows which in popular songs: mode, section, place of the second bar in its phrase of four (0 to
# 3), in how many of 639 songs, the first bar ("-" before the section) and the second one, as triads on degrees of the
# key. Counted in the McGill Billboard annotations 2.0 (Burgoyne, Wild, Fujinaga, ISMIR 2011; CC0) by
# scripts/fit_harmony.py; what fewer than three songs have is left out.
"""


def main(pack: Path) -> None:
    songs = json.loads((pack / "train" / "forms.json").read_text(encoding="utf-8"))
    counts: Counter[tuple[str, str, int, str, str]] = Counter()
    loops: dict[str, Counter[int]] = defaultdict(Counter)
    for song in songs:
        sections = list(sections_of(song))
        mode = mode_of([bar for _, bars in sections for bar in bars])
        texts = [(kind, bar_texts(bars, mode)) for kind, bars in sections]
        counts.update({(mode, kind, *step) for kind, bars in texts for step in steps_of(bars)})
        for kind, bars in {(kind, tuple(bars)) for kind, bars in texts if len(bars) >= 8}:
            loops[kind][loop_of(bars)] += 1
    rows = [(*key, count) for key, count in counts.items() if count >= MIN_SONGS]
    rows.sort(key=lambda row: (row[0], row[1], row[2], row[3], -row[5], row[4]))
    lines = [f"{mode}\t{kind}\t{place}\t{count}\t{before}\t{bar}" for mode, kind, place, before, bar, count in rows]
    OUTPUT.write_text(HEAD + "\n".join(lines) + "\n", encoding="utf-8")
    sys.stdout.write(f"{len(lines)} rows; share of sections of eight bars and more that repeat after so many bars:\n")
    for kind, counted in sorted(loops.items()):
        total = sum(counted.values())
        shares = {bars: round(count / total, 3) for bars, count in sorted(counted.items())}
        sys.stdout.write(f"{kind}: {shares} of {total}\n")


def sections_of(song: dict) -> Iterator[tuple[str, list[list[DegreeChord | None]]]]:
    """Kind and bars of each section that stays in one key; a bar is its chords in equal slots, None goes on."""
    for section in song["sections"]:
        if section["name"] not in KINDS or "tonic_after" in section:
            continue
        tonic = parse_chord(section.get("tonic", song["tonic"])).root
        bars = [bar if isinstance(bar, str) else bar["chords"] for bar in section["bars"]]
        yield KINDS[section["name"]], [degrees(bar, tonic) for bar in bars]


def degrees(bar: str, tonic: int) -> list[DegreeChord | None]:
    return [degree(symbol, tonic) for symbol in bar.split()]


def degree(symbol: str, tonic: int) -> DegreeChord | None:
    if symbol in (".", "N"):
        return None
    try:
        chord = parse_chord(re.sub(r"\(.*?\)", "", symbol).replace("C1", "C5"))
    except BadChord:
        match = re.match(r"([A-G][#b]*)(m?)", symbol)
        chord = parse_chord(match[1] + match[2])
    steps = tuple(sorted((pitch_class - chord.root) % 12 for pitch_class in chord.pitch_classes))[1:]
    plain = tuple(step for step in steps if step not in (2, 1)) if steps not in QUALITIES else steps
    quality = QUALITIES.get(plain)
    if quality is None:
        third = "m" if 3 in steps else ""
        quality = third + ("maj7" if 11 in steps and not third else "7" if 10 in steps else "")
    bass = None if chord.bass is None or chord.bass == chord.root else (chord.bass - tonic) % 12
    return DegreeChord((chord.root - tonic) % 12, quality, bass)


def mode_of(bars: list[list[DegreeChord | None]]) -> str:
    """By the third of the tonic chord."""
    tonics = Counter(
        "minor" if c.quality.startswith("m") and not c.quality.startswith("maj") else "major"
        for bar in bars
        for c in bar
        if c is not None and c.root == 0 and c.quality != "5"
    )
    return "minor" if tonics["minor"] > tonics["major"] else "major"


def steps_of(bars: list[str]) -> Iterator[tuple[int, str, str]]:
    """Each bar with its place in the phrase and the bar before."""
    for index, (before, bar) in enumerate(zip(["-", *bars], bars, strict=False)):
        if bar != "-" and (before != "-" or index == 0):
            yield index % PHRASE, before, bar


def bar_texts(bars: list[list[DegreeChord | None]], mode: str) -> list[str]:
    """Each bar as its triads, two at most (the first, and the last where it takes half of the bar or less); "-" for
    none."""
    texts: list[str] = []
    sounding: DegreeChord | None = None
    for bar in bars:
        slots = []
        for chord in bar:
            sounding = chord or sounding
            slots.append(None if sounding is None else with_third(sounding, mode).text)
        found = [text for text in dict.fromkeys(slots) if text is not None]
        last = slots[-1] if slots else None
        texts.append("-" if not found else found[0] if last in (None, found[0]) else f"{found[0]} {last}")
    return texts


def with_third(chord: DegreeChord, mode: str) -> DegreeChord:
    """The chord's triad in root position; a power chord as the triad of the mode."""
    minors = (0, 2, 5, 7) if mode == "minor" else (2, 4, 9)
    quality = "m" if chord.root in minors else ""
    if chord.quality != "5":
        plain = chord.quality.removesuffix("7sus4").removesuffix("sus4")
        quality = "dim" if plain.startswith(("dim", "m7b5")) else "m" if plain in ("m", "m7") else ""
    return DegreeChord(chord.root, quality)


def loop_of(bars: tuple[str, ...]) -> int:
    """After how many bars the section repeats itself; 0 where it does not."""
    return next(
        (
            period
            for period in (1, 2, 4, 8)
            if len(bars) > period and all(bar == bars[index % period] for index, bar in enumerate(bars))
        ),
        0,
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
