"""Blocks: reading levels, appending, changing and deleting."""

from __future__ import annotations

from typing import Any

import pytest

from integrations.sandbox.notion.sandbox import Sandbox
from tests.integrations.sandbox.notion import sample
from tests.integrations.sandbox.notion.conftest import Caller

PAGE = sample.task_id(1)
CHILDREN = f"/v1/blocks/{PAGE}/children"


def paragraph(content: str, *children: Any) -> sample.Json:
    body: sample.Json = {"rich_text": [{"text": {"content": content}}]}
    return {"paragraph": body | ({"children": list(children)} if children else {})}


def texts(notion: Caller, block_id: str = PAGE) -> list[str]:
    blocks = notion.get(f"/v1/blocks/{block_id}/children").body["results"]
    return ["".join(run["plain_text"] for run in block[block["type"]]["rich_text"]) for block in blocks]


def append(notion: Caller, *children: Any, **more: Any) -> sample.Json:
    reply = notion.patch(CHILDREN, {"children": list(children), **more})
    assert reply.status == 200, reply.body
    return reply.body


def test_appended_blocks_come_back_in_order(notion: Caller) -> None:
    made = append(notion, paragraph("one"), paragraph("two"))
    assert [block["parent"] for block in made["results"]] == [{"type": "page_id", "page_id": PAGE}] * 2
    append(notion, paragraph("three"))
    assert texts(notion) == ["one", "two", "three"]


def test_children_are_read_a_level_and_a_page_at_a_time(notion: Caller) -> None:
    made = append(notion, paragraph("outer", paragraph("inner", paragraph("innermost"))))
    outer = made["results"][0]
    assert outer["has_children"] is True
    assert texts(notion, outer["id"]) == ["inner"]
    append(notion, *(paragraph(str(n)) for n in range(99)))
    first = notion.get(f"{CHILDREN}?page_size=60").body
    rest = notion.get(f"{CHILDREN}?page_size=60&start_cursor={first['next_cursor']}").body
    assert (len(first["results"]), len(rest["results"]), rest["has_more"]) == (60, 40, False)


def test_new_blocks_go_where_they_are_told(notion: Caller) -> None:
    first = append(notion, paragraph("a"), paragraph("b"))["results"][0]["id"]
    append(notion, paragraph("start"), position={"type": "start"})
    append(notion, paragraph("after a"), position={"type": "after_block", "after_block": {"id": first}})
    append(notion, paragraph("end"), position={"type": "end"})
    assert texts(notion) == ["start", "a", "after a", "b", "end"]


def test_after_belongs_to_the_old_version_and_position_to_the_new(notion: Caller) -> None:
    first = append(notion, paragraph("a"), paragraph("b"))["results"][0]["id"]
    refused = notion.patch(CHILDREN, {"children": [paragraph("x")], "after": first})
    assert "body.after should be not present" in refused.body["message"]
    notion.version = "2025-09-03"
    assert notion.patch(CHILDREN, {"children": [paragraph("x")], "after": first}).status == 200
    assert texts(notion) == ["a", "x", "b"]


def test_appending_counts_as_an_edit_of_the_page(notion: Caller) -> None:
    append(notion, paragraph("x"))
    page = notion.get(f"/v1/pages/{PAGE}").body
    assert page["last_edited_time"] == "2026-07-10T12:00:00.000Z"
    assert page["properties"]["Edited"]["last_edited_time"] == "2026-07-10T12:00:00.000Z"


BODIES: list[sample.Json] = [
    {"heading_1": {"rich_text": [], "is_toggleable": True}},
    {"to_do": {"rich_text": [{"text": {"content": "x"}}], "checked": True}},
    {"code": {"rich_text": [{"text": {"content": "print()"}}], "language": "python"}},
    {"callout": {"rich_text": [], "icon": {"type": "emoji", "emoji": "💡"}, "color": "blue_background"}},
    {"divider": {}},
    {"equation": {"expression": "a^2"}},
    {"bookmark": {"url": "https://example.test"}},
    {"image": {"external": {"url": "https://example.test/i.png"}}},
    {"table_of_contents": {}},
    {"link_to_page": {"page_id": sample.HOME}},
    {"table": {"table_width": 2, "children": [{"table_row": {"cells": [[{"text": {"content": "a"}}], []]}}]}},
    {
        "column_list": {
            "children": [
                {"column": {"children": [paragraph("left")]}},
                {"column": {"children": [paragraph("right")]}},
            ]
        }
    },
    {"quote": {"rich_text": [{"mention": {"page": {"id": sample.HOME}}}]}},
]


