"""Broken requests, by the thousand: none crashes the sandbox or is taken though Notion refuses it."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest

from integrations.sandbox.notion.answering import answer
from integrations.sandbox.notion.routing import find_route
from integrations.sandbox.notion.sandbox import Sandbox
from integrations.sandbox.notion.spoiling import Request
from tests.integrations.sandbox.notion import contract, sample

WRONG: tuple[Any, ...] = (None, True, 5, -1.5, "x", "", [], {}, ["x"], [None], {"x": 1}, [{}])
HEADERS = {"authorization": f"Bearer {sample.TOKEN}", "notion-version": "2026-03-11"}
RUNS = [
    {
        "type": "text",
        "text": {"content": "a", "link": {"url": "https://example.test"}},
        "annotations": {"bold": True},
    },
    {"type": "mention", "mention": {"type": "user", "user": {"id": sample.BEN}}},
    {"type": "equation", "equation": {"expression": "x"}},
]
PROPERTIES: sample.Json = {
    "Name": {"title": RUNS},
    "Hours": {"number": 1},
    "Status": {"status": {"name": "Done"}},
    "Priority": {"type": "select", "select": {"name": "High", "color": "red"}},
    "Tags": {"multi_select": [{"name": "design"}]},
    "Due": {"date": {"start": "2026-08-01", "end": "2026-08-02", "time_zone": None}},
    "Owner": {"people": [{"object": "user", "id": sample.BEN}]},
    "Archived": {"checkbox": True},
    "Link": {"url": "https://example.test"},
    "Contact": {"email": "a@example.test"},
    "Phone": {"phone_number": "1"},
    "Files": {"files": [{"type": "external", "name": "f", "external": {"url": "https://example.test"}}]},
    "Blocked by": {"relation": [{"id": sample.task_id(2)}]},
    "Place": {"place": {"lat": 1, "lon": 2, "name": "x"}},
}
BLOCKS: list[sample.Json] = [
    {"object": "block", "type": "paragraph", "paragraph": {"rich_text": RUNS, "color": "red"}},
    {"to_do": {"rich_text": [], "checked": True, "children": [{"divider": {}}]}},
    {"code": {"rich_text": [], "language": "python"}},
    {"callout": {"rich_text": [], "icon": {"type": "emoji", "emoji": "💡"}}},
    {"table": {"table_width": 1, "has_column_header": True, "children": [{"table_row": {"cells": [RUNS]}}]}},
    {"heading_1": {"rich_text": [], "is_toggleable": True}},
    {"image": {"external": {"url": "https://example.test"}, "caption": []}},
    {"bookmark": {"url": "https://example.test"}},
    {"link_to_page": {"page_id": sample.HOME}},
    {"equation": {"expression": "x"}},
    {"table_of_contents": {"color": "red"}},
    {"column_list": {"children": [{"column": {"children": [{"divider": {}}]}}] * 2}},
]
REQUESTS: list[tuple[str, str, Any]] = [
    (
        "POST",
        f"/v1/data_sources/{sample.TASKS}/query",
        {
            "filter": {
                "and": [
                    {"property": "Hours", "number": {"greater_than": 1}},
                    {"or": [{"property": "Due", "date": {"past_week": {}}}]},
                    {"timestamp": "created_time", "created_time": {"after": "2026-01-01"}},
                    {"property": "Tags", "multi_select": {"contains": "x"}, "type": "multi_select"},
                    {"property": "Score", "formula": {"string": {"equals": "x"}}},
                    {"property": "Blockers", "rollup": {"any": {"rich_text": {"contains": "x"}}}},
                    {"property": "Verification", "verification": {"status": "none"}},
                    {"property": "Archived", "checkbox": {"equals": True}},
                    {"property": "Owner", "people": {"is_empty": True}},
                ]
            },
            "sorts": [
                {"property": "Hours", "direction": "ascending"},
                {"timestamp": "last_edited_time", "direction": "descending"},
            ],
            "page_size": 10,
            "result_type": "page",
            "in_trash": False,
        },
    ),
    (
        "POST",
        "/v1/search",
        {
            "query": "x",
            "sort": {"timestamp": "last_edited_time", "direction": "ascending"},
            "filter": {"property": "object", "value": "page"},
            "page_size": 5,
        },
    ),
    (
        "POST",
        "/v1/pages",
        {
            "parent": {"type": "data_source_id", "data_source_id": sample.TASKS},
            "properties": PROPERTIES,
            "icon": {"type": "emoji", "emoji": "💡"},
            "cover": {"type": "external", "external": {"url": "https://example.test"}},
            "children": BLOCKS,
            "template": {"type": "none"},
        },
    ),
    (
        "PATCH",
        f"/v1/pages/{sample.task_id(1)}",
        {
            "properties": PROPERTIES,
            "icon": None,
            "is_locked": True,
            "in_trash": False,
            "erase_content": False,
        },
    ),
    ("POST", f"/v1/pages/{sample.task_id(1)}/move", {"parent": {"type": "page_id", "page_id": sample.HOME}}),
    (
        "PATCH",
        f"/v1/blocks/{sample.task_id(1)}/children",
        {"children": BLOCKS, "position": {"type": "start"}},
    ),
    (
        "PATCH",
        f"/v1/data_sources/{sample.TASKS}",
        {
            "title": RUNS,
            "properties": {
                "Hours": {"name": "Effort", "number": {"format": "euro"}},
                "Priority": {"select": {"options": [{"name": "Low", "color": "red"}, {"name": "New"}]}},
                "Notes": None,
                "Extra": {"type": "multi_select", "multi_select": {"options": [{"name": "a"}]}},
                "Link": {"rich_text": {}},
                "Other": {"relation": {"data_source_id": sample.TASKS, "single_property": {}}},
            },
        },
    ),
    (
        "POST",
        "/v1/databases",
        {
            "parent": {"type": "page_id", "page_id": sample.HOME},
            "title": RUNS,
            "is_inline": True,
            "initial_data_source": {
                "properties": {"Name": {"title": {}}, "N": {"number": {"format": "euro"}}}
            },
        },
    ),
    ("PATCH", f"/v1/databases/{sample.DATABASE}", {"title": RUNS, "is_locked": True, "in_trash": False}),
    (
        "POST",
        "/v1/data_sources",
        {"parent": {"database_id": sample.DATABASE}, "properties": {"Name": {"title": {}}}, "title": RUNS},
    ),
]


def paths(node: Any, here: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if here:
        yield here
    pairs = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in pairs:
        yield from paths(value, (*here, key))


def broken_bodies(body: Any) -> Iterator[tuple[str, Any]]:
    """Every node replaced by something of another type, taken out, or given a sibling nobody knows."""
    for path in paths(body):
        where = ".".join(map(str, path))
        for wrong in WRONG:
            made, holder = copied(body, path)
            holder[path[-1]] = wrong
            yield f"{where} = {json.dumps(wrong)}", made
        made, holder = copied(body, path)
        del holder[path[-1]]
        yield f"{where} left out", made
        if isinstance(holder, dict):
            holder["unknown"] = 1
            yield f"{where} replaced by an unknown key", made
            made, holder = copied(body, path)
            holder["unknown"] = 1
            yield f"an unknown key beside {where}", made


def copied(body: Any, path: tuple[Any, ...]) -> tuple[Any, Any]:
    """A copy, and in it what holds the node at the path."""
    made = copy.deepcopy(body)
    holder = made
    for key in path[:-1]:
        holder = holder[key]
    return made, holder


def restore(sandbox: Sandbox) -> None:
    """Undo what an accepted request changed, so that the next one meets the same workspace."""
    workspace = sandbox.workspace("Test Workspace")
    workspace.put("database", sample.database())
    workspace.put("data_source", sample.data_source())
    workspace.put("page", sample.tasks(1)[0])


def refused_by_document(endpoint: str, body: Any) -> bool:
    try:
        contract.assert_request_conforms(endpoint, body)
    except AssertionError:
        return True
    return False


@pytest.mark.skipif(not contract.is_available, reason=contract.why_not)
@pytest.mark.parametrize(
    ("method", "path", "body"), REQUESTS, ids=lambda value: value if isinstance(value, str) else ""
)
def test_no_broken_request_crashes_or_is_taken_against_the_document(
    sandbox: Sandbox, method: str, path: str, body: Any
) -> None:
    found = find_route(method, path)
    assert found is not None
    sandbox.set_limits(per_minute=None)
    assert not refused_by_document(found[0].endpoint, body)
    wrongly_taken = []
    seen: set[str] = set()
    for what, bad in broken_bodies(body):
        raw = json.dumps(bad)
        if raw in seen:
            continue
        seen.add(raw)
        restore(sandbox)
        reply = answer(sandbox, Request(method, path, "", HEADERS, raw.encode(), "127.0.0.1"))
        assert reply.status in (200, 400, 404), (what, reply)
        if reply.status == 200 and refused_by_document(found[0].endpoint, bad):
            wrongly_taken.append(what)
    assert wrongly_taken == []
