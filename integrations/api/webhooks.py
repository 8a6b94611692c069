"""`/api/v1/connections/{id}/webhook/`: where a service tells us of changes, and what it told."""

from typing import Any
from uuid import UUID

from django.urls import reverse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from integrations.api.fields import actor_of
from integrations.models import Connection, InboundEvent, WebhookSubscription
from integrations.selectors import connection_for
from integrations.webhooks.selectors import events_of, webhook_of
from integrations.webhooks.services import (
    open_webhook,
    refuse_pending_key,
    renew_webhook,
    reveal_signing_key,
    switch_off_webhook,
    take_pending_key,
)
from tenants.accounts.access import can
from tenants.foundation.api import IdempotentPosts, KnownParameters
from tenants.foundation.errors import NotFound

MOST_EVENTS = 100
CONNECTION = OpenApiParameter(
    "connection_id", OpenApiTypes.UUID, OpenApiParameter.PATH, description="The workspace's id."
)


class WebhookSerializer(serializers.Serializer[Any]):
    """A connection's address for events. Its signing key is shown once, by `reveal`."""

    state = serializers.ChoiceField(choices=WebhookSubscription.State.choices)
    state_reason = serializers.CharField(help_text="Why, in a sentence; empty while all is well.")
    address = serializers.CharField(
        allow_null=True,
        help_text="What to enter at the service; null for those who may not connect workspaces.",
    )
    key_came_at = serializers.DateTimeField(allow_null=True)
    was_key_shown = serializers.BooleanField()
    has_pending_key = serializers.BooleanField(
        help_text="Another key came later and counts only once it is taken."
    )
    last_event_at = serializers.DateTimeField(allow_null=True)
    missed = serializers.IntegerField(
        help_text="Changes that were found by looking and that no event told of."
    )
    refused = serializers.IntegerField(help_text="Posts whose signature did not fit.")
    created_at = serializers.DateTimeField()


class SigningKeySerializer(serializers.Serializer[Any]):
    """The key the service introduced itself with."""

    signing_key = serializers.CharField()


class InboundEventSerializer(serializers.Serializer[Any]):
    """An event and what became of it."""

    id = serializers.CharField(help_text="The service's own id of it.")
    kind = serializers.CharField(help_text="The service's word for it.")
    change = serializers.ChoiceField(choices=InboundEvent.Change.choices)
    entity_kind = serializers.CharField()
    entity_id = serializers.CharField()
    attempt = serializers.IntegerField(help_text="Which of the service's attempts reached us first.")
    state = serializers.ChoiceField(choices=InboundEvent.State.choices)
    reason = serializers.CharField(help_text="What was done about it, or why nothing.")
    occurred_at = serializers.DateTimeField()
    received_at = serializers.DateTimeField()
    handled_at = serializers.DateTimeField(allow_null=True)


class InboundEventListSerializer(serializers.Serializer[Any]):
    """The newest events."""

    results = InboundEventSerializer(many=True)


