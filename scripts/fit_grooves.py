"""Derives the drum patterns of `services/generate/bandmate_generate/data/grooves.json` from the Groove MIDI Dataset.

    python scripts/fit_grooves.py PACK [services/generate/bandmate_generate/data/grooves.json]

PACK is the folder with `train/*.mid`, each file named by drummer, session, number, style, tempo, beat or fill, metre.
For each family of styles it keeps the grooves that the most other bars resemble (medoids), two bars each, and fills of
one bar, on a grid of sixteenths. Swung styles are put on even eighths first: the performance swings them again.
"""

import json
import re
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from bandmate_music.limits import Limits
from bandmate_music.midi.read import read_midi

OUT = Path(__file__).parent.parent / "services/generate/bandmate_generate/data/grooves.json"
GROOVES, FILLS, PER_FILE = 14, 14, 2
SLOTS_PER_BEAT = 4
INSTRUMENTS = {
    "kick": (35, 36),
    "snare": (38, 40),
    "rim": (37,),
    "hat": (42, 22),
    "open": (46, 26),
    "pedal": (44,),
    "ride": (51, 59),
    "bell": (53,),
    "crash": (49, 55, 57, 52),
    "high": (48, 50),
    "mid": (45, 47),
    "floor": (43, 58, 41),
}
_NAMES = list(INSTRUMENTS)
_OF_PITCH = {pitch: index for index, pitches in enumerate(INSTRUMENTS.values()) for pitch in pitches}
_TOMS = [_NAMES.index(name) for name in ("high", "mid", "floor")]
_TIME = [_NAMES.index(name) for name in ("hat", "open", "ride", "bell")]
_KICK, _SNARE, _RIM, _CRASH, _PEDAL = (_NAMES.index(name) for name in ("kick", "snare", "rim", "crash", "pedal"))
_FILE = re.compile(r"_(?P<style>[a-z0-9-]+)_(?P<bpm>\d+)_(?P<kind>beat|fill)_(?P<metre>\d+-\d+)\.mid$")


@dataclass(frozen=True)
class Family:
    """Patterns of one name: styles by regular expression (beats and fills), swing to undo, and what a groove has.

    `kicks`, `snares` and `times` (hi-hats and rides) are the fewest in a bar, `toms` the most; `must` says which slots
    an instrument plays, `downbeat` that the kick plays the first. `stretch` 2: what was recorded in double time fills
    twice the bars.
    """

    name: str
    beats: str
    fills: str
    swing: float = 0.5
    kicks: int = 2
    snares: int = 1
    times: int = 4
    toms: int = 0
    downbeat: bool = True
    must: tuple[tuple[str, tuple[int, ...]], ...] = ()
    metre: str = "4-4"
    stretch: int = 1
    fastest: int = 400


_BACKBEAT = (("snare", (4, 12)),)
FAMILIES = (
    Family("rock", r"rock(-indie|-prog|-folk)?", r"rock(-indie)?", must=_BACKBEAT),
    Family("pop", r"pop(-soft)?|rock-indie|rock-folk|soul", r"pop.*|rock-indie", must=_BACKBEAT),
    Family("ballad", r"pop-soft|rock-halftime|rock|pop", r"pop-soft|rock-halftime", must=_BACKBEAT, fastest=88),
    Family("punk", r"punk", r"punk", must=_BACKBEAT, stretch=2, times=3, kicks=1),
    Family("funk", r"funk(-fast|-rock)?|jazz-funk", r"funk(-fast|-rock)?|jazz-funk", times=5),
    Family("disco", r"dance-disco", r"soul.*|funk", must=(("kick", (0, 4, 8, 12)), *_BACKBEAT)),
    Family("soul", r"soul.*", r"soul.*|gospel", must=_BACKBEAT),
    Family("hiphop", r"hiphop", r"hiphop", must=_BACKBEAT),
    Family("reggae", r"reggae.*", r"reggae", kicks=1, snares=0, downbeat=False),
    Family("bossa", r"latin-brazilian-bossa", r"latin-samba|latin-brazilian-baiao", snares=0),
    Family("shuffle", r"blues-shuffle|rock-shuffle|neworleans-shuffle", r"funk-purdieshuffle", swing=0.66),
    Family(
        "jazz",
        r"jazz-(swing|mediumfast|fast)",
        r"jazz|jazz-fusion|jazz-funk",
        swing=0.64,
        kicks=0,
        snares=0,
        times=3,
        downbeat=False,
    ),
    Family("country", r"country|rock-rockabilly", r"country|rock"),
    Family("march", r"jazz-march|neworleans-secondline", r"neworleans-funk", kicks=1, snares=3, times=0, toms=3),
    Family("latin", r"afrocuban.*|latin(-brazilian-songo|-merengue)?", r"afrocuban.*", kicks=1, snares=0, toms=3),
    Family("solo", r"rock|funk|hiphop|afrobeat|funk-latin|latin|rock-prog", r"rock|funk|hiphop", toms=3),
    Family("jazz", r"jazz.*", r"", swing=0.64, kicks=0, snares=0, times=2, downbeat=False, metre="3-4"),
    Family("rock", r"rock", r"", kicks=1, metre="6-8"),
)


