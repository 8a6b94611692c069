"""`/api/v1/tasks/`: what goes in, what comes out, and the verbs."""

from typing import Any

from drf_spectacular.utils import (
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

from tasks.api import examples
from tasks.api.fields import (
    FILTER_NAMES,
    FILTER_PARAMETERS,
    REPEATABLE_NAMES,
    HoursField,
    NamedSerializer,
    PriorityField,
    ProjectReferenceSerializer,
)
from tasks.changing import MAX_ASSIGNEES, MAX_DESCRIPTION_CHARS, MAX_TAGS, MAX_TITLE_CHARS
from tasks.drafts import TaskChanges
from tasks.filters import TaskFilters
from tasks.models import Task
from tasks.narrowing import SORT_COLUMNS
from tasks.selectors import filtered_tasks, visible_task, with_row_parts
from tasks.services import archive_task, complete_task, create_task, restore_task, update_task
from tenants.accounts.access import Actor
from tenants.foundation.api import PAGE_PARAMETERS, IdempotentPosts, KnownParameters, StrictSerializer


@extend_schema_serializer(examples=[examples.TASK_ROW])
class TaskSerializer(serializers.Serializer[Any]):
    """A task as lists show it."""

    id = serializers.UUIDField()
    key = serializers.CharField(help_text="Stays the same for ever, such as OPS-214.")
    title = serializers.CharField()
    status = serializers.ChoiceField(choices=Task.Status.choices)
    priority = PriorityField()
    department = NamedSerializer(allow_null=True)
    project = ProjectReferenceSerializer(allow_null=True)
    milestone = NamedSerializer(allow_null=True)
    parent_id = serializers.UUIDField(allow_null=True)
    assignees = NamedSerializer(many=True, source="assignees.all")
    start_on = serializers.DateField(allow_null=True)
    due_on = serializers.DateField(allow_null=True)
    due_at = serializers.DateTimeField(allow_null=True)
    estimate_hours = serializers.DecimalField(max_digits=8, decimal_places=2, allow_null=True)
    tags = serializers.ListField(child=serializers.CharField())
    source = serializers.CharField(  # type: ignore[assignment]
        help_text="The workspace it came from; empty if it was made here."
    )
    source_url = serializers.CharField()
    completed_at = serializers.DateTimeField(allow_null=True)
    archived_at = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


@extend_schema_serializer(examples=[examples.TASK])
class TaskDetailSerializer(TaskSerializer):
    """A task with its text."""

    description = serializers.CharField(help_text="Markdown.")


@extend_schema_serializer(examples=[examples.TASK_CHANGE])
class TaskChangeSerializer(StrictSerializer):
    """What can be set on a task; what is left out stays as it is."""

    title = serializers.CharField(max_length=MAX_TITLE_CHARS, required=False)
    description = serializers.CharField(
        max_length=MAX_DESCRIPTION_CHARS, required=False, allow_blank=True, trim_whitespace=False
    )
    status = serializers.ChoiceField(choices=Task.Status.choices, required=False)
    priority = PriorityField(required=False)
    department_id = serializers.UUIDField(required=False, allow_null=True)
    project_id = serializers.UUIDField(required=False, allow_null=True)
    milestone_id = serializers.UUIDField(
        required=False,
        allow_null=True,
        help_text="One of its project; with another project it is taken off.",
    )
    parent_id = serializers.UUIDField(required=False, allow_null=True)
    assignee_ids = serializers.ListField(
        child=serializers.UUIDField(), required=False, max_length=MAX_ASSIGNEES
    )
    start_on = serializers.DateField(required=False, allow_null=True)
    due_on = serializers.DateField(required=False, allow_null=True)
    due_at = serializers.DateTimeField(required=False, allow_null=True)
    estimate_hours = HoursField(required=False, allow_null=True)
    tags = serializers.ListField(
        child=serializers.CharField(max_length=100), required=False, max_length=MAX_TAGS
    )

    def changes(self) -> TaskChanges:
        """What was asked for."""
        return TaskChanges(**self.validated_data)


@extend_schema_serializer(examples=[examples.NEW_TASK])
class NewTaskSerializer(TaskChangeSerializer):
    """A task to be made."""

    title = serializers.CharField(max_length=MAX_TITLE_CHARS)


KEY = OpenApiParameter("key", str, OpenApiParameter.PATH, description="The task's key or id.")


@extend_schema_view(
    retrieve=extend_schema(parameters=[KEY], responses=TaskDetailSerializer),
    partial_update=extend_schema(
        parameters=[KEY], request=TaskChangeSerializer, responses=TaskDetailSerializer
    ),
    complete=extend_schema(parameters=[KEY], request=None, responses=TaskDetailSerializer),
    archive=extend_schema(parameters=[KEY], request=None, responses=TaskDetailSerializer),
    restore=extend_schema(parameters=[KEY], request=None, responses=TaskDetailSerializer),
)
class TaskViewSet(KnownParameters, IdempotentPosts, GenericViewSet[Task]):
    """The company's tasks."""

    queryset = Task.objects.none()
    serializer_class = TaskSerializer
    lookup_field = "key"
    lookup_value_regex = "[A-Za-z0-9-]{1,50}"
    keyset_sorts = {str(sort): column for sort, column in SORT_COLUMNS.items()}
    keyset_default_sort = "-updated"
    query_parameters = {"list": FILTER_NAMES | PAGE_PARAMETERS}
    repeatable_parameters = REPEATABLE_NAMES
    permission_codes = {
        "list": "tasks.view",
        "create": "tasks.create",
        "retrieve": "tasks.view",
        "partial_update": "tasks.edit",
        "complete": "tasks.complete",
        "archive": "tasks.archive",
        "restore": "tasks.archive",
    }

    @extend_schema(parameters=FILTER_PARAMETERS)
    def list(self, request: Request) -> Response:
        """List tasks a page at a time, the last updated first unless `sort` says otherwise."""
        filters = TaskFilters.parse(dict(request.query_params.lists()), ignore=PAGE_PARAMETERS, strict=True)
        rows = with_row_parts(filtered_tasks(actor=_actor(request), filters=filters))
        tasks = rows.select_related("department", "project", "milestone")
        page = self.paginate_queryset(tasks)
        return self.get_paginated_response(TaskSerializer(page, many=True).data)

    @extend_schema(request=NewTaskSerializer, responses={201: TaskDetailSerializer})
    def create(self, request: Request) -> Response:
        """Make a task. Send an `Idempotency-Key` to be able to repeat the request safely."""
        body = NewTaskSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        task = create_task(changes=body.changes(), actor=_actor(request))
        return self._shown(request, str(task.pk), status=201)

    def retrieve(self, request: Request, key: str) -> Response:
        """Show one task with its text."""
        return self._shown(request, key)

    def partial_update(self, request: Request, key: str) -> Response:
        """Change what is given, leave the rest. Setting the status to `done` needs its blockers done."""
        task = visible_task(actor=_actor(request), key=key)
        body = TaskChangeSerializer(data=request.data, partial=True)
        body.is_valid(raise_exception=True)
        update_task(task=task, changes=body.changes(), actor=_actor(request))
        return self._shown(request, key)

    @action(detail=True, methods=["post"])
    def complete(self, request: Request, key: str) -> Response:
        """Complete a task. 409 if it is done already, archived, or waits for another."""
        complete_task(task=visible_task(actor=_actor(request), key=key), actor=_actor(request))
        return self._shown(request, key)

    @action(detail=True, methods=["post"])
    def archive(self, request: Request, key: str) -> Response:
        """Put a task away; repeating it changes nothing."""
        archive_task(task=visible_task(actor=_actor(request), key=key), actor=_actor(request))
        return self._shown(request, key)

    @action(detail=True, methods=["post"])
    def restore(self, request: Request, key: str) -> Response:
        """Take a task out of the archive; repeating it changes nothing."""
        restore_task(task=visible_task(actor=_actor(request), key=key), actor=_actor(request))
        return self._shown(request, key)

    def _shown(self, request: Request, key: str, *, status: int = 200) -> Response:
        task = visible_task(actor=_actor(request), key=key)
        return Response(TaskDetailSerializer(task).data, status=status)


def _actor(request: Request) -> Actor:
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return actor
