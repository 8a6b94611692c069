"""Keyset pages: a page begins after a row, not after a number of rows, so every page costs the same."""

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from django.core.exceptions import FieldError, ValidationError
from django.db.models import F, Field, GeneratedField, Model, Q, QuerySet
from django.db.models.fields.tuple_lookups import Tuple, TupleGreaterThan, TupleLessThan

from tenants.foundation.errors import InvalidInput

MAX_PAGE_SIZE: Final = 100
DEFAULT_PAGE_SIZE: Final = 50
_MAX_CURSOR_LENGTH: Final = 1024


class Direction(StrEnum):
    """Which way a page lies from its cursor's row."""

    NEXT = "n"
    PREVIOUS = "p"


@dataclass(frozen=True, slots=True)
class Cursor:
    """A row's place in an order: the sort it belongs to, the row's sort value and its id."""

    sort: str
    direction: Direction
    value: Any
    id: str

    def encode(self) -> str:
        """Return the cursor as text for an address: not secret and not signed, it only names a place."""
        packed = json.dumps(
            [self.sort, self.direction.value, _plain(self.value), self.id], separators=(",", ":")
        )
        return base64.urlsafe_b64encode(packed.encode()).decode().rstrip("=")

    @classmethod
    def decode(cls, text: str) -> "Cursor":
        """Read a cursor. Raises: InvalidInput when it is not one of ours."""
        try:
            if len(text) > _MAX_CURSOR_LENGTH:
                raise ValueError
            packed = base64.urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
            sort, direction, value, row_id = json.loads(packed)
            if not isinstance(sort, str) or not isinstance(row_id, str) or isinstance(value, dict | list):
                raise TypeError
            if isinstance(value, str):
                value.encode()
                if "\0" in value:
                    raise ValueError
            return cls(sort, Direction(direction), value, str(UUID(row_id)))
        except (ValueError, TypeError, binascii.Error, RecursionError) as error:
            raise bad_cursor() from error


@dataclass(frozen=True, slots=True)
class Page[T: Model]:
    """The rows of one page and the cursors of its neighbours (None where there is none)."""

    rows: list[T]
    next_cursor: str | None
    previous_cursor: str | None


def bad_cursor() -> InvalidInput:
    """Make the error for a cursor that cannot be used."""
    return InvalidInput(
        "This page address is not valid (any more). Start again from the first page.",
        code="invalid_input.cursor",
        fields={"cursor": ["Not a cursor of this list."]},
    )


def keyset_page[T: Model](
    queryset: QuerySet[T],
    *,
    sort: str,
    sorts: Mapping[str, str],
    cursor: str | None = None,
    size: int = DEFAULT_PAGE_SIZE,
) -> Page[T]:
    """Return one page of a queryset in one query.

    `sort` is a name of `sorts`, with `-` before it for descending; `sorts` maps public names to fields or
    annotations. Ties are broken by id, in the same direction, so an index on (field, id) serves both
    directions. Empty values stand where PostgreSQL puts them: last ascending, first descending.
    Raises: InvalidInput for an unknown sort, a bad cursor or a size outside 1..100.
    """
    if not 1 <= size <= MAX_PAGE_SIZE:
        msg = f"A page has 1 to {MAX_PAGE_SIZE} rows."
        raise InvalidInput(msg, code="invalid_input.page_size", fields={"page_size": [msg]})
    field_name = sorts.get(sort.removeprefix("-"))
    if field_name is None:
        msg = f"Cannot sort by this. Use one of: {', '.join(sorted(sorts))}."
        raise InvalidInput(msg, code="invalid_input.sort", fields={"sort": [msg]})
    place = Cursor.decode(cursor) if cursor else None
    if place is not None and place.sort != sort:
        raise bad_cursor()
    is_backward = place is not None and place.direction is Direction.PREVIOUS
    is_descending = sort.startswith("-") != is_backward
    if place is not None:
        queryset = queryset.filter(_beyond(queryset, field_name, place, is_descending=is_descending))
    rows = list(queryset.order_by(*_order(field_name, is_descending=is_descending))[: size + 1])
    has_more = len(rows) > size
    rows = rows[:size]
    if is_backward:
        rows.reverse()
    has_next, has_previous = (True, has_more) if is_backward else (has_more, place is not None)
    return Page(
        rows=rows,
        next_cursor=_cursor_of(rows[-1], sort, field_name, Direction.NEXT) if rows and has_next else None,
        previous_cursor=_cursor_of(rows[0], sort, field_name, Direction.PREVIOUS)
        if rows and has_previous
        else None,
    )


def _order(field_name: str, *, is_descending: bool) -> list[Any]:
    names = [field_name] if field_name in {"pk", "id"} else [field_name, "pk"]
    return [F(name).desc() if is_descending else F(name).asc() for name in names]


def _beyond[T: Model](queryset: QuerySet[T], field_name: str, place: Cursor, *, is_descending: bool) -> Q:
    way, bound = ("lt", "lte") if is_descending else ("gt", "gte")
    if field_name in {"pk", "id"}:
        return Q(**{f"pk__{way}": place.id})
    if place.value is None:
        same = Q(**{f"{field_name}__isnull": True, f"pk__{way}": place.id})
        return same | Q(**{f"{field_name}__isnull": False}) if is_descending else same
    field = _field(queryset, field_name)
    try:
        # A generated column takes any value as it is; its output's field is the one that reads and refuses.
        made_by = field.output_field if isinstance(field, GeneratedField) else None
        value = (made_by or field).to_python(place.value)
    except (ValidationError, ValueError, TypeError, OverflowError, ArithmeticError) as error:
        raise bad_cursor() from error
    if not field.null:
        # One row comparison: an index on (field, id) leads straight to the place, however many rows share a value.
        compare = TupleLessThan if is_descending else TupleGreaterThan
        return Q(compare(Tuple(field_name, "pk"), (value, place.id)))
    # The first condition is implied by the second; it is what an index can be searched by.
    beyond = Q(**{f"{field_name}__{bound}": value}) & (
        Q(**{f"{field_name}__{way}": value}) | Q(**{field_name: value, f"pk__{way}": place.id})
    )
    if field.null and not is_descending:
        beyond |= Q(**{f"{field_name}__isnull": True})
    return beyond


def _field[T: Model](queryset: QuerySet[T], field_name: str) -> "Field[Any, Any]":
    annotation = queryset.query.annotations.get(field_name)
    if annotation is not None:
        output: Field[Any, Any] = annotation.output_field
        return output
    field = queryset.model._meta.get_field(field_name)
    if not isinstance(field, Field):
        msg = f"{field_name} is not a column to sort by."
        raise FieldError(msg)
    return field


def _cursor_of(row: Model, sort: str, field_name: str, direction: Direction) -> str:
    value = None if field_name in {"pk", "id"} else getattr(row, field_name)
    return Cursor(sort, direction, value, str(row.pk)).encode()


def _plain(value: Any) -> Any:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Decimal | UUID):
        return str(value)
    return value
