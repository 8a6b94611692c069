"""What Notion would refuse is named before it leaves: the column, the limit, and a sentence."""

from datetime import UTC, date, datetime

import pytest

from integrations.capabilities import (
    COMPUTED_KINDS,
    DateSpan,
    FieldKind,
    RemoteField,
    RemoteFile,
    RemoteOption,
    RemotePerson,
    RemotePlace,
    RemoteValue,
    ValueData,
)
from integrations.connectors.notion.checks import problems_of, problems_of_body, problems_without_schema

OPTIONS = (RemoteOption("o1", "Doing"), RemoteOption("o2", "Done"))
NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)


def a_field(kind: FieldKind) -> RemoteField:
    return RemoteField("f1", "My column", kind, kind.value, options=OPTIONS)


def limits_of(kind: FieldKind, data: ValueData, *, is_truncated: bool = False) -> list[str]:
    value = RemoteValue("f1", kind, data, is_truncated=is_truncated)
    found = problems_of({"f1": a_field(kind)}, {"f1": value})
    assert all(item.detail.startswith("“My column” ") and item.detail.endswith(".") for item in found)
    return [item.limit for item in found]


REFUSED: list[tuple[FieldKind, ValueData, str]] = [
    (FieldKind.TITLE, "x" * 200_001, "200000 characters"),
    (FieldKind.TEXT, "🦊" * 100_001, "200000 characters"),
    (FieldKind.TEXT, "a\x00b", "text"),
    (FieldKind.TEXT, "half \ud83d", "text"),
    (FieldKind.TEXT, 7.0, "type"),
    (FieldKind.NUMBER, float("nan"), "finite number"),
    (FieldKind.NUMBER, float("inf"), "finite number"),
    (FieldKind.NUMBER, True, "type"),
    (FieldKind.NUMBER, "7", "type"),
    (FieldKind.CHECKBOX, "yes", "type"),
    (FieldKind.STATUS, (RemoteOption("", "Nowhere"),), "status option"),
    (FieldKind.STATUS, (RemoteOption("o9", "Doing"),), "status option"),
    (FieldKind.STATUS, OPTIONS, "1 option"),
    (FieldKind.CHOICE, OPTIONS, "1 option"),
    (FieldKind.CHOICE, (RemoteOption("", "a, b"),), "option name"),
    (FieldKind.CHOICE, (RemoteOption("", " "),), "option name"),
    (FieldKind.CHOICE, (RemoteOption("", "x" * 101),), "100 characters"),
    (FieldKind.CHOICE, (RemoteOption("o9", ""),), "option"),
    (FieldKind.CHOICE, ("High",), "type"),
    (FieldKind.CHOICES, tuple(RemoteOption("", f"t{n}") for n in range(101)), "100 options"),
    (FieldKind.PEOPLE, tuple(RemotePerson(f"u{n}") for n in range(101)), "100 people"),
    (FieldKind.PEOPLE, ("u1",), "type"),
    (FieldKind.PEOPLE, (RemotePerson(""),), "type"),
    (FieldKind.RELATION, tuple(f"p{n}" for n in range(101)), "100 relations"),
    (FieldKind.RELATION, ("",), "type"),
    (FieldKind.URL, "https://x.example/" + "a" * 2000, "2000 characters"),
    (FieldKind.EMAIL, "a" * 200 + "@example.org", "200 characters"),
    (FieldKind.EMAIL, "nobody", "e-mail address"),
    (FieldKind.PHONE, "1" * 201, "200 characters"),
    (FieldKind.DATE, date(2026, 7, 1).isoformat(), "type"),
    (FieldKind.DATE, DateSpan(datetime(2026, 7, 1, 12)), "time zone"),
    (FieldKind.DATE, DateSpan(date(2026, 7, 2), date(2026, 7, 1)), "date range"),
    (FieldKind.DATE, DateSpan(date(2026, 7, 1), NOON), "date range"),
    (FieldKind.FILES, (RemoteFile("plan.pdf", is_hosted=True),), "hosted file"),
    (FieldKind.FILES, (RemoteFile("", "https://x.example"),), "100 characters"),
    (FieldKind.FILES, (RemoteFile("x", "https://x.example/" + "a" * 2000),), "2000 characters"),
    (FieldKind.PLACE, RemotePlace(91, 0), "latitude"),
    (FieldKind.PLACE, RemotePlace(0, float("nan")), "longitude"),
]


