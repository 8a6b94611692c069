"""`/api/v1/api-tokens/` and `/service-accounts/`: keys of people and of programs, shown once when they are made."""

from typing import Any
from uuid import UUID

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from tenants.accounts.access import Role
from tenants.accounts.access.roles import BELOW_OWNER
from tenants.accounts.api.asking import ID, asking, body_of
from tenants.accounts.models import ApiToken, ServiceAccount
from tenants.accounts.services import deactivate_user
from tenants.accounts.tokens.selectors import visible_api_tokens
from tenants.accounts.tokens.service_accounts import (
    MANAGE,
    create_service_account,
    issue_service_token,
    visible_service_accounts,
)
from tenants.accounts.tokens.services import (
    MAX_OVERLAP_HOURS,
    IssuedToken,
    create_api_token,
    revoke_api_token,
    rotate_api_token,
)
from tenants.foundation.api import PAGE_PARAMETERS, IdempotentPosts, KnownParameters, StrictSerializer

_USE = "accounts.use_api_tokens"


class ApiTokenSerializer(serializers.Serializer[Any]):
    """A token: never its secret."""

    id = serializers.UUIDField()
    user_id = serializers.UUIDField()
    name = serializers.CharField()
    public_id = serializers.CharField(help_text="The part of it that may be shown and searched for.")
    scopes = serializers.ListField(child=serializers.CharField())
    allowed_networks = serializers.ListField(child=serializers.CharField())
    is_usable = serializers.BooleanField()
    replaces_id = serializers.UUIDField(allow_null=True)
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()
    last_used_at = serializers.DateTimeField(allow_null=True)
    revoked_at = serializers.DateTimeField(allow_null=True)


class IssuedTokenSerializer(ApiTokenSerializer):
    """A new token with its secret, which is seen here once."""

    token = serializers.CharField()


class NewTokenSerializer(StrictSerializer):
    """A token to be made, for permissions one holds oneself."""

    name = serializers.CharField(max_length=120)
    scopes = serializers.ListField(child=serializers.CharField(max_length=80), min_length=1, max_length=200)
    days = serializers.IntegerField(min_value=1, max_value=365, required=False, default=90)
    allowed_networks = serializers.ListField(
        child=serializers.CharField(max_length=50), required=False, default=list, max_length=100
    )


class RotationSerializer(StrictSerializer):
    """How long the old token goes on beside the new one."""

    overlap_hours = serializers.IntegerField(
        min_value=0, max_value=MAX_OVERLAP_HOURS, required=False, default=24
    )


@extend_schema_view(destroy=extend_schema(parameters=[ID], responses={204: None}))
class ApiTokenViewSet(KnownParameters, IdempotentPosts, GenericViewSet[ApiToken]):
    """One's own tokens; everybody's for those who manage them. Only a signed-in person makes one, never a token."""

    queryset = ApiToken.objects.none()
    serializer_class = ApiTokenSerializer
    lookup_field = "id"
    lookup_value_converter = "uuid"
    keyset_sorts = {"created": "created_at"}
    keyset_default_sort = "-created"
    query_parameters = {"list": PAGE_PARAMETERS}
    problem_statuses = {"rotate": (404, 409)}
    permission_codes = dict.fromkeys(("list", "create", "destroy", "rotate"), _USE)

    def list(self, request: Request) -> Response:
        """List tokens a page at a time, the newest first."""
        page = self.paginate_queryset(visible_api_tokens(actor=asking(request)).order_by())
        return self.get_paginated_response(ApiTokenSerializer(page, many=True).data)

    @extend_schema(request=NewTokenSerializer, responses={201: IssuedTokenSerializer})
    def create(self, request: Request) -> Response:
        """Make a token of one's own; it is shown in this answer only."""
        body = body_of(NewTokenSerializer(data=request.data))
        return _issued(create_api_token(actor=asking(request), **body))

    @extend_schema(parameters=[ID], request=RotationSerializer, responses={201: IssuedTokenSerializer})
    @action(detail=True, methods=["post"])
    def rotate(self, request: Request, id: UUID) -> Response:
        """Make a token in place of another, for the same; the old one goes on for the overlap."""
        token = get_object_or_404(visible_api_tokens(actor=asking(request)), pk=id)
        hours = body_of(RotationSerializer(data=request.data))["overlap_hours"]
        return _issued(rotate_api_token(token=token, actor=asking(request), overlap_hours=hours))

    def destroy(self, request: Request, id: UUID) -> Response:
        """Make a token worthless at once."""
        token = get_object_or_404(visible_api_tokens(actor=asking(request)), pk=id)
        revoke_api_token(token=token, actor=asking(request))
        return Response(status=204)


