"""Views: tabs, dashboards, linked databases, and reading the rows they show."""

from __future__ import annotations

from typing import Any

import pytest

from integrations.sandbox.notion.sandbox import Sandbox
from tests.fakes.notion_sandbox import WebhookInbox
from tests.integrations.sandbox.notion import contract, sample
from tests.integrations.sandbox.notion.conftest import Caller, Reply
from tests.integrations.sandbox.notion.sample import Json, task_id

LIST = f"/v1/views?database_id={sample.DATABASE}"
SCHEMA = sample.schema()
STATUS = {
    "property_id": SCHEMA["Status"]["id"],
    "type": "status",
    "group_by": "option",
    "sort": {"type": "manual"},
}
BOARD = {"type": "board", "group_by": STATUS}


def create(notion: Caller, name: str = "Mine", kind: str = "table", **more: Any) -> Reply:
    home = {} if {"view_id", "create_database"} & set(more) else {"database_id": sample.DATABASE}
    body = {"data_source_id": sample.TASKS, "name": name, "type": kind, **home, **more}
    return notion.post("/v1/views", body)


def made(notion: Caller, name: str = "Mine", kind: str = "table", **more: Any) -> Json:
    reply = create(notion, name, kind, **more)
    assert reply.status == 200, reply.body
    return reply.body


def names(notion: Caller) -> list[str]:
    return [notion.get(f"/v1/views/{one}").body["name"] for one in notion.get(LIST).ids]


def test_a_database_has_a_table_from_the_start(notion: Caller) -> None:
    (one,) = notion.get(LIST).body["results"]
    view = notion.get(f"/v1/views/{one['id']}").body
    assert (view["type"], view["data_source_id"]) == ("table", sample.TASKS)
    assert view["parent"] == {"type": "database_id", "database_id": sample.DATABASE}
    assert notion.get(f"/v1/views?data_source_id={sample.TASKS}").ids == [one["id"]]


def test_views_stand_where_they_are_put(notion: Caller) -> None:
    last = made(notion, "last")
    made(notion, "first", position={"type": "start"})
    made(notion, "end", position={"type": "end"})
    made(notion, "between", position={"type": "after_view", "view_id": last["id"]})
    assert names(notion) == ["first", "Table", "last", "between", "end"]
    assert len(notion.get(f"{LIST}&page_size=2").ids) == 2


def test_a_board_needs_its_groups_and_names_them(notion: Caller) -> None:
    board = made(notion, "Board", "board", configuration=BOARD)
    assert board["configuration"]["group_by"]["property_name"] == "Status"
    assert create(notion, "Board", "board", configuration={"type": "board"}).status == 400


@pytest.mark.parametrize(
    ("kind", "configuration"),
    [
        (
            "table",
            {"wrap_cells": True, "properties": [{"property_id": "title", "visible": True, "width": 200}]},
        ),
        ("list", {"properties": [{"property_id": SCHEMA["Due"]["id"], "date_format": "relative"}]}),
        ("gallery", {"cover": {"type": "page_cover"}, "cover_size": "small"}),
        ("calendar", {"date_property_id": SCHEMA["Due"]["id"], "view_range": "week"}),
        ("timeline", {"date_property_id": "Due", "preference": {"zoom_level": "month"}, "show_table": None}),
        ("form", {"is_form_closed": True}),
        ("chart", {"chart_type": "donut", "x_axis": STATUS, "value": {"aggregator": "count"}}),
        ("map", {"height": "large"}),
    ],
)
def test_every_kind_has_a_configuration(notion: Caller, kind: str, configuration: Json) -> None:
    view = made(notion, kind=kind, configuration={"type": kind, **configuration})
    again = notion.get(f"/v1/views/{view['id']}").body
    assert again["configuration"] == view["configuration"]
    assert set(configuration) - {"show_table"} <= set(again["configuration"])


@pytest.mark.parametrize(
    "body",
    [
        {"type": "wall"},
        {"name": 5},
        {"database_id": sample.DATABASE, "view_id": sample.DATABASE},
        {"configuration": {"type": "board", "group_by": STATUS}},
        {"configuration": {"type": "table", "colour": "red"}},
        {"configuration": {"type": "table", "properties": [{"property_id": "none"}]}},
        {"type": "board", "configuration": {"type": "board", "group_by": {**STATUS, "type": "select"}}},
        {"type": "board", "configuration": {"type": "board", "group_by": {**STATUS, "sort": "up"}}},
        {"type": "chart", "configuration": {"type": "chart", "chart_type": "pie"}},
        {"filter": {"property": "Nothing", "number": {"equals": 1}}},
        {"sorts": [{"property": "Nothing", "direction": "ascending"}]},
        {"position": {"type": "middle"}},
        {"shape": "round"},
    ],
)
def test_a_view_that_cannot_be_is_refused(notion: Caller, body: Json) -> None:
    reply = notion.post(
        "/v1/views",
        {
            "data_source_id": sample.TASKS,
            "name": "x",
            "type": "table",
            "database_id": sample.DATABASE,
            **body,
        },
    )
    assert reply.status == 400
    assert names(notion) == ["Table"]


