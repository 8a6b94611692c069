"""`/api/v1/pushes/`: what waits to be sent and what was refused; `/api/v1/task-sync/`: how a task stands."""

from typing import Any
from uuid import UUID

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from integrations.api.fields import ID, ConnectionReferenceSerializer, actor_of
from integrations.models import Push
from integrations.selectors import connection_for
from integrations.sync.push.refusals import hint_of
from integrations.sync.push.selectors import Standing, push_for, standings_of, visible_pushes
from integrations.sync.push.services import retry_parked_pushes, retry_push
from tasks.selectors import visible_task
from tenants.foundation.api import PAGE_PARAMETERS, IdempotentPosts, KnownParameters, StrictSerializer


class DatabaseReferenceSerializer(serializers.Serializer[Any]):
    """A database referred to."""

    id = serializers.UUIDField()
    title = serializers.CharField()


class TaskReferenceSerializer(serializers.Serializer[Any]):
    """A task referred to."""

    id = serializers.UUIDField()
    key = serializers.CharField()
    title = serializers.CharField()


class PushSerializer(serializers.Serializer[Any]):
    """A task that differs from its record, or has none yet."""

    id = serializers.UUIDField()
    connection = ConnectionReferenceSerializer()
    collection = DatabaseReferenceSerializer()
    task = TaskReferenceSerializer()
    kind = serializers.ChoiceField(choices=Push.Kind.choices)
    state = serializers.ChoiceField(choices=Push.State.choices)
    attempts = serializers.IntegerField()
    not_before = serializers.DateTimeField(help_text="It is not sent before.")
    error_code = serializers.CharField(help_text="Why it was refused; empty while it was not.")
    error_field = serializers.CharField(help_text="The column it was refused for, where one is to blame.")
    error = serializers.CharField(help_text="The refusal in a sentence.")
    hint = serializers.SerializerMethodField(help_text="How a refusal is mended.")
    first_edit_at = serializers.DateTimeField()

    def get_hint(self, push: Push) -> str:
        """What to do about a refusal."""
        return hint_of(push.error_code) if push.state == Push.State.PARKED else ""


class PushFilterSerializer(serializers.Serializer[Any]):
    """The filters of the list."""

    connection = serializers.UUIDField(required=False)
    task = serializers.UUIDField(required=False)
    state = serializers.ChoiceField(choices=Push.State.choices, required=False)


class RetryPushesSerializer(StrictSerializer):
    """Whose refused changes are sent again; left out, everybody's."""

    connection_id = serializers.UUIDField(required=False)


class RetriedPushesSerializer(serializers.Serializer[Any]):
    """How many refused changes are sent again."""

    count = serializers.IntegerField()


class TaskStandingSerializer(serializers.Serializer[Any]):
    """How a task stands with one of its records."""

    standing = serializers.ChoiceField(choices=[(item.value, item.value) for item in Standing])
    connection_name = serializers.CharField()
    collection_title = serializers.CharField()
    url = serializers.CharField()
    reason = serializers.CharField()
    hint = serializers.CharField()
    conflicts = serializers.IntegerField(help_text="Fields somebody has to decide about.")
    overwritten = serializers.IntegerField(
        help_text="Fields whose edit there was overwritten from here unread, until somebody has looked."
    )
    push_id = serializers.UUIDField(allow_null=True)


class TaskSyncSerializer(serializers.Serializer[Any]):
    """How a task stands with all of its records."""

    task_id = serializers.UUIDField()
    standings = TaskStandingSerializer(many=True)


@extend_schema_view(
    list=extend_schema(
        parameters=[
            OpenApiParameter("connection", OpenApiTypes.UUID, description="To this workspace."),
            OpenApiParameter("task", OpenApiTypes.UUID, description="Of this task."),
            OpenApiParameter("state", OpenApiTypes.STR, enum=Push.State.values),
        ]
    ),
    retrieve=extend_schema(parameters=[ID], responses=PushSerializer),
)
class PushViewSet(KnownParameters, IdempotentPosts, GenericViewSet[Push]):
    """Changes on their way to a workspace, the newest first. What arrived is not listed any more."""

    queryset = Push.objects.none()
    serializer_class = PushSerializer
    lookup_field = "id"
    lookup_value_converter = "uuid"
    query_parameters = {"list": PAGE_PARAMETERS | {"connection", "task", "state"}}
    problem_statuses = {"retry": (404, 409), "retry_refused": (404,)}
    permission_codes = {
        "list": "integrations.view",
        "retrieve": "integrations.view",
        "retry": "integrations.sync",
        "retry_refused": "integrations.sync",
    }

    def list(self, request: Request) -> Response:
        """List them a page at a time."""
        filters = PushFilterSerializer(data=request.query_params)
        filters.is_valid(raise_exception=True)
        pushes = visible_pushes(actor=actor_of(request)).filter(**filters.validated_data)
        page = self.paginate_queryset(pushes)
        return self.get_paginated_response(PushSerializer(page, many=True).data)

    def retrieve(self, request: Request, id: UUID) -> Response:
        """Show one."""
        return Response(PushSerializer(push_for(actor=actor_of(request), push_id=id)).data)

    @extend_schema(parameters=[ID], request=None, responses={202: PushSerializer})
    @action(detail=True, methods=["post"])
    def retry(self, request: Request, id: UUID) -> Response:
        """Send one that was refused again."""
        push = push_for(actor=actor_of(request), push_id=id)
        return Response(PushSerializer(retry_push(push=push, actor=actor_of(request))).data, status=202)

    @extend_schema(request=RetryPushesSerializer, responses={202: RetriedPushesSerializer})
    @action(detail=False, methods=["post"], url_path="retry-refused")
    def retry_refused(self, request: Request) -> Response:
        """Send everything that was refused again, of one workspace or of all."""
        body = RetryPushesSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        actor, wanted = actor_of(request), body.validated_data.get("connection_id")
        connection = connection_for(actor=actor, connection_id=wanted) if wanted else None
        return Response({"count": retry_parked_pushes(actor=actor, connection=connection)}, status=202)


@extend_schema_view(retrieve=extend_schema(parameters=[ID], responses=TaskSyncSerializer))
class TaskSyncViewSet(KnownParameters, GenericViewSet[Push]):
    """How a task stands with its records in the workspaces."""

    queryset = Push.objects.none()
    serializer_class = TaskSyncSerializer
    lookup_field = "id"
    lookup_value_converter = "uuid"
    permission_codes = {"retrieve": "integrations.view"}

    def retrieve(self, request: Request, id: UUID) -> Response:
        """Show whether a task is in step, waits, was refused, or is in conflict."""
        actor = actor_of(request)
        task = visible_task(actor=actor, key=str(id))
        standings = standings_of(actor=actor, task_id=task.pk)
        return Response(TaskSyncSerializer({"task_id": task.pk, "standings": standings}).data)
