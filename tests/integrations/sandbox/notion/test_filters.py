"""Every type of filter with every condition, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from integrations.sandbox.notion.sandbox import Sandbox
from tests.integrations.sandbox.notion import sample
from tests.integrations.sandbox.notion.conftest import Caller

EMPTY, FULL = 1, 2
Loader = Callable[..., None]


def full_row() -> sample.Json:
    """Task 2 with something in every column; task 1 stays as bare as a row can be."""
    return sample.task(
        FULL,
        {
            "Name": sample.text("Prepare the Quarterly Report"),
            "Status": "In progress",
            "Priority": "High",
            "Tags": ["backend", "urgent"],
            "Due": {"start": "2026-07-12", "end": None, "time_zone": None},
            "Owner": [sample.person(sample.BEN, "Ben Sample")],
            "Hours": 8,
            "Archived": True,
            "Notes": sample.text("Ask finance first"),
            "Link": "https://example.test/report",
            "Contact": "finance@example.test",
            "Phone": "+49 30 000000",
            "Files": [
                {"name": "plan.pdf", "type": "external", "external": {"url": "https://example.test/p"}}
            ],
            "Blocked by": [{"id": sample.task_id(3)}],
            "Score": {"type": "string", "string": "late"},
            "Blockers": {
                "type": "array",
                "function": "show_original",
                "array": [{"type": "title", "title": sample.text("Task 3")}],
            },
            "Created by": sample.signature(sample.BEN),
            "Edited by": sample.signature(sample.BEN),
            "Verification": {"state": "verified", "verified_by": None, "date": None},
        },
        at="2026-07-10T11:00:00.000Z",
    )


@pytest.fixture(autouse=True)
def two_rows(sandbox: Sandbox, with_tasks: Loader) -> None:
    with_tasks(full_row())
    for number in (3, 4, 5):
        sandbox.trash(sample.task_id(number), sample.ADA)


TEXT_COLUMNS = {
    "Name": ("title", "Prepare the Quarterly Report"),
    "Notes": ("rich_text", "Ask finance first"),
    "Link": ("url", "https://example.test/report"),
    "Contact": ("email", "finance@example.test"),
    "Phone": ("phone_number", "+49 30 000000"),
}


def cases() -> list[tuple[str, str, Any, set[int]]]:
    both, none = {EMPTY, FULL}, set[int]()
    found: list[tuple[str, str, Any, set[int]]] = []
    for name, (kind, value) in TEXT_COLUMNS.items():
        bare = none if name == "Name" else {EMPTY}
        found += [
            (name, kind, {"equals": value}, {FULL}),
            (name, kind, {"equals": value.upper()}, {FULL}),
            (name, kind, {"does_not_equal": value}, {EMPTY}),
            (name, kind, {"contains": value[3:9]}, {FULL}),
            (name, kind, {"does_not_contain": value[3:9]}, {EMPTY}),
            (name, kind, {"starts_with": value[:4]}, {FULL}),
            (name, kind, {"ends_with": value[-4:]}, {FULL}),
            (name, kind, {"is_empty": True}, bare),
            (name, kind, {"is_not_empty": True}, both - bare),
        ]
    for name, kind, number in (("Hours", "number", 8), ("ID", "unique_id", 2)):
        other = {EMPTY} if kind == "unique_id" else none
        found += [
            (name, kind, {"equals": number}, {FULL}),
            (name, kind, {"does_not_equal": number}, {EMPTY}),
            (name, kind, {"greater_than": number - 1}, {FULL}),
            (name, kind, {"less_than": number}, other),
            (name, kind, {"greater_than_or_equal_to": number}, {FULL}),
            (name, kind, {"less_than_or_equal_to": number}, {FULL} | other),
            (name, kind, {"is_empty": True}, {EMPTY} - other),
            (name, kind, {"is_not_empty": True}, {FULL} | other),
        ]
    found += [
        ("Archived", "checkbox", {"equals": True}, {FULL}),
        ("Archived", "checkbox", {"does_not_equal": True}, {EMPTY}),
        ("Archived", "checkbox", {"equals": False}, {EMPTY}),
        ("Status", "status", {"equals": "In progress"}, {FULL}),
        ("Status", "status", {"does_not_equal": "In progress"}, {EMPTY}),
        ("Status", "status", {"is_empty": True}, none),
        ("Priority", "select", {"equals": "High"}, {FULL}),
        ("Priority", "select", {"does_not_equal": "High"}, {EMPTY}),
        ("Priority", "select", {"is_empty": True}, {EMPTY}),
        ("Priority", "select", {"is_not_empty": True}, {FULL}),
        ("Tags", "multi_select", {"contains": "urgent"}, {FULL}),
        ("Tags", "multi_select", {"does_not_contain": "urgent"}, {EMPTY}),
        ("Tags", "multi_select", {"is_empty": True}, {EMPTY}),
        ("Owner", "people", {"contains": sample.BEN}, {FULL}),
        ("Owner", "people", {"does_not_contain": sample.BEN}, {EMPTY}),
        ("Owner", "people", {"is_not_empty": True}, {FULL}),
        ("Created by", "created_by", {"contains": sample.BEN}, {FULL}),
        ("Edited by", "last_edited_by", {"does_not_contain": sample.BEN}, {EMPTY}),
        ("Blocked by", "relation", {"contains": sample.task_id(3)}, {FULL}),
        ("Blocked by", "relation", {"is_empty": True}, {EMPTY}),
        ("Files", "files", {"is_not_empty": True}, {FULL}),
        ("Files", "files", {"is_empty": True}, {EMPTY}),
        ("Verification", "verification", {"status": "verified"}, {FULL}),
        ("Verification", "verification", {"status": "none"}, {EMPTY}),
        ("Due", "date", {"equals": "2026-07-12"}, {FULL}),
        ("Due", "date", {"before": "2026-07-13"}, {FULL}),
        ("Due", "date", {"after": "2026-07-12"}, none),
        ("Due", "date", {"on_or_before": "2026-07-12"}, {FULL}),
        ("Due", "date", {"on_or_after": "2026-07-12T00:00:00Z"}, {FULL}),
        ("Due", "date", {"this_week": {}}, {FULL}),
        ("Due", "date", {"next_week": {}}, {FULL}),
        ("Due", "date", {"next_month": {}}, {FULL}),
        ("Due", "date", {"next_year": {}}, {FULL}),
        ("Due", "date", {"past_week": {}}, none),
        ("Due", "date", {"is_empty": True}, {EMPTY}),
        ("Created", "created_time", {"past_week": {}}, {FULL}),
        ("Created", "created_time", {"past_month": {}}, both),
        ("Edited", "last_edited_time", {"past_year": {}}, both),
        ("Edited", "last_edited_time", {"on_or_after": "2026-07-10T11:00:00Z"}, {FULL}),
        ("Score", "formula", {"string": {"equals": "late"}}, {FULL}),
        ("Score", "formula", {"number": {"equals": 2}}, {EMPTY}),
        ("Blockers", "rollup", {"any": {"rich_text": {"contains": "task"}}}, {FULL}),
        ("Blockers", "rollup", {"none": {"rich_text": {"contains": "task"}}}, {EMPTY}),
        ("Blockers", "rollup", {"every": {"rich_text": {"contains": "nope"}}}, {EMPTY}),
    ]
    return found


@pytest.mark.parametrize(("name", "kind", "condition", "expected"), cases())
def test_each_condition_finds_its_rows(
    notion: Caller, name: str, kind: str, condition: Any, expected: set[int]
) -> None:
    reply = notion.query(filter={"property": name, kind: condition})
    assert reply.status == 200, reply.body
    assert set(reply.ids) == {sample.task_id(number) for number in expected}


def test_a_column_can_be_named_by_its_id(notion: Caller) -> None:
    assert notion.query(filter={"property": "eStH", "number": {"equals": 8}}).ids == [sample.task_id(FULL)]
    assert notion.query(filter={"property": "a%5Dqs", "select": {"equals": "High"}}).ids == [
        sample.task_id(FULL)
    ]


@pytest.mark.parametrize(
    ("operator", "moment", "expected"),
    [
        ("on_or_after", "2026-07-10T11:00:00Z", {FULL}),
        ("on_or_after", "2026-07-10T11:00:30Z", set()),
        ("after", "2026-07-10T11:00:00Z", set()),
        ("after", "2026-07-09", {FULL}),
        ("before", "2026-07-10", {EMPTY}),
        ("on_or_before", "2026-07-10", {EMPTY, FULL}),
        ("equals", "2026-07-10", {FULL}),
        ("on_or_after", "2026-07-10T13:00:00+02:00", {FULL}),
    ],
)
def test_timestamps_compare_as_whole_minutes(
    notion: Caller, operator: str, moment: str, expected: set[int]
) -> None:
    reply = notion.query(filter={"timestamp": "last_edited_time", "last_edited_time": {operator: moment}})
    assert set(reply.ids) == {sample.task_id(number) for number in expected}


def test_conditions_join_to_a_depth_of_two(notion: Caller) -> None:
    hours = {"property": "Hours", "number": {"equals": 8}}
    bare = {"property": "Hours", "number": {"is_empty": True}}
    created = {"timestamp": "created_time", "created_time": {"before": "2026-07-05"}}
    assert notion.query(filter={"and": [hours, bare]}).ids == []
    assert len(notion.query(filter={"or": [hours, bare]}).ids) == 2
    nested = {"and": [{"or": [hours, bare]}, created]}
    assert notion.query(filter=nested).ids == [sample.task_id(EMPTY)]
    too_deep = notion.query(filter={"and": [{"or": [{"and": [hours]}]}]})
    assert too_deep.status == 400
    assert "body.filter.and[0].or[0].and should be not present" in too_deep.body["message"]


def test_a_hundred_conditions_are_the_most(notion: Caller) -> None:
    condition = {"property": "ID", "unique_id": {"equals": 2}}
    assert notion.query(filter={"or": [condition] * 100}).ids == [sample.task_id(FULL)]
    reply = notion.query(filter={"or": [condition] * 101})
    assert reply.status == 400
    assert "body.filter.or.length should be ≤ `100`, instead was `101`" in reply.body["message"]


@pytest.mark.parametrize(
    ("bad", "sentence"),
    [
        ({"property": "Nope", "number": {"equals": 1}}, "Could not find property with name or id: Nope"),
        (
            {"property": "Hours", "select": {"equals": "x"}},
            "database property number does not match filter select",
        ),
        ({"property": "Hours", "number": {"equals": "8"}}, "body.filter.number.equals should be a number"),
        ({"property": "Hours", "number": {"near": 8}}, "body.filter.number.near should be not present"),
        ({"property": "Hours", "number": {}}, "body.filter.number.equals should be defined"),
        ({"property": "Hours"}, "should be defined"),
        ({"property": "Tags", "multi_select": {"is_empty": False}}, "is_empty should be `true`"),
        ({"property": "Due", "date": {"after": "soon"}}, "should be a valid ISO 8601 date string"),
        ({"timestamp": "edited", "edited": {}}, "body.filter.timestamp should be"),
        ({"property": "Hours", "number": {"equals": 8}, "mode": 1}, "body.filter.mode should be not present"),
        ([], "body.filter should be an object"),
    ],
)
def test_what_notion_does_not_know_is_refused(notion: Caller, bad: Any, sentence: str) -> None:
    reply = notion.query(filter=bad)
    assert (reply.status, reply.body["code"]) == (400, "validation_error")
    assert sentence in reply.body["message"]


def test_an_unknown_key_in_the_body_is_refused(notion: Caller) -> None:
    reply = notion.query(filters={})
    assert reply.status == 400
    assert (
        reply.body["message"]
        == "body failed validation: body.filters should be not present, instead was `{}`."
    )