def test_a_view_shows_what_its_filters_leave_in_its_order(notion: Caller, sandbox: Sandbox) -> None:
    for number, hours in ((1, 4), (2, 9), (3, 7)):
        notion.patch(f"/v1/pages/{task_id(number)}", {"properties": {"Hours": {"number": hours}}})
    view = made(
        notion,
        filter={"property": "Hours", "number": {"greater_than": 3}},
        quick_filters={"Hours": {"number": {"less_than": 9}}},
        sorts=[{"property": "Hours", "direction": "descending"}],
    )
    path = f"/v1/views/{view['id']}/queries"
    looked = notion.post(path, {"page_size": 1}).body
    assert (looked["total_count"], looked["has_more"]) == (2, True)
    assert [one["id"] for one in looked["results"]] == [task_id(3)]
    rest = notion.get(f"{path}/{looked['id']}?start_cursor={looked['next_cursor']}")
    assert rest.ids == [task_id(1)]
    assert notion.get(f"{path}/{looked['id']}").ids == [task_id(3), task_id(1)]
    notion.patch(f"/v1/views/{view['id']}", {"filter": None, "quick_filters": None})
    assert notion.post(path).body["total_count"] == 5


def test_one_condition_may_name_several_values(notion: Caller) -> None:
    notion.patch(f"/v1/pages/{task_id(1)}", {"properties": {"Status": {"status": {"name": "Done"}}}})
    several = {"property": "Status", "status": {"equals": ["Done", "In progress"]}}
    assert notion.post(f"/v1/views/{made(notion, filter=several)['id']}/queries").body["total_count"] == 1
    others = {"property": "Status", "status": {"does_not_equal": ["Done", "In progress"]}}
    assert notion.post(f"/v1/views/{made(notion, filter=others)['id']}/queries").body["total_count"] == 4


def test_a_look_at_a_view_ends_after_a_while_or_when_told(notion: Caller, sandbox: Sandbox) -> None:
    view = made(notion)
    path = f"/v1/views/{view['id']}/queries"
    first, second = notion.post(path).body["id"], notion.post(path).body["id"]
    assert notion("DELETE", f"{path}/{first}").body["deleted"] is True
    assert [notion.get(f"{path}/{one}").status for one in (first, second)] == [404, 200]
    sandbox.clock.advance(15 * 60)
    assert notion.get(f"{path}/{second}").status == 404


def test_a_view_is_changed_and_deleted_but_the_last_one_stays(notion: Caller) -> None:
    view = made(notion)
    changed = notion.patch(
        f"/v1/views/{view['id']}", {"name": "Ours", "configuration": {"type": "table"}}
    ).body
    assert changed["name"] == "Ours"
    assert notion.patch(f"/v1/views/{view['id']}", {"type": "board"}).status == 400
    assert notion("DELETE", f"/v1/views/{view['id']}").body["id"] == view["id"]
    assert notion.get(f"/v1/views/{view['id']}").status == 404
    (left,) = notion.get(LIST).ids
    assert notion("DELETE", f"/v1/views/{left}").status == 400


def test_a_dashboard_holds_other_views_in_rows(notion: Caller) -> None:
    dashboard = made(notion, "Overview", "dashboard")
    chart = {"type": "chart", "chart_type": "number", "value": {"aggregator": "count"}}
    one = made(notion, "one", "chart", view_id=dashboard["id"], configuration=chart)
    two = made(notion, "two", view_id=dashboard["id"], placement={"type": "existing_row", "row_index": 0})
    three = made(notion, "three", view_id=dashboard["id"])
    rows = notion.get(f"/v1/views/{dashboard['id']}").body["configuration"]["rows"]
    assert [[widget["view_id"] for widget in row["widgets"]] for row in rows] == [
        [one["id"], two["id"]],
        [three["id"]],
    ]
    assert one["dashboard_view_id"] == dashboard["id"]
    assert create(notion, "x", view_id=one["id"]).status == 400


def test_a_linked_database_shows_rows_kept_elsewhere(notion: Caller) -> None:
    view = made(notion, "Linked", create_database={"parent": {"type": "page_id", "page_id": sample.HOME}})
    database = view["parent"]["database_id"]
    assert notion.get(f"/v1/databases/{database}").body["data_sources"][0]["id"] == sample.TASKS
    assert database in notion.get(f"/v1/blocks/{sample.HOME}/children").ids
    assert notion.post(f"/v1/views/{view['id']}/queries").body["total_count"] == 5


def test_views_outlive_a_restart_and_are_hidden_with_their_database(notion: Caller, sandbox: Sandbox) -> None:
    view = made(notion)
    kept = [obj for _, obj in sandbox.world.everything() if obj["object"] == "view"]
    assert view["id"] in {one["id"] for one in kept}
    sandbox.unshare(sample.DATABASE)
    assert notion.get(f"/v1/views/{view['id']}").status == 404


def test_views_are_told_of(notion: Caller, sandbox: Sandbox) -> None:
    inbox = WebhookInbox()
    sandbox.webhooks.sender = inbox
    kinds = ["view.created", "view.updated", "view.deleted"]
    subscription = sandbox.webhooks.subscribe("Test Workspace", "http://a.example/", kinds)
    sandbox.webhooks.confirm(subscription.id, subscription.verification_token)
    inbox.clear()
    view = made(notion, "Board", "board", configuration=BOARD)
    notion.patch(f"/v1/views/{view['id']}", {"name": "Ours"})
    notion.patch(f"/v1/views/{view['id']}", {"name": "Ours"})
    notion("DELETE", f"/v1/views/{view['id']}")
    sandbox.webhooks.deliver_due()
    assert inbox.types == kinds
    assert inbox.bodies[0]["data"]["view_type"] == "board"
    assert inbox.bodies[1]["data"]["updated_fields"] == ["name"]
    if contract.is_available:
        for body in inbox.bodies:
            contract.assert_webhook_conforms(body)
