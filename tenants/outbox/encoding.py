"""Events as JSON and back, by the types of their dataclass fields."""

import types
from collections.abc import Mapping
from dataclasses import fields
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any, Union, get_args, get_origin, get_type_hints
from uuid import UUID

_AS_TEXT = (UUID, Decimal)


def encode(value: Any) -> Any:
    """A field's value as JSON: ids, times and decimals as text, tuples as lists.

    Raises: TypeError for a type that ``decode`` could not bring back.
    """
    if value is None or isinstance(value, bool | int | float):
        return value.value if isinstance(value, Enum) else value
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, str):
        return str(value)
    if isinstance(value, date):  # datetime is one, too
        return value.isoformat()
    if isinstance(value, _AS_TEXT):
        return str(value)
    if isinstance(value, tuple | list | frozenset):
        return [encode(item) for item in value]
    if isinstance(value, Mapping):
        return {str(key): encode(item) for key, item in value.items()}
    raise TypeError(f"An event cannot carry a {type(value).__name__}.")


def decode(kind: Any, value: Any) -> Any:
    """A field's value of the annotated type ``kind`` from its JSON form.

    Raises: TypeError for an annotation events do not use.
    """
    if value is None or kind is Any:
        return value
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return decode(next(option for option in arguments if option is not type(None)), value)
    if origin is tuple:
        return _decode_tuple(arguments, value)
    if origin in (list, frozenset):
        return origin(decode(arguments[0], item) for item in value)
    if origin is not None and issubclass(origin, Mapping):
        return {decode(arguments[0], key): decode(arguments[1], item) for key, item in value.items()}
    if kind in (datetime, date):
        return kind.fromisoformat(value)
    if isinstance(kind, type):
        return kind(value)
    raise TypeError(f"An event cannot carry a {kind}.")


def _decode_tuple(arguments: tuple[Any, ...], value: list[Any]) -> tuple[Any, ...]:
    if len(arguments) == 2 and arguments[1] is Ellipsis:
        return tuple(decode(arguments[0], item) for item in value)
    return tuple(decode(kind, item) for kind, item in zip(arguments, value, strict=True))


_field_types: dict[type, Mapping[str, Any]] = {}


def field_types(event_class: type) -> Mapping[str, Any]:
    """Name → annotated type of every field of a dataclass."""
    if event_class not in _field_types:
        hints = get_type_hints(event_class)
        _field_types[event_class] = {field.name: hints[field.name] for field in fields(event_class)}
    return _field_types[event_class]
