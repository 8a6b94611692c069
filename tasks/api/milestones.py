"""`/api/v1/projects/{id}/milestones/` and `/api/v1/milestones/`: what goes in, what comes out, and the verbs."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from drf_spectacular.utils import (
    OpenApiParameter,
    extend_schema,
    extend_schema_serializer,
    extend_schema_view,
)
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from tasks.api import examples
from tasks.drafts import MilestoneChanges
from tasks.milestones import MAX_NAME_CHARS, delete_milestone, make_milestone, update_milestone
from tasks.models import Milestone
from tasks.selectors import milestone_progress, visible_milestone, visible_milestones, visible_project
from tenants.accounts.access import Actor
from tenants.foundation.api import PAGE_PARAMETERS, IdempotentPosts, KnownParameters, StrictSerializer


@extend_schema_serializer(examples=[examples.MILESTONE])
class MilestoneSerializer(serializers.Serializer[Any]):
    """A dated goal of a project."""

    id = serializers.UUIDField()
    project_id = serializers.UUIDField()
    name = serializers.CharField()
    due_on = serializers.DateField(allow_null=True)
    reached_at = serializers.DateTimeField(allow_null=True, help_text="Null as long as it is not reached.")
    tasks_done = serializers.IntegerField(help_text="How many of its tasks that you may see are done.")
    tasks_total = serializers.IntegerField(help_text="Of how many that were not cancelled or archived.")
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


@extend_schema_serializer(examples=[examples.MILESTONE_CHANGE])
class MilestoneChangeSerializer(StrictSerializer):
    """What can be set on a milestone; what is left out stays as it is."""

    name = serializers.CharField(max_length=MAX_NAME_CHARS, required=False)
    due_on = serializers.DateField(required=False, allow_null=True)
    is_reached = serializers.BooleanField(required=False, help_text="Sets or clears `reached_at`.")

    def changes(self) -> MilestoneChanges:
        """What was asked for."""
        return MilestoneChanges(**self.validated_data)


@extend_schema_serializer(examples=[examples.NEW_MILESTONE])
class NewMilestoneSerializer(MilestoneChangeSerializer):
    """A milestone to be made. No other of its project has the name, in any case."""

    name = serializers.CharField(max_length=MAX_NAME_CHARS)


ID = OpenApiParameter("id", UUID, OpenApiParameter.PATH)


class ProjectMilestoneViewSet(KnownParameters, IdempotentPosts, GenericViewSet[Milestone]):
    """The milestones of one project."""

    queryset = Milestone.objects.none()
    serializer_class = MilestoneSerializer
    keyset_sorts = {"due_on": "due_on"}
    keyset_default_sort = "due_on"
    query_parameters = {"list": PAGE_PARAMETERS}
    permission_codes = {"list": "tasks.view", "create": "tasks.manage_projects"}

    @extend_schema(parameters=[ID])
    def list(self, request: Request, id: UUID) -> Response:
        """List a project's milestones a page at a time, by day; those without one come last."""
        actor = _actor(request)
        project = visible_project(actor=actor, project_id=id)
        page = self.paginate_queryset(visible_milestones(actor=actor).filter(project=project))
        return self.get_paginated_response(_shown(page or [], actor))

    @extend_schema(parameters=[ID], request=NewMilestoneSerializer, responses={201: MilestoneSerializer})
    def create(self, request: Request, id: UUID) -> Response:
        """Give a project a milestone. 409 if it has one of that name, or too many.

        Send an `Idempotency-Key` to be able to repeat the request safely.
        """
        actor = _actor(request)
        project = visible_project(actor=actor, project_id=id)
        body = NewMilestoneSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        made = make_milestone(project=project, changes=body.changes(), actor=actor)
        return Response(_one(made, actor), status=201)


@extend_schema_view(
    retrieve=extend_schema(parameters=[ID], responses=MilestoneSerializer),
    partial_update=extend_schema(
        parameters=[ID], request=MilestoneChangeSerializer, responses=MilestoneSerializer
    ),
    destroy=extend_schema(parameters=[ID], responses={204: None}),
)
class MilestoneViewSet(KnownParameters, GenericViewSet[Milestone]):
    """One milestone."""

    queryset = Milestone.objects.none()
    serializer_class = MilestoneSerializer
    lookup_field = "id"
    lookup_value_converter = "uuid"
    permission_codes = {
        "retrieve": "tasks.view",
        "partial_update": "tasks.manage_projects",
        "destroy": "tasks.manage_projects",
    }

    def retrieve(self, request: Request, id: UUID) -> Response:
        """Show one milestone."""
        actor = _actor(request)
        return Response(_one(visible_milestone(actor=actor, milestone_id=id), actor))

    def partial_update(self, request: Request, id: UUID) -> Response:
        """Change what is given, leave the rest. 409 if another of the project has the name."""
        actor = _actor(request)
        milestone = visible_milestone(actor=actor, milestone_id=id)
        body = MilestoneChangeSerializer(data=request.data, partial=True)
        body.is_valid(raise_exception=True)
        changed = update_milestone(milestone=milestone, changes=body.changes(), actor=actor)
        return Response(_one(changed, actor))

    def destroy(self, request: Request, id: UUID) -> Response:
        """Take a milestone away; its tasks stay. 409 if an approval of it waits, or was answered."""
        milestone = visible_milestone(actor=_actor(request), milestone_id=id)
        delete_milestone(milestone=milestone, actor=_actor(request))
        return Response(status=204)


def _shown(milestones: Sequence[Milestone], actor: Actor) -> list[dict[str, Any]]:
    progress = milestone_progress(milestones, actor=actor)
    for each in milestones:
        each.tasks_done, each.tasks_total = progress.get(each.pk, (0, 0))  # type: ignore[attr-defined]
    return list(MilestoneSerializer(milestones, many=True).data)


def _one(milestone: Milestone, actor: Actor) -> dict[str, Any]:
    return _shown([milestone], actor)[0]


def _actor(request: Request) -> Actor:
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return actor
