"""Which JSON value a field takes: a number is no text here, and a day is written in one way only."""

import re
from typing import Any, Final

from rest_framework import serializers
from rest_framework.serializers import ErrorDetail

# What the framework takes besides would make `0`, `"0"` and `0.0` the same answer to different questions.
_TEXTS: Final = (
    serializers.CharField,
    serializers.UUIDField,
    serializers.DateField,
    serializers.DateTimeField,
    serializers.TimeField,
)
_WRITTEN: Final = (
    (
        serializers.UUIDField,
        re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"),
        "Write it like 0190c0de-0000-7000-8000-000000000000.",
    ),
    (
        serializers.DateTimeField,
        re.compile(
            r"[0-9]{4}(-[0-9]{2}){2}[Tt ][0-9]{2}(:[0-9]{2}){2}(\.[0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2})"
        ),
        "Write it like 2026-11-30T09:00:00Z, with its zone.",
    ),
    (serializers.DateField, re.compile(r"[0-9]{4}(-[0-9]{2}){2}"), "Write it like 2026-11-30."),
)


def type_problems(field: serializers.Field[Any, Any, Any, Any], value: Any) -> Any:
    """Return what is wrong with the JSON type of a value, in the shape of REST framework's errors, or None.

    Null and nested serializers are not looked at here: the field itself and the nested one do that.
    """
    if value is None or isinstance(field, serializers.BaseSerializer):
        return None
    if isinstance(field, serializers.ListField):
        if not isinstance(value, list):
            return _wrong("Give a list.")
        found = {index: type_problems(field.child, item) for index, item in enumerate(value)}
        return {index: problem for index, problem in found.items() if problem} or None
    if isinstance(field, serializers.DictField):
        if not isinstance(value, dict):
            return _wrong("Give an object.")
        found = {name: type_problems(field.child, item) for name, item in value.items()}
        return {name: problem for name, problem in found.items() if problem} or None
    return _of_value(field, value)


def _of_value(field: serializers.Field[Any, Any, Any, Any], value: Any) -> list[ErrorDetail] | None:
    if isinstance(field, serializers.BooleanField):
        return None if isinstance(value, bool) else _wrong("Give true or false.")
    if isinstance(field, serializers.IntegerField):
        is_whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
        return None if is_whole and not isinstance(value, bool) else _wrong("Give a whole number.")
    if isinstance(field, serializers.DecimalField):
        is_number = isinstance(value, int | float | str) and not isinstance(value, bool)
        return None if is_number else _wrong("Give a number.")
    is_text_choice = isinstance(field, serializers.ChoiceField) and all(
        isinstance(choice, str) for choice in field.choices
    )
    if not (isinstance(field, _TEXTS) or is_text_choice):
        return None
    if not isinstance(value, str):
        return _wrong("Give a text.")
    for kind, pattern, hint in _WRITTEN:
        if isinstance(field, kind) and not pattern.fullmatch(value):
            return [ErrorDetail(hint, "invalid")]
    return None


def _wrong(sentence: str) -> list[ErrorDetail]:
    return [ErrorDetail(sentence, "wrong_type")]
