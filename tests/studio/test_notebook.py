"""A notebook with a song in it: executed by a real kernel, and what it shows opened in a real browser."""

import re
import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from playwright.sync_api import Browser, expect

from tests.studio.conftest import MAX_SECONDS, PAGE_SECONDS
from tests.studio.test_walk import until
from tests.support.platform_process import PlatformProcess, environment

ASK = """
from bandmate_local.notebook import Song
song = Song.ask(style="folk", bars=4, candidates=1, seed=2, out="song")
longer = Song.ask(prompt=song, bars=6, out="longer")
longer.report["properties"]["bars"]["measured"]
"""


def test_a_notebook_asks_for_a_song_and_shows_it(browser: Browser, platform: PlatformProcess, tmp_path: Path) -> None:
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(source) for source in (ASK, "song", "Song.open('nowhere')")]
    )
    notebook.cells[-1].metadata["tags"] = ["raises-exception"]
    client = NotebookClient(
        notebook, timeout=2 * MAX_SECONDS, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}
    )
    client.execute(env={**environment(platform.home), "PYTHONPATH": ":".join(path for path in sys.path if path)})
    bars, shown, refused = (cell.outputs for cell in notebook.cells)
    assert bars[-1]["data"]["text/plain"] == "6"
    assert "nowhere holds no song" in refused[-1]["evalue"]
    nbformat.validate(notebook)
    assert (tmp_path / "song" / "instrumental.wav").is_file()

    with browser.new_context(locale="en-GB", viewport={"width": 1000, "height": 900}) as context:
        context.set_default_timeout(PAGE_SECONDS * 1000)
        page = context.new_page()
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.on("pageerror", lambda error: asked.append(str(error)))
        page.set_content(f"<!doctype html><body>{shown[-1]['data']['text/html']}</body>")
        sound = page.locator("audio")
        until(page, lambda: bool(sound.evaluate("one => one.duration > 5")))
        until(page, lambda: bool(page.locator("img").evaluate("one => one.complete && one.naturalWidth > 0")))
        roll = page.get_by_role("img", name=re.compile("^Piano roll"))
        expect(roll).to_be_visible()
        cursor = page.locator(".bandmate-cursor")
        assert cursor.get_attribute("x1") == "0"
        sound.evaluate("one => one.play()")
        until(page, lambda: float(cursor.get_attribute("x1") or 0) > 5)
        sound.evaluate("one => one.pause()")
        box = roll.bounding_box()
        assert box is not None
        roll.click(position={"x": box["width"] / 2, "y": box["height"] / 2})
        until(page, lambda: 450 < float(cursor.get_attribute("x1") or 0) < 550)
        assert [url for url in asked if not url.startswith(("data:", "about:"))] == []
