"""`/api/v1/roles/`, `/role-bindings/`, `/access-denials/`: roles, who has them, and what was refused."""

from typing import Any
from uuid import UUID

from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field, extend_schema_view
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from tenants.accounts.access import Actor, Role, Scope, ScopeType, all_permissions, codes_of
from tenants.accounts.access.bindings import KINDS, Holder, revoke_role, visible_bindings
from tenants.accounts.access.custom_roles import (
    change_custom_role,
    create_custom_role,
    delete_custom_role,
    visible_custom_roles,
)
from tenants.accounts.access.owner_grants import give_role
from tenants.accounts.access.recording import recent_denials
from tenants.accounts.access.roles import DESCRIPTIONS
from tenants.accounts.api.proposed_changes import ProposedChangeSerializer, waiting_answer
from tenants.accounts.models import AccessDenial, CustomRole, ProposedChange, RoleBinding
from tenants.foundation.api import PAGE_PARAMETERS, IdempotentPosts, KnownParameters, StrictSerializer
from tenants.foundation.errors import InvalidInput, NotFound

ID = OpenApiParameter("id", UUID, OpenApiParameter.PATH)


class RoleSerializer(serializers.Serializer[Any]):
    """A role: one of the built-in ones (named by its word) or one of the company's own (named by its id)."""

    key = serializers.CharField(
        help_text="What bindings name it by: `member`, or the id of the company's own."
    )
    name = serializers.CharField()
    description = serializers.CharField()
    is_builtin = serializers.BooleanField()
    permissions = serializers.ListField(child=serializers.CharField())
    version = serializers.IntegerField(
        help_text="Counts the changes of the company's own; 1 for built-in ones."
    )


class NewRoleSerializer(StrictSerializer):
    """A role to be made out of permissions one holds."""

    name = serializers.CharField(max_length=80)
    description = serializers.CharField(max_length=300, required=False, allow_blank=True, default="")
    permissions = serializers.ListField(child=serializers.CharField(max_length=80), min_length=1)


class RoleChangeSerializer(StrictSerializer):
    """What can be changed of a role; what is left out stays."""

    name = serializers.CharField(max_length=80, required=False)
    description = serializers.CharField(max_length=300, required=False, allow_blank=True)
    permissions = serializers.ListField(
        child=serializers.CharField(max_length=80), min_length=1, required=False
    )


@extend_schema_view(
    retrieve=extend_schema(parameters=[ID], responses=RoleSerializer),
    partial_update=extend_schema(parameters=[ID], request=RoleChangeSerializer, responses=RoleSerializer),
    destroy=extend_schema(parameters=[ID], responses={204: None}),
)
class RoleViewSet(KnownParameters, IdempotentPosts, GenericViewSet[CustomRole]):
    """Roles: the built-in ones, then the company's own."""

    queryset = CustomRole.objects.none()
    serializer_class = RoleSerializer
    pagination_class = None
    lookup_field = "id"
    lookup_value_converter = "uuid"
    problem_statuses = {"create": (409,), "partial_update": (409,), "destroy": (409,)}
    permission_codes = {
        "list": "accounts.view_access",
        "retrieve": "accounts.view_access",
        "create": "accounts.manage_roles",
        "partial_update": "accounts.manage_roles",
        "destroy": "accounts.manage_roles",
    }

    @extend_schema(responses=RoleSerializer(many=True))
    def list(self, request: Request) -> Response:
        """List every role there is and what it allows."""
        own = [_own(role) for role in visible_custom_roles(actor=_actor(request))]
        return Response(RoleSerializer([*map(_builtin, Role), *own], many=True).data)

    @extend_schema(request=NewRoleSerializer, responses={201: RoleSerializer})
    def create(self, request: Request) -> Response:
        """Make a role of the company's own. One can put into it only what one holds."""
        body = _checked(NewRoleSerializer(data=request.data))
        role = create_custom_role(
            name=body["name"],
            codes=body["permissions"],
            description=body["description"],
            actor=_actor(request),
        )
        return Response(RoleSerializer(_own(role)).data, status=201)

    def retrieve(self, request: Request, id: UUID) -> Response:
        """Show one of the company's own roles."""
        return Response(RoleSerializer(_own(self._role(request, id))).data)

    def partial_update(self, request: Request, id: UUID) -> Response:
        """Change a role, at once for everybody who has it."""
        role = get_object_or_404(CustomRole, pk=id)
        body = _checked(RoleChangeSerializer(data=request.data))
        changed = change_custom_role(
            role=role,
            actor=_actor(request),
            name=body.get("name"),
            codes=body.get("permissions"),
            description=body.get("description"),
        )
        return Response(RoleSerializer(_own(changed)).data)

    def destroy(self, request: Request, id: UUID) -> Response:
        """Delete a role nobody has."""
        delete_custom_role(role=get_object_or_404(CustomRole, pk=id), actor=_actor(request))
        return Response(status=204)

    def _role(self, request: Request, number: UUID) -> CustomRole:
        return get_object_or_404(visible_custom_roles(actor=_actor(request)), pk=number)


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
        rows = visible_bindings(actor=_actor(request)).order_by()
        for name in ("user", "group"):
            if value := request.query_params.get(name):
                rows = rows.filter(**{name: _uuid(name, value)})
        page = self.paginate_queryset(rows)
        return self.get_paginated_response(BindingSerializer(page, many=True).data)

    @extend_schema(
        request=NewBindingSerializer, responses={201: BindingSerializer, 202: ProposedChangeSerializer}
    )
    def create(self, request: Request) -> Response:
        """Give a role to a person, group, department or token: no more than one holds there oneself.

        Making an owner is answered with 202 and the waiting change where the company wants two people for it.
        """
        body = _checked(NewBindingSerializer(data=request.data))
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
            actor=_actor(request),
            reason=body["reason"],
        )
        if isinstance(given, ProposedChange):
            return waiting_answer(request, given)
        return Response(BindingSerializer(given).data, status=201)

    def destroy(self, request: Request, id: UUID) -> Response:
        """Take a role away; it is gone with the next request."""
        revoke_role(binding=get_object_or_404(RoleBinding, pk=id), actor=_actor(request))
        return Response(status=204)