@dataclass(frozen=True)
class Recording:
    """A file on the grid: `hits[instrument, slot]` is the loudest velocity there."""

    name: str
    slots_per_bar: int
    hits: "np.ndarray[tuple[int, int], np.dtype[np.int16]]"


def main() -> None:
    pack, out = Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else OUT
    files = sorted((pack / "train").glob("*.mid"))
    families: dict[str, dict[str, object]] = {}
    for family in FAMILIES:
        beats = list(_recordings(files, family, family.beats, "beat"))
        fills = list(_recordings(files, family, family.fills, "fill")) if family.fills else []
        entry = families.setdefault(family.name, {"grooves": {}, "fills": []})
        grooves = _grooves(family, beats)
        entry["grooves"][family.metre.replace("-", "/")] = grooves  # type: ignore[index]
        if fills:
            entry["fills"] = _fills(fills)
        print(f"{family.name} {family.metre}: {len(beats)} beats, {len(grooves)} grooves, {len(fills)} fills read")  # noqa: T201
    source = "Groove MIDI Dataset, Google LLC, CC BY 4.0, https://magenta.withgoogle.com/datasets/groove"
    notice = "Patterns chosen from its train split, quantised to sixteenths and reduced to three loudnesses."
    lines = ",\n".join(f" {json.dumps(name)}: {json.dumps(entry)}" for name, entry in families.items())
    out.write_text(
        f'{{"source": {json.dumps(source)},\n"changes": {json.dumps(notice)},\n"families": {{\n{lines}\n}}}}\n'
    )
    print(f"{out}: {out.stat().st_size:,} bytes")  # noqa: T201


def _recordings(files: Sequence[Path], family: Family, styles: str, kind: str) -> Iterable[Recording]:
    for path in files:
        match = _FILE.search(path.name)
        if match is None or match["kind"] != kind or match["metre"] != family.metre:
            continue
        if not re.fullmatch(styles, re.sub(r"-groove\d+$", "", match["style"])):
            continue
        if kind == "beat" and int(match["bpm"]) > family.fastest:
            continue
        yield _on_grid(path, family, family.stretch if kind == "beat" else 1)


def _on_grid(path: Path, family: Family, stretch: int) -> Recording:
    score = read_midi(path.read_bytes(), Limits())
    numerator, denominator = map(int, family.metre.split("-"))
    slots_per_bar = SLOTS_PER_BEAT * numerator * 4 // denominator
    rows: list[tuple[int, int, int]] = []
    for part in score.parts:
        for onset, pitch, velocity in zip(part.notes.onset, part.notes.pitch, part.notes.velocity, strict=True):
            if int(pitch) not in _OF_PITCH:
                continue
            beat, phase = divmod(int(onset) / score.ticks_per_quarter, 1)
            even = (
                phase / family.swing / 2
                if phase < family.swing
                else 0.5 + (phase - family.swing) / (1 - family.swing) / 2
            )
            slot = round((beat + even) * SLOTS_PER_BEAT) * stretch
            rows.append((_OF_PITCH[int(pitch)], slot, int(velocity)))
    bars = max((slot for _, slot, _ in rows), default=0) // slots_per_bar + 1
    hits = np.zeros((len(_NAMES), bars * slots_per_bar), dtype=np.int16)
    for instrument, slot, velocity in rows:
        hits[instrument, slot] = max(hits[instrument, slot], velocity)
    return Recording(path.stem, slots_per_bar, hits)


