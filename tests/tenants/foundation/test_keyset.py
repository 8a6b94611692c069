"""Keyset pages: every row once, in order, forwards and backwards, whatever is empty or alike."""

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connections
from django.test.utils import CaptureQueriesContext

from tenants.accounts.models import Department, User
from tenants.foundation.errors import InvalidInput
from tenants.foundation.keyset import Cursor, Direction, Page, keyset_page
from tenants.tenancy import TenantRef

SORTS = {"name": "name", "color": "color", "seen": "last_login", "id": "id"}


@pytest.fixture
def departments(tenant: TenantRef) -> list[Department]:
    """Seven departments, some of the same colour."""
    return [
        Department.objects.create(name=f"Dept {letter}", key=letter, color=color)
        for letter, color in zip("ABCDEFG", (3, 1, 2, 1, 3, 1, 2), strict=True)
    ]


@pytest.fixture
def users(tenant: TenantRef) -> list[User]:
    """Seven users; four never signed in, two at the same moment."""
    start = datetime(2026, 1, 1, 12, 0, 0, 123456, tzinfo=UTC)
    seen = [None, start, None, start, start + timedelta(microseconds=1), None, None]
    User.objects.all().delete()
    return [
        User.objects.create(email=f"u{number}@x.example", name=f"U{number}", last_login=moment)
        for number, moment in enumerate(seen)
    ]


def walk(model: Any, sort: str, size: int, *, backwards: bool = False) -> list[Page[Any]]:
    pages = [keyset_page(model.objects.all(), sort=sort, sorts=SORTS, size=size)]
    if backwards:
        while pages[-1].next_cursor:
            pages = [
                keyset_page(
                    model.objects.all(), sort=sort, sorts=SORTS, size=size, cursor=pages[-1].next_cursor
                )
            ]
    while cursor := (pages[-1].previous_cursor if backwards else pages[-1].next_cursor):
        pages.append(keyset_page(model.objects.all(), sort=sort, sorts=SORTS, size=size, cursor=cursor))
    return pages


@pytest.mark.parametrize("size", [1, 2, 3, 7, 100])
@pytest.mark.parametrize("sort", ["color", "-color", "name", "-name", "id", "-id"])
def test_walking_forwards_meets_every_row_once_in_order(
    departments: list[Department], sort: str, size: int
) -> None:
    met = [row.pk for page in walk(Department, sort, size) for row in page.rows]
    field = sort.removeprefix("-")
    expected = sorted(
        departments, key=lambda each: (getattr(each, field), each.pk), reverse=sort.startswith("-")
    )
    assert met == [each.pk for each in expected]


@pytest.mark.parametrize("size", [1, 2, 3])
@pytest.mark.parametrize("sort", ["seen", "-seen"])
def test_empty_values_have_their_place_in_both_directions(users: list[User], sort: str, size: int) -> None:
    forwards = [row.pk for page in walk(User, sort, size) for row in page.rows]
    order = "-last_login" if sort.startswith("-") else "last_login"
    tie = "-pk" if sort.startswith("-") else "pk"
    assert forwards == list(User.objects.order_by(order, tie).values_list("pk", flat=True))


@pytest.mark.parametrize("sort", ["color", "-color", "seen", "-seen"])
def test_walking_backwards_from_the_end_meets_the_same_rows(
    users: list[User], departments: list[Department], sort: str
) -> None:
    model = User if "seen" in sort else Department
    backwards = [row.pk for page in walk(model, sort, 2, backwards=True) for row in reversed(page.rows)]
    forwards = [row.pk for page in walk(model, sort, 2) for row in page.rows]
    assert backwards == list(reversed(forwards))[: len(backwards)]
    assert set(backwards) == set(forwards)


def test_the_first_page_has_no_page_before_it_and_the_last_none_after(departments: list[Department]) -> None:
    pages = walk(Department, "name", 3)
    assert [(bool(page.previous_cursor), bool(page.next_cursor)) for page in pages] == [
        (False, True),
        (True, True),
        (True, False),
    ]


def test_a_row_that_comes_in_meanwhile_moves_nothing(departments: list[Department]) -> None:
    first = keyset_page(Department.objects.all(), sort="name", sorts=SORTS, size=3)
    Department.objects.create(name="Dept 0", key="0", color=1)
    second = keyset_page(Department.objects.all(), sort="name", sorts=SORTS, size=3, cursor=first.next_cursor)
    assert [row.key for row in second.rows] == ["D", "E", "F"]


def test_a_page_is_one_query_without_offset(departments: list[Department], tenant: TenantRef) -> None:
    first = keyset_page(Department.objects.all(), sort="-color", sorts=SORTS, size=2)
    with CaptureQueriesContext(connections[tenant.cell]) as queries:
        keyset_page(Department.objects.all(), sort="-color", sorts=SORTS, size=2, cursor=first.next_cursor)
    assert len(queries) == 1
    assert "OFFSET" not in queries[0]["sql"]


def test_an_unknown_sort_names_the_known_ones(tenant: TenantRef) -> None:
    with pytest.raises(InvalidInput, match="color, id, name, seen"):
        keyset_page(Department.objects.all(), sort="secret", sorts=SORTS)


@pytest.mark.parametrize("size", [0, -1, 101])
def test_a_page_size_out_of_range_is_refused(tenant: TenantRef, size: int) -> None:
    with pytest.raises(InvalidInput):
        keyset_page(Department.objects.all(), sort="name", sorts=SORTS, size=size)


def packed(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


ROW = "01a20394-d34d-7686-a9f9-b00f8f0cd67d"


@pytest.mark.parametrize(
    "cursor",
    [
        "nonsense",
        "é",
        "=",
        "A" * 2000,
        packed([]),
        packed({}),
        packed(None),
        packed(["seen", "n", "not a date", ROW]),
        packed(["seen", "n", "2026-99-99T00:00:00Z", ROW]),
        packed(["seen", "n", 10**30, ROW]),
        packed(["seen", "n", [1], ROW]),
        packed(["seen", "sideways", None, ROW]),
        packed(["seen", "n", None, "not an id"]),
        packed(["seen", "n", "a\0b", ROW]),
        packed(["seen", "n", "\ud800", ROW]),
        packed(["name", "n", "of another order", ROW]),
        packed(["seen", "n", None, ROW, "more"]),
    ],
)
def test_a_cursor_that_is_not_ours_is_invalid_input_never_a_crash(tenant: TenantRef, cursor: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        keyset_page(User.objects.all(), sort="seen", sorts=SORTS, cursor=cursor)
    assert caught.value.code == "invalid_input.cursor"


def test_a_cursor_survives_its_text_to_the_microsecond() -> None:
    moment = datetime(2026, 1, 1, 12, 0, 0, 123456, tzinfo=UTC)
    cursor = Cursor("seen", Direction.NEXT, moment, ROW)
    assert Cursor.decode(cursor.encode()).value == moment.isoformat()
