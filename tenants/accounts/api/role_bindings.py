"""`/api/v1/role-bindings/`: who has which role, and where."""

from typing import Any
from uuid import UUID

from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field, extend_schema_view
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from tenants.accounts.access import Role, Scope, ScopeType
from tenants.accounts.access.bindings import KINDS, Holder, revoke_role, visible_bindings
from tenants.accounts.access.owner_grants import give_role
from tenants.accounts.api.asking import ID, asking, body_of, id_given
from tenants.accounts.api.proposed_changes import ProposedChangeSerializer, waiting_answer
from tenants.accounts.models import CustomRole, ProposedChange, RoleBinding
from tenants.foundation.api import PAGE_PARAMETERS, IdempotentPosts, KnownParameters, StrictSerializer
from tenants.foundation.errors import InvalidInput, NotFound


class BindingSerializer(serializers.Serializer[Any]):
    """A role somebody has, where, until when, and how it came to them."""

    id = serializers.UUIDField()
    holder_type = serializers.SerializerMethodField()
    holder_id = serializers.SerializerMethodField()
    role = serializers.SerializerMethodField(
        help_text="A built-in role's word, or the id of the company's own."
    )
    scope_type = serializers.ChoiceField(choices=ScopeType.choices)
    scope_id = serializers.UUIDField(allow_null=True)
    expires_at = serializers.DateTimeField(allow_null=True)
    is_in_force = serializers.BooleanField()
    source = serializers.CharField(  # type: ignore[assignment]
        help_text="manual, invitation, onboarding, sso, scim or jit."
    )
    granted_by_id = serializers.UUIDField(allow_null=True)
    created_at = serializers.DateTimeField()

    @extend_schema_field(serializers.ChoiceField(choices=list(KINDS)))
    def get_holder_type(self, binding: RoleBinding) -> str:
        """What kind of holder it is."""
        return next(kind for kind in KINDS if getattr(binding, f"{kind}_id"))

    @extend_schema_field(serializers.UUIDField())
    def get_holder_id(self, binding: RoleBinding) -> UUID:
        """Who holds it."""
        number: UUID = getattr(binding, f"{self.get_holder_type(binding)}_id")
        return number

    @extend_schema_field(serializers.CharField())
    def get_role(self, binding: RoleBinding) -> str:
        """The role's name for programs."""
        return binding.role or str(binding.custom_role_id)


class NewBindingSerializer(StrictSerializer):
    """A role to be given. Giving it again changes its end."""

    holder_type = serializers.ChoiceField(choices=list(KINDS))
    holder_id = serializers.UUIDField()
    role = serializers.CharField(
        max_length=40, help_text="A built-in role's word, or the id of the company's own."
    )
    scope_type = serializers.ChoiceField(choices=ScopeType.choices, default=ScopeType.COMPANY.value)
    scope_id = serializers.UUIDField(required=False, allow_null=True, default=None)
    expires_at = serializers.DateTimeField(required=False, allow_null=True, default=None)
    reason = serializers.CharField(
        max_length=500, required=False, allow_blank=True, default="",
        help_text="For the second person, where one has to agree to a new owner.",
    )  # fmt: skip


@extend_schema_view(
    list=extend_schema(
        parameters=[
            OpenApiParameter(
                "user", OpenApiTypes.UUID, description="Bindings of this person in their own name."
            ),
            OpenApiParameter("group", OpenApiTypes.UUID, description="Bindings of this group."),
        ]
    ),
    destroy=extend_schema(parameters=[ID], responses={204: None}),
)
class RoleBindingViewSet(KnownParameters, IdempotentPosts, GenericViewSet[RoleBinding]):
    """Who has which role, the newest first."""

    queryset = RoleBinding.objects.none()
    serializer_class = BindingSerializer
    lookup_field = "id"
    lookup_value_converter = "uuid"
    keyset_sorts = {"created": "created_at"}
    keyset_default_sort = "-created"
    query_parameters = {"list": PAGE_PARAMETERS | {"user", "group"}}
    problem_statuses = {"create": (409,), "destroy": (409,)}
    permission_codes = {
        "list": "accounts.view_access",
        "create": "accounts.change_roles",
        "destroy": "accounts.change_roles",
    }

    def list(self, request: Request) -> Response:
        """List who has what, those that have run out too."""
        rows = visible_bindings(actor=asking(request)).order_by()
        for name in ("user", "group"):
            if value := request.query_params.get(name):
                rows = rows.filter(**{name: id_given(name, value)})
        page = self.paginate_queryset(rows)
        return self.get_paginated_response(BindingSerializer(page, many=True).data)

    @extend_schema(
        request=NewBindingSerializer, responses={201: BindingSerializer, 202: ProposedChangeSerializer}
    )
    def create(self, request: Request) -> Response:
        """Give a role to a person, group, department or token: no more than one holds there oneself.

        Making an owner is answered with 202 and the waiting change where the company wants two people for it.
        """
        body = body_of(NewBindingSerializer(data=request.data))
        scope = None
        if body["scope_type"] != ScopeType.COMPANY:
            if body["scope_id"] is None:
                raise InvalidInput("Name the part of the company.", fields={"scope_id": ["This is needed."]})
            scope = Scope(ScopeType(body["scope_type"]), body["scope_id"])
        given = give_role(
            holder=Holder(body["holder_type"], body["holder_id"]),
            role=_role_named(body["role"]),
            scope=scope,
            expires_at=body["expires_at"],
            actor=asking(request),
            reason=body["reason"],
        )
        if isinstance(given, ProposedChange):
            return waiting_answer(request, given)
        return Response(BindingSerializer(given).data, status=201)

    def destroy(self, request: Request, id: UUID) -> Response:
        """Take a role away; it is gone with the next request."""
        revoke_role(binding=get_object_or_404(RoleBinding, pk=id), actor=asking(request))
        return Response(status=204)


def _role_named(key: str) -> Role | CustomRole:
    if key in Role:
        return Role(key)
    role = CustomRole.objects.filter(pk=id_given("role", key)).first()
    if role is None:
        raise NotFound("There is no such role.", code="not_found.role")
    return role
