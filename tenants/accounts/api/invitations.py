"""`/api/v1/invitations/`: asking people in, and taking it back."""

from typing import Any
from uuid import UUID

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    extend_schema,
    extend_schema_serializer,
    extend_schema_view,
)
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from tenants.accounts.access import Role, UserActor
from tenants.accounts.invitations.letters import link_of, mail_invitation
from tenants.accounts.invitations.selectors import pending_invitations
from tenants.accounts.invitations.services import (
    IssuedInvitation,
    invite_user,
    renew_invitation,
    revoke_invitation,
)
from tenants.accounts.models import CustomRole, Invitation
from tenants.foundation.api import PAGE_PARAMETERS, IdempotentPosts, KnownParameters, StrictSerializer
from tenants.foundation.errors import NotFound

ID = OpenApiParameter("id", UUID, OpenApiParameter.PATH)
_INVITATION = {
    "id": "019ab2c4-0a00-7000-8000-000000000003",
    "email": "ben@acme.example",
    "name": "Ben Made-Up",
    "role": "member",
    "custom_role_id": None,
    "state": "open",
    "expires_at": "2027-01-09T09:00:00Z",
    "created_at": "2027-01-02T09:00:00Z",
}


class InvitationSerializer(serializers.Serializer[Any]):
    """An invitation nobody has accepted yet."""

    id = serializers.UUIDField()
    email = serializers.EmailField()
    name = serializers.CharField()
    role = serializers.ChoiceField(choices=Role.choices)
    custom_role_id = serializers.UUIDField(allow_null=True)
    state = serializers.ChoiceField(choices=Invitation.State.choices)
    expires_at = serializers.DateTimeField()
    created_at = serializers.DateTimeField()


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "Invited",
            {**_INVITATION, "link": "https://acme.example/invitations/nts_invite_example/"},
            response_only=True,
        )
    ]
)
class IssuedInvitationSerializer(InvitationSerializer):
    """A new invitation with its link, which is seen here once."""

    link = serializers.CharField(help_text="Lets the person set a password. It works once.")


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "A member",
            {"email": "ben@acme.example", "name": "Ben Made-Up", "role": "member"},
            request_only=True,
        )
    ]
)
class NewInvitationSerializer(StrictSerializer):
    """Whom to ask in, as what."""

    email = serializers.EmailField(max_length=254)
    name = serializers.CharField(max_length=120, required=False, default="")
    role = serializers.ChoiceField(choices=Role.choices)
    custom_role_id = serializers.UUIDField(
        required=False, allow_null=True, default=None,
        help_text="One of the company's own roles they get beside it.",
    )  # fmt: skip
    send = serializers.BooleanField(
        required=False, default=True, help_text="Whether the link is mailed to the person."
    )


@extend_schema_view(
    retrieve=extend_schema(parameters=[ID], responses=InvitationSerializer),
    destroy=extend_schema(parameters=[ID]),
)
class InvitationViewSet(IdempotentPosts, KnownParameters, GenericViewSet[Invitation]):
    """Invitations that are out."""

    queryset = Invitation.objects.none()
    serializer_class = InvitationSerializer
    needs_idempotency_key = True
    lookup_field = "id"
    lookup_value_converter = "uuid"
    keyset_sorts = {"created": "created_at"}
    keyset_default_sort = "-created"
    query_parameters = {"list": PAGE_PARAMETERS}
    permission_codes = dict.fromkeys(
        ("list", "retrieve", "create", "destroy", "renew"), "accounts.invite_users"
    )
    problem_statuses = {"create": (409,), "destroy": (404, 409), "renew": (404, 409)}

    def list(self, request: Request) -> Response:
        """List invitations a page at a time, the newest first."""
        page = self.paginate_queryset(pending_invitations(actor=_actor(request)))
        return self.get_paginated_response(InvitationSerializer(page, many=True).data)

    def retrieve(self, request: Request, id: UUID) -> Response:
        """Show one invitation; never its link."""
        return Response(InvitationSerializer(_found(request, id)).data)

    @extend_schema(request=NewInvitationSerializer, responses={201: IssuedInvitationSerializer})
    def create(self, request: Request) -> Response:
        """Invite somebody; an open invitation of the same address gives way to this one."""
        body = NewInvitationSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        wanted = body.validated_data
        issued = invite_user(
            email=wanted["email"],
            name=wanted["name"],
            role=Role(wanted["role"]),
            custom_role=_own_role(wanted["custom_role_id"]),
            actor=_actor(request),
        )
        return _issued(issued, is_mailed=wanted["send"])

    @extend_schema(parameters=[ID], request=None, responses={201: IssuedInvitationSerializer})
    @action(detail=True, methods=["post"])
    def renew(self, request: Request, id: UUID) -> Response:
        """Make and send a new link in place of a lost or expired one."""
        issued = renew_invitation(invitation=_found(request, id), actor=_actor(request))
        return _issued(issued, is_mailed=True)

    def destroy(self, request: Request, id: UUID) -> Response:
        """Make an invitation's link worthless."""
        revoke_invitation(invitation=_found(request, id), actor=_actor(request))
        return Response(status=204)


def _actor(request: Request) -> UserActor:
    actor: UserActor = request.actor  # type: ignore[attr-defined]
    return actor


def _found(request: Request, invitation_id: UUID) -> Invitation:
    return get_object_or_404(pending_invitations(actor=_actor(request)), pk=invitation_id)


def _own_role(number: UUID | None) -> CustomRole | None:
    if number is None:
        return None
    role = CustomRole.objects.filter(pk=number).first()
    if role is None:
        raise NotFound("There is no such role.", code="not_found.role")
    return role


def _issued(issued: IssuedInvitation, *, is_mailed: bool) -> Response:
    if is_mailed:
        mail_invitation(issued)
    shown = dict(InvitationSerializer(issued.invitation).data)
    return Response({**shown, "link": link_of(issued)}, status=201)
