"""The embedded platform for a network: the secret of the keys is made once, and keys by a command."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from bandmate_local.home_server import PEPPER_FILE, _stored_pepper
from bandmate_local.platform import HomeNotWritable
from bandmate_shared.auth import KeyStore
from bandmate_shared.jobs.database.database import Database
from bandmate_shared.settings import SharedSettings


def test_the_secret_of_the_keys_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    home = tmp_path / "home"
    pepper = _stored_pepper(home)
    assert len(pepper) == 64
    assert _stored_pepper(home) == pepper
    assert stat.S_IMODE((home / PEPPER_FILE).stat().st_mode) == 0o600
    assert [path.name for path in home.iterdir()] == [PEPPER_FILE], "nothing half-written stays"


def test_a_home_that_cannot_be_written_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(HomeNotWritable, match="mount a volume"):
        _stored_pepper(tmp_path / "file")


@pytest.mark.process
def test_a_key_is_made_by_a_command(tmp_path: Path) -> None:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("BANDMATE_")}

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "bandmate_local.home_server", *arguments]
        env = {**clean, "BANDMATE_HOME": str(tmp_path), "BANDMATE_HOST": "0.0.0.0"}
        return subprocess.run(command, env=env, capture_output=True, text=True, check=False)

    made = run("key")
    assert made.returncode == 0, made.stderr
    settings = SharedSettings(home=tmp_path)
    keys = KeyStore(Database(settings.resolved_database_url), _stored_pepper(tmp_path))
    assert keys.key_of(made.stdout.strip()).tenant == "home"
    assert run("kye").returncode == 2