class DenialSerializer(serializers.Serializer[Any]):
    """Something refused to somebody in one minute, with how often."""

    id = serializers.UUIDField()
    minute = serializers.DateTimeField()
    user_id = serializers.UUIDField(allow_null=True)
    token_id = serializers.UUIDField(allow_null=True)
    permission = serializers.CharField()
    reason = serializers.CharField(help_text="nobody, deactivated, no_role, token, scope or object.")
    object_type = serializers.CharField()
    object_id = serializers.CharField()
    route = serializers.CharField()
    count = serializers.IntegerField()
    last_at = serializers.DateTimeField()


class AccessDenialViewSet(KnownParameters, GenericViewSet[AccessDenial]):
    """What was refused, the newest first; kept for 90 days."""

    queryset = AccessDenial.objects.none()
    serializer_class = DenialSerializer
    keyset_sorts = {"minute": "minute"}
    keyset_default_sort = "-minute"
    query_parameters = {"list": PAGE_PARAMETERS | {"user"}}
    permission_codes = {"list": "accounts.view_access"}

    @extend_schema(
        parameters=[OpenApiParameter("user", OpenApiTypes.UUID, description="What this person was refused.")]
    )
    def list(self, request: Request) -> Response:
        """List what was refused: the permission, why, for which object, how often."""
        user = request.query_params.get("user")
        rows = recent_denials(actor=_actor(request), user_id=_uuid("user", user) if user else None)
        page = self.paginate_queryset(rows.order_by())
        return self.get_paginated_response(DenialSerializer(page, many=True).data)


def _builtin(role: Role) -> dict[str, Any]:
    codes = codes_of(role) & {
        each.code for each in all_permissions() if not each.code.startswith("platform.")
    }
    return {
        "key": role.value, "name": str(role.label), "description": str(DESCRIPTIONS[role]),
        "is_builtin": True, "permissions": sorted(codes), "version": 1,
    }  # fmt: skip


def _own(role: CustomRole) -> dict[str, Any]:
    return {
        "key": str(role.pk), "name": role.name, "description": role.description,
        "is_builtin": False, "permissions": role.codes, "version": role.version,
    }  # fmt: skip


def _role_named(key: str) -> Role | CustomRole:
    if key in Role:
        return Role(key)
    role = CustomRole.objects.filter(pk=_uuid("role", key)).first()
    if role is None:
        raise NotFound("There is no such role.", code="not_found.role")
    return role


def _uuid(name: str, text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise InvalidInput(fields={name: ["There is no such thing."]}) from None


def _checked(serializer: StrictSerializer) -> dict[str, Any]:
    serializer.is_valid(raise_exception=True)
    data: dict[str, Any] = serializer.validated_data
    return data


def _actor(request: Request) -> Actor:
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return actor
