"""`/api/v1/conflicts/`: what both sides changed, with all three values, and the choice between them."""

from typing import Any
from uuid import UUID

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiParameter,
    extend_schema,
    extend_schema_field,
    extend_schema_serializer,
    extend_schema_view,
)
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from integrations.api import examples
from integrations.api.fields import ID, ConnectionReferenceSerializer, actor_of
from integrations.models import Conflict
from integrations.sync.conflicts.selectors import conflict_for, visible_conflicts
from integrations.sync.conflicts.services import MAX_AT_ONCE, choose, choose_many, revert, sides_of
from integrations.sync.vocabulary import OurField
from tenants.foundation.api import PAGE_PARAMETERS, IdempotentPosts, KnownParameters, StrictSerializer

FIELDS = [*(item.value for item in OurField), "record"]


class ConflictTaskSerializer(serializers.Serializer[Any]):
    """The task a conflict is about."""

    id = serializers.UUIDField()
    key = serializers.CharField()
    title = serializers.CharField()


@extend_schema_serializer(examples=[examples.CONFLICT])
class ConflictSerializer(serializers.Serializer[Any]):
    """One field of one task that was changed here and there since both agreed."""

    id = serializers.UUIDField()
    connection = ConnectionReferenceSerializer()
    task = ConflictTaskSerializer()
    remote_id = serializers.CharField(source="link.remote_id")
    remote_url = serializers.CharField(source="link.url")
    our_field = serializers.CharField(
        help_text="`record` is the record as a whole: in the trash there, edited here."
    )
    policy = serializers.CharField(
        help_text="The rule of the field: a policy, or the direction it is limited to. `unread`: a write from here"
        " went over an edit there before anybody had read it."
    )
    state = serializers.ChoiceField(choices=Conflict.State.choices)
    base = serializers.JSONField(help_text="What both sides agreed on.")
    local = serializers.JSONField(help_text="What it was made here.")
    remote = serializers.JSONField(
        help_text="What it was made there; null and unknown with the policy `unread`."
    )
    chosen = serializers.ChoiceField(
        choices=["", *Conflict.Side.values], help_text="Whose value counts; empty while it waits."
    )
    sides = serializers.SerializerMethodField()
    reason = serializers.CharField()
    local_changed_at = serializers.DateTimeField(allow_null=True)
    remote_changed_at = serializers.DateTimeField(allow_null=True)
    settled_by_id = serializers.UUIDField(allow_null=True, help_text="The user who decided; null: a rule.")
    settled_at = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()

    @extend_schema_field(serializers.ListField(child=serializers.ChoiceField(choices=Conflict.Side.choices)))
    def get_sides(self, conflict: Conflict) -> list[str]:
        """The sides that can be chosen."""
        return sides_of(conflict)


class DecisionSerializer(StrictSerializer):
    """What the one who decides knows of the conflict."""

    updated_at = serializers.DateTimeField(
        required=False, help_text="As it was shown: if the conflict has changed since, the answer is 409."
    )
    is_sure = serializers.BooleanField(
        default=False, help_text="Decide although the task has been edited here since."
    )


@extend_schema_serializer(examples=[examples.CHOICE])
class SideChoiceSerializer(DecisionSerializer):
    """The side to take."""

    side = serializers.ChoiceField(choices=Conflict.Side.choices)


class ChoicesSerializer(StrictSerializer):
    """The same side in many conflicts."""

    ids = serializers.ListField(child=serializers.UUIDField(), min_length=1, max_length=MAX_AT_ONCE)
    side = serializers.ChoiceField(choices=Conflict.Side.choices)


class RefusedSerializer(serializers.Serializer[Any]):
    """A conflict that could not be decided."""

    conflict_id = serializers.UUIDField()
    code = serializers.CharField()
    message = serializers.CharField()


class ChosenTogetherSerializer(serializers.Serializer[Any]):
    """What became of many conflicts."""

    settled_ids = serializers.ListField(child=serializers.UUIDField())
    refused = RefusedSerializer(many=True)


