"""Our values as Notion takes them: what is written is read back the same, in both versions of the API."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from integrations.capabilities import (
    READ_ONLY_KINDS,
    DateSpan,
    FieldKind,
    RemoteFile,
    RemoteOption,
    RemotePerson,
    RemotePlace,
    RemoteValue,
    ValueData,
)
from integrations.connectors.notion.mapping import collection_from_json, record_from_json
from integrations.connectors.notion.values import value_from_json
from integrations.connectors.notion.writing import WRITABLE_KINDS, text_runs, units, value_to_json
from integrations.sandbox.notion.rendering import OLD_VERSION
from tests.integrations.sandbox.notion import contract, sample
from tests.integrations.sandbox.notion.conftest import Caller, running, sandbox

__all__ = ["running", "sandbox"]

WRITTEN: list[tuple[FieldKind, ValueData, Any]] = [
    (FieldKind.TITLE, "Hello", {"title": [{"type": "text", "text": {"content": "Hello"}}]}),
    (FieldKind.TEXT, "", {"rich_text": []}),
    (FieldKind.TEXT, None, {"rich_text": []}),
    (FieldKind.NUMBER, 3.0, {"number": 3}),
    (FieldKind.NUMBER, 1.25, {"number": 1.25}),
    (FieldKind.NUMBER, 0.0, {"number": 0}),
    (FieldKind.NUMBER, None, {"number": None}),
    (FieldKind.CHOICE, (RemoteOption("o1", "High"),), {"select": {"id": "o1"}}),
    (FieldKind.CHOICE, (RemoteOption("", "Brand new"),), {"select": {"name": "Brand new"}}),
    (FieldKind.CHOICE, (), {"select": None}),
    (FieldKind.CHOICE, None, {"select": None}),
    (FieldKind.STATUS, (RemoteOption("s1", "Done"),), {"status": {"id": "s1"}}),
    (FieldKind.STATUS, (), {"status": None}),
    (
        FieldKind.CHOICES,
        (RemoteOption("t1", "a"), RemoteOption("b", "b")),
        {"multi_select": [{"id": "t1"}, {"name": "b"}]},
    ),
    (FieldKind.CHOICES, None, {"multi_select": []}),
    (
        FieldKind.DATE,
        DateSpan(date(2026, 7, 1)),
        {"date": {"start": "2026-07-01", "end": None, "time_zone": None}},
    ),
    (
        FieldKind.DATE,
        DateSpan(datetime(2026, 7, 1, 9, tzinfo=UTC), datetime(2026, 7, 1, 10, tzinfo=UTC)),
        {
            "date": {
                "start": "2026-07-01T09:00:00.000+00:00",
                "end": "2026-07-01T10:00:00.000+00:00",
                "time_zone": None,
            }
        },
    ),
    (FieldKind.DATE, None, {"date": None}),
    (FieldKind.PEOPLE, (RemotePerson("u1"),), {"people": [{"object": "user", "id": "u1"}]}),
    (FieldKind.PEOPLE, (), {"people": []}),
    (
        FieldKind.FILES,
        (RemoteFile("plan", "https://x.example/plan"),),
        {"files": [{"name": "plan", "type": "external", "external": {"url": "https://x.example/plan"}}]},
    ),
    (FieldKind.CHECKBOX, True, {"checkbox": True}),
    (FieldKind.CHECKBOX, None, {"checkbox": False}),
    (FieldKind.URL, "https://x.example", {"url": "https://x.example"}),
    (FieldKind.URL, "", {"url": None}),
    (FieldKind.EMAIL, "a@example.org", {"email": "a@example.org"}),
    (FieldKind.PHONE, "", {"phone_number": None}),
    (FieldKind.RELATION, ("p1", "p2"), {"relation": [{"id": "p1"}, {"id": "p2"}]}),
    (
        FieldKind.PLACE,
        RemotePlace(1.5, 2.5, "Office", "", (("google_place_id", "g1"),)),
        {"place": {"lat": 1.5, "lon": 2.5, "name": "Office", "address": None, "google_place_id": "g1"}},
    ),
    (FieldKind.PLACE, None, {"place": None}),
]


@pytest.mark.parametrize(("kind", "data", "written"), WRITTEN)
def test_a_value_is_written(kind: FieldKind, data: ValueData, written: Any) -> None:
    assert value_to_json(RemoteValue("id", kind, data)) == written


@pytest.mark.skipif(not contract.is_available, reason=contract.why_not)
@pytest.mark.parametrize("written", [written for _, _, written in WRITTEN])
def test_what_is_written_conforms_to_the_official_description(written: Any) -> None:
    contract.assert_request_conforms("PATCH /v1/pages/{page_id}", {"properties": {"id": written}})


def test_every_kind_is_either_written_or_read_only() -> None:
    assert set(FieldKind) == WRITABLE_KINDS | READ_ONLY_KINDS
    assert {kind for kind, _, _ in WRITTEN} == WRITABLE_KINDS
    assert not WRITABLE_KINDS & READ_ONLY_KINDS


@pytest.mark.parametrize("kind", sorted(READ_ONLY_KINDS))
def test_what_notion_computes_cannot_be_written(kind: FieldKind) -> None:
    with pytest.raises(ValueError, match="cannot be written"):
        value_to_json(RemoteValue("id", kind, "x"))


@pytest.mark.parametrize(
    ("text", "lengths"),
    [
        ("", []),
        ("x" * 2000, [2000]),
        ("x" * 2001, [2000, 1]),
        ("🦊" * 1000, [2000]),
        ("x" + "🦊" * 1000, [1999, 2]),
        ("🦊" * 2001, [2000, 2000, 2]),
    ],
)
def test_long_text_is_cut_where_notion_counts_2000_and_never_within_a_character(
    text: str, lengths: list[int]
) -> None:
    parts = [run["text"]["content"] for run in text_runs(text)]

    assert [units(part) for part in parts] == lengths
    assert "".join(parts) == text


@pytest.mark.parametrize("version", ["2026-03-11", OLD_VERSION])
def test_a_page_and_its_columns_are_the_same_in_both_versions(
    sandbox: Any, running: Any, version: str
) -> None:
    pages, sources = [], []
    for spoken in ("2026-03-11", version):
        caller = Caller(running.base_url, version=spoken)
        sandbox.trash(sample.task_id(2), sample.ADA, in_trash=spoken == "2026-03-11")
        sandbox.trash(sample.task_id(2), sample.ADA) if spoken != "2026-03-11" else None
        pages.append(caller.get(f"/v1/pages/{sample.task_id(2)}").body)
        sources.append(caller.get(f"/v1/data_sources/{sample.TASKS}").body)
        sandbox.trash(sample.task_id(2), sample.ADA, in_trash=False)

    records = [record_from_json(page) for page in pages]
    assert records[0] == records[1]
    assert records[0].is_trashed
    assert collection_from_json(sources[0]) == collection_from_json(sources[1])


def test_both_versions_really_differ(running: Any) -> None:
    path = f"/v1/pages/{sample.task_id(1)}"
    newer, older = (
        Caller(running.base_url, version=name).get(path).body for name in ("2026-03-11", OLD_VERSION)
    )

    assert ("archived" in newer, "archived" in older) == (False, True)


@pytest.mark.parametrize(
    ("kind", "shape"),
    [
        ("status", {"id": "x", "name": "Done", "color": "green"}),
        ("select", {"id": "x", "name": "High", "color": "red"}),
        ("date", {"start": "2026-07-01T10:00:00.000+02:00", "end": None, "time_zone": None}),
        ("date", {"start": "2026-07-01T10:00:00.000", "end": None, "time_zone": "Europe/Berlin"}),
        ("number", 7),
        ("checkbox", True),
        ("url", "https://x.example"),
        ("relation", [{"id": "p1"}]),
        ("multi_select", [{"id": "x", "name": "a", "color": "default"}]),
        ("place", {"lat": 1.0, "lon": 2.0, "name": "O", "address": "A", "aws_place_id": "w"}),
    ],
)
def test_writing_what_was_read_and_reading_it_again_changes_nothing(kind: str, shape: Any) -> None:
    first = value_from_json("id", {"id": "id", "type": kind, kind: shape})

    written = value_to_json(first)
    # An option is sent by its id; Notion answers with all of it.
    answered = {kind: shape} if kind in ("status", "select", "multi_select") else written

    assert value_from_json("id", {"id": "id", "type": kind, **answered}) == first
