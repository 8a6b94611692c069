"""`/api/v1/sso/…`: the only way in, the owners for an emergency, and the log of single sign-on."""

import re
from typing import Any, Final
from uuid import UUID

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet, ViewSet

from tenants.accounts.access import require
from tenants.accounts.api.identity_providers import (
    CODE,
    IdentityProviderSerializer,
    actor_of_call,
    provider_of_call,
)
from tenants.accounts.api.proposed_changes import ProposedChangeSerializer, waiting_answer
from tenants.accounts.models import IdentityProvider, ProposedChange, SsoLogEntry
from tenants.accounts.sso import break_glass, services, sso_log
from tenants.foundation.api import PAGE_PARAMETERS, IdempotentPosts, KnownParameters, StrictSerializer
from tenants.foundation.errors import InvalidInput

PROVIDER = OpenApiParameter("provider_id", UUID, OpenApiParameter.QUERY, description="Of which one to tell.")


_CODE: Final = re.compile(r"[a-z_.]{1,60}", re.ASCII)
LOG_FILTERS = [
    OpenApiParameter("event", str, description="Only these, e.g. `sign_in`, `logout` or `passkey_sign_in`."),
    OpenApiParameter("outcome", str, enum=SsoLogEntry.Outcome.values),
    OpenApiParameter("reason", str, description="Only what was refused for it, e.g. `audience`."),
    OpenApiParameter("provider_id", UUID, OpenApiParameter.QUERY, description="Only of this provider."),
]


class EnforceSerializer(StrictSerializer):
    """The provider that shall be the only way in."""

    provider_id = serializers.UUIDField()


class EnforcementSerializer(serializers.Serializer[Any]):
    """Which provider is the only way in, and what still stops the one that was asked about."""

    enforced_provider_id = serializers.UUIDField(allow_null=True)
    obstacles = serializers.ListField(
        child=serializers.CharField(),
        help_text="Empty when `provider_id` may be enforced, or none was named.",
    )


class EmergencyOwnerSerializer(serializers.Serializer[Any]):
    """An owner whose own credentials count while single sign-on is enforced."""

    user_id = serializers.UUIDField()
    name = serializers.CharField()
    email = serializers.CharField()
    has_passkey = serializers.BooleanField(
        help_text="Only they themselves can make one, at `passkey_address`."
    )


class EmergencyOwnersSerializer(serializers.Serializer[Any]):
    """The owners for an emergency, and where each of them makes a passkey."""

    owners = EmergencyOwnerSerializer(many=True)
    passkey_address = serializers.CharField()


class NamedOwnersSerializer(StrictSerializer):
    """The owners who are named; whoever is left out is one no more."""

    user_ids = serializers.ListField(child=serializers.UUIDField(), max_length=20)


class SsoLogEntrySerializer(serializers.Serializer[Any]):
    """What happened, and why something was refused."""

    id = serializers.UUIDField()
    at = serializers.DateTimeField()
    event = serializers.CharField()
    outcome = serializers.CharField(help_text="accepted, refused or changed.")
    reason = serializers.CharField()
    detail = serializers.CharField()
    provider_id = serializers.UUIDField(allow_null=True)
    provider_name = serializers.CharField()
    user_id = serializers.UUIDField(allow_null=True)
    subject = serializers.CharField()
    is_test = serializers.BooleanField()
    address = serializers.CharField()
    request_id = serializers.CharField()