class ConflictFilterSerializer(serializers.Serializer[Any]):
    """The filters of the list."""

    connection = serializers.UUIDField(required=False)
    state = serializers.ChoiceField(choices=Conflict.State.choices, required=False)
    our_field = serializers.ChoiceField(choices=FIELDS, required=False)
    task = serializers.UUIDField(required=False)


@extend_schema_view(
    list=extend_schema(
        parameters=[
            OpenApiParameter("connection", OpenApiTypes.UUID, description="Conflicts with this workspace."),
            OpenApiParameter("state", OpenApiTypes.STR, enum=Conflict.State.values),
            OpenApiParameter("our_field", OpenApiTypes.STR, enum=FIELDS),
            OpenApiParameter("task", OpenApiTypes.UUID, description="Conflicts about this task."),
        ]
    ),
    retrieve=extend_schema(parameters=[ID]),
)
class ConflictViewSet(KnownParameters, IdempotentPosts, GenericViewSet[Conflict]):
    """Conflicts, newest first."""

    queryset = Conflict.objects.none()
    serializer_class = ConflictSerializer
    lookup_field = "id"
    lookup_value_converter = "uuid"
    query_parameters = {"list": PAGE_PARAMETERS | {"connection", "state", "our_field", "task"}}
    problem_statuses = {"choose": (404, 409), "revert": (404, 409)}
    permission_codes = {
        "list": "integrations.sync",
        "retrieve": "integrations.sync",
        "choose": "integrations.sync",
        "revert": "integrations.sync",
        "choose_many": "integrations.sync",
    }

    def list(self, request: Request) -> Response:
        """List conflicts a page at a time, newest first."""
        filters = ConflictFilterSerializer(data=request.query_params)
        filters.is_valid(raise_exception=True)
        conflicts = visible_conflicts(actor=actor_of(request)).filter(**filters.validated_data)
        page = self.paginate_queryset(conflicts)
        return self.get_paginated_response(ConflictSerializer(page, many=True).data)

    def retrieve(self, request: Request, id: UUID) -> Response:
        """Show one conflict."""
        return self._shown(request, id)

    @extend_schema(parameters=[ID], request=SideChoiceSerializer)
    @action(detail=True, methods=["post"])
    def choose(self, request: Request, id: UUID) -> Response:
        """Take a side: the task gets its value, and what differs is sent to the workspace."""
        conflict_for(actor=actor_of(request), conflict_id=id)
        body = SideChoiceSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        choose(
            conflict_id=id,
            side=body.validated_data["side"],
            actor=actor_of(request),
            seen_at=body.validated_data.get("updated_at"),
            is_sure=body.validated_data["is_sure"],
        )
        return self._shown(request, id)

    @extend_schema(parameters=[ID], request=DecisionSerializer)
    @action(detail=True, methods=["post"])
    def revert(self, request: Request, id: UUID) -> Response:
        """Take a decision back, a rule's or a person's: the value that had given way counts."""
        conflict_for(actor=actor_of(request), conflict_id=id)
        body = DecisionSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        revert(
            conflict_id=id,
            actor=actor_of(request),
            seen_at=body.validated_data.get("updated_at"),
            is_sure=body.validated_data["is_sure"],
        )
        return self._shown(request, id)

    @extend_schema(
        operation_id="conflicts_choose_many", request=ChoicesSerializer, responses=ChosenTogetherSerializer
    )
    @action(detail=False, methods=["post"], url_path="choose", url_name="choose-many")
    def choose_many(self, request: Request) -> Response:
        """Take the same side in up to 200 conflicts; those for which it is not possible are named."""
        body = ChoicesSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        outcome = choose_many(
            conflict_ids=body.validated_data["ids"],
            side=body.validated_data["side"],
            actor=actor_of(request),
        )
        return Response(ChosenTogetherSerializer(outcome).data)

    def _shown(self, request: Request, conflict_id: UUID) -> Response:
        return Response(
            ConflictSerializer(conflict_for(actor=actor_of(request), conflict_id=conflict_id)).data
        )
