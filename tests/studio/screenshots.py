"""Pictures of the studio's pages for the docs: python -m tests.studio.screenshots FOLDER [--all] [--url URL --song ID]

Starts a platform of its own, has a song written, and photographs each page as a desktop shows it in the light theme,
and a phone in the dark one; with --all, both show it in both.
"""

import argparse
import io
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.studio.conftest import CHROMIUM, MAX_SECONDS
from tests.support.platform_process import PlatformProcess

_WORDS = """[Verse 1]
The kettle sings, the window glows
And someone left the radio on
[Chorus]
And we will sing till half past four
And dance across the kitchen floor
[Verse 2]
The rain has drawn upon the glass
A map of roads we never drove
[Chorus]
And we will sing till half past four
And dance across the kitchen floor
"""
_SONG = {"text": "a bright folk song in G", "lyrics": _WORDS, "seed": 12, "voice": "alto"}
_SHOWN_AS = {"title": "Half past four", "favourite": True}
_SIZES = {"desktop": (1280, 900), "phone": (390, 844)}
_VIEWS = (("desktop", "light"), ("phone", "dark"))
_EVERY_VIEW = tuple((size, theme) for size in _SIZES for theme in ("light", "dark"))
_QUALITY = 80
_SENTENCE = "a slow sad waltz in D minor with strings, no drums"


def main() -> None:
    """Write FOLDER/PAGE-SIZE-THEME.webp for every page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--all", action="store_true", help="Every size in every theme.")
    parser.add_argument("--url", help="A running platform to photograph, in place of one of its own.")
    parser.add_argument("--song", help="With --url: the song that is shown.")
    arguments = parser.parse_args()
    if CHROMIUM is None:
        parser.error("no Chromium on this machine (on Debian: apt-get install chromium)")
    arguments.folder.mkdir(parents=True, exist_ok=True)
    with _platform(arguments.url, arguments.song) as (url, song), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        for size, theme in _EVERY_VIEW if arguments.all else _VIEWS:
            for name, picture in _pages(browser, url, song, size, theme):
                path = arguments.folder / f"{name}-{size}-{theme}.webp"
                Image.open(io.BytesIO(picture)).convert("RGB").save(path, quality=_QUALITY, method=6)
                print(f"{path} ({path.stat().st_size // 1000} kB)")
        browser.close()


@contextmanager
def _platform(url: str | None, song: str | None) -> Iterator[tuple[str, str]]:
    """The address of a platform, and a finished song of its own."""
    if url is not None and song is not None:
        yield url, song
        return
    with tempfile.TemporaryDirectory() as folder:
        platform = PlatformProcess(Path(folder) / "home").start()
        try:
            job_id = platform.submit("songs", _SONG)
            state = platform.finished("songs", job_id, MAX_SECONDS)["state"]
            if state != "succeeded":
                raise SystemExit(f"the song that was to be photographed has {state}")
            httpx2.patch(f"{platform.url}/v1/songs/{job_id}", json=_SHOWN_AS).raise_for_status()
            yield platform.url, job_id
        finally:
            platform.stop()


def _pages(browser: Browser, url: str, song: str, size: str, theme: str) -> Iterator[tuple[str, bytes]]:
    """The name of each page and its picture as PNG."""
    width, height = _SIZES[size]
    with browser.new_context(
        locale="en-GB",
        viewport={"width": width, "height": height},
        color_scheme="dark" if theme == "dark" else "light",
        device_scale_factor=2 if size == "phone" else 1,
        reduced_motion="reduce",
    ) as context:
        page = context.new_page()
        page.goto(url)
        page.wait_for_selector("body[data-ready]")
        for name, address, shown in (
            ("library", "songs", "songs"),
            ("ask", "ask", "ask-submit"),
            ("song", f"songs/{song}", "play"),
            ("own-style", "style", "training-dataset"),
        ):
            page.goto(f"{url}/#/{address}")
            expect(page.get_by_test_id(shown)).to_be_enabled(timeout=MAX_SECONDS * 1000)
            if name == "ask":
                _ask(page)
            if name == "song":
                _show_score(page)
            yield name, page.screenshot(full_page=size == "desktop")


def _show_score(page: Page) -> None:
    """Wait until every stem is drawn, and open the score."""
    expect(page.locator("[data-testid^=stem-]:not([data-loaded])")).to_have_count(0, timeout=MAX_SECONDS * 1000)
    page.get_by_test_id("tab-score").click()
    expect(page.get_by_test_id("score").locator("img")).to_be_visible(timeout=MAX_SECONDS * 1000)


def _ask(page: Page) -> None:
    """Write a sentence and let the page interpret it."""
    page.get_by_test_id("ask-sentence").fill(_SENTENCE)
    page.get_by_test_id("ask-sentence").press("Enter")
    expect(page.get_by_test_id("understood")).to_contain_text("waltz")


if __name__ == "__main__":
    main()
