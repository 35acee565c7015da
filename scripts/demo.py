"""Write the songs of examples/demo.toml into a folder, and docs/listen.md about them.

    python scripts/demo.py [--out out/demo] [--only NAME] [--page]

`--page` writes docs/listen.md and its pictures from the folder, composing nothing.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
REQUESTS = ROOT / "examples" / "demo.toml"
PAGE = ROOT / "docs" / "listen.md"
PICTURES = ROOT / "docs" / "images" / "demo"
BANDMATE = Path(sys.executable).with_name("bandmate")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=ROOT / "out" / "demo")
    parser.add_argument("--only", help="write this song alone")
    parser.add_argument("--page", action="store_true", help="write docs/listen.md from songs that are there")
    options = parser.parse_args()
    requests: dict[str, dict[str, Any]] = tomllib.loads(REQUESTS.read_text(encoding="utf-8"))
    if options.only is not None and options.only not in requests:
        parser.error(f"there is no song {options.only!r}; the songs are {', '.join(requests)}")
    if options.page:
        write_page(requests, options.out)
        return
    for name, request in requests.items():
        if options.only in (None, name):
            write_song(request, options.out / name)


def write_song(request: dict[str, Any], folder: Path) -> None:
    """Have one song written into a folder. Raises CalledProcessError when the command fails."""
    arguments = [argument for name, value in request.items() for argument in (f"--{name}", str(value))]
    subprocess.run([BANDMATE, "song", *arguments, "--out", str(folder)], check=True, cwd=ROOT)


def write_page(requests: dict[str, dict[str, Any]], out: Path) -> None:
    """Write docs/listen.md: of each song its form, its chords, its picture and how it measures."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    sections = []
    for name, request in requests.items():
        report = json.loads((out / name / "report.json").read_text(encoding="utf-8"))
        shutil.copyfile(out / name / "pianoroll.png", PICTURES / f"{name}.png")
        sections.append(song_section(name, request, report))
    PAGE.write_text(HEAD + "\n".join(sections), encoding="utf-8")


def song_section(name: str, request: dict[str, Any], report: dict[str, Any]) -> str:
    """One song's part of the page."""
    title = name.replace("-", " ").capitalize()
    measured = report["properties"]
    facts = (
        f"{report['style']}, {measured['key']['measured']}, {measured['tempo']['measured']:g} bpm, "
        f"{measured['bars']['measured']} bars, {report['seconds']:.0f} s, seed {report['seed']}"
    )
    rows = [
        f"| {section['first_bar']} | {_title(section)} | {section['letter']} | {section['bars']} | "
        f"{section['chords'].replace('|', '·')} | {', '.join(section['parts'])} |"
        for section in report["form"]
    ]
    faults = report["ranking"][0]["faults"] if report["ranking"] else {}
    worst = sorted(((fault, what) for what, fault in faults.items() if fault >= 0.1), reverse=True)[:4]
    faults_text = ", ".join(f"{what.replace('_', ' ')} {fault:.2f}" for fault, what in worst) or "none above 0.1"
    command = " ".join(
        ["bandmate song", *(f"--{option} '{value}'" for option, value in request.items() if option != "lyrics")]
    )
    words = " --lyrics …" if "lyrics" in request else ""
    return "\n".join(
        [
            f"## {title}",
            "",
            facts + ".",
            "",
            f"    {command}{words}",
            "",
            "| bar | section | music | bars | chords | who plays |",
            "|---|---|---|---|---|---|",
            *rows,
            "",
            f"![Piano roll of {title}](images/demo/{name}.png)",
            "",
            f"Faults that the critic sees (0 none, 1 worst): {faults_text}.",
            "",
        ]
    )


def _title(section: dict[str, Any]) -> str:
    number = "" if section["number"] is None else f" {section['number']}"
    return f"{section['name'].capitalize()}{number}"


HEAD = """# Ten songs to listen to

`make demo` writes these ten songs into `out/demo/`, each with its mix (`song.wav`), its notes (`song.mid`), its score
(`song.musicxml`) and its report. The requests are in `examples/demo.toml`. This page is made from the reports by
`python scripts/demo.py --page`.

"""

if __name__ == "__main__":
    main()
