"""`/api/v1/companies/{id}/restore/`: a company brought back to a moment by an operator, and that taken back."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ViewSet

from tenants.accounts.api.permissions import ANYBODY
from tenants.api.companies import ID, actor_of
from tenants.api.operations import OperationSerializer
from tenants.backups.selectors import protection_of
from tenants.foundation.api import IdempotentPosts, KnownParameters, StrictSerializer
from tenants.lifecycle.restoring.services import kept_until, restore_to_take_back
from tenants.lifecycle.standing import restore_company, take_company_s_restore_back
from tenants.permissions import MANAGE_COMPANIES, require_operator
from tenants.selectors import company_for


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "A company of which there are backups",
            {
                "is_on": True,
                "earliest": "2026-12-03T01:12:09Z",
                "latest": "2027-01-02T09:00:00Z",
                "last_backup_at": "2027-01-02T08:14:31Z",
                "proved_at": "2027-01-02T02:10:00Z",
                "own_proved_at": None,
                "can_be_taken_back_until": None,
            },
            response_only=True,
        )
    ]
)
class ProtectionSerializer(serializers.Serializer[Any]):
    """What the backups can do for one company."""

    is_on = serializers.BooleanField(help_text="Whether the platform takes backups at all.")
    earliest = serializers.DateTimeField(
        allow_null=True, help_text="The first moment it can be brought back to; null: there is no backup yet."
    )
    latest = serializers.DateTimeField(allow_null=True, help_text="The last one: now.")
    last_backup_at = serializers.DateTimeField(allow_null=True, help_text="The last backup that contains it.")
    proved_at = serializers.DateTimeField(allow_null=True, help_text="When a restore was last proved.")
    own_proved_at = serializers.DateTimeField(
        allow_null=True, help_text="When this company itself was last the one whose rows were compared."
    )
    can_be_taken_back_until = serializers.DateTimeField(
        allow_null=True, help_text="Until when its latest restore can be taken back; null: there is none."
    )


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "Acme, as it was at two", {"moment": "2027-01-02T14:00:00Z", "confirm": "acme"}, request_only=True
        )
    ]
)
class NewRestoreSerializer(StrictSerializer):
    """The moment, and what says that it is meant."""

    moment = serializers.DateTimeField(help_text="With its zone.")
    confirm = serializers.CharField(max_length=40, help_text="The company's slug.")
    with_access = serializers.BooleanField(
        default=False, help_text="Passwords, deactivated people and revoked tokens as they were then, too."
    )
    cell = serializers.CharField(
        max_length=63, required=False, help_text="The cell it lived in then, if not where it lives now."
    )


@extend_schema_serializer(examples=[OpenApiExample("Acme", {"confirm": "acme"}, request_only=True)])
class NewUndoSerializer(StrictSerializer):
    """What says that it is meant."""

    confirm = serializers.CharField(max_length=40, help_text="The company's slug.")


class CompanyRestoreViewSet(KnownParameters, IdempotentPosts, ViewSet):
    """Restores of one company; the workers do them, beside everybody else."""

    permission_codes = dict.fromkeys(("retrieve", "create", "undo"), ANYBODY)
    problem_statuses = {"create": (409,), "undo": (409,)}

    @extend_schema(
        parameters=[ID],
        responses=ProtectionSerializer,
        operation_id="companies_restore_retrieve",
        tags=["companies"],
    )
    def retrieve(self, request: Request, id: UUID) -> Response:
        """Tell which moments a company can be brought back to."""
        tenant = company_for(actor=actor_of(request), tenant_id=id)
        protection, latest = protection_of(tenant), restore_to_take_back(tenant)
        facts = {name: getattr(protection, name) for name in protection.__slots__}
        facts["can_be_taken_back_until"] = kept_until(latest) if latest else None
        return Response(ProtectionSerializer(facts).data)

    @extend_schema(
        parameters=[ID], request=NewRestoreSerializer, responses={202: OperationSerializer},
        operation_id="companies_restore_create", tags=["companies"],
    )  # fmt: skip
    def create(self, request: Request, id: UUID) -> Response:
        """Bring a company back to a moment; look at the operation to see how far it is."""
        body = _body(NewRestoreSerializer, request, id)
        operation = restore_company(
            tenant_id=id, moment=body["moment"], confirm=body["confirm"], actor=actor_of(request),
            keeps_access=not body["with_access"], cell=body.get("cell", ""),
        )  # fmt: skip
        return Response(OperationSerializer(operation).data, status=202)

    @extend_schema(
        parameters=[ID], request=NewUndoSerializer, responses={202: OperationSerializer},
        operation_id="companies_undo_restore_create", tags=["companies"],
    )  # fmt: skip
    def undo(self, request: Request, id: UUID) -> Response:
        """Take a company's latest restore back while what it replaced is kept."""
        body = _body(NewUndoSerializer, request, id)
        operation = take_company_s_restore_back(
            tenant_id=id, confirm=body["confirm"], actor=actor_of(request)
        )
        return Response(OperationSerializer(operation).data, status=202)


def _body(kind: type[StrictSerializer], request: Request, tenant_id: UUID) -> dict[str, Any]:
    """What was sent, once it is clear who may send it."""
    require_operator(actor_of(request), MANAGE_COMPANIES)
    company_for(actor=actor_of(request), tenant_id=tenant_id)
    body = kind(data=request.data)
    body.is_valid(raise_exception=True)
    return dict(body.validated_data)
