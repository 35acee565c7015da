"""Strict reading refuses damaged files wherever a file is given: prompts, edits, and scores to be sung."""

import base64
from contextlib import nullcontext
from pathlib import Path

import pytest
from bandmate_generate.planning.plan import plan_song
from bandmate_local.cli.main import app
from bandmate_music.midi.write import write_midi
from bandmate_music.score import Lyric, Notes, Part, Score
from bandmate_shared.contracts.songs import SongRequest
from bandmate_shared.contracts.vocals import VocalRequest
from bandmate_shared.errors import UnreadableFile
from bandmate_shared.settings import SharedSettings
from bandmate_shared.singing.from_score import with_notes
from pydantic import ValidationError
from typer.testing import CliRunner

REFUSED = "strict reading repairs nothing"
SOUND = write_midi(
    Score(
        (
            Part(
                "Voice",
                52,
                Notes.from_rows([(number * 480, 480, 60 + number, 80) for number in range(8)]),
                lyrics=tuple(Lyric(number * 480, "la") for number in range(8)),
            ),
        ),
        480,
    )
)
DAMAGED = SOUND[:-4]
"""Without its last track's end."""


def encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()


@pytest.mark.parametrize(
    "wish", [{"bars": 8}, {"add": ["bass"]}, {"infill": {"bars": "2"}}], ids=["going on", "add", "infill"]
)
def test_a_damaged_prompt_is_repaired_or_refused(settings: SharedSettings, wish: dict[str, object]) -> None:
    def plan(data: bytes, strict: bool) -> tuple[str, ...]:
        """What the report will say of the prompt."""
        request = SongRequest.model_validate({"prompt": encoded(data), "strict": strict, **wish})
        return plan_song(request, 1, settings).choices

    assert any("end" in note for note in plan(DAMAGED, strict=False)), "the repair is told"
    assert not any("end" in note for note in plan(SOUND, strict=True))
    with pytest.raises(UnreadableFile, match=REFUSED) as raised:
        plan(DAMAGED, strict=True)
    assert raised.value.field == "prompt"


def test_a_damaged_score_is_sung_or_refused(settings: SharedSettings) -> None:
    def notes(data: bytes, strict: bool) -> int:
        request = VocalRequest.model_validate({"score": {"file": encoded(data), "strict": strict}})
        return len(with_notes(request, settings.file_limits).notes)

    assert notes(DAMAGED, strict=False) == notes(SOUND, strict=True) == 8
    with pytest.raises(UnreadableFile, match=REFUSED):
        notes(DAMAGED, strict=True)


def test_the_commands_hand_it_on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    class Started(Exception):
        pass

    def platform(*_services: str) -> nullcontext[None]:
        raise Started

    monkeypatch.setattr("bandmate_local.cli.sing.platform_session", platform)
    (tmp_path / "damaged.mid").write_bytes(DAMAGED)
    command = ["sing", str(tmp_path / "damaged.mid"), "--language", "en"]
    assert isinstance(CliRunner().invoke(app, command).exception, Started)
    error = CliRunner().invoke(app, [*command, "--strict"]).exception
    assert isinstance(error, UnreadableFile)
    assert REFUSED in error.detail


def test_strict_is_for_a_file() -> None:
    with pytest.raises(ValidationError, match="`strict` is for the file of a given piece"):
        SongRequest.model_validate({"strict": True})