class ServiceAccountSerializer(serializers.Serializer[Any]):
    """A program that works in its own name."""

    id = serializers.UUIDField()
    user_id = serializers.UUIDField(help_text="Who it is in histories and bindings.")
    name = serializers.CharField(source="user.name")
    purpose = serializers.CharField()
    is_active = serializers.BooleanField(source="user.is_active")
    created_at = serializers.DateTimeField()


class NewServiceAccountSerializer(StrictSerializer):
    """A program to be let in."""

    name = serializers.CharField(max_length=120)
    role = serializers.ChoiceField(choices=BELOW_OWNER)
    purpose = serializers.CharField(max_length=300, required=False, allow_blank=True, default="")


@extend_schema_view(retrieve=extend_schema(parameters=[ID], responses=ServiceAccountSerializer))
class ServiceAccountViewSet(KnownParameters, IdempotentPosts, GenericViewSet[ServiceAccount]):
    """Programs with a role and tokens of their own."""

    queryset = ServiceAccount.objects.none()
    serializer_class = ServiceAccountSerializer
    lookup_field = "id"
    lookup_value_converter = "uuid"
    query_parameters = {"list": PAGE_PARAMETERS}
    keyset_sorts = {"created": "created_at"}
    keyset_default_sort = "-created"
    problem_statuses = {"tokens": (404, 409), "deactivate": (404, 409)}
    permission_codes = dict.fromkeys(("list", "retrieve", "create", "tokens", "deactivate"), MANAGE)

    def list(self, request: Request) -> Response:
        """List programs a page at a time, the newest first."""
        page = self.paginate_queryset(visible_service_accounts(actor=asking(request)).order_by())
        return self.get_paginated_response(ServiceAccountSerializer(page, many=True).data)

    def retrieve(self, request: Request, id: UUID) -> Response:
        """Show one program."""
        return Response(ServiceAccountSerializer(_account(request, id)).data)

    @extend_schema(request=NewServiceAccountSerializer, responses={201: ServiceAccountSerializer})
    def create(self, request: Request) -> Response:
        """Let a program in, with a role up to one's own and never an owner's."""
        body = body_of(NewServiceAccountSerializer(data=request.data))
        account = create_service_account(
            actor=asking(request), name=body["name"], role=Role(body["role"]), purpose=body["purpose"]
        )
        return Response(ServiceAccountSerializer(account).data, status=201)

    @extend_schema(parameters=[ID], request=None, responses=ServiceAccountSerializer)
    @action(detail=True, methods=["post"])
    def deactivate(self, request: Request, id: UUID) -> Response:
        """Shut a program out at once, with all its tokens."""
        deactivate_user(user=_account(request, id).user, actor=asking(request))
        return Response(ServiceAccountSerializer(_account(request, id)).data)

    @extend_schema(parameters=[ID], request=NewTokenSerializer, responses={201: IssuedTokenSerializer})
    @action(detail=True, methods=["post"])
    def tokens(self, request: Request, id: UUID) -> Response:
        """Make a token for a program; it is shown in this answer only.

        It is for no more than the program and the caller both hold, and made by a token, for no longer and from no
        wider networks than that one.
        """
        body = body_of(NewTokenSerializer(data=request.data))
        return _issued(issue_service_token(account=_account(request, id), actor=asking(request), **body))


def _account(request: Request, number: UUID) -> ServiceAccount:
    found: ServiceAccount = get_object_or_404(visible_service_accounts(actor=asking(request)), pk=number)
    return found


def _issued(issued: IssuedToken) -> Response:
    shown = dict(ApiTokenSerializer(issued.row).data)
    return Response({**shown, "token": issued.token.reveal()}, status=201)
