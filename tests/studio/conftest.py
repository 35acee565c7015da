"""A real browser on a real platform: Chromium as Debian packages it, driven by Playwright."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import mido
import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

from tests.support.platform_process import PlatformProcess

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
MAX_SECONDS = 90
"""For what a job has to do first; a page by itself answers within PAGE_SECONDS."""
PAGE_SECONDS = 15


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine (on Debian: apt-get install chromium)")
    with sync_playwright() as playwright:
        # Root has no sandbox of its own to give; a test presses no real button before sound begins.
        arguments = ["--no-sandbox", "--autoplay-policy=no-user-gesture-required"]
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield opened
        opened.close()


@pytest.fixture(scope="session")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PlatformProcess]:
    running = PlatformProcess(tmp_path_factory.mktemp("studio") / "home").start()
    yield running
    running.stop()


@pytest.fixture(scope="session")
def song(platform: PlatformProcess) -> str:
    """A short song with words: verse and chorus."""
    words = "[Verse]\nThe kettle sings, the window glows\n[Chorus]\nAnd we will sing till half past four"
    job_id = platform.submit("songs", {"style": "folk", "lyrics": words, "seed": 5, "candidates": 1})
    assert platform.finished("songs", job_id, MAX_SECONDS)["state"] == "succeeded"
    return job_id


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    opened = browser.new_context(locale="en-GB", viewport={"width": 1280, "height": 900})
    opened.set_default_timeout(PAGE_SECONDS * 1000)
    yield opened
    opened.close()


@pytest.fixture
def page(context: BrowserContext, platform: PlatformProcess) -> Iterator[Page]:
    """The page of the platform. Fails the test on an error in the console, and on a request to another host."""
    yield from watched_page(context, platform.url)


def watched_page(context: BrowserContext, url: str) -> Iterator[Page]:
    opened = context.new_page()
    faults: list[str] = []
    host = urlsplit(url).netloc

    def check_host(address: str) -> None:
        parts = urlsplit(address)
        if parts.scheme not in ("blob", "data") and parts.netloc != host:
            faults.append(f"a request to {address}")

    opened.on("request", lambda request: check_host(request.url))
    opened.on("pageerror", lambda error: faults.append(f"exception: {error}"))
    opened.on("console", lambda message: faults.append(message.text) if is_fault(message) else None)
    opened.goto(url)
    opened.wait_for_selector("body[data-ready]")
    yield opened
    assert faults == []


def is_fault(message: ConsoleMessage) -> bool:
    """Whether it tells of an error, other than Chromium's line for a request that was refused with good reason."""
    return message.type == "error" and "status of 422" not in message.text


@pytest.fixture
def midi_file(tmp_path: Path) -> Path:
    """Eight bars of a tune that a song may go on from."""
    file = mido.MidiFile(ticks_per_beat=480)
    track = mido.MidiTrack([mido.MetaMessage("time_signature", numerator=4, denominator=4)])
    for number in range(32):
        pitch = (60, 64, 67, 65, 62, 64, 60, 67)[number % 8]
        track.append(mido.Message("note_on", note=pitch, velocity=80, time=0))
        track.append(mido.Message("note_off", note=pitch, velocity=0, time=480))
    file.tracks.append(track)
    path = tmp_path / "tune.mid"
    file.save(path)
    return path