@pytest.mark.parametrize("body", BODIES, ids=lambda body: next(iter(body)))
def test_each_type_of_block_can_be_appended(notion: Caller, body: sample.Json) -> None:
    made = append(notion, body)["results"][0]
    assert made["type"] == next(iter(body))
    assert notion.get(f"/v1/blocks/{made['id']}").body["type"] == made["type"]


@pytest.mark.parametrize(
    ("children", "sentence"),
    [
        (
            [paragraph(str(n)) for n in range(101)],
            "body.children.length should be ≤ `100`, instead was `101`",
        ),
        ([paragraph("1", paragraph("2", paragraph("3", paragraph("4"))))], "children should be not present"),
        ([{"poem": {}}], "should be defined"),
        ([{"paragraph": {"text": []}}], "body.children[0].paragraph.text should be not present"),
        ([{"paragraph": {}}], "body.children[0].paragraph.rich_text should be an array"),
        ([{"divider": {}, "paragraph": {"rich_text": []}}], "should be defined"),
        (
            [paragraph("x" * 2001)],
            "body.children[0].paragraph.rich_text[0].text.content.length should be ≤ `2000`",
        ),
        ([{"table": {"table_width": 2, "children": [{"table_row": {"cells": [[]]}}]}}], "table width"),
        ([{"to_do": {"rich_text": [], "checked": "yes"}}], "checked should be a boolean"),
        (
            [{"toggle": {"rich_text": [], "children": [paragraph("x")] * 100}}] * 10,
            "at most 1000 blocks",
        ),
        ("text", "body.children should be an array"),
    ],
)
def test_blocks_notion_would_not_take_are_refused(notion: Caller, children: Any, sentence: str) -> None:
    reply = notion.patch(CHILDREN, {"children": children})
    assert (reply.status, reply.body["code"]) == (400, "validation_error")
    assert sentence in reply.body["message"]
    assert texts(notion) == []


def test_a_block_is_changed_in_place(notion: Caller) -> None:
    made = append(notion, {"to_do": {"rich_text": [{"text": {"content": "x"}}], "checked": False}})
    path = f"/v1/blocks/{made['results'][0]['id']}"
    assert notion.patch(path, {"to_do": {"checked": True}}).body["to_do"]["checked"] is True
    assert notion.get(path).body["to_do"]["rich_text"][0]["plain_text"] == "x"
    refused = notion.patch(path, {"paragraph": {"rich_text": []}})
    assert refused.status == 400


def test_a_deleted_block_is_gone_from_the_page(notion: Caller) -> None:
    made = append(notion, paragraph("a"), paragraph("b"))
    path = f"/v1/blocks/{made['results'][0]['id']}"
    assert notion("DELETE", path).body["in_trash"] is True
    assert texts(notion) == ["b"]
    assert notion("DELETE", path).status == 400
    notion.patch(path, {"in_trash": False})
    assert texts(notion) == ["a", "b"]


def test_a_page_answers_as_the_block_that_stands_for_it(notion: Caller) -> None:
    block = notion.get(f"/v1/blocks/{PAGE}").body
    assert (block["object"], block["type"], block["child_page"]) == (
        "block",
        "child_page",
        {"title": "Task 1"},
    )
    database = notion.get(f"/v1/blocks/{sample.DATABASE}").body
    assert database["child_database"] == {"title": "Tasks"}


def test_a_page_deleted_as_a_block_is_in_the_trash(notion: Caller) -> None:
    assert notion("DELETE", f"/v1/blocks/{PAGE}").status == 200
    assert notion.get(f"/v1/pages/{PAGE}").body["in_trash"] is True


def test_content_comes_with_a_new_page(notion: Caller) -> None:
    body = {
        "parent": {"data_source_id": sample.TASKS},
        "properties": {},
        "children": [paragraph("x", paragraph("y"))],
    }
    page = notion.post("/v1/pages", body).body
    blocks = notion.get(f"/v1/blocks/{page['id']}/children").body["results"]
    assert texts(notion, blocks[0]["id"]) == ["y"]


def test_a_free_workspace_runs_out_of_blocks(notion: Caller, sandbox: Sandbox) -> None:
    sandbox.set_limits(block_limit=3)
    append(notion, paragraph("1"), paragraph("2"))
    reply = notion.patch(CHILDREN, {"children": [paragraph("3"), paragraph("4")]})
    assert (reply.status, reply.body["code"]) == (403, "restricted_resource")
    assert reply.body["additional_data"]["block_limit"] == 3
    append(notion, paragraph("3"))


def test_erasing_content_empties_the_page(notion: Caller) -> None:
    append(notion, paragraph("x"))
    notion.patch(f"/v1/pages/{PAGE}", {"erase_content": True})
    assert texts(notion) == []
