"""Parts several resources of this door share."""

from uuid import UUID

from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.request import Request

from integrations.models import Connection
from tenants.accounts.access import Actor

ID = OpenApiParameter("id", UUID, OpenApiParameter.PATH)


class ConnectionReferenceSerializer(serializers.Serializer[Connection]):
    """A workspace referred to."""

    id = serializers.UUIDField()
    name = serializers.CharField()


def actor_of(request: Request) -> Actor:
    """Who asks."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return actor
