"""Two-way relations have a column on both sides."""

from __future__ import annotations

from typing import Any

from tests.integrations.sandbox.notion import sample
from tests.integrations.sandbox.notion.conftest import Caller
from tests.integrations.sandbox.notion.sample import Json, task_id

SOURCE = f"/v1/data_sources/{sample.TASKS}"


def two_way(target: str, **pair: str) -> Json:
    return {"relation": {"data_source_id": target, "type": "dual_property", "dual_property": pair}}


def database(notion: Caller, **columns: Any) -> Json:
    """A database of projects with further columns; returns its data source."""
    body = {
        "parent": {"type": "page_id", "page_id": sample.HOME},
        "title": [{"text": {"content": "Projects"}}],
        "initial_data_source": {"properties": {"Name": {"title": {}}, **columns}},
    }
    made = notion.post("/v1/databases", body).body
    source: Json = notion.get(f"/v1/data_sources/{made['data_sources'][0]['id']}").body
    return source


def test_a_new_column_makes_its_partner_on_the_other_side(notion: Caller) -> None:
    projects = database(notion)
    notion.patch(SOURCE, {"properties": {"Project": two_way(projects["id"])}})
    own = notion.get(SOURCE).body["properties"]["Project"]
    partner = notion.get(f"/v1/data_sources/{projects['id']}").body["properties"][
        "Related to Tasks (Project)"
    ]
    assert own["relation"]["database_id"] == projects["parent"]["database_id"]
    assert own["relation"]["dual_property"] == {
        "synced_property_id": partner["id"],
        "synced_property_name": partner["name"],
    }
    assert partner["relation"]["data_source_id"] == sample.TASKS
    assert partner["relation"]["dual_property"]["synced_property_id"] == own["id"]


def test_a_new_database_may_come_with_two_way_relations(notion: Caller) -> None:
    projects = database(notion, Tasks=two_way(sample.TASKS, synced_property_name="Project"))
    assert notion.get(SOURCE).body["properties"]["Project"]["relation"]["data_source_id"] == projects["id"]
    page = notion.get(f"/v1/pages/{task_id(1)}").body
    assert page["properties"]["Project"]["relation"] == []
    assert page["last_edited_time"].startswith("2026-07-01")


def test_a_column_related_to_its_own_table_has_a_partner_there(notion: Caller) -> None:
    notion.patch(SOURCE, {"properties": {"Parent": two_way(sample.TASKS, synced_property_name="Children")}})
    columns = notion.get(SOURCE).body["properties"]
    pair = columns["Parent"]["relation"]["dual_property"], columns["Children"]["relation"]["dual_property"]
    assert [one["synced_property_name"] for one in pair] == ["Children", "Parent"]


def test_a_partner_does_not_take_a_name_that_is_taken(notion: Caller) -> None:
    notion.patch(SOURCE, {"properties": {"Parent": two_way(sample.TASKS, synced_property_name="Hours")}})
    columns = notion.get(SOURCE).body["properties"]
    assert (columns["Hours"]["type"], columns["Hours 2"]["type"]) == ("number", "relation")


def test_a_relation_to_what_is_not_there_is_refused(notion: Caller) -> None:
    body = {"properties": {"Project": two_way(sample.an_id("none"))}}
    assert notion.patch(SOURCE, body).status == 404
    assert "Project" not in notion.get(SOURCE).body["properties"]
