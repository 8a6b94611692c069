"""Checks of request bodies and paths, with the sentences Notion uses."""

from __future__ import annotations

import re
import uuid
from collections.abc import Collection
from typing import Any

from integrations.sandbox.notion.errors import Json, invalid_body

_UUID = re.compile(r"[0-9a-fA-F]{8}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{12}")
MAX_ARRAY = 100
MAX_PAGE_SIZE = 100
MAX_BODY_BYTES = 500 * 1024


def is_uuid(value: object) -> bool:
    return isinstance(value, str) and _UUID.fullmatch(value) is not None


def canonical_id(value: str) -> str:
    """With dashes, in lower case."""
    return str(uuid.UUID(value))


def path_id(name: str, value: str) -> str:
    """An object id from the path. Raises the 400 Notion answers to anything else."""
    if not is_uuid(value):
        raise invalid_body(f"path.{name}", "a valid uuid", value, where="path")
    return canonical_id(value)


def body_id(value: Any, path: str) -> str:
    """An object id from the body."""
    if not is_uuid(value):
        raise invalid_body(path, "a valid uuid", value)
    return canonical_id(value)


def an_object(value: Any, path: str) -> Json:
    if not isinstance(value, dict):
        raise invalid_body(path, "an object", value)
    return value


def only_keys(value: Json, allowed: Collection[str], path: str) -> None:
    """Refuse keys Notion does not know in this place."""
    for key in value:
        if key not in allowed:
            raise invalid_body(f"{path}.{key}", "not present", value[key])


def an_array(value: Any, path: str, *, most: int = MAX_ARRAY) -> list[Any]:
    if not isinstance(value, list):
        raise invalid_body(path, "an array", value)
    if len(value) > most:
        raise invalid_body(f"{path}.length", f"≤ `{most}`", len(value))
    return value


def a_string(value: Any, path: str, *, most: int | None = None, empty: bool = True) -> str:
    if not isinstance(value, str):
        raise invalid_body(path, "a string", value)
    if not empty and not value:
        raise invalid_body(f"{path}.length", "≥ `1`", 0)
    if most is not None and len(value) > most:
        raise invalid_body(f"{path}.length", f"≤ `{most}`", len(value))
    return value


def a_boolean(value: Any, path: str) -> bool:
    if not isinstance(value, bool):
        raise invalid_body(path, "a boolean", value)
    return value


def a_number(value: Any, path: str) -> float | int:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise invalid_body(path, "a number", value)
    return value


def one_of(value: Any, allowed: Collection[str], path: str) -> str:
    if not isinstance(value, str) or value not in allowed:
        choices = " or ".join(f'`"{item}"`' for item in allowed)
        raise invalid_body(path, choices, value)
    return value


def named_type(body: Json, kind: str, path: str) -> None:
    """Where a `type` is given beside the key it names, the two must agree."""
    if body.get("type", kind) != kind:
        raise invalid_body(f"{path}.type", f'`"{kind}"` or `undefined`', body["type"])


def page_size(value: Any, where: str) -> int:
    """From a body (a number) or a query string (digits); 100 when left out."""
    if value is ... or (value is None and where == "query"):
        return MAX_PAGE_SIZE
    path = f"{where}.page_size"
    if where == "query":
        if not isinstance(value, str) or not value.isdecimal():
            raise invalid_body(path, "a number", value, where=where)
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or value != int(value):
        raise invalid_body(path, "a number", value, where=where)
    if value > MAX_PAGE_SIZE:
        raise invalid_body(path, f"≤ `{MAX_PAGE_SIZE}`", value, where=where)
    if value < 1:
        raise invalid_body(path, "≥ `1`", value, where=where)
    return int(value)
