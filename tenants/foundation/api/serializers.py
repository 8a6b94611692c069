"""Serializers that refuse what they do not know."""

from typing import Any, Final

from rest_framework import serializers

from tenants.foundation.api.json_types import type_problems

_MOST_PROBLEMS: Final = 100


class RefusesUnknownFields:
    """Adds an error for every key no writable field has, and for every value of another JSON type."""

    def to_internal_value(self, data: Any) -> Any:
        """Return the validated values. Raises: ValidationError, unknown keys and types beside wrong values."""
        problems: dict[str, Any] = {}
        if isinstance(data, dict):
            for name, given in data.items():
                if len(problems) == _MOST_PROBLEMS:
                    # Enough to see what is wrong: the answer must not outgrow what was sent.
                    raise serializers.ValidationError(problems)
                field = self.fields.get(name)  # type: ignore[attr-defined]
                if field is None:
                    problems[str(name)] = [
                        serializers.ErrorDetail("There is no such field.", "unknown_field")
                    ]
                elif field.read_only:
                    problems[str(name)] = [
                        serializers.ErrorDetail("This field cannot be set.", "read_only_field")
                    ]
                elif problem := type_problems(field, given):
                    problems[str(name)] = problem
            # What is wrong already is not shown to its field: few expect, say, a list in place of a number.
            data = {name: given for name, given in data.items() if name not in problems}
        try:
            value = super().to_internal_value(data)  # type: ignore[misc]
        except serializers.ValidationError as error:
            if problems and isinstance(error.detail, dict):
                raise serializers.ValidationError({**error.detail, **problems}) from error
            raise
        if problems:
            raise serializers.ValidationError(problems)
        return value


class StrictSerializer(RefusesUnknownFields, serializers.Serializer[Any]):
    """The base of every serializer that takes input."""


class StrictModelSerializer(RefusesUnknownFields, serializers.ModelSerializer[Any]):
    """The base of every serializer that takes input for one model."""
