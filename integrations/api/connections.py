"""`/api/v1/connections/`: the workspaces a company has connected."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema, extend_schema_serializer, extend_schema_view
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from integrations.api import examples
from integrations.api.collections import CollectionSerializer
from integrations.api.fields import ID, actor_of
from integrations.models import Connection
from integrations.selectors import collections_of, connection_for, visible_connections
from integrations.services import (
    connect_workspace,
    disconnect_connection,
    pause_connection,
    replace_token,
    resume_connection,
)
from integrations.sync.services import confirm_proposals, discover_collections
from tenants.foundation.api import PAGE_PARAMETERS, IdempotentPosts, KnownParameters, StrictSerializer
from tenants.tenancy import atomic, outside_transaction


@extend_schema_serializer(examples=[examples.CONNECTION])
class ConnectionSerializer(serializers.Serializer[Any]):
    """A connected workspace. Its token is never shown."""

    id = serializers.UUIDField()
    connector = serializers.CharField(help_text="The service, such as `notion`.")
    name = serializers.CharField()
    workspace_name = serializers.CharField()
    workspace_id = serializers.CharField()
    account_name = serializers.CharField(help_text="The integration the token belongs to.")
    auth_kind = serializers.ChoiceField(choices=Connection.AuthKind.choices)
    state = serializers.ChoiceField(choices=Connection.State.choices)
    state_reason = serializers.CharField(help_text="Why, in a sentence; empty while all is well.")
    state_changed_at = serializers.DateTimeField()
    token_changed_at = serializers.DateTimeField(allow_null=True)
    requests_per_minute = serializers.IntegerField(allow_null=True, help_text="The budget; null means none.")
    last_polled_at = serializers.DateTimeField(allow_null=True)
    last_synced_at = serializers.DateTimeField(allow_null=True)
    calls_total = serializers.IntegerField()
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


@extend_schema_serializer(examples=[examples.NEW_CONNECTION])
class NewConnectionSerializer(StrictSerializer):
    """The workspace to be connected."""

    connector = serializers.ChoiceField(choices=["notion"], default="notion")
    token = serializers.CharField(
        max_length=1000, write_only=True, help_text="The token of the internal integration."
    )


@extend_schema_serializer(examples=[examples.NEW_TOKEN])
class TokenSerializer(StrictSerializer):
    """A new token for the same workspace."""

    token = serializers.CharField(max_length=1000, write_only=True)


class CollectionListSerializer(serializers.Serializer[Any]):
    """The databases shared with the integration."""

    results = CollectionSerializer(many=True)


@extend_schema_view(
    retrieve=extend_schema(parameters=[ID], responses=ConnectionSerializer),
    destroy=extend_schema(parameters=[ID], responses={204: None}),
)
class ConnectionViewSet(KnownParameters, IdempotentPosts, GenericViewSet[Connection]):
    """The company's connected workspaces."""

    queryset = Connection.objects.none()
    serializer_class = ConnectionSerializer
    lookup_field = "id"
    lookup_value_converter = "uuid"
    keyset_sorts = {"name": "name"}
    keyset_default_sort = "name"
    query_parameters = {"list": PAGE_PARAMETERS}
    permission_codes = {
        "list": "integrations.view",
        "create": "integrations.connect",
        "retrieve": "integrations.view",
        "destroy": "integrations.connect",
        "token": "integrations.connect",
        "pause": "integrations.sync",
        "resume": "integrations.sync",
        "collections": "integrations.view",
        "discover": "integrations.connect",
        "confirm_proposals": "integrations.map",
    }

    def list(self, request: Request) -> Response:
        """List workspaces a page at a time, by name."""
        page = self.paginate_queryset(visible_connections(actor=actor_of(request)))
        return self.get_paginated_response(ConnectionSerializer(page, many=True).data)

    @extend_schema(request=NewConnectionSerializer, responses={201: ConnectionSerializer})
    @outside_transaction
    def create(self, request: Request) -> Response:
        """Connect the workspace a token opens. The token is checked with the service at once."""
        body = NewConnectionSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        connection = connect_workspace(
            token=body.validated_data["token"],
            connector_key=body.validated_data["connector"],
            actor=actor_of(request),
        )
        return Response(ConnectionSerializer(connection).data, status=201)

    def retrieve(self, request: Request, id: UUID) -> Response:
        """Show one workspace."""
        connection = connection_for(actor=actor_of(request), connection_id=id)
        return Response(ConnectionSerializer(connection).data)

    def destroy(self, request: Request, id: UUID) -> Response:
        """Disconnect a workspace: its token is forgotten, its tasks stay."""
        connection = connection_for(actor=actor_of(request), connection_id=id)
        disconnect_connection(connection=connection, actor=actor_of(request))
        return Response(status=204)

    @extend_schema(parameters=[ID], request=TokenSerializer, responses=ConnectionSerializer)
    @action(detail=True, methods=["post"])
    @outside_transaction
    def token(self, request: Request, id: UUID) -> Response:
        """Give a workspace a new token for the same integration, and read on."""
        body = TokenSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        with atomic():
            connection = connection_for(actor=actor_of(request), connection_id=id)
        connection = replace_token(
            connection=connection, token=body.validated_data["token"], actor=actor_of(request)
        )
        return Response(ConnectionSerializer(connection).data)

    @extend_schema(parameters=[ID], request=None, responses=ConnectionSerializer)
    @action(detail=True, methods=["post"])
    def pause(self, request: Request, id: UUID) -> Response:
        """Stop reading until somebody resumes."""
        connection = connection_for(actor=actor_of(request), connection_id=id)
        connection = pause_connection(connection=connection, actor=actor_of(request))
        return Response(ConnectionSerializer(connection).data)

    @extend_schema(parameters=[ID], request=None, responses=ConnectionSerializer)
    @action(detail=True, methods=["post"])
    def resume(self, request: Request, id: UUID) -> Response:
        """Read on from where reading stopped."""
        connection = connection_for(actor=actor_of(request), connection_id=id)
        connection = resume_connection(connection=connection, actor=actor_of(request))
        return Response(ConnectionSerializer(connection).data)

    @extend_schema(parameters=[ID], responses=CollectionListSerializer)
    @action(detail=True, methods=["get"], pagination_class=None)
    def collections(self, request: Request, id: UUID) -> Response:
        """List the databases shared with the integration, as last seen."""
        connection = connection_for(actor=actor_of(request), connection_id=id)
        found = collections_of(actor=actor_of(request), connection=connection)
        return Response({"results": CollectionSerializer(found, many=True).data})

    @extend_schema(parameters=[ID], request=None, responses=CollectionListSerializer)
    @action(detail=True, methods=["post"], pagination_class=None)
    @outside_transaction
    def discover(self, request: Request, id: UUID) -> Response:
        """Look for databases that were shared since, and propose how to read them."""
        actor = actor_of(request)
        with atomic():
            connection = connection_for(actor=actor, connection_id=id)
        discover_collections(connection=connection, actor=actor)
        with atomic():
            found = collections_of(actor=actor, connection=connection)
            return Response({"results": CollectionSerializer(found, many=True).data})

    @extend_schema(parameters=[ID], request=None, responses=CollectionListSerializer)
    @action(detail=True, methods=["post"], pagination_class=None, url_path="confirm-proposals")
    def confirm_proposals(self, request: Request, id: UUID) -> Response:
        """Confirm every proposed mapping as it stands and start the first import."""
        connection = connection_for(actor=actor_of(request), connection_id=id)
        confirm_proposals(connection=connection, actor=actor_of(request))
        found = collections_of(actor=actor_of(request), connection=connection)
        return Response({"results": CollectionSerializer(found, many=True).data})
