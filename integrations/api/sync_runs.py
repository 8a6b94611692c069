"""`/api/v1/sync-runs/`: what was read, how far it is and what went wrong."""

from typing import Any
from uuid import UUID

from drf_spectacular.types import OpenApiTypes
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

from integrations.api import examples
from integrations.api.fields import ID, ConnectionReferenceSerializer, actor_of
from integrations.models import SyncRun, SyncRunCollection, SyncRunIssue, SyncRunLog
from integrations.selectors import connection_for, log_of_run, sync_run_for, visible_sync_runs
from integrations.services import cancel_run, start_sync_run
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


@extend_schema_serializer(examples=[examples.RUN_DETAIL])
class SyncRunDetailSerializer(SyncRunSerializer):
    """A run with its databases and its problems."""

    collections = PartSerializer(many=True)
    issues = IssueSerializer(many=True)


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
        choices=["import", "full"],
        required=False,
        help_text="Left out: what was never read, else everything.",
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
    }
    problem_statuses = {"create": (404,)}
    permission_codes = {
        "list": "integrations.view",
        "create": "integrations.sync",
        "retrieve": "integrations.view",
        "cancel": "integrations.sync",
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

    def _shown(self, request: Request, run_id: UUID, *, status: int = 200) -> Response:
        run = sync_run_for(actor=actor_of(request), run_id=run_id)
        return Response(SyncRunDetailSerializer(run).data, status=status)
