"""`/api/v1/sync-runs/`: what was read, how far it is and what went wrong."""

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
from integrations.models import SyncChange, SyncRun, SyncRunCollection, SyncRunIssue, SyncRunLog
from integrations.selectors import changes_of_run, connection_for, log_of_run, sync_run_for, visible_sync_runs
from integrations.services import cancel_run, start_sync_run
from integrations.sync.safety.deciding import approve_run, refuse_run
from integrations.sync.safety.dry_run import start_dry_run
from integrations.sync.safety.rehearsal import planned_numbers
from integrations.sync.safety.undo import start_undo
from tenants.foundation.api import PAGE_PARAMETERS, IdempotentPosts, KnownParameters, StrictSerializer


class CountsSerializer(serializers.Serializer[Any]):
    """What became of the records."""

    done = serializers.IntegerField(help_text="Records read so far.")
    new = serializers.IntegerField()
    changed = serializers.IntegerField()
    unchanged = serializers.IntegerField()
    archived = serializers.IntegerField()
    failed = serializers.IntegerField()
    calls = serializers.IntegerField(help_text="Calls to the service.")


@extend_schema_serializer(examples=[examples.RUN])
class SyncRunSerializer(CountsSerializer):
    """A run as lists show it."""

    id = serializers.UUIDField()
    connection = ConnectionReferenceSerializer()
    kind = serializers.ChoiceField(choices=SyncRun.Kind.choices)
    trigger = serializers.ChoiceField(choices=SyncRun.Trigger.choices)
    state = serializers.ChoiceField(choices=SyncRun.State.choices)
    phase = serializers.ChoiceField(choices=SyncRun.Phase.choices)
    total = serializers.IntegerField(
        allow_null=True, help_text="How many records are expected; null while nobody can know."
    )
    error = serializers.CharField()
    pushed = serializers.IntegerField(help_text="Records written there.")
    conflicts = serializers.IntegerField()
    held_for = serializers.ChoiceField(
        choices=SyncRun.Held.choices, allow_blank=True, help_text="Why it waits for `approve` or `refuse`."
    )
    is_approved = serializers.BooleanField()
    undoes_id = serializers.UUIDField(allow_null=True, help_text="The run this one takes back.")
    created_at = serializers.DateTimeField()
    started_at = serializers.DateTimeField(allow_null=True)
    next_attempt_at = serializers.DateTimeField(allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)
    duration_seconds = serializers.FloatField(allow_null=True)


class CollectionReferenceSerializer(serializers.Serializer[Any]):
    """A database referred to."""

    id = serializers.UUIDField()
    title = serializers.CharField()


class PartSerializer(CountsSerializer):
    """The part of a run that reads one database."""

    collection = CollectionReferenceSerializer()
    state = serializers.ChoiceField(choices=SyncRunCollection.State.choices)
    error = serializers.CharField()
    started_at = serializers.DateTimeField(allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)


class SampleSerializer(serializers.Serializer[Any]):
    """One record a problem concerns."""

    remote_id = serializers.CharField()
    title = serializers.CharField()
    url = serializers.CharField()
    detail = serializers.CharField()


class IssueSerializer(serializers.Serializer[Any]):
    """All problems of one kind, and how to mend them."""

    code = serializers.CharField()
    severity = serializers.ChoiceField(choices=SyncRunIssue.Severity.choices)
    title = serializers.CharField()
    hint = serializers.CharField()
    action = serializers.ChoiceField(choices=SyncRunIssue.Action.choices)
    count = serializers.IntegerField()
    collection = CollectionReferenceSerializer(allow_null=True)
    samples = SampleSerializer(many=True)


class PlanLineSerializer(serializers.Serializer[Any]):
    """How many records of one database would meet the same fate."""

    collection_id = serializers.UUIDField()
    side = serializers.ChoiceField(choices=SyncChange.Side.choices)
    action = serializers.ChoiceField(choices=SyncChange.Action.choices)
    count = serializers.IntegerField()


