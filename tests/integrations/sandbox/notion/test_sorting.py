"""Sorting rows by columns and timestamps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.integrations.sandbox.notion import sample
from tests.integrations.sandbox.notion.conftest import Caller

Loader = Callable[..., None]


def order(notion: Caller, *sorts: Any) -> list[int]:
    ids = notion.query(sorts=list(sorts)).ids
    return [next(n for n in range(1, 6) if sample.task_id(n) == one) for one in ids]


def due(start: str) -> sample.Json:
    return {"start": start, "end": None, "time_zone": None}


@pytest.mark.parametrize(
    ("name", "values", "ascending"),
    [
        ("Hours", {1: 5, 2: 1.5, 3: 9}, [2, 1, 3]),
        ("Name", {1: sample.text("beta"), 2: sample.text("Alpha"), 3: sample.text("gamma")}, [2, 1, 3]),
        ("Priority", {1: "High", 2: "Low"}, [2, 1]),
        ("Status", {1: "Done", 2: "In progress", 3: "Not started"}, [3, 2, 1]),
        ("Tags", {1: ["urgent"], 2: ["backend", "urgent"]}, [2, 1]),
        ("Due", {1: due("2026-07-02"), 2: due("2026-07-01T23:00:00.000+00:00")}, [2, 1]),
        ("Archived", {1: True, 2: False}, [2, 1]),
        ("Owner", {1: [sample.person(sample.BEN, "Ben")], 2: [sample.person(sample.ADA, "Ada")]}, [2, 1]),
        ("ID", {1: {"prefix": "OPS", "number": 30}, 2: {"prefix": "OPS", "number": 4}}, [2, 1]),
        ("Score", {1: {"type": "string", "string": "b"}, 2: {"type": "string", "string": "a"}}, [2, 1]),
    ],
)
def test_rows_come_in_the_order_of_a_column_and_back(
    notion: Caller, with_tasks: Loader, name: str, values: dict[int, Any], ascending: list[int]
) -> None:
    with_tasks(*(sample.task(number, **{name: value}) for number, value in values.items()))
    chosen = list(values)
    up = [n for n in order(notion, {"property": name, "direction": "ascending"}) if n in chosen]
    down = [n for n in order(notion, {"property": name, "direction": "descending"}) if n in chosen]
    assert up == ascending
    assert down == ascending[::-1]


def test_rows_without_a_value_come_last_in_both_directions(notion: Caller, with_tasks: Loader) -> None:
    with_tasks(sample.task(4, Hours=2), sample.task(5, Hours=1))
    assert order(notion, {"property": "Hours", "direction": "ascending"})[:2] == [5, 4]
    assert order(notion, {"property": "Hours", "direction": "descending"})[:2] == [4, 5]


def test_the_second_sort_decides_between_equals(notion: Caller, with_tasks: Loader) -> None:
    with_tasks(sample.task(1, Hours=1), sample.task(2, Hours=1), sample.task(3, Hours=0))
    sorts = [{"property": "Hours", "direction": "ascending"}, {"property": "ID", "direction": "descending"}]
    assert order(notion, *sorts)[:3] == [3, 2, 1]


@pytest.mark.parametrize("timestamp", ["created_time", "last_edited_time"])
def test_rows_sort_by_timestamp(notion: Caller, timestamp: str) -> None:
    assert order(notion, {"timestamp": timestamp, "direction": "ascending"}) == [1, 2, 3, 4, 5]
    assert order(notion, {"timestamp": timestamp, "direction": "descending"}) == [5, 4, 3, 2, 1]


@pytest.mark.parametrize(
    ("sort", "sentence"),
    [
        (
            {"property": "Nope", "direction": "ascending"},
            "Could not find sort property with name or id: Nope",
        ),
        ({"timestamp": "seen", "direction": "ascending"}, "body.sorts[0].timestamp should be"),
        ({"property": "Hours", "direction": "up"}, "body.sorts[0].direction should be"),
        ({"property": "Hours", "direction": "ascending", "x": 1}, "body.sorts[0].x should be not present"),
    ],
)
def test_a_bad_sort_is_refused(notion: Caller, sort: Any, sentence: str) -> None:
    reply = notion.query(sorts=[sort])
    assert reply.status == 400
    assert sentence in reply.body["message"]


def test_a_cursor_survives_an_edit_under_a_descending_sort(notion: Caller, with_tasks: Loader) -> None:
    sorts = [{"property": "Name", "direction": "descending"}]
    first = notion.query(sorts=sorts, page_size=2)
    with_tasks(sample.task(1, Name=sample.text("Task 1 changed")))
    rest = notion.query(sorts=sorts, page_size=100, start_cursor=first.body["next_cursor"])
    assert {*first.ids, *rest.ids} == {sample.task_id(number) for number in range(1, 6)}
    assert len(first.ids) + len(rest.ids) == 5
