"""`/api/v1/sync-health/`: how every workspace stands; `/api/v1/set-aside/`: the records that are not in step."""

from typing import Any
from uuid import UUID

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from integrations.api.fields import ConnectionReferenceSerializer, actor_of
from integrations.models import Connection, ExternalLink
from integrations.selectors import connection_for
from integrations.sync.monitoring import Health, connection_health, links_needing_care
from integrations.sync.retrying import retry_set_aside_records
from tenants.foundation.api import PAGE_PARAMETERS, IdempotentPosts, KnownParameters, StrictSerializer

STATES = [ExternalLink.State.QUARANTINED, ExternalLink.State.ACCESS_LOST, ExternalLink.State.MOVED_REMOTE]


class CallUseSerializer(serializers.Serializer[Any]):
    """Calls to the service."""

    last_hour = serializers.IntegerField()
    last_day = serializers.IntegerField()
    refused = serializers.IntegerField(help_text="Refused by the service's limits within a day.")
    failed = serializers.IntegerField(help_text="Failed for any reason within a day.")
    by_lane = serializers.DictField(child=serializers.IntegerField(), help_text="Within a day.")
    budget_an_hour = serializers.IntegerField(allow_null=True)


class HealthSerializer(serializers.Serializer[Any]):
    """How one workspace stands. Lags are seconds from an edit there to its arrival here."""

    connection = ConnectionReferenceSerializer()
    state = serializers.CharField(source="connection.state")
    last_synced_at = serializers.DateTimeField(source="connection.last_synced_at", allow_null=True)
    lag_p50 = serializers.FloatField(allow_null=True)
    lag_p95 = serializers.FloatField(allow_null=True)
    waiting = serializers.IntegerField(help_text="Changes on their way there.")
    oldest_waiting_at = serializers.DateTimeField(allow_null=True)
    parked = serializers.IntegerField(help_text="Changes that were refused there.")
    held = serializers.IntegerField(help_text="Changes held until somebody decides.")
    conflicts = serializers.IntegerField(help_text="Fields changed on both sides, waiting for a choice.")
    set_aside = serializers.IntegerField(help_text="Records that could not be taken over.")
    lost = serializers.IntegerField(help_text="Records that are no longer shared.")
    calls = CallUseSerializer()


class CollectionTitleSerializer(serializers.Serializer[Any]):
    """A database referred to."""

    id = serializers.UUIDField()
    title = serializers.CharField()


class SetAsideSerializer(serializers.Serializer[Any]):
    """A record that is not in step, and why."""

    id = serializers.UUIDField()
    connection = ConnectionReferenceSerializer()
    collection = CollectionTitleSerializer()
    remote_id = serializers.CharField()
    title = serializers.CharField()
    url = serializers.CharField()
    state = serializers.ChoiceField(choices=STATES)
    state_reason = serializers.CharField()
    failures = serializers.IntegerField()
    task_id = serializers.UUIDField(allow_null=True)


class RetrySerializer(StrictSerializer):
    """Whose records are tried again."""

    connection_id = serializers.UUIDField()


class RetriedSerializer(serializers.Serializer[Any]):
    """How many records are tried again."""

    count = serializers.IntegerField()


class SetAsideFilterSerializer(serializers.Serializer[Any]):
    """The filters of the list."""

    connection = serializers.UUIDField(required=False)
    state = serializers.ChoiceField(choices=STATES, required=False)


@extend_schema_view(list=extend_schema(responses=HealthSerializer(many=True)))
class SyncHealthViewSet(KnownParameters, GenericViewSet[Connection]):
    """How every workspace stands, by name."""

    queryset = Connection.objects.none()
    serializer_class = HealthSerializer
    pagination_class = None
    permission_codes = {"list": "integrations.view"}

    def list(self, request: Request) -> Response:
        """Show how every workspace stands; all of them, not paged."""
        health: list[Health] = connection_health(actor=actor_of(request))
        return Response(HealthSerializer(health, many=True).data)


@extend_schema_view(
    list=extend_schema(
        parameters=[
            OpenApiParameter("connection", OpenApiTypes.UUID, description="Records of this workspace."),
            OpenApiParameter("state", OpenApiTypes.STR, enum=[state.value for state in STATES]),
        ]
    )
)
class SetAsideViewSet(KnownParameters, IdempotentPosts, GenericViewSet[ExternalLink]):
    """Records that were set aside, moved, or are no longer shared, oldest first."""

    queryset = ExternalLink.objects.none()
    serializer_class = SetAsideSerializer
    query_parameters = {"list": PAGE_PARAMETERS | {"connection", "state"}}
    problem_statuses = {"create": (404, 409)}
    permission_codes = {"list": "integrations.view", "create": "integrations.sync"}

    def list(self, request: Request) -> Response:
        """List them a page at a time."""
        filters = SetAsideFilterSerializer(data=request.query_params)
        filters.is_valid(raise_exception=True)
        actor = actor_of(request)
        links = links_needing_care(actor=actor).filter(**filters.validated_data)
        page = self.paginate_queryset(links)
        return self.get_paginated_response(SetAsideSerializer(page, many=True).data)

    @extend_schema(request=RetrySerializer, responses={202: RetriedSerializer})
    def create(self, request: Request) -> Response:
        """Try the records of one workspace again, at once and nothing else."""
        body = RetrySerializer(data=request.data)
        body.is_valid(raise_exception=True)
        actor = actor_of(request)
        connection_id: UUID = body.validated_data["connection_id"]
        connection = connection_for(actor=actor, connection_id=connection_id)
        count = retry_set_aside_records(connection=connection, actor=actor)
        return Response({"count": count}, status=202)
