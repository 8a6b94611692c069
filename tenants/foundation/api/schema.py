"""What OpenAPI is told beyond what it can see; imported once, when the application starts."""

from typing import Any

from drf_spectacular.extensions import OpenApiSerializerExtension, OpenApiSerializerFieldExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import Direction
from rest_framework import serializers

from tenants.foundation.api.serializers import StrictModelSerializer, StrictSerializer


class StrictSerializerSchema(OpenApiSerializerExtension):  # type: ignore[no-untyped-call]
    """Marks the input of strict serializers as closed, so that generated clients and tests know it too."""

    target_class: Any = StrictSerializer
    match_subclasses = True

    def map_serializer(self, auto_schema: AutoSchema, direction: Direction) -> dict[str, Any]:
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


class TextSchema(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]
    """Says of texts that are trimmed and may not be empty that blanks alone are not enough."""

    target_class: Any = serializers.CharField
    match_subclasses = True

    def map_serializer_field(self, auto_schema: AutoSchema, direction: Direction) -> dict[str, Any]:
        """Return the ordinary schema, with that pattern when it describes a request."""
        field = self.target
        schema: dict[str, Any] = auto_schema._map_serializer_field(  # type: ignore[no-untyped-call]
            field, direction, bypass_extensions=True
        )
        is_filled = field.trim_whitespace and not field.allow_blank
        if direction == "request" and is_filled and not {"pattern", "format", "enum"} & schema.keys():
            # What Python strips: JavaScript's white space, and five characters that it does not count.
            schema["pattern"] = r"[^\s\x1c-\x1f\x85]"
        return schema
