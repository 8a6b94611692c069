"""All 24 kinds of property values, whole and odd."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from integrations.capabilities import (
    DateSpan,
    FieldKind,
    RemoteFile,
    RemoteOption,
    RemotePerson,
    RemotePlace,
)
from integrations.connectors.notion.values import (
    KINDS,
    MalformedJson,
    plain_text,
    storable,
    value_from_items,
    value_from_json,
)

OPTION = {"id": "o1", "name": "High", "color": "red"}
PERSON = {
    "object": "user",
    "id": "u1",
    "type": "person",
    "name": "Ann Example",
    "avatar_url": None,
    "person": {"email": "ann@example.org"},
}
ANN = RemotePerson("u1", "Ann Example", "ann@example.org")
HOSTED = RemoteFile("plan.pdf", is_hosted=True)
EXTERNAL = RemoteFile("x", "https://x.example/x")
STAMP = "2026-03-02T10:05:00.000Z"
MOMENT = datetime(2026, 3, 2, 10, 5, tzinfo=UTC)

VALUES: list[tuple[str, Any, Any]] = [
    ("title", [{"plain_text": "Two "}, {"plain_text": "runs"}], "Two runs"),
    ("rich_text", [], ""),
    ("number", 2, 2.0),
    ("number", None, None),
    ("select", OPTION, (RemoteOption("o1", "High", "red"),)),
    ("select", None, ()),
    ("status", OPTION, (RemoteOption("o1", "High", "red"),)),
    ("multi_select", [OPTION], (RemoteOption("o1", "High", "red"),)),
    ("date", None, None),
    ("date", {"start": "2026-03-02", "end": None, "time_zone": None}, DateSpan(date(2026, 3, 2))),
    ("date", {"start": "2026-03-02", "end": "2026-03-04"}, DateSpan(date(2026, 3, 2), date(2026, 3, 4))),
    ("date", {"start": STAMP, "end": None}, DateSpan(MOMENT)),
    ("people", [PERSON, {"object": "user", "id": "u2"}], (ANN, RemotePerson("u2"))),
    ("files", [{"name": "plan.pdf", "file": {"url": "https://signed", "expiry_time": STAMP}}], (HOSTED,)),
    ("files", [{"name": "x", "type": "external", "external": {"url": "https://x.example/x"}}], (EXTERNAL,)),
    ("checkbox", True, True),
    ("url", "https://x.example", "https://x.example"),
    ("url", None, ""),
    ("email", "a@example.org", "a@example.org"),
    ("phone_number", None, ""),
    ("formula", {"type": "string", "string": "ok"}, "ok"),
    ("formula", {"type": "boolean", "boolean": False}, False),
    ("formula", {"type": "number", "number": None}, None),
    ("formula", {"type": "date", "date": {"start": "2026-03-02"}}, DateSpan(date(2026, 3, 2))),
    ("relation", [{"id": "p1"}, {"id": "p2"}], ("p1", "p2")),
    ("rollup", {"type": "number", "number": 3, "function": "sum"}, 3.0),
    ("rollup", {"type": "array", "array": [{"type": "select", "select": OPTION}]}, ("High",)),
    ("rollup", {"type": "unsupported", "unsupported": {}}, None),
    ("created_time", STAMP, MOMENT),
    ("created_by", PERSON, (ANN,)),
    ("last_edited_time", STAMP, MOMENT),
    ("last_edited_by", PERSON, (ANN,)),
    ("unique_id", {"prefix": "OPS", "number": 7}, "OPS-7"),
    ("unique_id", {"prefix": None, "number": 7}, "7"),
    ("button", {}, None),
    ("place", {"lat": 1.0, "lon": 2.0, "name": "Office", "address": None}, RemotePlace(1.0, 2.0, "Office")),
    ("place", None, None),
    ("verification", {"state": "verified", "verified_by": None, "date": None}, "verified"),
]


@pytest.mark.parametrize(("kind", "content", "data"), VALUES)
def test_a_value_is_read(kind: str, content: Any, data: Any) -> None:
    value = value_from_json("id", {"id": "id", "type": kind, kind: content})

    assert (value.kind, value.data) == (KINDS[kind], data)


def test_every_type_has_a_sample() -> None:
    assert {kind for kind, _, _ in VALUES} == set(KINDS)
    assert len(KINDS) == 24


def test_a_type_nobody_knows_is_kept_opaque() -> None:
    value = value_from_json("id", {"id": "id", "type": "hologram", "hologram": {"x": 1}})

    assert (value.kind, value.data) == (FieldKind.UNKNOWN, None)


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("title", "text"),
        ("title", [7]),
        ("number", "seven"),
        ("select", "High"),
        ("multi_select", None),
        ("multi_select", [None]),
        ("date", {"start": None}),
        ("date", {"start": "2026-13-45"}),
        ("people", [{"object": "user"}]),
        ("relation", [{}]),
        ("created_time", 7),
        ("created_by", None),
    ],
)
def test_nonsense_is_refused_with_the_place(kind: str, content: Any) -> None:
    with pytest.raises(MalformedJson, match="abc"):
        value_from_json("abc", {"id": "abc", "type": kind, kind: content})


@pytest.mark.parametrize(
    ("item", "is_cut"),
    [
        ({"type": "relation", "relation": [{"id": "p"}] * 25, "has_more": True}, True),
        ({"type": "relation", "relation": [{"id": "p"}] * 25, "has_more": False}, False),
        ({"type": "people", "people": [PERSON] * 25}, True),
        ({"type": "people", "people": [PERSON] * 24}, False),
        ({"type": "rich_text", "rich_text": [{"plain_text": "x"}] * 25}, True),
        ({"type": "multi_select", "multi_select": [OPTION] * 25}, False),
    ],
)
def test_lists_that_may_have_been_cut_are_flagged(item: dict[str, Any], is_cut: bool) -> None:
    assert value_from_json("id", item).is_truncated is is_cut


def test_paged_items_make_one_value() -> None:
    items = [{"type": "relation", "relation": {"id": f"p{number}"}} for number in range(40)]

    value = value_from_items("id", "relation", items)

    assert (len(value.references), value.is_truncated) == (40, False)


def test_text_is_taken_from_the_content_when_the_plain_text_is_missing() -> None:
    assert plain_text([{"type": "text", "text": {"content": "written"}}]) == "written"


def test_what_no_database_can_hold_is_made_storable() -> None:
    assert storable({"a\x00": ["b\ud83d", {"c": 1}]}) == {"a": ["b\ufffd", {"c": 1}]}