class SsoEnforcementViewSet(KnownParameters, IdempotentPosts, ViewSet):
    """Whether single sign-on is the only way in."""

    needs_idempotency_key = True
    query_parameters = {"retrieve": ("provider_id",)}
    problem_statuses = {"retrieve": (404,), "create": (404, 409), "destroy": (404, 409)}
    permission_codes = {"retrieve": CODE, "create": CODE, "destroy": CODE}

    @extend_schema(parameters=[PROVIDER], responses={200: EnforcementSerializer})
    def retrieve(self, request: Request) -> Response:
        """Show which provider is enforced, and what stops another one."""
        require(actor_of_call(request), CODE)
        named = request.query_params.get("provider_id")
        enforced = IdentityProvider.objects.filter(state=IdentityProvider.State.ENFORCED).first()
        obstacles = services.what_stops_enforcing(provider_of_call(request, _uuid(named))) if named else []
        facts = {"enforced_provider_id": enforced.pk if enforced else None, "obstacles": obstacles}
        return Response(EnforcementSerializer(facts).data)

    @extend_schema(request=EnforceSerializer, responses={200: IdentityProviderSerializer})
    def create(self, request: Request) -> Response:
        """Make a tested provider the only way in."""
        asked = EnforceSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        provider = provider_of_call(request, asked.validated_data["provider_id"])
        moved = services.set_state(provider=provider, state="enforced", actor=actor_of_call(request))
        return Response(IdentityProviderSerializer(moved).data)

    @extend_schema(responses={202: ProposedChangeSerializer, 204: None})
    def destroy(self, request: Request) -> Response:
        """Let passwords count again; the provider stays switched on."""
        require(actor_of_call(request), CODE)
        provider = get_object_or_404(IdentityProvider, state=IdentityProvider.State.ENFORCED)
        stopped = services.stop_enforcing(provider=provider, actor=actor_of_call(request))
        if isinstance(stopped, ProposedChange):
            return waiting_answer(request, stopped)
        return Response(status=204)


class EmergencyOwnersViewSet(KnownParameters, ViewSet):
    """The owners who still come in when the provider is down."""

    query_parameters: dict[str, tuple[str, ...]] = {}
    problem_statuses = {"update": (403, 409)}
    permission_codes = {"retrieve": CODE, "update": CODE}

    @extend_schema(responses={200: EmergencyOwnersSerializer})
    def retrieve(self, request: Request) -> Response:
        """Show who is named, and who has a passkey already."""
        require(actor_of_call(request), CODE)
        return Response(EmergencyOwnersSerializer(_emergency()).data)

    @extend_schema(request=NamedOwnersSerializer, responses={200: EmergencyOwnersSerializer})
    def update(self, request: Request) -> Response:
        """Name them; only an owner may."""
        break_glass.require_may_name(actor_of_call(request))
        asked = NamedOwnersSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        break_glass.name_break_glass(user_ids=asked.validated_data["user_ids"], actor=actor_of_call(request))
        return Response(EmergencyOwnersSerializer(_emergency()).data)


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise InvalidInput(fields={"provider_id": ["There is no such provider."]}) from None


def _emergency() -> dict[str, Any]:
    return {
        "owners": break_glass.emergency_owners(),
        "passkey_address": break_glass.passkey_address(),
    }


class SsoLogViewSet(KnownParameters, GenericViewSet[SsoLogEntry]):
    """What happened at single sign-on, newest first."""

    queryset = SsoLogEntry.objects.none()
    serializer_class = SsoLogEntrySerializer
    keyset_sorts = {"at": "at"}
    keyset_default_sort = "-at"
    query_parameters = {"list": PAGE_PARAMETERS | {"event", "outcome", "reason", "provider_id"}}
    permission_codes = {"list": CODE}

    @extend_schema(parameters=LOG_FILTERS)
    def list(self, request: Request) -> Response:
        """List the entries a page at a time."""
        entries: QuerySet[SsoLogEntry] = sso_log.visible_log(actor=actor_of_call(request))
        asked = request.query_params
        if asked.get("outcome") not in {None, *SsoLogEntry.Outcome.values}:
            raise InvalidInput(fields={"outcome": ["There is no such outcome."]})
        for name in ("event", "outcome", "reason"):
            if name in asked:
                if not _CODE.fullmatch(asked[name]):
                    raise InvalidInput(fields={name: ["This is no code: letters, dots and underscores."]})
                entries = entries.filter(**{name: asked[name]})
        if "provider_id" in asked:
            entries = entries.filter(provider=_uuid(asked["provider_id"]))
        page = self.paginate_queryset(entries.order_by())
        return self.get_paginated_response(SsoLogEntrySerializer(page, many=True).data)
