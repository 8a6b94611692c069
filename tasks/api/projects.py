"""`/api/v1/projects/`: what goes in, what comes out, and the verbs."""

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
from tasks.api.fields import NamedSerializer
from tasks.drafts import ProjectChanges
from tasks.models import Project
from tasks.selectors import visible_project, visible_project_rows
from tasks.services import create_project, update_project
from tenants.accounts.access import Actor
from tenants.foundation.api import PAGE_PARAMETERS, IdempotentPosts, KnownParameters, StrictSerializer


@extend_schema_serializer(examples=[examples.PROJECT])
class ProjectSerializer(serializers.Serializer[Any]):
    """A project."""

    id = serializers.UUIDField()
    key = serializers.CharField(help_text="Stands before the numbers of its tasks.")
    name = serializers.CharField()
    description = serializers.CharField(help_text="Markdown.")
    status = serializers.ChoiceField(choices=Project.Status.choices)
    department = NamedSerializer(allow_null=True)
    start_on = serializers.DateField(allow_null=True)
    due_on = serializers.DateField(allow_null=True)
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


@extend_schema_serializer(examples=[examples.PROJECT_CHANGE])
class ProjectChangeSerializer(StrictSerializer):
    """What can be set on a project; what is left out stays as it is."""

    name = serializers.CharField(max_length=200, required=False)
    key = serializers.RegexField(
        r"^[A-Z][A-Z0-9]{1,9}$", required=False, help_text="Made from the name if left out."
    )
    description = serializers.CharField(max_length=20_000, required=False, allow_blank=True)
    status = serializers.ChoiceField(choices=Project.Status.choices, required=False)
    department_id = serializers.UUIDField(required=False, allow_null=True)
    start_on = serializers.DateField(required=False, allow_null=True)
    due_on = serializers.DateField(required=False, allow_null=True)

    def changes(self) -> ProjectChanges:
        """What was asked for."""
        return ProjectChanges(**self.validated_data)


@extend_schema_serializer(examples=[examples.NEW_PROJECT])
class NewProjectSerializer(ProjectChangeSerializer):
    """A project to be made."""

    name = serializers.CharField(max_length=200)


ID = OpenApiParameter("id", UUID, OpenApiParameter.PATH)


@extend_schema_view(
    list=extend_schema(parameters=[]),
    retrieve=extend_schema(parameters=[ID], responses=ProjectSerializer),
    partial_update=extend_schema(
        parameters=[ID], request=ProjectChangeSerializer, responses=ProjectSerializer
    ),
)
class ProjectViewSet(KnownParameters, IdempotentPosts, GenericViewSet[Project]):
    """The company's projects."""

    queryset = Project.objects.none()
    serializer_class = ProjectSerializer
    lookup_field = "id"
    lookup_value_converter = "uuid"
    keyset_sorts = {"name": "name"}
    keyset_default_sort = "name"
    query_parameters = {"list": PAGE_PARAMETERS}
    permission_codes = {
        "list": "tasks.view",
        "create": "tasks.manage_projects",
        "retrieve": "tasks.view",
        "partial_update": "tasks.manage_projects",
    }

    def list(self, request: Request) -> Response:
        """List projects a page at a time, by name."""
        page = self.paginate_queryset(visible_project_rows(actor=_actor(request)))
        return self.get_paginated_response(ProjectSerializer(page, many=True).data)

    @extend_schema(request=NewProjectSerializer, responses={201: ProjectSerializer})
    def create(self, request: Request) -> Response:
        """Make a project. Send an `Idempotency-Key` to be able to repeat the request safely."""
        body = NewProjectSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        project = create_project(changes=body.changes(), actor=_actor(request))
        return self._shown(request, project.pk, status=201)

    def retrieve(self, request: Request, id: UUID) -> Response:
        """Show one project."""
        return self._shown(request, id)

    def partial_update(self, request: Request, id: UUID) -> Response:
        """Change what is given, leave the rest."""
        project = visible_project(actor=_actor(request), project_id=id)
        body = ProjectChangeSerializer(data=request.data, partial=True)
        body.is_valid(raise_exception=True)
        update_project(project=project, changes=body.changes(), actor=_actor(request))
        return self._shown(request, id)

    def _shown(self, request: Request, project_id: UUID, *, status: int = 200) -> Response:
        project = visible_project(actor=_actor(request), project_id=project_id)
        return Response(ProjectSerializer(project).data, status=status)


def _actor(request: Request) -> Actor:
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return actor
