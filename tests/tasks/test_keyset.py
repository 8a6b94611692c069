"""Cursors: what they carry, and what they refuse."""

import base64
import json
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest

from tasks.filters import NATURAL_ORDER, Order, Sort
from tasks.keyset import Cursor
from tenants.foundation.errors import InvalidInput

ID = UUID("01890000-0000-7000-8000-000000000001")
MOMENT = datetime(2026, 11, 22, 13, 30, 0, 123456, tzinfo=UTC)
VALUES: dict[Sort, Any] = {
    Sort.UPDATED: MOMENT,
    Sort.DUE: date(2026, 12, 2),
    Sort.PRIORITY: 4,
    Sort.CREATED: MOMENT,
    Sort.TITLE: "über den berg “ok” 漢字",
    Sort.COMPLETED: MOMENT,
}


@pytest.mark.parametrize("sort", Sort)
@pytest.mark.parametrize("is_backward", [False, True])
def test_a_cursor_reads_back_what_was_written(sort: Sort, is_backward: bool) -> None:
    order = NATURAL_ORDER[sort]
    cursor = Cursor(order, VALUES[sort], ID, is_backward)
    assert Cursor.decode(cursor.encode(), order) == cursor


def test_a_cursor_is_safe_in_a_url() -> None:
    text = Cursor(NATURAL_ORDER[Sort.TITLE], "ÿþ~?&=+/", ID).encode()
    assert set(text) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


def pack(*parts: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "%%%",
        "ä",
        "e30",
        "x" * 2000,
        pack("-due", "2026-12-02", str(ID), 0),
        pack("due", 5, str(ID), 0),
        pack("due", "2026-13-02", str(ID), 0),
        pack("due", None, str(ID), 0),
        pack("due", "2026-12-02", "no-id", 0),
        pack("due", "2026-12-02", 7, 0),
        pack("due", "2026-12-02", str(ID), 2),
        pack("due", "2026-12-02", str(ID)),
        pack(["due"]),
        base64.urlsafe_b64encode(b"[[[[").decode(),
    ],
)
def test_a_cursor_of_another_order_or_of_nonsense_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        Cursor.decode(text, Order(Sort.DUE, is_descending=False))
    assert refusal.value.code == "tasks.bad_cursor"
    assert list(refusal.value.fields) == ["cursor"]


@pytest.mark.parametrize(
    ("sort", "value"),
    [
        (Sort.UPDATED, "2026-11-22T13:30:00"),
        (Sort.UPDATED, 3),
        (Sort.PRIORITY, True),
        (Sort.PRIORITY, "4"),
        (Sort.TITLE, 4),
        (Sort.TITLE, "a\x00b"),
    ],
)
def test_a_cursor_with_a_value_of_another_kind_is_refused(sort: Sort, value: Any) -> None:
    order = NATURAL_ORDER[sort]
    with pytest.raises(InvalidInput):
        Cursor.decode(pack(str(order), value, str(ID), 0), order)
