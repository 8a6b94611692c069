"""`/api/v1/roles/`: the built-in roles and the company's own."""

from typing import Any
from uuid import UUID

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from tenants.accounts.access import Role, all_permissions, codes_of
from tenants.accounts.access.custom_roles import (
    change_custom_role,
    create_custom_role,
    delete_custom_role,
    visible_custom_roles,
)
from tenants.accounts.access.roles import DESCRIPTIONS
from tenants.accounts.api.asking import ID, asking, body_of
from tenants.accounts.models import CustomRole
from tenants.foundation.api import IdempotentPosts, KnownParameters, StrictSerializer


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
        own = [_own(role) for role in visible_custom_roles(actor=asking(request))]
        return Response(RoleSerializer([*map(_builtin, Role), *own], many=True).data)

    @extend_schema(request=NewRoleSerializer, responses={201: RoleSerializer})
    def create(self, request: Request) -> Response:
        """Make a role of the company's own. One can put into it only what one holds."""
        body = body_of(NewRoleSerializer(data=request.data))
        role = create_custom_role(
            name=body["name"],
            codes=body["permissions"],
            description=body["description"],
            actor=asking(request),
        )
        return Response(RoleSerializer(_own(role)).data, status=201)

    def retrieve(self, request: Request, id: UUID) -> Response:
        """Show one of the company's own roles."""
        return Response(RoleSerializer(_own(self._role(request, id))).data)

    def partial_update(self, request: Request, id: UUID) -> Response:
        """Change a role, at once for everybody who has it."""
        role = get_object_or_404(CustomRole, pk=id)
        body = body_of(RoleChangeSerializer(data=request.data))
        changed = change_custom_role(
            role=role,
            actor=asking(request),
            name=body.get("name"),
            codes=body.get("permissions"),
            description=body.get("description"),
        )
        return Response(RoleSerializer(_own(changed)).data)

    def destroy(self, request: Request, id: UUID) -> Response:
        """Delete a role nobody has."""
        delete_custom_role(role=get_object_or_404(CustomRole, pk=id), actor=asking(request))
        return Response(status=204)

    def _role(self, request: Request, number: UUID) -> CustomRole:
        return get_object_or_404(visible_custom_roles(actor=asking(request)), pk=number)


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
