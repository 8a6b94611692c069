"""`/api/v1/operations/`: what is being done to which company, for the operators of the platform."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    extend_schema,
    extend_schema_serializer,
    extend_schema_view,
)
from rest_framework import serializers
from rest_framework.authentication import BaseAuthentication
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from tenants.accounts.api.permissions import ANYBODY
from tenants.api.companies import ID, TEXT, actor_of
from tenants.api.strangers import SignupAuthentication, own_operation
from tenants.foundation.api import PAGE_PARAMETERS, KnownParameters
from tenants.models import Operation
from tenants.selectors import operation_for, visible_operations

SIGNUP = "signup"
FILTERS = ("kind", "state", "company")


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "A company that is being moved",
            {
                "id": "019ab2c4-1000-7000-8000-000000000001",
                "kind": "move",
                "company": "acme",
                "company_id": "019ab2c4-0a00-7000-8000-000000000002",
                "state": "running",
                "step": "copy",
                "steps_done": ["check", "prepare", "capture"],
                "progress": {"rows": 120400},
                "result": {},
                "error": "",
                "attempts": 1,
                "asked_by": "Olive Made-Up",
                "created_at": "2027-01-02T09:00:00Z",
                "finished_at": None,
            },
            response_only=True,
        )
    ]
)
class OperationSerializer(serializers.Serializer[Any]):
    """One long change of a company's life, step by step."""

    id = serializers.UUIDField()
    kind = serializers.ChoiceField(choices=Operation.Kind.choices)
    company = serializers.CharField(source="tenant_slug", help_text="Its slug, also when it is gone.")
    company_id = serializers.UUIDField(source="tenant_id", allow_null=True)
    state = serializers.ChoiceField(choices=Operation.State.choices)
    step = serializers.CharField(help_text="What is being done now; empty when it has ended.")
    steps_done = serializers.ListField(child=serializers.CharField())
    progress = serializers.DictField()
    result = serializers.DictField()
    error = serializers.CharField()
    attempts = serializers.IntegerField()
    asked_by = serializers.CharField()
    created_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)


@extend_schema_view(
    list=extend_schema(
        parameters=[
            OpenApiParameter("kind", str, enum=Operation.Kind.values),
            OpenApiParameter("state", str, enum=Operation.State.values),
            OpenApiParameter("company", TEXT, description="A slug."),
        ]
    ),
    retrieve=extend_schema(parameters=[ID], responses=OperationSerializer),
)
class OperationViewSet(KnownParameters, GenericViewSet[Operation]):
    """Operations on companies."""

    queryset = Operation.objects.none()
    serializer_class = OperationSerializer
    lookup_field = "id"
    lookup_value_converter = "uuid"
    keyset_sorts = {"created": "created_at"}
    keyset_default_sort = "-created"
    query_parameters = {"list": {*PAGE_PARAMETERS, *FILTERS}}
    permission_codes = {"list": ANYBODY, "retrieve": ANYBODY}
    problem_statuses = {"list": (404,)}

    def get_authenticators(self) -> list[BaseAuthentication]:
        """Whoever signs up sees how far their own company is, by the token of the sign-up."""
        return [SignupAuthentication(), *super().get_authenticators()]

    def get_permissions(self) -> list[BasePermission]:
        """A sign-up has no actor; what it may see is looked up with it."""
        is_signup = self.action == "retrieve" and self.request.auth == SIGNUP
        return [] if is_signup else super().get_permissions()  # type: ignore[return-value]

    def list(self, request: Request) -> Response:
        """List operations a page at a time, the newest first."""
        wanted = {name: request.query_params.get(name, "") for name in FILTERS}
        page = self.paginate_queryset(visible_operations(actor=actor_of(request), **wanted))
        return self.get_paginated_response(OperationSerializer(page, many=True).data)

    def retrieve(self, request: Request, id: UUID) -> Response:
        """Show how far one operation is."""
        if request.auth == SIGNUP:
            found = own_operation(request, id)
        else:
            found = operation_for(actor=actor_of(request), operation_id=id)
        return Response(OperationSerializer(found).data)
