"""`/api/v1/scim-directories/`: directories set up by a program, with their keys, roles and what they were held from."""

from typing import Any
from uuid import UUID

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema, extend_schema_field, extend_schema_view
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from tenants.accounts.access import Role
from tenants.accounts.api.asking import ID, asking, body_of
from tenants.accounts.models import ScimDeprovisioning, ScimDirectory, ScimToken
from tenants.accounts.scim import brake, directories, mapping, tokens
from tenants.accounts.scim.permissions import MANAGE
from tenants.accounts.scim.resources import base_address
from tenants.foundation.api import PAGE_PARAMETERS, IdempotentPosts, KnownParameters, StrictSerializer


class ScimKeySerializer(serializers.Serializer[Any]):
    """A key of a directory; the key itself is only in the answer that made it."""

    id = serializers.UUIDField()
    public_id = serializers.CharField()
    allowed_networks = serializers.ListField(child=serializers.CharField())
    is_usable = serializers.BooleanField()
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()
    last_used_at = serializers.DateTimeField(allow_null=True)
    created_by_id = serializers.UUIDField(allow_null=True, help_text="Who made it.")
    revoked_at = serializers.DateTimeField(allow_null=True)


class NewScimKeySerializer(ScimKeySerializer):
    """A key just made."""

    token = serializers.CharField(help_text="Shown only here; enter it at the directory.")


class ScimDirectorySerializer(serializers.Serializer[Any]):
    """A directory, the company's rules for it, and how it stands."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    is_enabled = serializers.BooleanField()
    base_url = serializers.SerializerMethodField(help_text="What to enter at the directory.")
    provider_id = serializers.UUIDField(
        allow_null=True, help_text="The provider whose subjects are this directory's external ids."
    )
    default_role = serializers.CharField(help_text="Of people it brings; empty for none.")
    username_domain = serializers.CharField(help_text="Put behind user names that are no addresses.")
    brake_percent = serializers.IntegerField()
    brake_least = serializers.IntegerField()
    brake_hours = serializers.IntegerField()
    requests_per_minute = serializers.IntegerField()
    last_seen_at = serializers.DateTimeField(allow_null=True)
    people_count = serializers.IntegerField()
    active_count = serializers.IntegerField()
    group_count = serializers.IntegerField()
    held_count = serializers.IntegerField(help_text="People waiting for a decision.")
    key_expires_at = serializers.DateTimeField(
        allow_null=True, help_text="When its last key ends or ended; null when there is none."
    )
    created_at = serializers.DateTimeField()

    def get_base_url(self, row: ScimDirectory) -> str:
        """Where our SCIM service lies."""
        return base_address()


class NewScimDirectorySerializer(StrictSerializer):
    """A directory to begin."""

    name = serializers.CharField(max_length=80)
    default_role = serializers.ChoiceField(
        choices=[("", "None"), *((role.value, role.label) for role in directories.ROLES)],
        default=Role.MEMBER.value,
        allow_blank=True,
    )


class ScimDirectoryChangeSerializer(StrictSerializer):
    """What can be changed; what is left out stays."""

    name = serializers.CharField(max_length=80, required=False)
    is_enabled = serializers.BooleanField(required=False)
    provider_id = serializers.UUIDField(required=False, allow_null=True)
    default_role = serializers.CharField(max_length=20, required=False, allow_blank=True)
    username_domain = serializers.CharField(max_length=253, required=False, allow_blank=True)
    brake_percent = serializers.IntegerField(required=False, min_value=0, max_value=100)
    brake_least = serializers.IntegerField(required=False, min_value=0, max_value=1000)
    brake_hours = serializers.IntegerField(required=False, min_value=1, max_value=168)
    requests_per_minute = serializers.IntegerField(required=False, min_value=60, max_value=30_000)


class ScimKeyRequestSerializer(StrictSerializer):
    """How long a key lives, and how long the one before goes on beside it."""

    days = serializers.IntegerField(default=tokens.MAX_DAYS, min_value=1, max_value=tokens.MAX_DAYS)
    overlap_hours = serializers.IntegerField(default=24, min_value=0, max_value=tokens.MAX_OVERLAP_HOURS)
    allowed_networks = serializers.ListField(
        child=serializers.CharField(max_length=50), max_length=100, default=list
    )


class ScimGroupRoleSerializer(serializers.Serializer[Any]):
    """A group of the directory and the role it gives."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    size = serializers.IntegerField()
    role = serializers.CharField(help_text="A built-in role's word, the id of the company's own, or empty.")


