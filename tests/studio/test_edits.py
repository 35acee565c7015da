"""Every change that the page offers for a song: what is asked for, what comes out, and how versions are compared."""

import re
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.studio.conftest import MAX_SECONDS
from tests.studio.test_walk import level, listen, part, until
from tests.support.platform_process import PlatformProcess

LATER = MAX_SECONDS * 1000


@pytest.fixture
def song_page(page: Page, platform: PlatformProcess, song: str) -> Page:
    """The page of the song with a verse and a chorus."""
    page.goto(f"{platform.url}/#/songs/{song}")
    expect(part(page, "play")).to_be_enabled(timeout=LATER)
    return page


def after_edit(page: Page, platform: PlatformProcess, source: str) -> dict[str, Any]:
    """The job of the new version, once the page shows it."""
    expect(page).to_have_url(re.compile(rf"#/songs/(?!{source})song_\w+$"), timeout=LATER)
    expect(part(page, "play")).to_be_enabled(timeout=LATER)
    job = platform.job("songs", page.url.rsplit("/", 1)[1])
    assert job["derived_from"] == source
    return job


def words_of(platform: PlatformProcess, job: dict[str, Any]) -> str:
    """The syllables that are sung, as one text."""
    words = platform.http("GET", f"/v1/songs/{job['id']}/artifacts/words.json").json()
    return "".join((note["syllable"] or "") + (" " if note["word_end"] else "") for note in words["notes"])


def report_of(platform: PlatformProcess, job_id: str) -> dict[str, Any]:
    return dict(platform.http("GET", f"/v1/songs/{job_id}/artifacts/report.json").json())


def test_new_words_for_a_section_and_then_the_same_in_another_style(
    song_page: Page, platform: PlatformProcess, song: str
) -> None:
    page = song_page
    page.get_by_role("button", name=re.compile("^Chorus")).click()
    first, last = part(page, "from-bar").input_value(), part(page, "to-bar").input_value()
    assert int(first) > 1
    part(page, "edit-words").click()
    part(page, "edit-lyrics").fill("And nobody will shut the door")
    part(page, "edit-submit").click()
    job = after_edit(page, platform, song)
    assert job["request"]["infill"]["bars"] == f"{first}-{last}"
    sung = words_of(platform, job).replace("-", "")
    assert "shut the door" in sung
    assert "kettle" in sung.replace(" ", ""), "the words of the verse stay"
    part(page, "tab-words").click()
    expect(page.locator(".words")).to_contain_text("door")
    expect(page.locator(".words h3")).to_have_text(["Verse", "Chorus"])
    current = page.locator(".versions a[aria-current]")
    expect(current).to_contain_text(f"New words {first}-{last}")

    part(page, "edit-style").click()
    part(page, "edit-new-style").select_option("country")
    part(page, "edit-submit").click()
    restyled = after_edit(page, platform, job["id"])
    assert restyled["request"]["style"] == restyled["result"]["style"] == "country"
    assert (restyled["result"]["key"], restyled["result"]["bars"]) == (job["result"]["key"], job["result"]["bars"])
    again = words_of(platform, restyled)
    assert "door" in again
    assert "four" not in again, "the words that the edit changed, not those of the first version"
    expect(current).to_contain_text("Another style: country")


def test_a_variation_of_some_bars_of_one_part(song_page: Page, platform: PlatformProcess, song: str) -> None:
    page = song_page
    part(page, "from-bar").fill("1")
    part(page, "to-bar").fill("2")
    for name in ("Voice", "Double bass"):
        page.get_by_role("checkbox", name=name).uncheck()
    part(page, "edit-vary").click()
    part(page, "edit-strength").press("End")
    part(page, "edit-submit").click()
    job = after_edit(page, platform, song)
    assert job["request"]["variation"] == 1.0
    assert job["request"]["infill"] == {"bars": "1-2", "tracks": ["Guitar"]}
    before, after = (
        platform.http("GET", f"/v1/songs/{one}/artifacts/notes.json").json()["parts"] for one in (song, job["id"])
    )
    changed = [old["name"] for old, new in zip(before, after, strict=True) if old["notes"] != new["notes"]]
    assert changed == ["Guitar"]


