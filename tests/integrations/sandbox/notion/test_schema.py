"""Reading and changing databases and data sources."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from integrations.sandbox.notion.sandbox import Sandbox
from tests.integrations.sandbox.notion import sample
from tests.integrations.sandbox.notion.conftest import Caller

Loader = Callable[..., None]
SOURCE = f"/v1/data_sources/{sample.TASKS}"


def change(notion: Caller, **columns: Any) -> sample.Json:
    reply = notion.patch(SOURCE, {"properties": columns})
    assert reply.status == 200, reply.body
    properties: sample.Json = reply.body["properties"]
    return properties


def first_row(notion: Caller) -> sample.Json:
    properties: sample.Json = notion.get(f"/v1/pages/{sample.task_id(1)}").body["properties"]
    return properties


def test_a_database_lists_its_data_sources(notion: Caller) -> None:
    body = notion.get(f"/v1/databases/{sample.DATABASE}").body
    assert body["data_sources"] == [{"id": sample.TASKS, "name": "Tasks"}]
    assert "properties" not in body


def test_a_data_source_has_the_schema(notion: Caller) -> None:
    body = notion.get(SOURCE).body
    assert body["parent"] == {"type": "database_id", "database_id": sample.DATABASE}
    assert body["properties"]["Status"]["id"] == "%3AUPp"


def test_a_renamed_column_keeps_its_id_and_its_values(notion: Caller) -> None:
    properties = change(notion, Status={"name": "State"})
    assert properties["State"]["id"] == "%3AUPp"
    assert "Status" not in properties
    row = first_row(notion)
    assert row["State"]["status"]["name"] == "Not started"
    assert "Status" not in row
    assert notion.query(filter={"property": "State", "status": {"equals": "Not started"}}).status == 200
    assert notion.query(filter={"property": "Status", "status": {"equals": "Not started"}}).status == 400


def test_a_removed_column_leaves_the_rows_too(notion: Caller) -> None:
    assert "Hours" not in change(notion, Hours=None)
    assert "Hours" not in first_row(notion)
    assert notion.get(f"/v1/pages/{sample.task_id(1)}/properties/eStH").status == 400


def test_a_new_column_is_empty_in_every_row(notion: Caller) -> None:
    properties = change(notion, Risk={"select": {"options": [{"name": "High", "color": "red"}]}})
    assert properties["Risk"]["select"]["options"][0]["name"] == "High"
    assert first_row(notion)["Risk"] == {"id": properties["Risk"]["id"], "type": "select", "select": None}


def test_schema_changes_do_not_count_as_edits_of_rows(notion: Caller) -> None:
    before = notion.get(f"/v1/pages/{sample.task_id(1)}").body["last_edited_time"]
    change(notion, Hours={"name": "Effort"})
    assert notion.get(f"/v1/pages/{sample.task_id(1)}").body["last_edited_time"] == before
    assert notion.get(SOURCE).body["last_edited_time"] == "2026-07-10T12:00:00.000Z"


@pytest.mark.parametrize(
    ("name", "before", "config", "after"),
    [
        ("Hours", 3, {"rich_text": {}}, "3"),
        ("Notes", sample.text("12.5"), {"number": {"format": "number"}}, 12.5),
        ("Notes", sample.text("some words"), {"number": {"format": "number"}}, None),
        ("Notes", sample.text("Later"), {"select": {"options": []}}, "Later"),
        ("Notes", sample.text("a, b"), {"multi_select": {"options": []}}, ["a", "b"]),
        ("Tags", ["backend", "urgent"], {"rich_text": {}}, "backend, urgent"),
        ("Priority", "High", {"multi_select": {"options": []}}, ["High"]),
        ("Archived", True, {"rich_text": {}}, "Yes"),
        ("Notes", sample.text("2026-08-01"), {"date": {}}, "2026-08-01"),
        ("Notes", sample.text("yes"), {"checkbox": {}}, True),
        ("Due", {"start": "2026-08-01", "end": None, "time_zone": None}, {"rich_text": {}}, "2026-08-01"),
        ("Owner", [sample.person(sample.BEN, "Ben Sample")], {"rich_text": {}}, "Ben Sample"),
    ],
)
def test_a_retyped_column_keeps_its_id_and_what_can_be_kept(
    notion: Caller, with_tasks: Loader, name: str, before: Any, config: Any, after: Any
) -> None:
    with_tasks(sample.task(1, **{name: before}))
    properties = change(notion, **{name: config})
    assert properties[name]["id"] == sample.schema()[name]["id"]
    value = first_row(notion)[name]
    held = value[value["type"]]
    match value["type"]:
        case "rich_text":
            held = "".join(run["plain_text"] for run in held)
        case "select":
            held = held["name"]
        case "multi_select":
            held = [option["name"] for option in held]
        case "date":
            held = held["start"]
    assert held == after


def test_a_renamed_option_keeps_its_id_in_the_rows(notion: Caller, with_tasks: Loader) -> None:
    with_tasks(sample.task(1, Priority="High"))
    high = next(option for option in sample.PRIORITIES if option["name"] == "High")
    change(notion, Priority={"select": {"options": [{"id": high["id"], "name": "Top"}]}})
    held = first_row(notion)["Priority"]["select"]
    assert (held["id"], held["name"]) == (high["id"], "Top")


def test_an_option_left_out_is_gone_from_the_rows(notion: Caller, with_tasks: Loader) -> None:
    with_tasks(sample.task(1, Priority="High", Tags=["backend", "urgent"]))
    change(
        notion,
        Priority={"select": {"options": [{"name": "Low"}]}},
        Tags={"multi_select": {"options": [{"name": "urgent"}]}},
    )
    row = first_row(notion)
    assert row["Priority"]["select"] is None
    assert [option["name"] for option in row["Tags"]["multi_select"]] == ["urgent"]


def test_status_options_are_for_people_to_change(notion: Caller, sandbox: Sandbox) -> None:
    options = [{"id": option["id"]} for option in sample.STATUSES] + [{"name": "Blocked"}]
    refused = notion.patch(SOURCE, {"properties": {"Status": {"status": {"options": options}}}})
    assert refused.status == 400
    sandbox.change_schema(
        sample.TASKS, sample.ADA, {"properties": {"Status": {"status": {"options": options}}}}
    )
    settings = notion.get(SOURCE).body["properties"]["Status"]["status"]
    assert [option["name"] for option in settings["options"]][-1] == "Blocked"
    assert settings["options"][-1]["id"] in settings["groups"][0]["option_ids"]
    path = f"/v1/pages/{sample.task_id(1)}"
    assert notion.patch(path, {"properties": {"Status": {"status": {"name": "Blocked"}}}}).status == 200


@pytest.mark.parametrize(
    ("columns", "sentence"),
    [
        ({"Nope": None}, "Could not find property with name or id: Nope"),
        ({"Name": None}, "Cannot delete the title property."),
        ({"Name": {"rich_text": {}}}, "Cannot change the type of the title property"),
        ({"Hours": {"name": "Notes"}}, "Duplicate property name: Notes"),
        ({"Extra": {"title": {}}}, "exactly one property of type title"),
        ({"Extra": {"colour": {}}}, "body.properties.Extra.colour should be not present"),
        ({"Priority": {"select": {"options": [{"name": "A"}, {"name": "A"}]}}}, "Duplicate option name"),
        (
            {"Priority": {"select": {"options": [{"name": str(n)} for n in range(101)]}}},
            "length should be ≤ `100`",
        ),
    ],
)
def test_a_bad_change_is_refused_and_changes_nothing(notion: Caller, columns: Any, sentence: str) -> None:
    before = notion.get(SOURCE).body["properties"]
    reply = notion.patch(SOURCE, {"properties": columns})
    assert reply.status == 400
    assert sentence in reply.body["message"]
    assert notion.get(SOURCE).body["properties"] == before


def test_a_new_database_comes_with_a_data_source(notion: Caller) -> None:
    made = notion.post(
        "/v1/databases",
        {
            "parent": {"type": "page_id", "page_id": sample.HOME},
            "title": [{"text": {"content": "Risks"}}],
            "initial_data_source": {
                "properties": {"Risk": {"title": {}}, "State": {"status": {}}, "Weight": {"number": {}}}
            },
        },
    ).body
    source = notion.get(f"/v1/data_sources/{made['data_sources'][0]['id']}").body
    assert [prop["type"] for prop in source["properties"].values()] == ["title", "status", "number"]
    assert source["properties"]["Risk"]["id"] == "title"
    assert len(source["properties"]["State"]["status"]["options"]) == 3
    page = notion.post("/v1/pages", {"parent": {"data_source_id": source["id"]}, "properties": {}}).body
    assert page["properties"]["State"]["status"]["name"] == "Not started"


def test_a_renamed_data_source_is_renamed_in_its_database(notion: Caller) -> None:
    notion.patch(SOURCE, {"title": [{"text": {"content": "Work"}}]})
    assert notion.get(f"/v1/databases/{sample.DATABASE}").body["data_sources"][0]["name"] == "Work"


def test_a_database_is_renamed_and_trashed(notion: Caller) -> None:
    path = f"/v1/databases/{sample.DATABASE}"
    assert (
        notion.patch(path, {"title": [{"text": {"content": "All"}}]}).body["title"][0]["plain_text"] == "All"
    )
    assert notion.patch(path, {"in_trash": True}).body["in_trash"] is True


def test_an_id_of_another_kind_says_so(notion: Caller) -> None:
    reply = notion.get(f"/v1/data_sources/{sample.DATABASE}")
    assert reply.status == 400
    assert "is a database, not a data_source" in reply.body["message"]


def test_a_data_source_has_no_templates(notion: Caller) -> None:
    assert notion.get(f"{SOURCE}/templates").body["templates"] == []
