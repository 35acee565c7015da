"""Log lines of ours and of the libraries are one stream of JSON, each with the ids that it belongs to."""

import json
import logging
from typing import Any

import structlog
from bandmate_shared.observability.logs import configure_logging, log_context
from bandmate_shared.settings import SharedSettings

from tests.unit.http.conftest import LogStream


def lines(stream: LogStream) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_log_lines_of_libraries_have_the_same_form_as_ours(settings: SharedSettings, log_stream: LogStream) -> None:
    configure_logging(settings, "generate", log_stream)
    with log_context(job_id="song_1"):
        structlog.get_logger("bandmate.test").info("composing", bars=8)
        logging.getLogger("uvicorn.error").warning("slow %s", "client", extra={"peer": "x"})
    logging.getLogger("other").error("later")
    first, second, third = lines(log_stream)
    assert (first["event"], first["bars"], first["level"], first["logger"]) == ("composing", 8, "info", "bandmate.test")
    assert (second["event"], second["level"], second["peer"]) == ("slow client", "warning", "x")
    assert first["job_id"] == second["job_id"] == "song_1"
    assert "job_id" not in third
    assert {line["service"] for line in (first, second, third)} == {"generate"}
    assert all(line["timestamp"].endswith("Z") for line in (first, second, third))


def test_a_traceback_is_in_the_log_and_on_one_line(settings: SharedSettings, log_stream: LogStream) -> None:
    configure_logging(settings, "generate", log_stream)
    try:
        raise ValueError("broken")
    except ValueError:
        structlog.get_logger().exception("it failed")
        logging.getLogger("lib").exception("it failed too")
    for line in lines(log_stream):
        assert line["exception"][0]["exc_type"] == "ValueError"
        assert line["exception"][0]["exc_value"] == "broken"


def test_the_level_holds_and_a_second_call_replaces_the_first(settings: SharedSettings, log_stream: LogStream) -> None:
    configure_logging(settings, "one", log_stream)
    configure_logging(settings.model_copy(update={"log_level": "warning"}), "two", log_stream)
    structlog.get_logger().info("quiet")
    logging.getLogger("lib").info("quiet")
    logging.getLogger("httpx2").info("chatter")
    structlog.get_logger().warning("loud")
    assert [(line["event"], line["service"]) for line in lines(log_stream)] == [("loud", "two")]


def test_console_format_writes_text(settings: SharedSettings, log_stream: LogStream) -> None:
    configure_logging(settings.model_copy(update={"log_format": "console"}), "generate", log_stream)
    structlog.get_logger().info("composing", bars=8)
    assert "composing" in log_stream.getvalue()
    assert not log_stream.getvalue().startswith("{")


def test_a_traceback_contains_no_values_of_variables(settings: SharedSettings, log_stream: LogStream) -> None:
    configure_logging(settings, "generate", log_stream)
    address = "postgresql://bandmate:" + "".join(("hun", "ter2")) + "@postgres/bandmate"
    try:
        raise ValueError(len(address))
    except ValueError:
        structlog.get_logger().exception("the database does not answer")
    (line,) = lines(log_stream)
    assert line["exception"][0]["exc_type"] == "ValueError"
    assert "hunter2" not in log_stream.getvalue()
