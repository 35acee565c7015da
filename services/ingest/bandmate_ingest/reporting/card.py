"""The card of a dataset: a README.md with the YAML header by which dataset libraries find its tables."""

import json

from bandmate_shared.contracts.datasets import DatasetReport

CARD = "README.md"
_TABLES = {
    "pieces": "one row a piece: name, style, split, key, tempo, metre, bars, notes",
    "parts": "one row a part: name, General MIDI program, role, range",
    "measures": "one row a bar: onset, length, metre",
    "notes": "one row a note: piece, part, onset, duration, pitch, velocity; 24 ticks a quarter note",
    "files": "one row a file that was offered: name, style, sha256, and why it was rejected, if it was",
}


def dataset_card(report: DatasetReport) -> bytes:
    """The card. Each table is a configuration; the split of a piece is a column of `pieces`."""
    configs = "\n".join(
        f"- config_name: {table}\n  default: {'true' if table == 'pieces' else 'false'}\n  data_files: {table}.parquet"
        for table in _TABLES
    )
    tables = "\n".join(f"| `{name}` | {meaning} |" for name, meaning in _TABLES.items())
    splits = ", ".join(f"{count} {name}" for name, count in sorted(report.splits.items()))
    return (
        f"---\npretty_name: {json.dumps(report.name)}\ntags:\n- music\n- midi\nconfigs:\n{configs}\n---\n"
        f"# {report.name}\n\nVersion `{report.version}`: {report.accepted} pieces ({splits}) out of "
        f"{report.files} files, cleaned by bandmate-ingest. `report.html` says what each step did; "
        f"licences are those of the sources.\n\n"
        f"| table | rows |\n|---|---|\n{tables}\n\n"
        '`datasets.load_dataset(FOLDER, "notes")` reads a table; the column `piece` joins them.\n'
    ).encode()