class ScimMappingSerializer(StrictSerializer):
    """Group → role; an empty role takes it away, groups left out stay as they are."""

    roles = serializers.DictField(child=serializers.CharField(max_length=40, allow_blank=True))
    dry_run = serializers.BooleanField(default=False, help_text="Say what would change, and change nothing.")


class ScimRoleChangeSerializer(serializers.Serializer[Any]):
    """What a mapping means for one person."""

    user_id = serializers.SerializerMethodField()
    gets = serializers.ListField(child=serializers.CharField())
    loses = serializers.ListField(child=serializers.CharField())

    @extend_schema_field(serializers.UUIDField())
    def get_user_id(self, change: mapping.RoleChange) -> UUID:
        """Who it is."""
        return change.user.pk


class ScimMappingAnswerSerializer(serializers.Serializer[Any]):
    """Who gets or loses which role, and how many people that is in all."""

    changed_people = serializers.IntegerField()
    changes = ScimRoleChangeSerializer(many=True)
    is_done = serializers.BooleanField()


class ScimHeldSerializer(serializers.Serializer[Any]):
    """A person a directory was stopped from shutting out."""

    id = serializers.UUIDField()
    user_id = serializers.UUIDField()
    is_deletion = serializers.BooleanField()
    asked_at = serializers.DateTimeField()


class ScimDecisionSerializer(StrictSerializer):
    """What becomes of held people."""

    ids = serializers.ListField(child=serializers.UUIDField(), min_length=1, max_length=1000)
    decision = serializers.ChoiceField(choices=["approve", "refuse"])


class ScimDecidedSerializer(serializers.Serializer[Any]):
    """How many were decided; those that were decided before are not counted."""

    decided = serializers.IntegerField()


_ACTIONS = (
    "list", "create", "retrieve", "partial_update", "destroy", "keys", "revoke_key", "roles", "held", "decide",
)  # fmt: skip


