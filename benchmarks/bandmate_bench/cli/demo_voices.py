"""The same verse by every singer and language that is installed, with pictures of the sound: `make demo-voices`.

    python -m bandmate_bench.cli.demo_voices [--out DIR] [--singers alto,tenor] [--languages en,de] [--engine NAME]

Writes OUT/<language>/<singer>/ with what `bandmate sing` writes and a spectrogram, and OUT/index.html to hear them.
The melody is one for all, moved into the middle of each singer's range.
"""

import argparse
import html
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from bandmate_shared.contracts.vocals import VocalRequest
from bandmate_shared.singing.catalogue import SINGERS
from bandmate_shared.singing.singers import singer_named

from bandmate_bench.progress_bar import ProgressBar
from bandmate_bench.singing.cases import LANGUAGE_CODES, SingingCase, verse_case
from bandmate_bench.singing.sing_cases import sing_all

SPECTROGRAM = "spectrogram.png"
_SEED = 1
_HIGHEST_HZ = 12_000.0
_WINDOW, _OVERLAP = 1024, 896
_FLOOR_DB = -130.0
_DITHER = 1e-7
"""Of full scale: rests are silent, and silence has no logarithm."""


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("out/demo-voices"))
    parser.add_argument("--singers", default=",".join(SINGERS), help="with commas between them")
    parser.add_argument("--languages", default=",".join(LANGUAGE_CODES), help="with commas between them")
    parser.add_argument("--engine", help="the source of the voice; the best that is installed without it")
    options = parser.parse_args(arguments)
    singers, languages = options.singers.split(","), options.languages.split(",")
    if strange := [name for name in singers if name not in SINGERS]:
        parser.error(f"there is no singer {', '.join(strange)}; there are {', '.join(SINGERS)}")
    if strange := [code for code in languages if code not in LANGUAGE_CODES]:
        parser.error(f"there is no verse in {', '.join(strange)}; there are {', '.join(LANGUAGE_CODES)}")
    cases = [demo_case(language, singer, options.engine) for language in languages for singer in singers]
    with ProgressBar() as progress:
        failures = sing_all(cases, options.out, progress.show)
        folders = [options.out / case.group / case.name for case in cases]
        folders = [folder for folder in folders if (folder / "vocals.wav").is_file()]
        for number, folder in enumerate(folders, 1):
            draw_spectrogram(folder)
            progress.show("pictures", number, len(folders))
    (options.out / "index.html").write_text(page(options.out, folders), encoding="utf-8")
    for line in failures:
        print(f"not sung: {line}")
    print(f"{len(folders)} verses in {options.out}; open {options.out / 'index.html'}")
    return 1 if failures else 0


def demo_case(language: str, singer: str, engine: str | None) -> SingingCase:
    """A language's verse in the middle of a singer's range."""
    case = verse_case(language, _SEED)
    voice = singer_named(singer)
    assert voice is not None, "main has checked the names"
    pitches = [note["pitch"] for note in case.request["notes"]]
    shift = round((voice.lowest + voice.highest) / 2 - (min(pitches) + max(pitches)) / 2)
    notes = [note | {"pitch": note["pitch"] + shift} for note in case.request["notes"]]
    request = VocalRequest.model_validate(case.request | {"notes": notes, "voice": singer, "engine": engine})
    return SingingCase(singer, language, request.model_dump(mode="json", exclude_none=True))


def draw_spectrogram(folder: Path) -> None:
    """FOLDER/spectrogram.png: the voice up to 12 kHz, with its syllables."""
    from matplotlib.figure import Figure  # optional extra: singing

    samples, rate = soundfile.read(folder / "vocals.wav", dtype="float32")
    notes: list[dict[str, Any]] = json.loads((folder / "alignment.json").read_text())["notes"]
    figure = Figure(figsize=(1.2 * len(samples) / rate, 4.0), dpi=80, layout="constrained")
    axes = figure.subplots()
    axes.specgram(
        samples + _DITHER * np.random.default_rng(0).standard_normal(len(samples)),
        NFFT=_WINDOW,
        noverlap=_OVERLAP,
        Fs=rate,
        vmin=_FLOOR_DB,
        cmap="magma",
    )
    axes.set_ylim(0.0, _HIGHEST_HZ)
    axes.set_xlim(0.0, len(samples) / rate)
    axes.set_ylabel("Hz")
    ticks = axes.secondary_xaxis("top")
    sung = [note for note in notes if note["syllable"]]
    ticks.set_xticks([note["start"] for note in sung], [note["syllable"] for note in sung], fontsize=8)
    figure.savefig(folder / SPECTROGRAM)


def page(out: Path, folders: Sequence[Path]) -> str:
    """A page that plays the verses, language by language."""
    rows = []
    language = ""
    for folder in folders:
        if folder.parent.name != language:
            language = folder.parent.name
            rows.append(f"<h2>{html.escape(language)}</h2>")
        report = json.loads((folder / "vocal.json").read_text())
        place = html.escape(str(folder.relative_to(out)))
        rows.append(
            f"<h3>{html.escape(folder.name)}</h3>"
            f"<p>{html.escape(str(report['engine']))}, {html.escape(str(report['voice']))}</p>"
            f'<audio controls src="{place}/vocals.wav"></audio>'
            f'<p><img src="{place}/{SPECTROGRAM}" alt="spectrogram"></p>'
            f'<p><img src="{place}/pitch.svg" alt="sung pitch over the notes"></p>'
        )
    title = "The same verse by every singer"
    head = f"<!doctype html><html lang='en'><head><meta charset='utf-8'><title>{title}</title></head>"
    return f"{head}<body style='font-family: sans-serif'><h1>{title}</h1>{''.join(rows)}</body></html>\n"


if __name__ == "__main__":
    raise SystemExit(main())
