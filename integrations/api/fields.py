"""Parts several resources of this door share."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.request import Request

from tenants.accounts.access import Actor

ID = OpenApiParameter("id", UUID, OpenApiParameter.PATH)


class ConnectionReferenceSerializer(serializers.Serializer[Any]):
    """A workspace referred to."""

    id = serializers.UUIDField()
    name = serializers.CharField()


def actor_of(request: Request) -> Actor:
    """Who asks."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return actor
