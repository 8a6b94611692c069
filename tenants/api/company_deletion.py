"""`/api/v1/company/deletion/`: having the company deleted, and keeping it after all."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema, extend_schema_serializer
from rest_framework import serializers
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ViewSet

from tenants.accounts.access import require
from tenants.foundation.api import KnownParameters, StrictSerializer
from tenants.foundation.errors import InvalidInput
from tenants.lifecycle.deletion.letters import cancel_token, request_of_token
from tenants.lifecycle.deletion.services import cancel_deletion, delete_own_company, grace_ends_at
from tenants.models import DeletionRequest
from tenants.permissions import DELETE_COMPANY
from tenants.tenancy import current_tenant, outside_transaction

TOKEN = "token"  # noqa: S105 - a parameter's name


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "Asked for",
            {
                "is_asked_for": True,
                "delete_after": "2027-02-01T09:00:00Z",
                "asked_by": "Olga Made-Up",
                "token": "WyIwMTlhYjJj:1wXyZ:signature",
            },
            response_only=True,
        )
    ]
)
class DeletionSerializer(serializers.Serializer[Any]):
    """Whether the company is to be deleted, and when that is, or would be if it were asked for now."""

    is_asked_for = serializers.BooleanField()
    delete_after = serializers.DateTimeField()
    asked_by = serializers.CharField()
    token = serializers.CharField(
        help_text="With it the company can be kept, by anyone who has it. Only whoever asked for the deletion gets it."
    )


@extend_schema_serializer(
    examples=[OpenApiExample("Delete the company acme", {"confirm": "acme"}, request_only=True)]
)
class NewDeletionSerializer(StrictSerializer):
    """What says that it is meant."""

    confirm = serializers.CharField(max_length=40, help_text="The company's slug.")


@outside_transaction
class CompanyDeletionViewSet(KnownParameters, ViewSet):
    """The deletion of the company; from the moment it is asked for, DELETE with the token is all that is answered."""

    permission_codes = {"retrieve": DELETE_COMPANY, "create": DELETE_COMPANY}
    query_parameters = {"destroy": {TOKEN}}
    problem_statuses = {"create": (409,), "destroy": (404, 409)}

    def get_permissions(self) -> list[BasePermission]:
        """Nobody is signed in while the doors are closed: the token says who may."""
        return [] if self.action == "destroy" else super().get_permissions()  # type: ignore[return-value]

    @extend_schema(responses=DeletionSerializer, operation_id="company_deletion_retrieve")
    def retrieve(self, request: Request) -> Response:
        """Tell until when the company could be kept if its deletion were asked for now."""
        require(request.actor, DELETE_COMPANY)  # type: ignore[attr-defined]
        facts = {"is_asked_for": False, "delete_after": grace_ends_at(), "asked_by": "", "token": ""}
        return Response(DeletionSerializer(facts).data)

    @extend_schema(
        request=NewDeletionSerializer,
        responses={201: DeletionSerializer},
        operation_id="company_deletion_create",
    )
    def create(self, request: Request) -> Response:
        """Close the company's doors and have it deleted after the days of grace."""
        body = NewDeletionSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        asked = delete_own_company(
            actor=request.actor,  # type: ignore[attr-defined]
            confirm=body.validated_data["confirm"],
        )
        return Response(DeletionSerializer(_shown(asked)).data, status=201)

    @extend_schema(
        parameters=[
            OpenApiParameter(
                TOKEN,
                {"type": "string", "minLength": 1},
                required=True,
                description="From the answer to POST.",
            )
        ],
        request=None,
        responses={204: None},
        operation_id="company_deletion_destroy",
    )
    def destroy(self, request: Request) -> Response:
        """Keep the company: everything is as it was before."""
        token = request.query_params.get(TOKEN, "")
        if not token:
            raise InvalidInput("Give the token.", fields={TOKEN: ["This parameter is required."]})
        tenant = current_tenant()
        request_of_token(token, tenant_id=tenant.id)
        cancel_deletion(tenant_id=tenant.id, asked_by="An owner, through the API")
        return Response(status=204)


def _shown(asked: DeletionRequest) -> dict[str, Any]:
    return {
        "is_asked_for": True,
        "delete_after": asked.delete_after,
        "asked_by": asked.asked_by,
        "token": cancel_token(asked),
    }
