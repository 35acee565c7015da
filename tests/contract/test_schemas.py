"""The JSON Schemas beside the contracts are current and valid, and match the contracts."""

import json
from pathlib import Path

import pytest
from bandmate_shared.contracts import export
from jsonschema import Draft202012Validator


def test_the_exported_schemas_are_current() -> None:
    stale = sorted(path.name for path in export.stale_schemas())
    assert stale == [], "run: python -m bandmate_shared.contracts.export"


def test_the_check_finds_a_changed_a_missing_and_a_foreign_file(tmp_path: Path) -> None:
    for path in export.SCHEMAS.glob("*.json"):
        (tmp_path / path.name).write_text(path.read_text())
    assert export.stale_schemas(tmp_path) == {}
    (tmp_path / "SongRequest.json").write_text("{}")
    (tmp_path / "JobView.json").unlink()
    (tmp_path / "Gone.json").write_text("{}")
    stale = export.stale_schemas(tmp_path)
    assert {path.name for path in stale} == {"SongRequest.json", "JobView.json", "Gone.json"}
    assert stale[tmp_path / "Gone.json"] is None


@pytest.mark.parametrize("path", sorted(export.SCHEMAS.glob("*.json")), ids=lambda path: path.stem)
def test_each_schema_is_a_valid_schema(path: Path) -> None:
    schema = json.loads(path.read_text())
    Draft202012Validator.check_schema(schema)
    assert schema["$id"].endswith(path.stem)


def test_a_program_in_another_language_can_check_a_song_request() -> None:
    validator = Draft202012Validator(json.loads((export.SCHEMAS / "SongRequest.json").read_text()))
    assert validator.is_valid({"style": "folk", "bars": 8, "lyrics": None})
    for invalid in ({"bars": 0}, {"bars": "8"}, {"tempo": 10}, {"colour": "blue"}, {"style": "Folk!"}):
        assert not validator.is_valid(invalid), invalid
