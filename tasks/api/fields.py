"""Fields and parameters several resources of this door share."""

import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Any, Final

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema_field
from rest_framework import serializers

from tasks.filters import (
    MAX_SEARCH_CHARS,
    MAX_TEXT_CHARS,
    MAX_VALUES,
    ME,
    NOBODY,
    NONE,
    PRIORITY_NAMES,
    Archived,
    Due,
    priority_name,
)
from tasks.importing.normalising import MAX_HOURS
from tasks.models import Task

_HOURS: Final = re.compile(r"[0-9]{1,6}(\.[0-9]{1,2})?")


@extend_schema_field({"type": "string", "enum": list(PRIORITY_NAMES)})
class PriorityField(serializers.ChoiceField):
    """A priority by its word."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(choices=list(PRIORITY_NAMES), **kwargs)

    def to_internal_value(self, data: Any) -> int:  # type: ignore[override]
        """The stored number of a word."""
        return PRIORITY_NAMES[super().to_internal_value(data)]

    def to_representation(self, value: Any) -> str:
        """The word of a stored number."""
        return priority_name(int(value))


@extend_schema_field(
    {
        "anyOf": [
            {"type": "number", "minimum": 0, "maximum": float(MAX_HOURS)},
            {"type": "string", "pattern": r"^[0-9]{1,6}(\.[0-9]{1,2})?$"},
        ],
        "description": 'As a number, rounded to hundredths, or as it is answered: `"1.50"`.',
    }
)
class HoursField(serializers.DecimalField):
    """Hours to be set."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_digits=8, decimal_places=2, min_value=0, max_value=MAX_HOURS, **kwargs)

    def to_internal_value(self, data: Any) -> Decimal:
        """The hours of a number or a text. Raises: ValidationError."""
        if isinstance(data, str) and not _HOURS.fullmatch(data):
            self.fail("invalid")
        if isinstance(data, int | float):
            if not 0 <= data <= MAX_HOURS:
                raise serializers.ValidationError(f"Between 0 and {MAX_HOURS} hours.", "out_of_range")
            data = Decimal(str(data)).quantize(Decimal("0.01"))
        return super().to_internal_value(data)


class NamedSerializer(serializers.Serializer[Any]):
    """Something referred to: its id and its name."""

    id = serializers.UUIDField()
    name = serializers.CharField()


class ProjectReferenceSerializer(NamedSerializer):
    """A project referred to."""

    key = serializers.CharField()


def _many(name: str, description: str, item: dict[str, Any]) -> OpenApiParameter:
    schema = {"type": "array", "minItems": 1, "maxItems": MAX_VALUES, "items": item}
    return OpenApiParameter(name, schema, description=description)


def _references(*words: str) -> dict[str, Any]:
    return {"anyOf": [{"type": "string", "format": "uuid"}, {"type": "string", "enum": list(words)}]}


def _one_of(values: Iterable[str]) -> dict[str, Any]:
    return {"type": "string", "enum": list(values)}


def _day(name: str, description: str) -> OpenApiParameter:
    return OpenApiParameter(name, OpenApiTypes.DATE, description=description)


_TEXT: Final = {"type": "string", "minLength": 1, "maxLength": MAX_TEXT_CHARS}
FILTER_PARAMETERS = [
    OpenApiParameter(
        "q",
        {"type": "string", "minLength": 1, "maxLength": MAX_SEARCH_CHARS},
        description="Words that all stand in the title, or a task's key.",
    ),
    _many("status", "Any of these statuses.", _one_of(Task.Status.values)),
    _many("priority", "Any of these priorities.", _one_of(PRIORITY_NAMES)),
    _many("department", "Ids of departments, or `none`.", _references(NONE)),
    _many("project", "Ids of projects, or `none`.", _references(NONE)),
    _many("assignee", "Ids of people, `me` or `nobody`.", _references(ME, NOBODY)),
    OpenApiParameter(
        "due",
        OpenApiTypes.STR,
        enum=[str(due) for due in Due],
        description="When it is due, seen from today.",
    ),
    _day("due_before", "Due before this day."),
    _day("due_after", "Due after this day."),
    _day("completed_before", "Completed before this day."),
    _day("completed_after", "Completed after this day."),
    _many("tag", "Any of these tags.", _TEXT),
    _many("source", "Any of these workspaces.", _TEXT),
    OpenApiParameter(
        "archived",
        OpenApiTypes.STR,
        enum=[str(which) for which in Archived],
        description="`no` (default), `only` or `all`.",
    ),
]
FILTER_NAMES: Final = frozenset(parameter.name for parameter in FILTER_PARAMETERS)
REPEATABLE_NAMES: Final = frozenset(
    parameter.name
    for parameter in FILTER_PARAMETERS
    if isinstance(parameter.type, dict) and parameter.type["type"] == "array"
)
