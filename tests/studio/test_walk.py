"""A musician's way through the page: ask, hear, change, compare, keep, find again, delete."""

import re
import time
from collections.abc import Callable

from playwright.sync_api import Locator, Page, expect

from tests.studio.conftest import MAX_SECONDS, PAGE_SECONDS

WORDS = """The kettle sings, the window glows
A fiddle hums beneath the snow
So leave your boots beside the door
And we will sing till half past four"""

LATER = MAX_SECONDS * 1000


def part(page: Page, name: str) -> Locator:
    return page.get_by_test_id(name)


def test_a_song_is_asked_for_heard_changed_compared_kept_found_and_deleted(page: Page) -> None:
    page.goto(page.url + "#/ask")
    part(page, "ask-words").fill(WORDS)
    expect(part(page, "words-preview")).to_contain_text("4 lines")
    part(page, "ask-style").select_option("folk")
    part(page, "ask-bars").fill("8")
    part(page, "ask-submit").click()
    expect(part(page, "job-line")).to_have_count(2, timeout=LATER)

    part(page, "take-1").click(timeout=LATER)
    expect(part(page, "song-title")).to_have_value(re.compile("kettle"), timeout=LATER)
    expect(part(page, "stem-vocals")).to_have_attribute("data-loaded", "true")
    listen(page)
    position = part(page, "position").inner_text()
    expect(part(page, "position")).not_to_have_text(position)

    for name in ("vocals", "guitar", "double-bass"):
        part(page, f"mute-{name}").click()
    silent(page)
    part(page, "mute-vocals").click()
    sounding(page)
    part(page, "play").click()

    expect(part(page, "job-line")).to_have_count(0, timeout=LATER)
    part(page, "from-bar").fill("5")
    part(page, "to-bar").fill("7")
    part(page, "edit-anew").click()
    until(page, lambda: re.search(r"#/songs/song_\w+$", page.url) is not None, MAX_SECONDS)
    expect(part(page, "stem-vocals")).to_have_attribute("data-loaded", "true", timeout=LATER)

    expect(part(page, "hear-other")).to_be_visible()
    listen(page)
    before = page.locator(".seek").input_value()
    part(page, "hear-other").click()
    sounding(page)
    assert float(page.locator(".seek").input_value()) >= float(before)
    part(page, "play").click()

    part(page, "song-title").fill("Kettle, second thoughts")
    part(page, "song-title").press("Enter")
    part(page, "favourite").click()
    expect(part(page, "favourite")).to_have_attribute("aria-pressed", "true")
    page.get_by_role("link", name="Library").click()
    part(page, "search").fill("second thoughts")
    expect(part(page, "songs").get_by_role("link")).to_have_count(1)
    part(page, "songs").get_by_role("link").click()
    expect(part(page, "song-title")).to_have_value("Kettle, second thoughts")
    part(page, "delete").click()
    part(page, "delete-sure").click()
    part(page, "search").fill("second thoughts")
    expect(part(page, "songs").get_by_role("link")).to_have_count(0)


def listen(page: Page) -> None:
    """Play, and hear that it is not silent."""
    part(page, "play").click()
    sounding(page)


def sounding(page: Page) -> None:
    until(page, lambda: level(page) > 0.2)


def silent(page: Page) -> None:
    until(page, lambda: level(page) == 0.0)


def level(page: Page) -> float:
    return float(part(page, "level").evaluate("meter => meter.value"))


def until(page: Page, condition: Callable[[], bool], seconds: float = PAGE_SECONDS) -> None:
    """Wait for a condition. Playwright's own way evaluates a string in the page, which its policy forbids."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        page.wait_for_timeout(50)
