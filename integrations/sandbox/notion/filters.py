"""Filters of a query: checked against the schema and turned into one function over rows."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from operator import attrgetter
from typing import Any

from integrations.sandbox.notion.conditions import (
    DATE,
    PERIOD,
    Test,
    checkbox_test,
    choice_test,
    date_range,
    date_test,
    existence_test,
    members_test,
    number_test,
    single_condition,
    text_test,
)
from integrations.sandbox.notion.errors import Json, invalid, invalid_body
from integrations.sandbox.notion.schema import find_property
from integrations.sandbox.notion.validation import (
    a_string,
    an_array,
    an_object,
    one_of,
    only_keys,
)
from integrations.sandbox.notion.values import formula_result, readable

RowTest = Callable[[Any], bool]
TIMESTAMPS = ("created_time", "last_edited_time")
MAX_DEPTH = 2
TEXT_TYPES = ("title", "rich_text", "url", "email", "phone_number")
MEMBER_TYPES = ("multi_select", "people", "relation", "created_by", "last_edited_by")
FILTER_TYPES = (
    *TEXT_TYPES, *MEMBER_TYPES, "number", "unique_id", "checkbox", "select", "status", "date", *TIMESTAMPS,
    "files", "formula", "rollup", "verification",
)  # fmt: skip


def every_row(row: Any) -> bool:
    """The test of a query without a filter."""
    return True


def compile_filter(
    value: Any, schema: Json, now: datetime, path: str = "body.filter", depth: int = 0
) -> RowTest:
    """Raises Notion's 400 for what it does not accept."""
    body = an_object(value, path)
    if not body:
        raise invalid_body(f"{path}.or", "defined")
    for word in ("and", "or"):
        if word in body:
            return _compound(body, word, schema, now, path, depth)
    if "timestamp" in body:
        return _timestamp(body, now, path)
    return _property(body, schema, now, path)


def _compound(body: Json, word: str, schema: Json, now: datetime, path: str, depth: int) -> RowTest:
    only_keys(body, (word,), path)
    if depth >= MAX_DEPTH:
        raise invalid_body(f"{path}.{word}", "not present", body[word])
    parts = [
        compile_filter(part, schema, now, f"{path}.{word}[{at}]", depth + 1)
        for at, part in enumerate(an_array(body[word], f"{path}.{word}"))
    ]
    if word == "or":
        return (lambda row: any(test(row) for test in parts)) if parts else every_row
    return lambda row: all(test(row) for test in parts)


def _timestamp(body: Json, now: datetime, path: str) -> RowTest:
    timestamp = one_of(body["timestamp"], TIMESTAMPS, f"{path}.timestamp")
    only_keys(body, ("timestamp", "type", timestamp), path)
    if timestamp not in body:
        raise invalid_body(f"{path}.{timestamp}", "defined")
    moment_of_row = attrgetter("created" if timestamp == "created_time" else "edited")
    where = f"{path}.{timestamp}"
    name, operand = single_condition(body[timestamp], (*DATE, *PERIOD, "is_empty", "is_not_empty"), where)
    if name in ("is_empty", "is_not_empty"):
        test = date_test(body[timestamp], now, where)
        return lambda row: test(row.obj[timestamp])
    low, high = (end.timestamp() if end else None for end in date_range(name, operand, now, where))

    def within(row: Any) -> bool:
        moment = moment_of_row(row)
        return (low is None or moment >= low) and (high is None or moment < high)

    return within


def _property(body: Json, schema: Json, now: datetime, path: str) -> RowTest:
    only_keys(body, ("property", "type", *FILTER_TYPES), path)
    wanted = a_string(body.get("property", ...), f"{path}.property")
    kinds = [kind for kind in FILTER_TYPES if kind in body]
    if len(kinds) != 1 or body.get("type", kinds[0]) != kinds[0]:
        raise invalid_body(f"{path}.{body.get('type', 'title')}", "defined")
    kind = kinds[0]
    prop = find_property(schema, wanted)
    if prop is None:
        raise invalid(f"Could not find property with name or id: {wanted}")
    # Text columns answer to each other's filters, as Notion lets them.
    if prop["type"] != kind and not (prop["type"] in TEXT_TYPES and kind in TEXT_TYPES):
        raise invalid(f"database property {prop['type']} does not match filter {kind}")
    test = value_test(prop["type"], body[kind], now, f"{path}.{kind}")
    name = prop["name"]

    def matches(row: Any) -> bool:
        value = row.obj["properties"].get(name)
        return test(value)

    return matches


def value_test(kind: str, condition: Any, now: datetime, path: str) -> Test:
    """A test of a page's property (`{"id", "type", …}`, or None where the page has none)."""
    if kind == "formula":
        return _formula(condition, now, path)
    if kind == "rollup":
        return _rollup(condition, now, path)
    test = _typed(kind, condition, now, path)
    return lambda value: test(readable(kind, value))


def _typed(kind: str, condition: Any, now: datetime, path: str) -> Test:
    """A test of the readable form of a value, see `values.readable`."""
    if kind in TEXT_TYPES:
        return text_test(condition, path)
    if kind in ("number", "unique_id"):
        return number_test(condition, path)
    if kind == "checkbox":
        return checkbox_test(condition, path)
    if kind in ("select", "status"):
        return choice_test(condition, path)
    if kind in MEMBER_TYPES:
        return members_test(condition, path)
    if kind in ("date", *TIMESTAMPS):
        return date_test(condition, now, path)
    if kind == "files":
        return existence_test(condition, path)
    name, operand = single_condition(condition, ("status",), path)
    state = one_of(operand, ("verified", "expired", "none"), f"{path}.{name}")
    return lambda held: (held or "none") == state


def _formula(condition: Any, now: datetime, path: str) -> Test:
    kind, inner = single_condition(condition, ("string", "checkbox", "number", "date"), path)
    test = _typed("rich_text" if kind == "string" else kind, inner, now, f"{path}.{kind}")
    return lambda value: test(formula_result(value, kind))


def _rollup(condition: Any, now: datetime, path: str) -> Test:
    how, inner = single_condition(condition, ("any", "every", "none", "number", "date"), path)
    if how in ("number", "date"):
        test = _typed(how, inner, now, f"{path}.{how}")

        def aggregate(value: Any) -> bool:
            rollup = (value or {}).get("rollup") or {}
            return rollup.get("type") == how and test(readable(how, {how: rollup.get(how)}))

        return aggregate
    kinds = (
        *TEXT_TYPES,
        "number",
        "checkbox",
        "select",
        "multi_select",
        "relation",
        "date",
        "people",
        "files",
        "status",
    )
    kind, each = single_condition(inner, kinds, f"{path}.{how}")
    test = value_test(kind, each, now, f"{path}.{how}.{kind}")

    def entries(value: Any) -> bool:
        rollup = (value or {}).get("rollup") or {}
        found = [test(entry) for entry in rollup.get("array", []) if _same_kind(entry["type"], kind)]
        return all(found) if how == "every" else any(found) is (how == "any")

    return entries


def _same_kind(entry: str, kind: str) -> bool:
    return entry == kind or (entry in TEXT_TYPES and kind in TEXT_TYPES)
