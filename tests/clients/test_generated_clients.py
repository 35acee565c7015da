"""Clients generated from `/openapi.json`: a TypeScript one that is type-checked, a Python one that talks to the API.

`make client-test`: the generators come from npm and PyPI, so it is not part of `make test`.
"""

import json
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import bandmate_model
import pytest
from bandmate_local.server import create_platform_app
from bandmate_shared.http.serve import server_for
from bandmate_shared.jobs.execution.inprocess import InProcessQueue
from bandmate_shared.runtime import open_runtime
from bandmate_shared.settings import SharedSettings
from bandmate_train.promotion.starter import register_starter

SECONDS = 280

TYPESCRIPT = """
import type { components, operations, paths } from "./api";
type Song = components["schemas"]["JobView"];
type Event = operations["events_events"]["responses"][200]["content"]["text/event-stream"];
const request: operations["songs_submit"]["requestBody"]["content"]["application/json"] = { style: "folk", bars: 8 };
const event: Event = {
  job_id: "song_1", seq: 1, type: "progress", time: "2026-12-01", kind: "song", root_id: "song_1",
};
// @ts-expect-error A song has no such field.
const wrong: typeof request = { sytle: "folk" };
export const title = (song: Song): string => song.title ?? song.id;
export const used: [unknown, unknown, unknown, keyof paths] = [request, event, wrong, "/v1/songs/{job_id}/score.svg"];
"""

PYTHON = """
import sys
from bandmate_client import Client
from bandmate_client.api.catalogue import catalogue_styles
from bandmate_client.api.songs import songs_list, songs_submit
from bandmate_client.models import SongRequest
with Client(base_url=sys.argv[1]) as client:
    assert "folk" in [style.name for style in catalogue_styles.sync(client=client).items]
    song = songs_submit.sync(client=client, body=SongRequest(style="folk", bars=4))
    [listed] = songs_list.sync(client=client, q="folk").items
    assert (listed.id, listed.state) == (song.id, "queued")
"""


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    """The whole platform's API on a free port, without workers."""
    settings = SharedSettings(home=tmp_path / "home")
    runtime = open_runtime(settings, InProcessQueue())
    register_starter(runtime.storage, Path(bandmate_model.__file__).parent / "starter")
    app = create_platform_app(runtime)
    (tmp_path / "openapi.json").write_text(json.dumps(app.openapi()))
    listening = socket.create_server(("127.0.0.1", 0))
    server = server_for(app, settings, "127.0.0.1", listening.getsockname()[1])
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    app.state.stopping.set()
    server.should_exit = True
    thread.join(20)
    listening.close()
    runtime.close()


def _run(folder: Path, *command: str) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=SECONDS)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]


def test_a_typescript_client_is_type_checked(url: str, tmp_path: Path) -> None:
    _run(tmp_path, "npm", "install", "--no-fund", "--no-audit", "openapi-typescript@7.13.0", "typescript@5")
    _run(tmp_path, "npx", "openapi-typescript", "openapi.json", "-o", "api.d.ts", "--default-non-nullable", "false")
    (tmp_path / "use.ts").write_text(TYPESCRIPT)
    _run(tmp_path, "npx", "tsc", "--noEmit", "--strict", "--skipLibCheck", "use.ts")


def test_a_python_client_asks_for_a_song(url: str, tmp_path: Path) -> None:
    python = tmp_path / "venv" / "bin" / "python"
    _run(tmp_path, sys.executable, "-m", "venv", "venv")
    _run(tmp_path, str(python), "-m", "pip", "install", "-q", "openapi-python-client==0.29.1")
    generator = str(tmp_path / "venv" / "bin" / "openapi-python-client")
    _run(
        tmp_path, generator, "generate", "--path", "openapi.json", "--output-path", "bandmate_client", "--meta", "none"
    )
    _run(tmp_path, str(python), "-c", PYTHON, url)
