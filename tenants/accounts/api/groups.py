"""`/api/v1/groups/`: groups of people, and who is in them."""

from typing import Any
from uuid import UUID

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from tenants.accounts.access import Actor
from tenants.accounts.access.groups import (
    change_group,
    create_group,
    delete_group,
    set_members,
    visible_groups,
)
from tenants.accounts.models import Group
from tenants.foundation.api import PAGE_PARAMETERS, IdempotentPosts, KnownParameters, StrictSerializer

ID = OpenApiParameter("id", UUID, OpenApiParameter.PATH)


class GroupSerializer(serializers.Serializer[Any]):
    """A group with its number of members."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    description = serializers.CharField()
    external_id = serializers.CharField(help_text="What the directory calls it; empty for a group made here.")
    source = serializers.CharField(help_text="manual, sso or scim.")  # type: ignore[assignment]
    size = serializers.IntegerField()
    created_at = serializers.DateTimeField()


class GroupChangeSerializer(StrictSerializer):
    """A group's name and what it is for."""

    name = serializers.CharField(max_length=200)
    description = serializers.CharField(max_length=300, required=False, allow_blank=True, default="")


class MembersSerializer(StrictSerializer):
    """Exactly who shall be in a group."""

    user_ids = serializers.ListField(child=serializers.UUIDField(), max_length=5000)


@extend_schema_view(
    list=extend_schema(parameters=[]),
    retrieve=extend_schema(parameters=[ID]),
    update=extend_schema(parameters=[ID], request=GroupChangeSerializer, responses=GroupSerializer),
    destroy=extend_schema(parameters=[ID], responses={204: None}),
    members=extend_schema(parameters=[ID], request=MembersSerializer, responses=MembersSerializer),
)
class GroupViewSet(KnownParameters, IdempotentPosts, GenericViewSet[Group]):
    """The company's groups, by name."""

    queryset = Group.objects.none()
    serializer_class = GroupSerializer
    lookup_field = "id"
    lookup_value_converter = "uuid"
    keyset_sorts = {"name": "name"}
    keyset_default_sort = "name"
    query_parameters = {"list": PAGE_PARAMETERS}
    problem_statuses = {"create": (409,), "update": (409,), "members": (409,)}
    permission_codes = {
        "list": "accounts.view_access",
        "retrieve": "accounts.view_access",
        "create": "accounts.manage_groups",
        "update": "accounts.manage_groups",
        "destroy": "accounts.manage_groups",
        "members": "accounts.manage_groups",
    }

    def list(self, request: Request) -> Response:
        """List groups a page at a time."""
        page = self.paginate_queryset(visible_groups(actor=_actor(request)).order_by())
        return self.get_paginated_response(GroupSerializer(page, many=True).data)

    @extend_schema(request=GroupChangeSerializer, responses={201: GroupSerializer})
    def create(self, request: Request) -> Response:
        """Make a group; it has no members and no roles yet."""
        body = GroupChangeSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        group = create_group(actor=_actor(request), **body.validated_data)
        return self._shown(request, group.pk, status=201)

    def retrieve(self, request: Request, id: UUID) -> Response:
        """Show one group."""
        return self._shown(request, id)

    def update(self, request: Request, id: UUID) -> Response:
        """Name a group anew."""
        group = get_object_or_404(Group, pk=id)
        body = GroupChangeSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        change_group(group=group, actor=_actor(request), **body.validated_data)
        return self._shown(request, id)

    def destroy(self, request: Request, id: UUID) -> Response:
        """Delete a group; its people lose what came by it at once."""
        delete_group(group=get_object_or_404(Group, pk=id), actor=_actor(request))
        return Response(status=204)

    @action(detail=True, methods=["put"])
    def members(self, request: Request, id: UUID) -> Response:
        """Let exactly these people be in the group. Repeating it changes nothing."""
        group = get_object_or_404(Group, pk=id)
        body = MembersSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        set_members(group=group, user_ids=body.validated_data["user_ids"], actor=_actor(request))
        members = sorted(group.memberships.values_list("user_id", flat=True))
        return Response(MembersSerializer({"user_ids": members}).data)

    def _shown(self, request: Request, number: UUID, *, status: int = 200) -> Response:
        group = get_object_or_404(visible_groups(actor=_actor(request)), pk=number)
        return Response(GroupSerializer(group).data, status=status)


def _actor(request: Request) -> Actor:
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return actor