@pytest.mark.parametrize(("kind", "data", "limit"), REFUSED)
def test_what_breaks_a_limit_is_named(kind: FieldKind, data: ValueData, limit: str) -> None:
    assert limit in limits_of(kind, data)


@pytest.mark.parametrize("kind", sorted(COMPUTED_KINDS | {FieldKind.UNIQUE_ID, FieldKind.VERIFICATION}))
def test_what_notion_fills_in_cannot_be_written(kind: FieldKind) -> None:
    assert limits_of(kind, None) == ["read-only"]


ACCEPTED: list[tuple[FieldKind, ValueData]] = [
    (FieldKind.TITLE, "x" * 200_000),
    (FieldKind.TEXT, ""),
    (FieldKind.TEXT, None),
    (FieldKind.NUMBER, 0.0),
    (FieldKind.STATUS, (OPTIONS[0],)),
    (FieldKind.STATUS, (RemoteOption("", "Done"),)),
    (FieldKind.STATUS, ()),
    (FieldKind.CHOICE, (RemoteOption("", "x" * 100),)),
    (FieldKind.CHOICE, (RemoteOption("o1", "renamed, here"),)),
    (FieldKind.CHOICES, tuple(RemoteOption("", f"t{n}") for n in range(100))),
    (FieldKind.PEOPLE, tuple(RemotePerson(f"u{n}") for n in range(100))),
    (FieldKind.RELATION, tuple(f"p{n}" for n in range(100))),
    (FieldKind.URL, ""),
    (FieldKind.EMAIL, ""),
    (FieldKind.DATE, DateSpan(NOON, NOON)),
    (FieldKind.CHECKBOX, None),
]


@pytest.mark.parametrize(("kind", "data"), ACCEPTED)
def test_what_is_within_the_limits_passes(kind: FieldKind, data: ValueData) -> None:
    assert limits_of(kind, data) == []


def test_a_list_known_only_in_part_is_not_written_back() -> None:
    assert limits_of(FieldKind.RELATION, ("p1",), is_truncated=True) == ["complete list"]


def test_a_column_that_is_gone_is_named_by_its_id() -> None:
    problem = problems_of({}, {"f9": RemoteValue("f9", FieldKind.TEXT, "x")})[0]

    assert (problem.limit, problem.field_id, problem.field_name) == ("column", "f9", "f9")


def test_a_column_that_has_another_type_now_is_named() -> None:
    value = RemoteValue("f1", FieldKind.NUMBER, 1.0)

    assert problems_of({"f1": a_field(FieldKind.TEXT)}, {"f1": value})[0].limit == "type"


def test_without_the_columns_the_limits_hold_all_the_same() -> None:
    values = {"a": RemoteValue("a", FieldKind.PHONE, "1" * 201), "b": RemoteValue("b", FieldKind.TEXT, "ok")}

    assert [(item.field_id, item.limit) for item in problems_without_schema(values)] == [
        ("a", "200 characters")
    ]


def test_a_request_that_is_too_large_is_refused_as_a_whole() -> None:
    assert problems_of_body({"a": "ü" * 255_000})[0].limit == "request of 500 KB"
    assert problems_of_body({"a": "x" * 499_000}) == []


def test_more_blocks_than_one_request_takes_are_refused() -> None:
    assert [item.limit for item in problems_of_body({}, blocks=1001)] == ["1000 blocks"]
    assert problems_of_body({}, blocks=1000) == []