def test_a_part_is_added(song_page: Page, platform: PlatformProcess, song: str) -> None:
    page = song_page
    part(page, "edit-add").click()
    part(page, "edit-instrument").fill("flutte")
    part(page, "edit-submit").click()
    expect(part(page, "problem")).to_contain_text("flute", ignore_case=True)
    part(page, "edit-instrument").fill("flute")
    part(page, "edit-submit").click()
    job = after_edit(page, platform, song)
    assert [one["instrument"] for one in job["request"]["add"]] == ["flute"]
    for stem in ("vocals", "guitar", "double-bass", "flute"):
        expect(part(page, f"stem-{stem}")).to_have_attribute("data-loaded", "true", timeout=LATER)
    expect(page.get_by_role("checkbox", name="Flute")).to_be_checked()


def test_a_song_goes_on_and_its_versions_are_a_tree(song_page: Page, platform: PlatformProcess, song: str) -> None:
    page = song_page
    bars = page.locator("[data-bar]").count()
    part(page, "edit-continue").click()
    part(page, "edit-more").fill("2")
    part(page, "edit-submit").click()
    job = after_edit(page, platform, song)
    expect(page.locator("[data-bar]")).to_have_count(bars + 2)
    assert report_of(platform, job["id"])["properties"]["bars"]["measured"] == bars + 2

    expect(part(page, "version-1")).not_to_have_attribute("aria-current", "true")
    listen(page)
    expect(part(page, "hear-this")).to_have_attribute("aria-pressed", "true")
    part(page, "hear-other").click()
    expect(part(page, "hear-other")).to_have_attribute("aria-pressed", "true")
    until(page, lambda: level(page) > 0.2)
    part(page, "compare").click()
    expect(part(page, "hear-other")).to_have_count(0)
    part(page, "play").click()

    part(page, "version-1").click()
    expect(page.locator("[data-bar]")).to_have_count(bars)
    assert page.url.endswith(song)
    page.get_by_role("link", name="Library").click()
    expect(page.locator(f".songs.below a[href$='{job['id']}']")).to_be_visible()


def test_the_position_is_seen_and_moved_in_every_view(song_page: Page) -> None:
    page = song_page
    part(page, "tab-score").click()
    expect(part(page, "score-cursor")).to_be_visible(timeout=LATER)
    last = page.locator("[data-score-bar]").count()
    page.locator("[data-score-bar][aria-current]").focus()
    page.keyboard.press("End")
    page.keyboard.press("ArrowLeft")
    expect(page.locator(f"[data-score-bar='{last - 1}']")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("[data-score-bar][aria-current]")).to_have_attribute("data-score-bar", str(last - 1))
    expect(part(page, "position")).to_contain_text(re.compile(rf"\b{last - 1} ·"))
    bar, cursor = box(page.locator(f"[data-score-bar='{last - 1}']")), box(part(page, "score-cursor"))
    assert bar["x"] <= cursor["x"] + 1 <= bar["x"] + bar["width"] / 2, "at the first note of the bar"
    assert (cursor["y"], cursor["height"]) == pytest.approx((bar["y"], bar["height"]), abs=2)

    page.keyboard.press("Home")
    page.keyboard.press("Enter")
    listen(page)
    start = box(part(page, "score-cursor"))["x"]
    until(page, lambda: box(part(page, "score-cursor"))["x"] > start)
    part(page, "tab-words").click()
    expect(page.locator(".syllable.sung")).to_be_visible()
    part(page, "tab-roll").click()
    cursors = part(page, "cursor")
    expect(cursors).to_have_count(2)
    lefts = [float(cursors.nth(row).evaluate("one => parseFloat(one.style.left)")) for row in (0, 1)]
    assert lefts[0] == pytest.approx(lefts[1], abs=2)
    assert lefts[0] > 0
    part(page, "play").click()


def test_cursors_step_where_motion_is_to_be_reduced(song_page: Page) -> None:
    page = song_page
    page.emulate_media(reduced_motion="reduce")
    part(page, "tab-score").click()
    expect(part(page, "score-cursor")).to_be_visible(timeout=LATER)
    seen = set()
    listen(page)
    until(page, lambda: float(page.locator(".seek").input_value()) > 1)
    deadline = 4.0
    while (at := float(page.locator(".seek").input_value())) < deadline:
        seen.add((part(page, "cursor").first.evaluate("one => one.style.left"), at))
    part(page, "play").click()
    places = {left for left, _ in seen}
    assert 2 <= len(places) <= 8, "one a beat, however often it was looked at"
    assert len(seen) > len(places)


def box(element: Locator) -> dict[str, float]:
    found = element.bounding_box()
    assert found is not None
    return {name: float(value) for name, value in found.items()}
