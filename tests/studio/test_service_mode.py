"""The page where keys are needed: nothing before one is given, and each tenant's songs to itself."""

import subprocess
import sys
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.studio.conftest import PAGE_SECONDS
from tests.support.platform_process import PlatformProcess, environment

SERVICE = {"BANDMATE_MODE": "service", "BANDMATE_KEY_PEPPER": "pepper" * 8}


@pytest.fixture(scope="module")
def keys_and_platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[dict[str, str], PlatformProcess]]:
    home = tmp_path_factory.mktemp("service") / "home"
    home.mkdir()
    keys = {
        tenant: subprocess.run(
            [sys.executable, "-m", "bandmate_shared.auth", "create", tenant],
            env=environment(home, SERVICE),
            check=True,
            capture_output=True,
            text=True,
        ).stdout.strip()
        for tenant in ("ann", "bob")
    }
    running = PlatformProcess(home, SERVICE).start()
    yield keys, running
    running.stop()


def test_each_tenant_sees_its_own_songs(
    browser: Browser, keys_and_platform: tuple[dict[str, str], PlatformProcess]
) -> None:
    keys, platform = keys_and_platform
    headers = {"Authorization": f"Bearer {keys['ann']}"}
    response = platform.http("POST", "/v1/songs", json={"style": "folk", "bars": 4, "candidates": 1}, headers=headers)
    assert response.status_code == 202
    for tenant, songs in (("ann", 1), ("bob", 0)):
        with browser.new_context(locale="en-GB") as context:
            context.set_default_timeout(PAGE_SECONDS * 1000)
            page = context.new_page()
            page.goto(platform.url)
            sign_in(page, keys[tenant])
            expect(page.get_by_test_id("search")).to_be_visible()
            expect(page.get_by_test_id("songs").get_by_role("link")).to_have_count(songs)


def test_a_wrong_key_is_refused(browser: Browser, keys_and_platform: tuple[dict[str, str], PlatformProcess]) -> None:
    _, platform = keys_and_platform
    with browser.new_context(locale="en-GB") as context:
        page = context.new_page()
        page.goto(platform.url)
        sign_in(page, "bm_live_" + "0" * 16 + "_" + "0" * 64)
        expect(page.get_by_test_id("api-key")).to_be_visible()
        expect(page.get_by_test_id("problem")).to_be_visible()


def sign_in(page: Page, key: str) -> None:
    page.get_by_test_id("api-key").fill(key)
    page.get_by_test_id("sign-in").click()