@extend_schema_view(
    list=extend_schema(parameters=[CONNECTION], responses={200: WebhookSerializer(many=False)}),
    create=extend_schema(parameters=[CONNECTION], request=None, responses={201: WebhookSerializer}),
)
class WebhookViewSet(KnownParameters, IdempotentPosts, GenericViewSet[WebhookSubscription]):
    """The address for events of one workspace."""

    queryset = WebhookSubscription.objects.none()
    serializer_class = WebhookSerializer
    pagination_class = None
    permission_codes = {
        "list": "integrations.view",
        "events": "integrations.view",
        "create": "integrations.connect",
        "renew": "integrations.connect",
        "reveal": "integrations.connect",
        "switch_off": "integrations.connect",
        "take_key": "integrations.connect",
        "refuse_key": "integrations.connect",
    }
    problem_statuses = dict.fromkeys(("list", "create", "events"), (404,))

    def list(self, request: Request, connection_id: UUID) -> Response:
        """Show the address and whether events come."""
        found = webhook_of(actor=actor_of(request), connection=self._connection(request, connection_id))
        if found is None:
            raise NotFound("This workspace has no address for events.")
        return Response(shown(request, found))

    def create(self, request: Request, connection_id: UUID) -> Response:
        """Give the workspace an address for events."""
        connection = self._connection(request, connection_id)
        return Response(
            shown(request, open_webhook(connection=connection, actor=actor_of(request))), status=201
        )

    @extend_schema(parameters=[CONNECTION], request=None, responses=WebhookSerializer)
    @action(detail=False, methods=["post"])
    def renew(self, request: Request, connection_id: UUID) -> Response:
        """Give it a new address; the old one and its key count no more."""
        connection = self._connection(request, connection_id)
        return Response(shown(request, renew_webhook(connection=connection, actor=actor_of(request))))

    @extend_schema(parameters=[CONNECTION], request=None, responses=SigningKeySerializer)
    @action(detail=False, methods=["post"])
    def reveal(self, request: Request, connection_id: UUID) -> Response:
        """Show the key the service introduced itself with, once, to paste it there."""
        connection = self._connection(request, connection_id)
        key = reveal_signing_key(connection=connection, actor=actor_of(request))
        return Response({"signing_key": key.reveal()}, headers={"Cache-Control": "no-store"})

    @extend_schema(parameters=[CONNECTION], request=None, responses=WebhookSerializer)
    @action(detail=False, methods=["post"], url_path="switch-off")
    def switch_off(self, request: Request, connection_id: UUID) -> Response:
        """Close the address; changes are found by looking."""
        connection = self._connection(request, connection_id)
        return Response(shown(request, switch_off_webhook(connection=connection, actor=actor_of(request))))

    @extend_schema(parameters=[CONNECTION], request=None, responses=WebhookSerializer)
    @action(detail=False, methods=["post"], url_path="take-key")
    def take_key(self, request: Request, connection_id: UUID) -> Response:
        """Let the key that came later count."""
        connection = self._connection(request, connection_id)
        return Response(shown(request, take_pending_key(connection=connection, actor=actor_of(request))))

    @extend_schema(parameters=[CONNECTION], request=None, responses=WebhookSerializer)
    @action(detail=False, methods=["post"], url_path="refuse-key")
    def refuse_key(self, request: Request, connection_id: UUID) -> Response:
        """Forget the key that came later."""
        connection = self._connection(request, connection_id)
        return Response(shown(request, refuse_pending_key(connection=connection, actor=actor_of(request))))

    @extend_schema(parameters=[CONNECTION], responses=InboundEventListSerializer)
    @action(detail=False, methods=["get"])
    def events(self, request: Request, connection_id: UUID) -> Response:
        """List the newest hundred events and what became of each."""
        connection = self._connection(request, connection_id)
        found = events_of(actor=actor_of(request), connection=connection)[:MOST_EVENTS]
        return Response({"results": InboundEventSerializer(found, many=True).data})

    def _connection(self, request: Request, connection_id: UUID) -> Connection:
        return connection_for(actor=actor_of(request), connection_id=connection_id)


def shown(request: Request, subscription: WebhookSubscription) -> dict[str, Any]:
    """The address as this reader may see it."""
    is_open = subscription.state != WebhookSubscription.State.OFF
    may_see = can(actor_of(request), "integrations.connect") and is_open
    address = reverse(
        "hooks:connection",
        kwargs={"connector": subscription.connection.connector, "key": subscription.address_key},
    )
    return dict(
        WebhookSerializer(
            {
                "state": subscription.state,
                "state_reason": subscription.state_reason,
                "address": request.build_absolute_uri(address) if may_see else None,
                "key_came_at": subscription.key_came_at,
                "was_key_shown": subscription.revealed_at is not None,
                "has_pending_key": subscription.pending_secret_id is not None,
                "last_event_at": subscription.last_event_at,
                "missed": subscription.missed,
                "refused": subscription.refused,
                "created_at": subscription.created_at,
            }
        ).data
    )
