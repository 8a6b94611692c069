"""Making, changing, moving, trashing and reading pages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from integrations.sandbox.notion.sandbox import Sandbox
from tests.integrations.sandbox.notion import sample
from tests.integrations.sandbox.notion.conftest import Caller

Loader = Callable[..., None]
ROW = {"data_source_id": sample.TASKS}
WRITES: list[tuple[str, Any, Any]] = [
    ("Name", {"title": [{"text": {"content": "New name"}}]}, "New name"),
    ("Notes", {"rich_text": [{"text": {"content": "Read"}, "annotations": {"bold": True}}]}, "Read"),
    ("Hours", {"number": 2.5}, 2.5),
    ("Hours", {"number": None}, None),
    ("Archived", {"checkbox": True}, True),
    ("Link", {"url": "https://example.test"}, "https://example.test"),
    ("Contact", {"email": "a@example.test"}, "a@example.test"),
    ("Phone", {"phone_number": "112"}, "112"),
    ("Due", {"date": {"start": "2026-08-01"}}, {"start": "2026-08-01", "end": None, "time_zone": None}),
    (
        "Due",
        {"date": {"start": "2026-08-01T10:00:00+02:00", "end": "2026-08-02"}},
        {"start": "2026-08-01T10:00:00.000+02:00", "end": "2026-08-02", "time_zone": None},
    ),
    ("Due", {"date": None}, None),
    ("Status", {"status": {"name": "Done"}}, "Done"),
    ("Priority", {"select": {"name": "High"}}, "High"),
    ("Priority", {"select": None}, None),
    ("Tags", {"multi_select": [{"name": "design"}, {"name": "urgent"}]}, ["design", "urgent"]),
    ("Owner", {"people": [{"id": sample.BEN}]}, [sample.BEN]),
    ("Blocked by", {"relation": [{"id": sample.task_id(2)}]}, [sample.task_id(2)]),
    (
        "Files",
        {"files": [{"name": "plan", "external": {"url": "https://example.test/plan"}}]},
        [{"name": "plan", "type": "external", "external": {"url": "https://example.test/plan"}}],
    ),
    ("Place", {"place": {"lat": 52.5, "lon": 13.4, "name": "Office"}}, "Office"),
]


def shown(value: sample.Json) -> Any:
    """A property in a form that is easy to compare."""
    held = value[value["type"]]
    match value["type"]:
        case "title" | "rich_text":
            return "".join(run["plain_text"] for run in held)
        case "status" | "select" | "place":
            return held["name"] if held else None
        case "multi_select":
            return [option["name"] for option in held]
        case "people" | "relation":
            return [entry["id"] for entry in held]
        case _:
            return held


@pytest.mark.parametrize(("name", "value", "expected"), WRITES)
def test_each_writable_type_takes_a_value_and_gives_it_back(
    notion: Caller, name: str, value: Any, expected: Any
) -> None:
    path = f"/v1/pages/{sample.task_id(1)}"
    reply = notion.patch(path, {"properties": {name: value}})
    assert reply.status == 200, reply.body
    assert shown(reply.body["properties"][name]) == expected
    assert shown(notion.get(path).body["properties"][name]) == expected


def test_a_property_can_be_written_by_its_id(notion: Caller) -> None:
    path = f"/v1/pages/{sample.task_id(1)}"
    for key, name in (("%3AUPp", "Done"), (":UPp", "In progress")):
        reply = notion.patch(path, {"properties": {key: {"status": {"name": name}}}})
        assert shown(reply.body["properties"]["Status"]) == name


@pytest.mark.parametrize(
    ("properties", "sentence"),
    [
        ({"Nope": {"number": 1}}, "Nope is not a property that exists."),
        ({"Hours": {"select": {"name": "x"}}}, "Hours is expected to be number."),
        ({"Hours": {"number": "5"}}, "body.properties.Hours.number should be a number"),
        ({"Hours": 5}, "body.properties.Hours should be an object"),
        ({"Status": {"status": {"name": "Lost"}}}, 'Status option "Lost" does not exist'),
        ({"Score": {"formula": {"number": 3}}}, "Score is a formula property"),
        ({"Created": {"created_time": "2026-01-01T00:00:00Z"}}, "Created is a created_time property"),
        ({"Priority": {"select": {"name": "a, b"}}}, "commas not allowed"),
        ({"Due": {"date": {"start": "tomorrow"}}}, "should be a valid ISO 8601 date string"),
        ({"Due": {"date": {"start": "2026-08-02", "end": "2026-08-01"}}}, "Invalid date range"),
        ({"Contact": {"email": "no address"}}, "should be a valid email"),
        ({"Owner": {"people": [{"id": sample.an_id("nobody")}]}}, "Could not find user with ID"),
        ({"Blocked by": {"relation": [{"id": sample.an_id("gone")}]}}, "Could not find page with ID"),
        ({"Blocked by": {"relation": [{"id": "gone"}]}}, "should be a valid uuid"),
        (
            {"Name": {"title": [{"text": {"content": "x" * 2001}}]}},
            "body.properties.Name.title[0].text.content.length should be ≤ `2000`, instead was `2001`.",
        ),
        ({"Notes": {"rich_text": [{"text": {"content": "x"}}] * 101}}, "length should be ≤ `100`"),
        ({"Tags": {"multi_select": [{"name": f"t{n}"} for n in range(101)]}}, "length should be ≤ `100`"),
        ({"Owner": {"people": [{"id": sample.BEN}] * 101}}, "length should be ≤ `100`"),
        ({"Link": {"url": "https://" + "x" * 2000}}, "length should be ≤ `2000`"),
        ({"Phone": {"phone_number": "1" * 201}}, "length should be ≤ `200`"),
        ({"Name": {"title": [{"text": {"content": "x", "size": 3}}]}}, "text.size should be not present"),
        ({"Name": {"title": [{"texts": {"content": "x"}}]}}, "should be not present"),
        ({"Name": {"title": [{"equation": {"expression": "x" * 1001}}]}}, "length should be ≤ `1000`"),
    ],
)
def test_a_value_notion_would_not_take_is_refused(notion: Caller, properties: Any, sentence: str) -> None:
    reply = notion.patch(f"/v1/pages/{sample.task_id(1)}", {"properties": properties})
    assert (reply.status, reply.body["code"]) == (400, "validation_error")
    assert sentence in reply.body["message"]


def test_an_edit_is_stamped_with_its_minute_and_its_author(notion: Caller) -> None:
    path = f"/v1/pages/{sample.task_id(1)}"
    page = notion.patch(path, {"properties": {"Hours": {"number": 1}}}).body
    assert page["last_edited_time"] == "2026-07-10T12:00:00.000Z"
    assert page["last_edited_by"] == {"object": "user", "id": sample.BOT}
    assert page["properties"]["Edited"]["last_edited_time"] == page["last_edited_time"]
    assert page["properties"]["Edited by"]["last_edited_by"]["id"] == sample.BOT
    assert page["created_time"] == "2026-07-01T00:01:00.000Z"


def test_what_a_person_edits_bears_their_name(notion: Caller, sandbox: Sandbox) -> None:
    sandbox.edit(sample.task_id(1), sample.BEN, {"properties": {"Hours": {"number": 1}}})
    page = notion.get(f"/v1/pages/{sample.task_id(1)}").body
    assert page["last_edited_by"]["id"] == sample.BEN


def test_lists_are_replaced_not_extended(notion: Caller, with_tasks: Loader) -> None:
    with_tasks(sample.task(1, Tags=["backend", "urgent"]))
    path = f"/v1/pages/{sample.task_id(1)}"
    page = notion.patch(path, {"properties": {"Tags": {"multi_select": [{"name": "design"}]}}}).body
    assert shown(page["properties"]["Tags"]) == ["design"]


def test_an_unknown_select_name_becomes_an_option(notion: Caller) -> None:
    path = f"/v1/pages/{sample.task_id(1)}"
    page = notion.patch(path, {"properties": {"Priority": {"select": {"name": "Someday"}}}}).body
    made = page["properties"]["Priority"]["select"]
    schema = notion.get(f"/v1/data_sources/{sample.TASKS}").body["properties"]
    assert made["id"] in [option["id"] for option in schema["Priority"]["select"]["options"]]


def test_a_new_row_has_every_column_a_number_and_the_first_status(notion: Caller) -> None:
    page = notion.post("/v1/pages", {"parent": ROW, "properties": {"Name": {"title": []}}}).body
    assert list(page["properties"]) == list(sample.schema())
    assert page["properties"]["ID"]["unique_id"] == {"prefix": "OPS", "number": 6}
    assert shown(page["properties"]["Status"]) == "Not started"
    assert page["parent"] == {
        "type": "data_source_id",
        "data_source_id": sample.TASKS,
        "database_id": sample.DATABASE,
    }
    assert page["id"] in notion.query().ids
    again = notion.post("/v1/pages", {"parent": ROW, "properties": {}}).body
    assert again["properties"]["ID"]["unique_id"]["number"] == 7


def test_a_database_with_one_source_can_be_the_parent(notion: Caller) -> None:
    page = notion.post("/v1/pages", {"parent": {"database_id": sample.DATABASE}, "properties": {}}).body
    assert page["parent"]["data_source_id"] == sample.TASKS
    second = {"parent": {"database_id": sample.DATABASE}, "properties": {"Name": {"title": {}}}}
    notion.post("/v1/data_sources", second)
    reply = notion.post("/v1/pages", {"parent": {"database_id": sample.DATABASE}, "properties": {}})
    assert reply.status == 400
    assert len(reply.body["additional_data"]["child_data_source_ids"]) == 2


def test_a_page_below_a_page_shows_among_its_blocks(notion: Caller) -> None:
    body = {
        "parent": {"page_id": sample.HOME},
        "properties": {"title": {"title": [{"text": {"content": "Sub"}}]}},
    }
    page = notion.post("/v1/pages", body).body
    children = notion.get(f"/v1/blocks/{sample.HOME}/children").body["results"]
    found = next(child for child in children if child["id"] == page["id"])
    assert (found["type"], found["child_page"]) == ("child_page", {"title": "Sub"})


def test_trash_and_back(notion: Caller) -> None:
    path = f"/v1/pages/{sample.task_id(1)}"
    assert notion.patch(path, {"in_trash": True}).body["in_trash"] is True
    refused = notion.patch(path, {"properties": {"Hours": {"number": 1}}})
    assert refused.status == 400
    assert "unarchive the block before editing" in refused.body["message"]
    assert notion.get(path).body["in_trash"] is True
    assert notion.patch(path, {"in_trash": False}).body["in_trash"] is False


def test_flags_follow_the_version(notion: Caller) -> None:
    path = f"/v1/pages/{sample.task_id(1)}"
    newest = notion.get(path).body
    assert "archived" not in newest
    assert {"in_trash", "is_archived", "is_locked"} <= set(newest)
    refused = notion.patch(path, {"archived": True})
    assert "body.archived should be not present" in refused.body["message"]
    notion.version = "2025-09-03"
    older = notion.patch(path, {"archived": True}).body
    assert (older["archived"], older["in_trash"]) == (True, True)


def test_a_moved_page_takes_its_like_columns_along(notion: Caller) -> None:
    made = notion.post(
        "/v1/databases",
        {
            "parent": {"type": "page_id", "page_id": sample.HOME},
            "title": [{"text": {"content": "Other"}}],
            "initial_data_source": {"properties": {"Task": {"title": {}}, "Hours": {"number": {}}}},
        },
    ).body
    target = made["data_sources"][0]["id"]
    notion.patch(f"/v1/pages/{sample.task_id(1)}", {"properties": {"Hours": {"number": 4}}})
    moved = notion.post(f"/v1/pages/{sample.task_id(1)}/move", {"parent": {"data_source_id": target}}).body
    assert shown(moved["properties"]["Task"]) == "Task 1"
    assert shown(moved["properties"]["Hours"]) == 4
    assert sample.task_id(1) not in notion.query().ids
    assert notion.post(f"/v1/data_sources/{target}/query").ids == [sample.task_id(1)]


def test_a_mention_of_a_person_names_them(notion: Caller) -> None:
    run = {"mention": {"user": {"id": sample.BEN}}}
    page = notion.patch(
        f"/v1/pages/{sample.task_id(1)}", {"properties": {"Notes": {"rich_text": [run]}}}
    ).body
    made = page["properties"]["Notes"]["rich_text"][0]
    assert made["plain_text"] == "@Ben Sample"
    assert made["mention"]["user"]["person"]["email"] == "ben@example.test"


def test_a_body_of_more_than_500_kilobytes_is_refused(notion: Caller) -> None:
    runs = [{"text": {"content": "x" * 1900}}] * 100
    names = ["Notes", "Name"]
    body = {"properties": {name: {"title" if name == "Name" else "rich_text": runs} for name in names}}
    padded = {**body, "children": [{"paragraph": {"rich_text": runs}}] * 2, "parent": ROW}
    reply = notion.post("/v1/pages", padded)
    assert reply.status == 400
    assert "500KB" in reply.body["message"]


class TestPropertyItems:
    def test_a_single_value_is_one_item(self, notion: Caller) -> None:
        item = notion.get(f"/v1/pages/{sample.task_id(1)}/properties/%3AUPp").body
        assert (item["object"], item["type"], item["id"]) == ("property_item", "status", "%3AUPp")
        assert item["status"]["name"] == "Not started"

    def test_a_long_relation_is_read_a_hundred_at_a_time(self, notion: Caller, with_tasks: Loader) -> None:
        related = [{"id": sample.task_id(n)} for n in range(2, 152)]
        with_tasks(sample.task(1, {"Blocked by": related}))
        path = f"/v1/pages/{sample.task_id(1)}/properties/rEla"
        first = notion.get(path).body
        assert (len(first["results"]), first["has_more"], first["type"]) == (100, True, "property_item")
        assert first["property_item"]["next_url"].endswith(f"start_cursor={first['next_cursor']}")
        rest = notion.get(f"{path}?start_cursor={first['next_cursor']}").body
        assert (len(rest["results"]), rest["has_more"]) == (50, False)
        found = [item["relation"]["id"] for item in first["results"] + rest["results"]]
        assert found == [entry["id"] for entry in related]

    def test_the_title_is_a_list_of_runs(self, notion: Caller) -> None:
        item = notion.get(f"/v1/pages/{sample.task_id(1)}/properties/title").body
        assert [entry["title"]["plain_text"] for entry in item["results"]] == ["Task 1"]

    @pytest.mark.parametrize("prop", [prop["id"] for prop in sample.schema().values()])
    def test_every_column_can_be_read(self, notion: Caller, prop: str) -> None:
        assert notion.get(f"/v1/pages/{sample.task_id(1)}/properties/{prop}").status == 200

    def test_an_unknown_column_is_refused(self, notion: Caller) -> None:
        reply = notion.get(f"/v1/pages/{sample.task_id(1)}/properties/zzzz")
        assert (reply.status, reply.body["message"]) == (400, "zzzz is not a property that exists.")


def test_a_refused_write_leaves_no_option_behind(notion: Caller) -> None:
    before = notion.get(f"/v1/data_sources/{sample.TASKS}").body["properties"]
    properties = {"Priority": {"select": {"name": "Someday"}}, "Hours": {"number": "x"}}
    assert notion.patch(f"/v1/pages/{sample.task_id(1)}", {"properties": properties}).status == 400
    assert notion.get(f"/v1/data_sources/{sample.TASKS}").body["properties"] == before
