"""Serializers that refuse what they do not know, and say so in the API's description."""

from typing import TYPE_CHECKING, Any

from drf_spectacular.extensions import OpenApiSerializerExtension
from rest_framework import serializers

if TYPE_CHECKING:
    from drf_spectacular.openapi import AutoSchema
    from drf_spectacular.utils import Direction


class RefusesUnknownFields:
    """Adds an error for every key of the input that no writable field of the serializer has."""

    def to_internal_value(self, data: Any) -> Any:
        """Return the validated values. Raises: ValidationError, unknown keys beside wrong values."""
        problems: dict[str, Any] = {}
        if isinstance(data, dict):
            for name in data:
                field = self.fields.get(name)  # type: ignore[attr-defined]
                if field is None:
                    problems[str(name)] = [
                        serializers.ErrorDetail("There is no such field.", "unknown_field")
                    ]
                elif field.read_only:
                    problems[str(name)] = [
                        serializers.ErrorDetail("This field cannot be set.", "read_only_field")
                    ]
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


class StrictSerializerSchema(OpenApiSerializerExtension):  # type: ignore[no-untyped-call]
    """Marks the input of strict serializers as closed, so that generated clients and tests know it too."""

    target_class: Any = StrictSerializer
    match_subclasses = True

    def map_serializer(self, auto_schema: "AutoSchema", direction: "Direction") -> dict[str, Any]:
        """Return the ordinary schema, closed when it describes a request."""
        schema: dict[str, Any] = auto_schema._map_serializer(  # type: ignore[no-untyped-call]
            self.target, direction, bypass_extensions=True
        )
        if direction == "request" and schema.get("type") == "object":
            schema["additionalProperties"] = False
        return schema


class StrictModelSerializerSchema(StrictSerializerSchema):  # type: ignore[no-untyped-call]
    """The same for serializers of models."""

    target_class = StrictModelSerializer
