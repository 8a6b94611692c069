"""Pages, data sources and bots."""

from typing import Any

import pytest

from integrations.capabilities import FieldKind, OptionGroup
from integrations.connectors.notion.mapping import (
    collection_from_json,
    field_from_json,
    identity_from_json,
    record_from_json,
)
from integrations.connectors.notion.values import MalformedJson

STAMP = "2026-03-02T10:05:00.000Z"


def a_page(**changes: Any) -> dict[str, Any]:
    title = {"id": "title", "type": "title", "title": [{"plain_text": "Plan"}]}
    return {
        "object": "page",
        "id": "p1",
        "url": "https://x",
        "created_time": STAMP,
        "last_edited_time": STAMP,
        "parent": {"type": "data_source_id", "data_source_id": "d1"},
        "icon": {"type": "emoji", "emoji": "🚀"},
        "in_trash": False,
        "properties": {"Name": title},
        **changes,
    }


def test_a_page_is_read_by_property_id() -> None:
    record = record_from_json(a_page())

    assert (record.title, record.collection_id, record.icon) == ("Plan", "d1", "🚀")
    assert set(record.values) == {"title"}
    assert record.edited_at.isoformat() == "2026-03-02T10:05:00+00:00"


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("https://www.notion.so/x", "https://www.notion.so/x"),
        ("javascript:alert(1)", ""),
        (" JavaScript:alert(1)", ""),
        ("data:text/html,x", ""),
        (None, ""),
    ],
)
def test_only_a_web_address_becomes_a_link(given: str | None, kept: str) -> None:
    assert record_from_json(a_page(url=given)).url == kept


@pytest.mark.parametrize(("flags", "is_trashed"), [({"in_trash": True}, True), ({"in_trash": False}, False)])
def test_the_trash_is_recognised(flags: dict[str, bool], is_trashed: bool) -> None:
    assert record_from_json(a_page(**flags)).is_trashed is is_trashed


def test_the_flag_of_older_versions_is_recognised() -> None:
    page = a_page(archived=True)
    del page["in_trash"]

    assert record_from_json(page).is_trashed


@pytest.mark.parametrize(
    "changes",
    [
        {"id": None},
        {"properties": None},
        {"properties": {"A": 7}},
        {"created_time": None},
        {"last_edited_time": "x"},
    ],
)
def test_a_broken_page_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(MalformedJson):
        record_from_json(a_page(**changes))


def a_status(groups: list[tuple[str, list[str]]]) -> dict[str, Any]:
    ids = [option_id for _, option_ids in groups for option_id in option_ids]
    return {
        "id": "s",
        "type": "status",
        "status": {
            "options": [{"id": option_id, "name": option_id.upper()} for option_id in ids],
            "groups": [{"name": name, "option_ids": option_ids} for name, option_ids in groups],
        },
    }


@pytest.mark.parametrize(
    "names",
    [
        ("To-do", "In progress", "Complete"),
        ("Zu erledigen", "In Bearbeitung", "Abgeschlossen"),
        ("1", "2", "3"),
    ],
)
def test_status_groups_are_known_by_name_or_by_place(names: tuple[str, str, str]) -> None:
    field = field_from_json("State", a_status([(name, [f"o{at}"]) for at, name in enumerate(names)]))

    assert [option.group for option in field.options] == list(OptionGroup)


def test_a_data_source_has_its_columns_and_what_relations_lead_to() -> None:
    collection = collection_from_json(
        {
            "object": "data_source",
            "id": "d1",
            "parent": {"type": "database_id", "database_id": "db"},
            "title": [{"plain_text": "Tasks"}],
            "url": "https://x",
            "properties": {
                "Name": {"id": "title", "name": "Name", "type": "title", "title": {}},
                "Project": {
                    "id": "p",
                    "name": "Project",
                    "type": "relation",
                    "relation": {"data_source_id": "d2"},
                },
                "New": {"id": "n", "name": "New", "type": "hologram", "hologram": {}},
            },
        }
    )

    assert (collection.title, collection.container_id) == ("Tasks", "db")
    assert [field.kind for field in collection.fields] == [
        FieldKind.TITLE,
        FieldKind.RELATION,
        FieldKind.UNKNOWN,
    ]
    assert collection.fields[1].related_collection_id == "d2"
    assert collection.title_field == collection.fields[0]


def test_a_token_that_is_no_integrations_is_recognised() -> None:
    with pytest.raises(MalformedJson, match="integration"):
        identity_from_json({"object": "user", "id": "u1", "type": "person", "person": {}})
