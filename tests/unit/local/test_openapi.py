"""The description of the whole platform's API: named operations, security, typed events, examples that are valid."""

from typing import Any

import pytest
from bandmate_local.server import create_platform_app
from bandmate_shared.contracts.export import contracts
from bandmate_shared.http.openapi.examples import REQUEST_EXAMPLES, RESPONSE_EXAMPLES
from bandmate_shared.runtime import Runtime

_METHODS = ("get", "post", "put", "patch", "delete")


@pytest.fixture
def description(runtime: Runtime) -> dict[str, Any]:
    described: dict[str, Any] = create_platform_app(runtime).openapi()
    return described


def _operations(description: dict[str, Any]) -> dict[str, dict[str, Any]]:
    found = [operations[method] for operations in description["paths"].values() for method in operations]
    named = {operation["operationId"]: operation for operation in found}
    assert len(named) == len(found), "every operation has a name of its own"
    return named


def test_every_operation_is_named_summed_up_and_says_what_it_answers(description: dict[str, Any]) -> None:
    for name, operation in _operations(description).items():
        assert operation["summary"], name
        answers = [answer for status, answer in operation["responses"].items() if status.startswith("2")]
        assert answers, name
        assert "204" in operation["responses"] or any(answer.get("content") for answer in answers), name
        assert "application/problem+json" in operation["responses"]["default"]["content"], name


def test_keys_are_needed_but_for_what_is_public(description: dict[str, Any]) -> None:
    assert set(description["components"]["securitySchemes"]) == {"bearer", "key", "session"}
    public = {name for name, operation in _operations(description).items() if operation.get("security") == []}
    assert public == {"operation_healthz", "operation_readyz", "session_log_in"}
    assert description["security"] == [{"bearer": []}, {"key": []}, {"session": []}]


def test_events_are_typed(description: dict[str, Any]) -> None:
    events = _operations(description)["events_events"]["responses"]["200"]["content"]["text/event-stream"]
    assert events["schema"] == {"$ref": "#/components/schemas/FeedEvent"}
    assert "root_id" in description["components"]["schemas"]["FeedEvent"]["required"]


def test_the_examples_are_valid(description: dict[str, Any]) -> None:
    operations, models = _operations(description), contracts()
    assert REQUEST_EXAMPLES.keys() <= operations.keys()
    assert RESPONSE_EXAMPLES.keys() <= operations.keys()
    checked = 0
    for operation in operations.values():
        bodies = [operation.get("requestBody", {}), *operation["responses"].values()]
        for described in (content for body in bodies for content in body.get("content", {}).values()):
            schema = described["schema"]
            reference = next((option["$ref"] for option in [schema, *schema.get("anyOf", [])] if "$ref" in option), "")
            if "example" in described:
                models[reference.rpartition("/")[2]].model_validate(described["example"])
                checked += 1
    assert checked >= len(REQUEST_EXAMPLES) + len(RESPONSE_EXAMPLES)


def test_every_request_of_a_musician_has_an_example(description: dict[str, Any]) -> None:
    for name, operation in _operations(description).items():
        for content in operation.get("requestBody", {}).get("content", {}).values():
            assert "example" in content or content["schema"].get("format") == "binary", name