def _grooves(family: Family, beats: Sequence[Recording]) -> list[dict[str, str]]:
    """Two bars each: those with the most like them first, then others unlike those chosen."""
    units, owners = [], []
    for beat in beats:
        size = 2 * beat.slots_per_bar
        for start in range(0, beat.hits.shape[1] - size + 1, size):
            unit = beat.hits[:, start : start + size].copy()
            _crash_to_time(unit)
            if _is_groove(family, unit, beat.slots_per_bar):
                units.append(unit)
                owners.append(beat.name)
    if not units:
        return []
    table = np.stack([_features(unit) for unit in units])
    distances = np.abs(table[:, None, :] - table[None, :, :]).sum(axis=2)
    neighbours = np.sort(distances, axis=1)[:, : min(9, len(units))].mean(axis=1)
    neighbours += [1.5 * float(((unit[_KICK, 1:] > 0) & (unit[_KICK, :-1] > 0)).sum()) for unit in units]
    chosen: list[int] = []
    for separation in (9.0, 6.0, 4.0, 2.5):
        for candidate in np.argsort(neighbours, kind="stable"):
            if len(chosen) == GROOVES:
                break
            if sum(owners[other] == owners[candidate] for other in chosen) >= PER_FILE:
                continue
            if all(distances[candidate, other] >= separation for other in chosen):
                chosen.append(int(candidate))
    return [_written(units[index]) for index in chosen]


def _fills(fills: Sequence[Recording]) -> list[dict[str, str]]:
    """One bar each: the busiest on snare and toms, then others unlike those chosen."""
    bars = []
    for fill in fills:
        size = fill.slots_per_bar
        candidates = [fill.hits[:, start : start + size] for start in range(0, fill.hits.shape[1], size)]
        best = max(candidates, key=lambda bar: _fill_hits(bar[:, size // 2 :]))
        toms = sum(int((best[tom] > 0).sum()) for tom in _TOMS)
        if _fill_hits(best[:, size // 2 :]) >= 4 and toms >= 2 and _fill_hits(best[:, -SLOTS_PER_BEAT:]):
            bars.append(best)
    if not bars:
        return []
    table = np.stack([_features(bar) for bar in bars])
    distances = np.abs(table[:, None, :] - table[None, :, :]).sum(axis=2)
    chosen: list[int] = []
    for candidate in np.argsort(distances.mean(axis=1), kind="stable"):
        if len(chosen) < FILLS and all(distances[candidate, other] >= 4 for other in chosen):
            chosen.append(int(candidate))
    return [_written(bars[index]) for index in chosen]


def _fill_hits(bar: "np.ndarray[tuple[int, int], np.dtype[np.int16]]") -> int:
    return int(((bar[[_SNARE, *_TOMS]] > 0).sum(axis=0) > 0).sum())


def _crash_to_time(unit: "np.ndarray[tuple[int, int], np.dtype[np.int16]]") -> None:
    """A crash becomes a stroke on what keeps the time: crashes are set by the form."""
    time = max(_TIME, key=lambda index: int((unit[index] > 0).sum()))
    unit[time] = np.maximum(unit[time], unit[_CRASH])
    unit[_CRASH] = 0


def _is_groove(family: Family, unit: "np.ndarray[tuple[int, int], np.dtype[np.int16]]", slots: int) -> bool:
    for bar in (unit[:, :slots], unit[:, slots:]):
        loud = bar > 0
        if loud[_TOMS].sum() > family.toms:
            return False
        if loud[_KICK].sum() < family.kicks or loud[[_SNARE, _RIM]].sum() < family.snares:
            return False
        if loud[[*_TIME, _PEDAL]].sum() < family.times or (family.downbeat and not loud[_KICK, 0]):
            return False
        if not all(loud[_NAMES.index(name), list(slots)].all() for name, slots in family.must):
            return False
    return True


def _features(
    unit: "np.ndarray[tuple[int, int], np.dtype[np.int16]]",
) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    """Presence by group, ghost notes for a part: what two patterns are compared by."""
    weight = np.clip(unit / 60, 0, 1)
    groups = [weight[_KICK] * 1.5, weight[[_SNARE, _RIM]].max(axis=0) * 1.5, weight[_TIME].max(axis=0) * 0.6]
    groups += [weight[_NAMES.index("open")] * 0.6, weight[_NAMES.index("ride")] * 0.3, weight[_TOMS].max(axis=0)]
    return np.concatenate(groups)


def _written(unit: "np.ndarray[tuple[int, int], np.dtype[np.int16]]") -> dict[str, str]:
    """A line of slots for each instrument that plays: . silent, g soft, x plain, X accented."""
    lines = {}
    for index, name in enumerate(_NAMES):
        row = unit[index]
        if not (row > 0).any():
            continue
        usual = float(np.quantile(row[row > 0], 0.75))
        soft, loud = (0.55 * usual, max(96.0, 1.02 * usual)) if index in (_KICK, _SNARE) else (0.5 * usual, 1.1 * usual)
        lines[name] = "".join("." if v == 0 else "g" if v < soft else "X" if v > loud else "x" for v in row)
    return lines


if __name__ == "__main__":
    main()
