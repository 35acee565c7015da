"""The embedded platform for a network: `python -m bandmate_local.home_server`, in the image `bandmate/all`.

It runs in service mode, so whoever reaches it needs a key. The secret of the keys and the first key are made at the
first start; the key is printed once, and `python -m bandmate_local.home_server key` makes another one.
"""

import os
import secrets
import sys
from pathlib import Path

from bandmate_shared.auth import KeyStore
from bandmate_shared.errors import BandmateError
from bandmate_shared.jobs.database.database import Database
from bandmate_shared.service.health import announce_api

from bandmate_local.cli.output import err_console, print_error
from bandmate_local.cli.up import run_platform
from bandmate_local.platform import HomeNotWritable, PlatformInfo
from bandmate_local.settings import LocalSettings, local_settings

TENANT = "home"
PEPPER_FILE = "key-pepper"
_MODE = "BANDMATE_MODE"
_PEPPER = "BANDMATE_KEY_PEPPER"
_PEPPER_BYTES = 32


def main(arguments: list[str]) -> int:
    """Run the platform until a signal, or make a key; returns the exit status."""
    os.environ[_MODE] = "service"
    try:
        if not os.environ.get(_PEPPER):
            os.environ[_PEPPER] = _stored_pepper(LocalSettings().home)
        settings = local_settings()
        keys = KeyStore(Database(settings.resolved_database_url), settings.key_pepper.get_secret_value())
        if arguments == ["key"]:
            sys.stdout.write(keys.create(TENANT) + "\n")
            return 0
        if arguments:
            sys.stderr.write("usage: python -m bandmate_local.home_server [key]\n")
            return 2
        if keys.count_active() == 0:
            err_console.print(f"API key, shown this once: {keys.create(TENANT)}", markup=False)
        run_platform(None, as_json=False, then=lambda info: _announce(settings, info))
    except BandmateError as error:
        print_error(error, as_json=False)
        return 1
    return 0


def _announce(settings: LocalSettings, info: PlatformInfo) -> None:
    """Tell the health check where the platform answers."""
    announce_api(settings.host, int(info.url.rsplit(":", 1)[1]))


def _stored_pepper(home: Path) -> str:
    """The secret of the keys, made where there is none. Raises HomeNotWritable."""
    path = home / PEPPER_FILE
    try:
        home.mkdir(parents=True, exist_ok=True)
        if not path.is_file():
            partial = path.with_suffix(".partial")
            partial.unlink(missing_ok=True)
            with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(secrets.token_hex(_PEPPER_BYTES))
            partial.replace(path)
        return path.read_text()
    except OSError as error:
        raise HomeNotWritable(
            f"{home}: {error.strerror or error}; mount a volume there that user {os.getuid()} may write to"
        ) from error


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