@extend_schema_view(
    retrieve=extend_schema(parameters=[ID]),
    destroy=extend_schema(parameters=[ID], responses={204: None}),
)
class ScimDirectoryViewSet(KnownParameters, IdempotentPosts, GenericViewSet[ScimDirectory]):
    """The company's directories, by name."""

    queryset = ScimDirectory.objects.none()
    serializer_class = ScimDirectorySerializer
    lookup_field = "id"
    lookup_value_converter = "uuid"
    keyset_sorts = {"name": "name"}
    keyset_default_sort = "name"
    query_parameters = {"list": PAGE_PARAMETERS}
    problem_statuses = {
        "create": (409,), "partial_update": (409,), "keys": (409,), "roles": (409,), "decide": (409,),
        "revoke_key": (409,),
    }  # fmt: skip
    permission_codes = dict.fromkeys(_ACTIONS, MANAGE)

    def list(self, request: Request) -> Response:
        """List directories a page at a time."""
        page = self.paginate_queryset(directories.visible_directories(actor=asking(request)).order_by())
        return self.get_paginated_response(ScimDirectorySerializer(page, many=True).data)

    @extend_schema(request=NewScimDirectorySerializer, responses={201: ScimDirectorySerializer})
    def create(self, request: Request) -> Response:
        """Begin a directory; it can do nothing before it has a key."""
        body = body_of(NewScimDirectorySerializer(data=request.data))
        made = directories.create_directory(actor=asking(request), **body)
        return self._shown(request, made.pk, status=201)

    def retrieve(self, request: Request, id: UUID) -> Response:
        """Show one directory."""
        return self._shown(request, id)

    @extend_schema(
        parameters=[ID], request=ScimDirectoryChangeSerializer, responses={200: ScimDirectorySerializer}
    )
    def partial_update(self, request: Request, id: UUID) -> Response:
        """Change the rules for a directory."""
        directory = self._directory(request, id)
        body = body_of(ScimDirectoryChangeSerializer(data=request.data))
        if "provider_id" in body:
            body["has_provider"] = body["provider_id"] is not None
        directories.change_directory(
            directory=directory, actor=asking(request), change=directories.DirectoryChange(**body)
        )
        return self._shown(request, id)

    def destroy(self, request: Request, id: UUID) -> Response:
        """Forget a directory; its people and groups stay and are edited by hand again."""
        directories.remove_directory(directory=self._directory(request, id), actor=asking(request))
        return Response(status=204)

    @extend_schema(parameters=[ID], request=ScimKeyRequestSerializer, responses={201: NewScimKeySerializer})
    @action(detail=True, methods=["post"])
    def keys(self, request: Request, id: UUID) -> Response:
        """Make the directory's key; the one it had goes on for the overlap."""
        directory = self._directory(request, id)
        body = body_of(ScimKeyRequestSerializer(data=request.data))
        issued = tokens.issue_scim_token(directory=directory, actor=asking(request), **body)
        data = ScimKeySerializer(issued.row).data | {"token": issued.token.reveal()}
        return Response(data, status=201)

    @extend_schema(parameters=[ID], request=None, responses={204: None})
    @action(detail=True, methods=["delete"], url_path="keys/<uuid:token_id>", url_name="key")
    def revoke_key(self, request: Request, id: UUID, token_id: UUID) -> Response:
        """Make a key worthless at once."""
        directory = self._directory(request, id)
        token = get_object_or_404(ScimToken.objects.filter(directory=directory), pk=token_id)
        tokens.revoke_scim_token(token=token, actor=asking(request))
        return Response(status=204)

    @extend_schema(
        methods=["GET"],
        parameters=[ID],
        operation_id="scim_directories_roles_list",
        responses=ScimGroupRoleSerializer(many=True),
    )
    @extend_schema(
        methods=["PUT"], parameters=[ID], request=ScimMappingSerializer, responses={200: ScimMappingAnswerSerializer}
    )  # fmt: skip
    @action(detail=True, methods=["get", "put"])
    def roles(self, request: Request, id: UUID) -> Response:
        """Show the groups and the roles they give. PUT changes those, or tries what that would mean."""
        directory, actor = self._directory(request, id), asking(request)
        if request.method == "GET":
            return Response(
                ScimGroupRoleSerializer(mapping.mapping_of(directory, actor=actor), many=True).data
            )
        body = body_of(ScimMappingSerializer(data=request.data))
        wanted = {_group_id(key): role for key, role in body["roles"].items()}
        changes, total = mapping.would_change(directory, wanted, actor=actor)
        if not body["dry_run"]:
            mapping.set_mapping(directory, wanted, actor=actor)
        answer = {"changed_people": total, "changes": changes, "is_done": not body["dry_run"]}
        return Response(ScimMappingAnswerSerializer(answer).data)

    @extend_schema(
        parameters=[ID], operation_id="scim_directories_held_list", responses=ScimHeldSerializer(many=True)
    )
    @action(detail=True, methods=["get"])
    def held(self, request: Request, id: UUID) -> Response:
        """List the people it was stopped from shutting out. The oldest first; 1,000 at most."""
        rows = brake.visible_held(actor=asking(request)).filter(directory=self._directory(request, id))
        return Response(ScimHeldSerializer(rows[:1000], many=True).data)

    @extend_schema(parameters=[ID], request=ScimDecisionSerializer, responses={200: ScimDecidedSerializer})
    @action(detail=True, methods=["post"], url_path="held/decide")
    def decide(self, request: Request, id: UUID) -> Response:
        """Shut held people out after all, or let them stay."""
        directory = self._directory(request, id)
        body = body_of(ScimDecisionSerializer(data=request.data))
        own = ScimDeprovisioning.objects.filter(directory=directory, pk__in=body["ids"])
        decided = (brake.approve if body["decision"] == "approve" else brake.refuse)(
            held=list(own.values_list("pk", flat=True)), actor=asking(request)
        )
        return Response(ScimDecidedSerializer({"decided": decided}).data)

    def _directory(self, request: Request, number: UUID) -> ScimDirectory:
        return get_object_or_404(directories.visible_directories(actor=asking(request)), pk=number)

    def _shown(self, request: Request, number: UUID, *, status: int = 200) -> Response:
        return Response(ScimDirectorySerializer(self._directory(request, number)).data, status=status)


def _group_id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise serializers.ValidationError({"roles": [f"“{text[:60]}” is no group's id."]}) from None
