"""One line per event, with what is bound, without secrets, from us and from the libraries alike."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from config.env import load_environment
from tenants.foundation.logs import configure_logging

CANARY = "ntn_" + "canary1234567890abcdef"


@pytest.fixture
def lines() -> Iterator[Any]:
    """Reads what was written as JSON since the last call."""
    stream = io.StringIO()
    configure_logging("INFO", as_json=True, stream=stream)

    def read() -> list[dict[str, Any]]:
        text = stream.getvalue()
        stream.truncate(0)
        stream.seek(0)
        return [json.loads(line) for line in text.splitlines()]

    yield read
    structlog.contextvars.clear_contextvars()
    environment = load_environment()
    configure_logging(environment.log_level, as_json=environment.log_json)


def test_an_event_is_one_json_line_with_its_values_and_what_is_bound(lines: Any) -> None:
    with structlog.contextvars.bound_contextvars(request_id="r-1", tenant="acme", user="u-1", job="j-1"):
        structlog.get_logger("tasks.services").info("task.completed", task_id=7)
    (line,) = lines()
    assert line["event"] == "task.completed"
    assert (line["task_id"], line["request_id"], line["tenant"], line["user"], line["job"]) == (
        7,
        "r-1",
        "acme",
        "u-1",
        "j-1",
    )
    assert (line["level"], line["logger"]) == ("info", "tasks.services")
    assert line["timestamp"].endswith("Z")


def test_lines_of_libraries_look_the_same(lines: Any) -> None:
    with structlog.contextvars.bound_contextvars(request_id="r-2"):
        logging.getLogger("some.library").warning("late by %s s", 3)
    (line,) = lines()
    assert (line["event"], line["logger"], line["level"]) == ("late by 3 s", "some.library", "warning")
    assert line["request_id"] == "r-2"


def test_secrets_do_not_reach_the_line_by_any_door(lines: Any) -> None:
    log = structlog.get_logger("doors")
    library = logging.getLogger("library")
    with structlog.contextvars.bound_contextvars(note=f"bound {CANARY}"):
        log.info("event.happened", value=CANARY, nested={"list": [CANARY]}, password="plain words")
        event = f"event.with.{CANARY}"
        log.info(event)
        library.info("argument %s", CANARY, extra={"further": CANARY})
        try:
            raise ValueError(CANARY)
        except ValueError:
            log.exception("event.failed")
            library.exception("failed")
    written = lines()
    assert len(written) == 5
    text = json.dumps(written)
    assert CANARY not in text
    assert "plain words" not in text
    assert "Traceback" in text
    assert "ValueError" in text


def test_local_variables_are_not_written_with_a_traceback(lines: Any) -> None:
    def failing(argument: str) -> None:
        raise RuntimeError("no")

    try:
        failing("held in a local " * 2)
    except RuntimeError:
        structlog.get_logger("x").exception("event.failed")
    assert "held in a local held in" not in json.dumps(lines())


def test_levels_below_the_chosen_one_are_left_out(lines: Any) -> None:
    structlog.get_logger("x").debug("event.detail")
    logging.getLogger("httpx2").info("HTTP Request: GET https://api.example/?token=x")
    assert lines() == []


def test_lines_can_be_written_for_people_too() -> None:
    stream = io.StringIO()
    configure_logging("INFO", as_json=False, stream=stream)
    structlog.get_logger("x").info("task.completed", task_id=7)
    environment = load_environment()
    configure_logging(environment.log_level, as_json=environment.log_json)
    assert "task.completed" in stream.getvalue()
    assert "task_id=7" in stream.getvalue()


def test_configuring_twice_writes_once() -> None:
    stream = io.StringIO()
    configure_logging("INFO", as_json=True, stream=io.StringIO())
    configure_logging("INFO", as_json=True, stream=stream)
    structlog.get_logger("x").info("once.only")
    environment = load_environment()
    configure_logging(environment.log_level, as_json=environment.log_json)
    assert stream.getvalue().count("once.only") == 1
