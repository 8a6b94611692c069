"""`/api/v1/connections/{id}/descriptions/`: what a company keeps in a workspace, version by version."""

from typing import Any
from uuid import UUID

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from integrations.api.fields import actor_of
from integrations.describing.services import describe_workspace, description_for, descriptions_of
from integrations.models import WorkspaceDescription
from integrations.selectors import connection_for
from tenants.foundation.api import PAGE_PARAMETERS, IdempotentPosts, KnownParameters

CONNECTION = OpenApiParameter(
    "connection_id", OpenApiTypes.UUID, OpenApiParameter.PATH, description="The workspace's id."
)
VERSION = OpenApiParameter(
    "version", OpenApiTypes.INT, OpenApiParameter.PATH, description="The version, from 1."
)


class DescriptionSerializer(serializers.Serializer[Any]):
    """A version as lists show it."""

    id = serializers.UUIDField()
    version = serializers.IntegerField()
    changes = serializers.ListField(
        child=serializers.CharField(), help_text="What is different from the version before, in sentences."
    )
    created_at = serializers.DateTimeField()


class DescriptionDetailSerializer(DescriptionSerializer):
    """A version whole."""

    document = serializers.JSONField(
        help_text="Databases, their columns and options, relations, what fills what."
    )
    markdown = serializers.CharField()


@extend_schema_view(
    list=extend_schema(parameters=[CONNECTION]),
    retrieve=extend_schema(parameters=[CONNECTION, VERSION], responses=DescriptionDetailSerializer),
)
class DescriptionViewSet(KnownParameters, IdempotentPosts, GenericViewSet[WorkspaceDescription]):
    """Descriptions of a workspace, newest first."""

    queryset = WorkspaceDescription.objects.none()
    serializer_class = DescriptionSerializer
    lookup_field = "version"
    lookup_value_converter = "int"
    query_parameters = {"list": PAGE_PARAMETERS}
    problem_statuses = {"list": (404,), "create": (404,)}
    permission_codes = {
        "list": "integrations.view",
        "create": "integrations.view",
        "retrieve": "integrations.view",
    }

    def list(self, request: Request, connection_id: UUID) -> Response:
        """List the versions a page at a time."""
        actor = actor_of(request)
        connection = connection_for(actor=actor, connection_id=connection_id)
        page = self.paginate_queryset(descriptions_of(actor=actor, connection=connection))
        return self.get_paginated_response(DescriptionSerializer(page, many=True).data)

    @extend_schema(parameters=[CONNECTION], request=None, responses={200: DescriptionDetailSerializer})
    def create(self, request: Request, connection_id: UUID) -> Response:
        """Describe the workspace now; the newest version, new or not."""
        actor = actor_of(request)
        connection = connection_for(actor=actor, connection_id=connection_id)
        found = describe_workspace(connection=connection, actor=actor)
        return Response(DescriptionDetailSerializer(found).data)

    def retrieve(self, request: Request, connection_id: UUID, version: int) -> Response:
        """Show one version."""
        actor = actor_of(request)
        connection = connection_for(actor=actor, connection_id=connection_id)
        found = description_for(actor=actor, connection=connection, version=min(version, 2**31 - 1))
        return Response(DescriptionDetailSerializer(found).data)
