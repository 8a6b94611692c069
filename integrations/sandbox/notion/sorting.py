"""The order of rows: by columns and timestamps, ties by a fixed order that means nothing."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from functools import total_ordering
from operator import attrgetter
from typing import Any

from integrations.sandbox.notion.dates import moment_of
from integrations.sandbox.notion.errors import Json, invalid
from integrations.sandbox.notion.filters import TIMESTAMPS
from integrations.sandbox.notion.items import Item
from integrations.sandbox.notion.schema import find_property
from integrations.sandbox.notion.validation import a_string, an_array, an_object, one_of, only_keys
from integrations.sandbox.notion.values import formula_result, readable

DIRECTIONS = ("ascending", "descending")
Key = Callable[[Item], Any]


@dataclass(frozen=True)
class Order:
    """One sort: a key (None when the row has no value, which comes last) and its direction."""

    key: Key
    descending: bool
    timestamp: str | None = None


def compile_sorts(value: Any, schema: Json) -> tuple[Order, ...]:
    """Raises Notion's 400 for what it does not accept."""
    return tuple(
        _order(sort, schema, f"body.sorts[{at}]") for at, sort in enumerate(an_array(value, "body.sorts"))
    )


def _order(value: Any, schema: Json, path: str) -> Order:
    body = an_object(value, path)
    direction = one_of(body.get("direction", ...), DIRECTIONS, f"{path}.direction")
    descending = direction == "descending"
    if "timestamp" in body:
        only_keys(body, ("timestamp", "direction"), path)
        timestamp = one_of(body["timestamp"], TIMESTAMPS, f"{path}.timestamp")
        return Order(_timestamp_key(timestamp), descending, timestamp)
    only_keys(body, ("property", "direction"), path)
    wanted = a_string(body.get("property", ...), f"{path}.property")
    prop = find_property(schema, wanted)
    if prop is None:
        raise invalid(f"Could not find sort property with name or id: {wanted}")
    if prop["type"] in TIMESTAMPS:
        return Order(_timestamp_key(prop["type"]), descending, prop["type"])
    return Order(_property_key(prop), descending)


def _timestamp_key(timestamp: str) -> Key:
    return attrgetter("created" if timestamp == "created_time" else "edited")


def _property_key(prop: Json) -> Key:
    name, comparable = prop["name"], _comparable(prop)
    return lambda row: comparable(row.obj["properties"].get(name))


def _comparable(prop: Json) -> Callable[[Any], Any]:
    kind = prop["type"]
    if kind in ("select", "status", "multi_select"):
        places = {option["name"]: at for at, option in enumerate(prop[kind]["options"])}

        def place(value: Any) -> Any:
            chosen = readable(kind, value)
            first = (chosen[0] if chosen else None) if kind == "multi_select" else chosen
            return None if first is None else places.get(first, len(places))

        return place
    if kind == "date":
        return lambda value: moment_of(text).timestamp() if (text := readable("date", value)) else None
    if kind == "formula":
        return _formula_key
    if kind == "people":
        return _first_person
    return lambda value: _plain_key(readable(kind, value))


def _first_person(value: Any) -> Any:
    people = (value or {}).get("people")
    return (people[0].get("name") or "").casefold() if people else None


def _plain_key(value: Any) -> Any:
    if isinstance(value, str):
        return value.casefold() or None
    if isinstance(value, list):
        return (value[0].casefold()) if value else None
    return value


def _formula_key(value: Any) -> Any:
    kind = {"boolean": "checkbox"}.get((value or {}).get("formula", {}).get("type", ""))
    kind = kind or (value or {}).get("formula", {}).get("type", "string")
    result = formula_result(value, kind)
    if isinstance(result, str):
        return (1, result.casefold()) if result else None
    # One formula may give text in one row and a number in the next.
    return None if result is None else (0, result)


@total_ordering
class Backwards:
    """A value that compares the other way round."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __lt__(self, other: Backwards) -> bool:
        return bool(other.value < self.value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Backwards) and other.value == self.value

    def __hash__(self) -> int:
        return hash(self.value)


def sort_key(orders: tuple[Order, ...], row: Item) -> tuple[Any, ...]:
    """A row's place as something comparable; empty values after all others in both directions."""
    parts: list[Any] = []
    for order in orders:
        value = order.key(row)
        shown = Backwards(value) if order.descending and value is not None else value
        parts.append((True, 0) if value is None else (False, shown))
    return (*parts, row.shuffle, row.id)


def in_order(rows: list[Item], orders: tuple[Order, ...]) -> list[Item]:
    """Rows given in the order that means nothing, sorted.

    One pass a key, the last first: plain keys sort much faster than composed ones.
    """
    for order in reversed(orders):
        key = order.key
        if order.timestamp is not None:  # no row lacks one
            rows = sorted(rows, key=key, reverse=order.descending)
            continue
        keyed = [(key(row), row) for row in rows]
        filled = [pair for pair in keyed if pair[0] is not None]
        empty = [row for value, row in keyed if value is None]
        filled.sort(key=lambda pair: pair[0], reverse=order.descending)
        rows = [row for _, row in filled] + empty
    return rows


def position_after(rows: list[Item], orders: tuple[Order, ...], key: tuple[Any, ...]) -> int:
    """How many of the sorted rows stand at or before a place."""
    return bisect_right(rows, key, key=lambda row: sort_key(orders, row))
