"""Each page by itself: readable by everybody, usable by the keyboard, its errors where they belong."""

import re
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.studio.conftest import MAX_SECONDS, PAGE_SECONDS, watched_page
from tests.support.platform_process import PlatformProcess

SERIOUS = ("serious", "critical")
LATER = MAX_SECONDS * 1000


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_axe_finds_nothing_serious(
    browser: Browser, platform: PlatformProcess, song: str, scheme: str, width: int
) -> None:
    size = {"width": width, "height": 900}
    with browser.new_context(locale="en-GB", viewport=size, color_scheme=scheme) as context:
        context.set_default_timeout(PAGE_SECONDS * 1000)
        pages = watched_page(context, platform.url)
        page = next(pages)
        shown_by = {"songs": "search", "ask": "ask-submit", "style": "training-dataset", f"songs/{song}": "play"}
        for address, shown in shown_by.items():
            page.goto(f"{platform.url}/#/{address}")
            expect(page.get_by_test_id(shown)).to_be_enabled()
            found = Axe().run(page).response["violations"]
            serious = [
                (one["id"], [node["target"] for node in one["nodes"]]) for one in found if one["impact"] in SERIOUS
            ]
            assert serious == [], address
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{address} is too wide"
        assert list(pages) == []


def test_an_error_stands_at_its_field_and_costs_no_job(page: Page, platform: PlatformProcess) -> None:
    page.goto(f"{platform.url}/#/ask")
    page.get_by_test_id("ask-key").fill("H flat")
    page.get_by_test_id("ask-bars").fill("0")
    page.get_by_test_id("ask-submit").click()
    field = page.get_by_test_id("ask-key")
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(page.locator(f"#{field.get_attribute('aria-describedby')}")).to_contain_text("H flat")
    expect(page.get_by_test_id("ask-bars")).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_test_id("job-line")).to_have_count(0)


def test_a_sentence_fills_the_fields(page: Page, platform: PlatformProcess) -> None:
    page.goto(f"{platform.url}/#/ask")
    page.get_by_test_id("ask-sentence").fill("a slow sad waltz in D minor with strings and bells")
    page.get_by_test_id("ask-sentence").press("Enter")
    expect(page.get_by_test_id("understood")).to_contain_text("waltz")
    expect(page.get_by_test_id("ask-style")).to_have_value("waltz")
    expect(page.get_by_test_id("ask-key")).to_have_value("D minor")


def test_a_dropped_piece_is_gone_on_from(page: Page, platform: PlatformProcess, midi_file: Path) -> None:
    page.goto(f"{platform.url}/#/ask")
    page.get_by_text("Chords, form, instruments").click()
    page.get_by_test_id("upload").set_input_files(midi_file)
    expect(page.get_by_test_id("given-name")).to_have_text("tune.mid")
    page.get_by_test_id("ask-bars").fill("10")
    page.get_by_test_id("ask-takes").fill("1")
    page.get_by_test_id("ask-submit").click()
    page.get_by_test_id("take-1").click(timeout=LATER)
    expect(page.locator("[data-bar]")).to_have_count(10, timeout=LATER)


def test_bars_are_chosen_by_keys_and_by_sections(page: Page, platform: PlatformProcess, song: str) -> None:
    page.goto(f"{platform.url}/#/songs/{song}")
    page.get_by_role("button", name=re.compile("^Chorus")).click()
    first = page.get_by_test_id("from-bar").input_value()
    assert int(first) > 1
    page.locator("[data-bar='2']").focus()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("Shift+ArrowRight")
    expect(page.get_by_test_id("from-bar")).to_have_value("1")
    expect(page.get_by_test_id("to-bar")).to_have_value("3")
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("from-bar")).to_have_value("")


def test_the_page_speaks_german(browser: Browser, platform: PlatformProcess, song: str) -> None:
    with browser.new_context(locale="de-DE") as context:
        pages = watched_page(context, f"{platform.url}/#/songs/{song}")
        page = next(pages)
        expect(page.get_by_test_id("edit-anew")).to_have_text("Neu komponieren")
        assert page.evaluate("document.documentElement.lang") == "de"
        assert list(pages) == []
