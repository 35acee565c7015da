"""Every metric and label in the dashboard and the alerts is exposed at /metrics."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from bandmate_shared.runtime import Runtime
from prometheus_client.parser import text_string_to_metric_families
from starlette.testclient import TestClient

FOLDER = Path(__file__).parents[3] / "deploy" / "observability"
OUR_METRIC = re.compile(r"\b(bandmate_[a-z_]+)(?:\{([^}]*)\})?")
GROUPED = re.compile(r"\bby \(([^)]*)\)")


def dashboard() -> dict[str, Any]:
    board: dict[str, Any] = json.loads((FOLDER / "grafana-dashboard.json").read_text())
    return board


def queries() -> Iterator[tuple[str, str]]:
    for panel in dashboard()["panels"]:
        for target in panel.get("targets", []):
            yield panel["title"], target["expr"]
    for group in yaml.safe_load((FOLDER / "alerts.yml").read_text())["groups"]:
        for rule in group["rules"]:
            yield rule["alert"], rule["expr"]


@pytest.fixture
def exposed(client: TestClient, runtime: Runtime, work: Callable[[], None]) -> dict[str, set[str]]:
    """The labels of every sample, by its name, after a song, one that waits, and a dead letter."""
    client.post("/v1/songs", json={})
    client.get("/metrics")
    work()
    client.post("/v1/songs", json={})
    runtime.store.add_dead_letter("bandmate-generate", "()", "a test")
    labels_by_name: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(client.get("/metrics").text):
        for sample in family.samples:
            labels_by_name.setdefault(sample.name, set()).update(sample.labels)
    return labels_by_name


def test_every_metric_and_label_asked_for_is_exposed(exposed: dict[str, set[str]]) -> None:
    panel_queries = list(queries())
    assert len(panel_queries) > 15
    for title, query in panel_queries:
        metrics = OUR_METRIC.findall(query)
        assert metrics, title
        labels: set[str] = set()
        for name, selector in metrics:
            assert name in exposed, f"{title}: there is no metric {name}"
            labels |= exposed[name]
            used = set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", selector))
            assert used <= exposed[name], f"{title}: {name} has no label {used - exposed[name]}"
        for group in GROUPED.findall(query):
            grouped_labels = {label.strip() for label in group.split(",")}
            assert grouped_labels <= labels, f"{title}: nothing has the labels {grouped_labels - labels}"


def test_every_metric_of_ours_is_shown(exposed: dict[str, set[str]]) -> None:
    all_queries = " ".join(query for _, query in queries())
    families = {re.sub("_(bucket|count|sum|created)$", "", name) for name in exposed if name.startswith("bandmate_")}
    assert {name for name in families if name not in all_queries and not name.endswith("_total")} == set()


def test_legends_name_labels_that_their_query_keeps() -> None:
    for panel in dashboard()["panels"]:
        for target in panel.get("targets", []):
            grouped_labels = {label.strip() for group in GROUPED.findall(target["expr"]) for label in group.split(",")}
            named = set(re.findall(r"{{(\w+)}}", target["legendFormat"]))
            assert named <= grouped_labels, panel["title"]


def test_panels_fill_the_grid_without_overlap() -> None:
    taken: set[tuple[int, int]] = set()
    ids = [panel["id"] for panel in dashboard()["panels"]]
    assert len(set(ids)) == len(ids)
    for panel in dashboard()["panels"]:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken, panel["title"]
        assert at["x"] + at["w"] <= 24
        taken |= cells


def test_brackets_of_every_query_are_closed() -> None:
    for title, query in queries():
        for opening, closing in ("()", "{}", "[]"):
            assert query.count(opening) == query.count(closing), title


def test_the_scrape_example_asks_the_path_we_serve() -> None:
    (job,) = yaml.safe_load((FOLDER / "prometheus.yml").read_text())["scrape_configs"]
    assert job["metrics_path"] == "/metrics"
    assert job["authorization"].keys() == {"credentials_file"}, "the key is read from a file, and is sent as a bearer's"
