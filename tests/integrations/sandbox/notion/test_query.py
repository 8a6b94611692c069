"""Queries of a data source: pages, cursors, filters, sorts and the limit on results."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from integrations.sandbox.notion.sandbox import Sandbox
from tests.integrations.sandbox.notion import sample
from tests.integrations.sandbox.notion.conftest import Caller, Reply

EDITED_ASCENDING = [{"timestamp": "last_edited_time", "direction": "ascending"}]
Loader = Callable[..., None]


def all_pages(notion: Caller, **body: Any) -> list[Reply]:
    replies = [notion.query(**body)]
    while replies[-1].body["has_more"]:
        replies.append(notion.query(**body, start_cursor=replies[-1].body["next_cursor"]))
    return replies


def test_pages_of_a_hundred_cover_every_row_once(notion: Caller, with_tasks: Loader) -> None:
    with_tasks(*sample.tasks(250))
    replies = all_pages(notion)
    assert [len(reply.ids) for reply in replies] == [100, 100, 50]
    assert {one for reply in replies for one in reply.ids} == {sample.task_id(n) for n in range(1, 251)}
    assert replies[-1].body["next_cursor"] is None
    assert "request_status" not in replies[-1].body


def test_without_a_sort_the_order_is_stable_but_not_that_of_creation(
    notion: Caller, with_tasks: Loader
) -> None:
    with_tasks(*sample.tasks(60))
    first, second = notion.query().ids, notion.query().ids
    assert first == second
    assert first != [sample.task_id(n) for n in range(1, 61)]


def test_a_smaller_page_size_is_honoured(notion: Caller) -> None:
    reply = notion.query(page_size=2)
    assert len(reply.ids) == 2
    assert reply.body["has_more"] is True


@pytest.mark.parametrize(
    ("size", "sentence"),
    [
        (1000, "body.page_size should be ≤ `100`, instead was `1000`."),
        (0, "body.page_size should be ≥ `1`, instead was `0`."),
        ("ten", 'body.page_size should be a number, instead was `"ten"`.'),
    ],
)
def test_a_bad_page_size_is_refused(notion: Caller, size: object, sentence: str) -> None:
    reply = notion.query(page_size=size)
    assert reply.status == 400
    assert reply.body["code"] == "validation_error"
    assert sentence in reply.body["message"]


def test_a_cursor_nobody_gave_is_refused(notion: Caller) -> None:
    reply = notion.query(start_cursor="5b3a4a3e-3b0a-4dd2-8f2d-0d8d9b9c2c11")
    assert reply.status == 400
    assert reply.body["message"].startswith("The start_cursor provided is invalid")


def test_a_cursor_belongs_to_its_question(notion: Caller) -> None:
    cursor = notion.query(page_size=2).body["next_cursor"]
    other = notion.query(page_size=2, start_cursor=cursor, sorts=EDITED_ASCENDING)
    assert other.status == 400
    assert notion.query(page_size=2, start_cursor=cursor).status == 200


def test_a_row_edited_while_paging_is_seen_again_and_none_is_missed(
    notion: Caller, sandbox: Sandbox, with_tasks: Loader
) -> None:
    with_tasks(*sample.tasks(30))
    first = notion.query(page_size=10, sorts=EDITED_ASCENDING)
    moved = first.ids[0]
    sandbox.edit(moved, sample.BEN, {"properties": {"Hours": {"number": 7}}})
    second = notion.query(page_size=100, sorts=EDITED_ASCENDING, start_cursor=first.body["next_cursor"])
    assert second.ids[-1] == moved
    assert {*first.ids, *second.ids} == {sample.task_id(n) for n in range(1, 31)}


def test_with_positions_as_cursors_the_same_edit_makes_a_row_slip_through(
    notion: Caller, sandbox: Sandbox, with_tasks: Loader
) -> None:
    with_tasks(*sample.tasks(30))
    sandbox.set_limits(cursor_mode="offset")
    first = notion.query(page_size=10, sorts=EDITED_ASCENDING)
    sandbox.edit(first.ids[0], sample.BEN, {"properties": {"Hours": {"number": 7}}})
    second = notion.query(page_size=100, sorts=EDITED_ASCENDING, start_cursor=first.body["next_cursor"])
    assert len({*first.ids, *second.ids}) == 29


def test_no_query_reaches_further_than_the_cap(notion: Caller, sandbox: Sandbox, with_tasks: Loader) -> None:
    with_tasks(*sample.tasks(25))
    sandbox.set_limits(result_cap=20)
    replies = all_pages(notion, page_size=15)
    assert [len(reply.ids) for reply in replies] == [15, 5]
    assert replies[-1].body["request_status"] == {
        "type": "incomplete",
        "incomplete_reason": "query_result_limit_reached",
    }


def test_as_many_rows_as_the_cap_are_a_complete_answer(notion: Caller, sandbox: Sandbox) -> None:
    sandbox.set_limits(result_cap=5)
    reply = notion.query()
    assert len(reply.ids) == 5
    assert "request_status" not in reply.body


def test_only_the_wanted_properties_are_returned(notion: Caller) -> None:
    path = f"/v1/data_sources/{sample.TASKS}/query?filter_properties[]=title&filter_properties[]=%253AUPp"
    rows = notion.post(path).body["results"]
    assert all(set(row["properties"]) == {"Name", "Status"} for row in rows)
    by_name = notion.post(f"/v1/data_sources/{sample.TASKS}/query?filter_properties=Hours")
    assert all(set(row["properties"]) == {"Hours"} for row in by_name.body["results"])


def test_an_unknown_wanted_property_is_refused(notion: Caller) -> None:
    reply = notion.post(f"/v1/data_sources/{sample.TASKS}/query?filter_properties[]=nope")
    assert reply.status == 400
    assert reply.body["message"] == "Could not find property with name or id: nope"


def test_rows_in_the_trash_are_left_out_unless_asked_for(notion: Caller, sandbox: Sandbox) -> None:
    sandbox.trash(sample.task_id(3), sample.ADA)
    assert sample.task_id(3) not in notion.query().ids
    assert notion.query(in_trash=True).ids == [sample.task_id(3)]


def test_the_old_version_calls_the_trash_archived(notion: Caller, sandbox: Sandbox) -> None:
    sandbox.trash(sample.task_id(3), sample.ADA)
    assert notion.query(archived=True).status == 400
    notion.version = "2025-09-03"
    rows = notion.query(archived=True).body["results"]
    assert [(row["id"], row["archived"]) for row in rows] == [(sample.task_id(3), True)]


def test_an_edit_is_in_the_next_answer(notion: Caller, sandbox: Sandbox) -> None:
    wanted: dict[str, Any] = {"filter": {"property": "Hours", "number": {"equals": 7}}}
    assert notion.query(**wanted).ids == []
    sandbox.edit(sample.task_id(2), sample.BEN, {"properties": {"Hours": {"number": 7}}})
    assert notion.query(**wanted).ids == [sample.task_id(2)]


def test_relations_and_people_and_text_are_cut_at_25(notion: Caller, with_tasks: Loader) -> None:
    related = [{"id": sample.task_id(n)} for n in range(100, 160)]
    with_tasks(
        *sample.tasks(160)[99:], sample.task(1, {"Blocked by": related, "Notes": sample.text("x") * 30})
    )
    row = notion.get(f"/v1/pages/{sample.task_id(1)}").body["properties"]
    assert len(row["Blocked by"]["relation"]) == 25
    assert row["Blocked by"]["has_more"] is True
    assert len(row["Notes"]["rich_text"]) == 25
    whole = notion.query(filter={"property": "Blocked by", "relation": {"contains": sample.task_id(159)}})
    assert whole.ids == [sample.task_id(1)]
    assert len(whole.body["results"][0]["properties"]["Blocked by"]["relation"]) == 25
