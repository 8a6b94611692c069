"""Where a page of tasks begins: an opaque cursor over (sort value, id), right even while rows change."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from tasks.filters import Order, Sort
from tasks.models import Task
from tenants.foundation.errors import InvalidInput

ORDER_COLUMNS: Final[dict[Sort, str]] = {
    Sort.UPDATED: "updated_at",
    Sort.DUE: "due_order",
    Sort.PRIORITY: "priority",
    Sort.CREATED: "created_at",
    Sort.TITLE: "title_order",
    Sort.COMPLETED: "completed_order",
}
_MAX_CURSOR_CHARS: Final = 1000


def _read_int(value: Any) -> int:
    if type(value) is not int:
        raise TypeError
    return value


def _read_text(value: Any) -> str:
    if type(value) is not str or "\x00" in value:
        raise TypeError
    return value


def _read_moment(value: Any) -> datetime:
    moment = datetime.fromisoformat(value)
    if moment.tzinfo is None:
        raise ValueError
    return moment


_READ_VALUE: Final[dict[Sort, Any]] = {
    Sort.UPDATED: _read_moment,
    Sort.DUE: date.fromisoformat,
    Sort.PRIORITY: _read_int,
    Sort.CREATED: _read_moment,
    Sort.TITLE: _read_text,
    Sort.COMPLETED: _read_moment,
}


@dataclass(frozen=True)
class Cursor:
    """The row a page begins after (or, with `is_backward`, ends before), in a given order."""

    order: Order
    value: Any
    id: UUID
    is_backward: bool = False

    @classmethod
    def at(cls, task: Task, order: Order, *, is_backward: bool = False) -> Cursor:
        """The cursor that points at a task."""
        return cls(order, getattr(task, ORDER_COLUMNS[order.by]), task.pk, is_backward)

    def encode(self) -> str:
        """The cursor as text for a URL."""
        value = self.value.isoformat() if isinstance(self.value, date) else self.value
        packed = json.dumps([str(self.order), value, str(self.id), int(self.is_backward)], ensure_ascii=False)
        return base64.urlsafe_b64encode(packed.encode()).decode().rstrip("=")

    @classmethod
    def decode(cls, text: str, order: Order) -> Cursor:
        """Read a cursor made for this order. Raises: InvalidInput (field `cursor`)."""
        try:
            if len(text) > _MAX_CURSOR_CHARS:
                raise ValueError
            packed = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
            made_for, value, identifier, is_backward = json.loads(packed)
            if made_for != str(order) or is_backward not in (0, 1):
                raise ValueError
            return cls(order, _READ_VALUE[order.by](value), UUID(identifier), bool(is_backward))
        except (ValueError, TypeError, AttributeError, binascii.Error):
            raise InvalidInput(
                "This page does not exist any more; start again from the first.",
                code="tasks.bad_cursor",
                fields={"cursor": ["Not a cursor of this list and order."]},
            ) from None
