"""`/api/v1/me/sign-ins/` and `/api/v1/users/{id}/sign-ins/`: where people are signed in, and signing them out."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema, extend_schema_field, extend_schema_view
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from tenants.accounts.api.asking import ID, USER_ID, asking, asking_for_oneself
from tenants.accounts.api.permissions import ANYBODY
from tenants.accounts.clients import open_to_clients
from tenants.accounts.mfa.enrolment import open_without_second_factor
from tenants.accounts.models import User, UserSession
from tenants.accounts.sessions.devices import device_of
from tenants.accounts.sessions.policy import current_rules
from tenants.accounts.sessions.selectors import open_sign_ins
from tenants.accounts.sessions.services import (
    MANAGE_SESSIONS,
    revoke_sign_in,
    revoke_sign_ins,
    sign_in_id_of,
)
from tenants.foundation.api import IdempotentPosts, KnownParameters


class SignInSerializer(serializers.Serializer[Any]):
    """One sign-in that holds."""

    id = serializers.UUIDField()
    is_this_one = serializers.SerializerMethodField(help_text="Whether the request came by it.")
    device = serializers.SerializerMethodField()
    method = serializers.ChoiceField(choices=UserSession.Method.choices)
    second_factor = serializers.CharField(help_text="totp, passkey, recovery, or empty for none.")
    ip_address = serializers.IPAddressField(allow_null=True)
    started_at = serializers.DateTimeField()
    last_seen_at = serializers.DateTimeField()

    @extend_schema_field(serializers.BooleanField())
    def get_is_this_one(self, row: UserSession) -> bool:
        """Whether it is the caller's own."""
        return bool(row.pk == self.context["here"])

    @extend_schema_field(serializers.CharField())
    def get_device(self, row: UserSession) -> str:
        """The browser and system, in words."""
        return device_of(row.user_agent)


class EndedSerializer(serializers.Serializer[Any]):
    """How many sign-ins ended."""

    ended = serializers.IntegerField()


def _shown(request: Request, rows: QuerySet[UserSession]) -> Response:
    context = {"here": sign_in_id_of(request._request)}
    return Response(SignInSerializer(rows, many=True, context=context).data)


@extend_schema_view(destroy=extend_schema(parameters=[ID], responses={204: None}))
@open_without_second_factor
@open_to_clients
class MySignInViewSet(KnownParameters, IdempotentPosts, GenericViewSet[UserSession]):
    """Where the caller is signed in."""

    queryset = UserSession.objects.none()
    serializer_class = SignInSerializer
    pagination_class = None
    lookup_field = "id"
    lookup_value_converter = "uuid"
    permission_codes = dict.fromkeys(("list", "destroy", "end_others"), ANYBODY)

    @extend_schema(operation_id="me_sign_ins_list", responses=SignInSerializer(many=True))
    def list(self, request: Request) -> Response:
        """List one's own sign-ins, the last used first."""
        return _shown(request, _of(request, asking_for_oneself(request).user))

    @extend_schema(operation_id="me_sign_ins_destroy")
    def destroy(self, request: Request, id: UUID) -> Response:
        """End one of one's own sign-ins."""
        actor = asking_for_oneself(request)
        revoke_sign_in(sign_in=get_object_or_404(_of(request, actor.user), pk=id), actor=actor)
        return Response(status=204)

    @extend_schema(operation_id="me_sign_ins_end_others", request=None, responses=EndedSerializer)
    @action(detail=False, methods=["post"], url_path="end-others")
    def end_others(self, request: Request) -> Response:
        """End all of one's own sign-ins but the one this request came by."""
        actor = asking_for_oneself(request)
        ended = revoke_sign_ins(user=actor.user, actor=actor, but=sign_in_id_of(request._request))
        return Response(EndedSerializer({"ended": ended}).data)


@extend_schema_view(destroy=extend_schema(parameters=[USER_ID, ID], responses={204: None}))
class UserSignInViewSet(KnownParameters, IdempotentPosts, GenericViewSet[UserSession]):
    """Where somebody else is signed in."""

    queryset = UserSession.objects.none()
    serializer_class = SignInSerializer
    pagination_class = None
    lookup_field = "id"
    lookup_value_converter = "uuid"
    permission_codes = dict.fromkeys(("list", "destroy", "end_all"), MANAGE_SESSIONS)

    @extend_schema(
        operation_id="users_sign_ins_list", parameters=[USER_ID], responses=SignInSerializer(many=True)
    )
    def list(self, request: Request, user_id: UUID) -> Response:
        """List somebody's sign-ins, the last used first."""
        return _shown(request, _of(request, _person(request, user_id)))

    @extend_schema(operation_id="users_sign_ins_destroy")
    def destroy(self, request: Request, user_id: UUID, id: UUID) -> Response:
        """End one of somebody's sign-ins."""
        row = get_object_or_404(_of(request, _person(request, user_id)), pk=id)
        revoke_sign_in(sign_in=row, actor=asking(request))
        return Response(status=204)

    @extend_schema(
        operation_id="users_sign_ins_end_all", parameters=[USER_ID], request=None, responses=EndedSerializer
    )
    @action(detail=False, methods=["post"], url_path="end-all")
    def end_all(self, request: Request, user_id: UUID) -> Response:
        """Sign somebody out everywhere; oneself everywhere but here."""
        ended = revoke_sign_ins(
            user=_person(request, user_id), actor=asking(request), but=sign_in_id_of(request._request)
        )
        return Response(EndedSerializer({"ended": ended}).data)


def _of(request: Request, user: User) -> QuerySet[UserSession]:
    return open_sign_ins(user=user, actor=asking(request), rules=current_rules())


def _person(request: Request, user_id: UUID) -> User:
    """Somebody of the company; whoever manages sign-ins need not hold what shows the list of people."""
    found: User = get_object_or_404(User, pk=user_id)
    return found
