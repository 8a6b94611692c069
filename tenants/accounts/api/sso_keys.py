"""`/api/v1/sso/keys/`: the company's own keys towards SAML providers, rolled over by a program."""

from typing import Any
from uuid import UUID

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from tenants.accounts.access import require
from tenants.accounts.api.identity_providers import CODE, ID, actor_of_call
from tenants.accounts.models import ServiceProviderKey
from tenants.accounts.sso.saml import own_keys
from tenants.accounts.sso.saml.certificates import facts_of
from tenants.foundation.api import IdempotentPosts, KnownParameters


class OwnKeySerializer(serializers.Serializer[Any]):
    """A key of ours: its certificate only."""

    id = serializers.UUIDField()
    state = serializers.ChoiceField(
        choices=ServiceProviderKey.State.choices,
        help_text="next: published beside the one in use; previous: only reads what was encrypted for it.",
    )
    certificate = serializers.CharField()
    fingerprint = serializers.SerializerMethodField(help_text="SHA-256.")
    expires_at = serializers.DateTimeField()
    created_at = serializers.DateTimeField()

    def get_fingerprint(self, row: ServiceProviderKey) -> str:
        """Of the certificate."""
        return facts_of(row.certificate).fingerprint


class OwnKeysSerializer(serializers.Serializer[Any]):
    """All there are: two at the most, none before a SAML provider first needed one."""

    results = OwnKeySerializer(many=True)


@extend_schema_view(destroy=extend_schema(parameters=[ID], responses={204: None}))
class OwnKeyViewSet(KnownParameters, IdempotentPosts, GenericViewSet[ServiceProviderKey]):
    """Our keys towards SAML providers, the newest first."""

    queryset = ServiceProviderKey.objects.none()
    serializer_class = OwnKeySerializer
    pagination_class = None
    needs_idempotency_key = True
    lookup_field = "id"
    lookup_value_converter = "uuid"
    query_parameters: dict[str, tuple[str, ...]] = {}
    problem_statuses = {"create": (409,), "destroy": (409,), "switch": (409,)}
    permission_codes = {"list": CODE, "create": CODE, "destroy": CODE, "switch": CODE}

    @extend_schema(responses={200: OwnKeysSerializer})
    def list(self, request: Request) -> Response:
        """List the keys."""
        rows = own_keys.visible_keys(actor=actor_of_call(request))
        return Response(OwnKeysSerializer({"results": rows}).data)

    @extend_schema(request=None, responses={201: OwnKeySerializer})
    def create(self, request: Request) -> Response:
        """Make the next key; our metadata names it beside the one in use."""
        made = own_keys.make_next_key(actor=actor_of_call(request))
        return Response(OwnKeySerializer(made).data, status=201)

    @extend_schema(request=None, responses={200: OwnKeySerializer})
    @action(detail=False, methods=["post"])
    def switch(self, request: Request) -> Response:
        """Put the next key to use; the one before can still read."""
        return Response(OwnKeySerializer(own_keys.use_next_key(actor=actor_of_call(request))).data)

    def destroy(self, request: Request, id: UUID) -> Response:
        """Give a key up that is not in use."""
        actor = actor_of_call(request)
        require(actor, CODE)
        own_keys.give_key_up(key=get_object_or_404(ServiceProviderKey, pk=id), actor=actor)
        return Response(status=204)