@extend_schema_serializer(examples=[examples.RUN_DETAIL])
class SyncRunDetailSerializer(SyncRunSerializer):
    """A run with its databases, its problems, and the numbers of its plan."""

    collections = PartSerializer(many=True)
    issues = IssueSerializer(many=True)
    plan = serializers.SerializerMethodField(help_text="What would happen; empty but for dry and held runs.")

    @extend_schema_field(PlanLineSerializer(many=True))
    def get_plan(self, run: SyncRun) -> list[dict[str, Any]]:
        """The plan's numbers, in a steady order."""
        lines = [
            {"collection_id": str(collection_id), "side": side, "action": action, "count": count}
            for (collection_id, side, action), count in planned_numbers(run).items()
        ]
        return sorted(lines, key=lambda line: (line["collection_id"], line["side"], line["action"]))


class ChangeSerializer(serializers.Serializer[Any]):
    """One record a run has changed, or would change (`is_planned`)."""

    id = serializers.UUIDField()
    collection_id = serializers.UUIDField()
    task_id = serializers.UUIDField(allow_null=True)
    title = serializers.CharField()
    side = serializers.ChoiceField(choices=SyncChange.Side.choices)
    action = serializers.ChoiceField(choices=SyncChange.Action.choices)
    values = serializers.JSONField(source="fields", help_text="`[before, after]` by field.")
    is_planned = serializers.BooleanField()
    undone_at = serializers.DateTimeField(allow_null=True)


class LogLineSerializer(serializers.Serializer[Any]):
    """One line of a run's log."""

    id = serializers.UUIDField()
    at = serializers.DateTimeField()
    level = serializers.ChoiceField(choices=SyncRunLog.Level.choices)
    message = serializers.CharField()


@extend_schema_serializer(examples=[examples.NEW_RUN])
class NewSyncRunSerializer(StrictSerializer):
    """The run to be started."""

    connection_id = serializers.UUIDField()
    kind = serializers.ChoiceField(
        choices=["import", "full", "dry_run"],
        required=False,
        help_text="Left out: what was never read, else everything. `dry_run` writes nothing on either side.",
    )
    accepts_disappearances = serializers.BooleanField(
        default=False, help_text="Many rows missing at once were really deleted: archive their tasks."
    )


class RunFilterSerializer(serializers.Serializer[Any]):
    """The filters of the list."""

    connection = serializers.UUIDField(required=False)
    state = serializers.ChoiceField(choices=SyncRun.State.choices, required=False)
    kind = serializers.ChoiceField(choices=SyncRun.Kind.choices, required=False)


