"""The page's files: what is served, under which policy, and that its texts are complete."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import bandmate_studio
import pytest
from bandmate_shared.http.problems import install_problem_handlers
from bandmate_studio.api import content_security_policy, page_router
from fastapi import FastAPI
from fastapi.testclient import TestClient

WEB = Path(bandmate_studio.__file__).parent / "web"
SCRIPTS = sorted(path for path in WEB.rglob("*.js"))
ROOT = Path(__file__).parents[3]
_TEXT = re.compile(r'^  (?:"([^"]+)"|(\w+)): "', re.MULTILINE)


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    app = FastAPI()
    install_problem_handlers(app)
    app.include_router(page_router())
    with TestClient(app) as opened:
        yield opened


def texts(language: str) -> set[str]:
    return {a or b for a, b in _TEXT.findall((WEB / "texts" / f"{language}.js").read_text(encoding="utf-8"))}


def test_the_page_links_every_module_that_its_scripts_import(client: TestClient) -> None:
    page = client.get("/").text
    for script in SCRIPTS:
        for imported in re.findall(r'(?:from|import) "(\.[^"]+)"', script.read_text(encoding="utf-8")):
            target = (script.parent / imported).resolve().relative_to(WEB).as_posix()
            assert f'href="/studio/{target}"' in page
            assert client.get(f"/studio/{target}").headers["content-type"].startswith("text/javascript")


def test_the_policy_allows_scripts_and_connections_of_its_own_host_only(client: TestClient) -> None:
    directives = dict(one.split(" ", 1) for one in client.get("/").headers["content-security-policy"].split("; "))
    assert directives["default-src"] == "'self'"
    assert directives["connect-src"] == "'self'"
    assert "script-src" not in directives
    assert "unsafe" not in str(directives)
    assert "connect-src 'self' https://s3.example.org" in content_security_policy("https://s3.example.org")


def test_an_unchanged_file_is_not_sent_again(client: TestClient) -> None:
    first = client.get("/studio/app/main.js")
    assert first.headers["content-encoding"] == "gzip"
    again = client.get("/studio/app/main.js", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("path", ["/studio/none.js", "/studio/../api.py", "/studio/%2e%2e/api.py"])
def test_nothing_but_the_page_is_served(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 404


def test_the_page_weighs_less_than_120_kilobytes(client: TestClient) -> None:
    links = re.findall(r'(?:href|src)="(/studio/[^"]+)"', client.get("/").text)
    sent = [client.get(link, headers={"Accept-Encoding": "gzip"}).headers["content-length"] for link in set(links)]
    assert sum(map(int, sent)) < 120_000


def test_every_text_that_is_used_is_in_english_and_german() -> None:
    english, german = texts("en"), texts("de")
    assert english == german
    used = {name for path in SCRIPTS for name in re.findall(r'\bt\("([\w.-]+)"', path.read_text(encoding="utf-8"))}
    assert {name for name in used if name not in english and f"{name}.other" not in english} == set()


def test_the_libraries_are_those_of_the_record() -> None:
    subprocess.run([sys.executable, ROOT / "scripts/vendor_js.py", "--check"], check=True)
