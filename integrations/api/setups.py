"""`/api/v1/connections/{id}/setups/`: making the core databases in a workspace."""

from typing import Any
from uuid import UUID

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from integrations.api.fields import ID, actor_of
from integrations.bootstrap.blueprint import BY_KEY
from integrations.bootstrap.planning import ACTIONS
from integrations.bootstrap.services import retry_setup, setup_for, setups_of, start_setup
from integrations.models import WorkspaceSetup
from integrations.selectors import connection_for
from tenants.foundation.api import PAGE_PARAMETERS, IdempotentPosts, KnownParameters, StrictSerializer
from tenants.tenancy import atomic, outside_transaction

CONNECTION = OpenApiParameter(
    "connection_id", OpenApiTypes.UUID, OpenApiParameter.PATH, description="The workspace's id."
)


class SetupSerializer(serializers.Serializer[Any]):
    """One making of the core databases: what was planned, and what stands."""

    id = serializers.UUIDField()
    state = serializers.ChoiceField(choices=WorkspaceSetup.State.choices)
    error = serializers.CharField()
    plan = serializers.JSONField(help_text="Per database: make, adopt or skip.")
    made = serializers.JSONField(
        help_text="Per database: its ids there, whether it was taken over, its views."
    )
    created_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)


class NewSetupSerializer(StrictSerializer):
    """What is to be made, and where."""

    parent_page_id = serializers.CharField(
        max_length=100, help_text="A page that is shared with the integration."
    )
    databases = serializers.DictField(
        child=serializers.ChoiceField(choices=list(ACTIONS)),
        default=dict,
        help_text=f"Of {', '.join(BY_KEY)}: what to do. Left out: take over what is there, else make it.",
    )
    adds_missing = serializers.BooleanField(
        default=False, help_text="Add missing columns to what is taken over."
    )
    has_dashboard = serializers.BooleanField(default=True)


@extend_schema_view(
    list=extend_schema(parameters=[CONNECTION]),
    retrieve=extend_schema(parameters=[CONNECTION, ID], responses=SetupSerializer),
)
class SetupViewSet(KnownParameters, IdempotentPosts, GenericViewSet[WorkspaceSetup]):
    """Set-ups of a workspace, newest first."""

    queryset = WorkspaceSetup.objects.none()
    serializer_class = SetupSerializer
    lookup_field = "id"
    lookup_value_converter = "uuid"
    query_parameters = {"list": PAGE_PARAMETERS}
    problem_statuses = {"list": (404,), "create": (404,), "again": (404,)}
    permission_codes = {
        "list": "integrations.view",
        "create": "integrations.connect",
        "retrieve": "integrations.view",
        "again": "integrations.connect",
    }

    def list(self, request: Request, connection_id: UUID) -> Response:
        """List set-ups a page at a time."""
        actor = actor_of(request)
        connection = connection_for(actor=actor, connection_id=connection_id)
        page = self.paginate_queryset(setups_of(actor=actor, connection=connection))
        return self.get_paginated_response(SetupSerializer(page, many=True).data)

    @extend_schema(parameters=[CONNECTION], request=NewSetupSerializer, responses={201: SetupSerializer})
    @outside_transaction
    def create(self, request: Request, connection_id: UUID) -> Response:
        """Start making the core databases in the background."""
        actor = actor_of(request)
        with atomic():
            connection = connection_for(actor=actor, connection_id=connection_id)
        body = NewSetupSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        asked = body.validated_data
        setup = start_setup(
            connection=connection,
            actor=actor,
            parent_page_id=asked["parent_page_id"],
            choices=asked["databases"],
            adds_missing=asked["adds_missing"],
            has_dashboard=asked["has_dashboard"],
        )
        return Response(SetupSerializer(setup).data, status=201)

    def retrieve(self, request: Request, connection_id: UUID, id: UUID) -> Response:
        """Show one set-up."""
        return Response(SetupSerializer(self._found(request, connection_id, id)).data)

    @extend_schema(parameters=[CONNECTION, ID], request=None, responses=SetupSerializer)
    @action(detail=True, methods=["post"])
    def again(self, request: Request, connection_id: UUID, id: UUID) -> Response:
        """Go on with a set-up that failed, where it stands."""
        found = self._found(request, connection_id, id)
        return Response(SetupSerializer(retry_setup(setup=found, actor=actor_of(request))).data)

    def _found(self, request: Request, connection_id: UUID, setup_id: UUID) -> WorkspaceSetup:
        actor = actor_of(request)
        connection = connection_for(actor=actor, connection_id=connection_id)
        return setup_for(actor=actor, connection=connection, setup_id=setup_id)