@extend_schema_view(
    list=extend_schema(
        parameters=[
            OpenApiParameter("connection", OpenApiTypes.UUID, description="Runs of this workspace."),
            OpenApiParameter("state", OpenApiTypes.STR, enum=SyncRun.State.values),
            OpenApiParameter("kind", OpenApiTypes.STR, enum=SyncRun.Kind.values),
        ]
    ),
    retrieve=extend_schema(parameters=[ID], responses=SyncRunDetailSerializer),
)
class SyncRunViewSet(KnownParameters, IdempotentPosts, GenericViewSet[SyncRun]):
    """Sync runs, newest first. A look for changes that found none leaves no run."""

    queryset = SyncRun.objects.none()
    serializer_class = SyncRunSerializer
    lookup_field = "id"
    lookup_value_converter = "uuid"
    query_parameters = {
        "list": PAGE_PARAMETERS | {"connection", "state", "kind"},
        "log": PAGE_PARAMETERS,
        "changes": PAGE_PARAMETERS,
    }
    problem_statuses = {"create": (404,)}
    permission_codes = {
        "list": "integrations.view",
        "create": "integrations.sync",
        "retrieve": "integrations.view",
        "cancel": "integrations.sync",
        "approve": "integrations.sync",
        "refuse": "integrations.sync",
        "undo": "integrations.sync",
        "changes": "integrations.view",
        "log": "integrations.view",
    }

    def list(self, request: Request) -> Response:
        """List runs a page at a time, newest first."""
        filters = RunFilterSerializer(data=request.query_params)
        filters.is_valid(raise_exception=True)
        runs = visible_sync_runs(actor=actor_of(request)).filter(**filters.validated_data)
        page = self.paginate_queryset(runs)
        return self.get_paginated_response(SyncRunSerializer(page, many=True).data)

    @extend_schema(request=NewSyncRunSerializer, responses={201: SyncRunDetailSerializer})
    def create(self, request: Request) -> Response:
        """Start reading a workspace in the background."""
        body = NewSyncRunSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        actor = actor_of(request)
        connection = connection_for(actor=actor, connection_id=body.validated_data["connection_id"])
        if body.validated_data.get("kind") == SyncRun.Kind.DRY_RUN:
            return self._shown(request, start_dry_run(connection=connection, actor=actor).pk, status=201)
        run = start_sync_run(
            connection=connection,
            actor=actor,
            kind=body.validated_data.get("kind"),
            accepts_disappearances=body.validated_data["accepts_disappearances"],
        )
        return self._shown(request, run.pk, status=201)

    def retrieve(self, request: Request, id: UUID) -> Response:
        """Show one run."""
        return self._shown(request, id)

    @extend_schema(parameters=[ID], request=None, responses=SyncRunDetailSerializer)
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, id: UUID) -> Response:
        """Stop a run at its next step; what it has read stays."""
        run = sync_run_for(actor=actor_of(request), run_id=id)
        cancel_run(run=run, actor=actor_of(request))
        return self._shown(request, id)

    @extend_schema(parameters=[ID], responses=LogLineSerializer(many=True))
    @action(detail=True, methods=["get"])
    def log(self, request: Request, id: UUID) -> Response:
        """Page through the log of a run, newest line first."""
        lines = log_of_run(actor=actor_of(request), run_id=id)
        page = self.paginate_queryset(lines)  # type: ignore[arg-type]
        return self.get_paginated_response(LogLineSerializer(page, many=True).data)

    @extend_schema(parameters=[ID], request=None, responses=SyncRunDetailSerializer)
    @action(detail=True, methods=["post"])
    def approve(self, request: Request, id: UUID) -> Response:
        """Let a held run go on: its plan is right."""
        run = sync_run_for(actor=actor_of(request), run_id=id)
        approve_run(run=run, actor=actor_of(request))
        return self._shown(request, id)

    @extend_schema(parameters=[ID], request=None, responses=SyncRunDetailSerializer)
    @action(detail=True, methods=["post"])
    def refuse(self, request: Request, id: UUID) -> Response:
        """Have nothing of a held run written; its workspace is paused."""
        run = sync_run_for(actor=actor_of(request), run_id=id)
        refuse_run(run=run, actor=actor_of(request))
        return self._shown(request, id)

    @extend_schema(parameters=[ID], request=None, responses={201: SyncRunDetailSerializer})
    @action(detail=True, methods=["post"])
    def undo(self, request: Request, id: UUID) -> Response:
        """Take back what a run has changed, but for what was changed since."""
        run = sync_run_for(actor=actor_of(request), run_id=id)
        return self._shown(request, start_undo(run=run, actor=actor_of(request)).pk, status=201)

    @extend_schema(parameters=[ID], responses=ChangeSerializer(many=True))
    @action(detail=True, methods=["get"])
    def changes(self, request: Request, id: UUID) -> Response:
        """Page through what a run has changed or would change, newest first."""
        page = self.paginate_queryset(changes_of_run(actor=actor_of(request), run_id=id))  # type: ignore[arg-type]
        return self.get_paginated_response(ChangeSerializer(page, many=True).data)

    def _shown(self, request: Request, run_id: UUID, *, status: int = 200) -> Response:
        run = sync_run_for(actor=actor_of(request), run_id=run_id)
        return Response(SyncRunDetailSerializer(run).data, status=status)
