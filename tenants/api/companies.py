"""`/api/v1/companies/`: the companies of the platform, for its operators; on a company's host there are none."""

from typing import Any
from uuid import UUID

from django.urls import reverse
from drf_spectacular.utils import (
    OpenApiExample,
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

from tenants.accounts.access import Actor
from tenants.accounts.api.permissions import ANYBODY
from tenants.foundation.api import PAGE_PARAMETERS, KnownParameters, StrictSerializer
from tenants.foundation.errors import InvalidInput
from tenants.lifecycle.onboarding import onboard_tenant
from tenants.lifecycle.standing import make_read_only, resume_company, suspend_company
from tenants.models import Tenant
from tenants.permissions import MANAGE_COMPANIES, ONBOARD_COMPANIES, SEE_COMPANIES, require_operator
from tenants.selectors import CompanyFilter, companies, company_for, overviews
from tenants.tenancy import atomic, outside_transaction

ID = OpenApiParameter("id", UUID, OpenApiParameter.PATH)
# A parameter that is given has a value.
TEXT: dict[str, Any] = {"type": "string", "minLength": 1, "maxLength": 200}
FILTERS = ("q", "state", "cell", "region")
_COMPANY: dict[str, Any] = {
    "id": "019ab2c4-0a00-7000-8000-000000000002",
    "slug": "acme",
    "name": "Acme",
    "host": "acme.example",
    "state": "suspended",
    "state_reason": "The invoice of May is open.",
    "state_changed_at": "2027-01-02T09:00:00Z",
    "delete_after": None,
    "cell": "cell_1",
    "region": "local",
    "waiting_jobs": 4,
    "dead_jobs": 0,
    "created_at": "2026-11-02T09:00:00Z",
}


@extend_schema_serializer(examples=[OpenApiExample("A suspended company", _COMPANY, response_only=True)])
class StandingSerializer(serializers.Serializer[Any]):
    """How a company stands; never what it holds."""

    id = serializers.UUIDField()
    slug = serializers.CharField()
    name = serializers.CharField()
    host = serializers.CharField()
    state = serializers.ChoiceField(choices=Tenant.State.choices)
    state_reason = serializers.CharField(help_text="What its people are told while its doors are closed.")
    state_changed_at = serializers.DateTimeField()
    delete_after = serializers.DateTimeField(allow_null=True)
    cell = serializers.CharField()
    region = serializers.CharField()
    waiting_jobs = serializers.IntegerField(allow_null=True, help_text="Null: its cell does not answer.")
    dead_jobs = serializers.IntegerField(allow_null=True)
    created_at = serializers.DateTimeField()


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "A new company",
            {"slug": "acme", "name": "Acme", "owner_email": "ann@acme.example", "owner_name": "Ann Made-Up"},
            request_only=True,
        )
    ]
)
class NewCompanySerializer(StrictSerializer):
    """A company to be taken in, and who will own it."""

    slug = serializers.CharField(max_length=40, help_text="The first part of its host name.")
    name = serializers.CharField(max_length=120)
    owner_email = serializers.EmailField()
    owner_name = serializers.CharField(max_length=120)
    region = serializers.CharField(
        max_length=32, required=False, help_text="Where its rows are kept; the default region if not given."
    )


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "Taken in",
            {
                **_COMPANY,
                "state": "active",
                "state_reason": "",
                "address": "https://acme.example",
                "invitation": "https://acme.example/invitations/nts_invite_example/",
            },
            response_only=True,
        )
    ]
)
class TakenInSerializer(StandingSerializer):
    """A company that has just been taken in, with the link of its owner's invitation, which is seen here once."""

    address = serializers.CharField()
    invitation = serializers.CharField(
        help_text="The link that lets the owner set a password. It works once."
    )


class ReasonSerializer(StrictSerializer):
    """Why a company's doors are closed, in words for its people."""

    reason = serializers.CharField(max_length=300)


def actor_of(request: Request) -> Actor:
    """Who asks."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return actor


@extend_schema_view(
    list=extend_schema(
        parameters=[
            OpenApiParameter("q", TEXT, description="Part of a name or of a host."),
            OpenApiParameter("state", str, enum=Tenant.State.values),
            OpenApiParameter("cell", TEXT),
            OpenApiParameter("region", TEXT),
        ]
    ),
    retrieve=extend_schema(parameters=[ID], responses=StandingSerializer),
)
class CompanyViewSet(KnownParameters, GenericViewSet[Tenant]):
    """The companies of the platform. The services say who may: they know the platform's host from a company's."""

    queryset = Tenant.objects.none()
    serializer_class = StandingSerializer
    lookup_field = "id"
    lookup_value_converter = "uuid"
    keyset_sorts = {"created": "created_at", "name": "name"}
    keyset_default_sort = "-created"
    query_parameters = {"list": {*PAGE_PARAMETERS, *FILTERS}}
    permission_codes = dict.fromkeys(
        ("list", "create", "retrieve", "suspend", "resume", "read_only"), ANYBODY
    )
    problem_statuses = {
        "list": (404,),
        "create": (404, 409),
        "suspend": (409,),
        "resume": (409,),
        "read_only": (409,),
    }

    def list(self, request: Request) -> Response:
        """List companies a page at a time, the newest first."""
        require_operator(actor_of(request), SEE_COMPANIES)
        wanted = _filter(request)
        page = self.paginate_queryset(companies(actor=actor_of(request), wanted=wanted))
        return self.get_paginated_response(StandingSerializer(overviews(page or []), many=True).data)

    @extend_schema(request=NewCompanySerializer, responses={201: TakenInSerializer})
    @outside_transaction
    def create(self, request: Request) -> Response:
        """Take a company in and invite its owner; a call that was cut short is repeated."""
        with atomic():
            require_operator(actor_of(request), ONBOARD_COMPANIES)
        body = NewCompanySerializer(data=request.data)
        body.is_valid(raise_exception=True)
        done = onboard_tenant(**body.validated_data, asked_by=actor_of(request).name)
        link = ""
        if done.invitation is not None:
            path = reverse("accounts:accept_invitation", args=[done.invitation.reveal()])
            link = f"{done.address}{path}"
        with atomic():
            tenant = company_for(actor=actor_of(request), tenant_id=done.tenant.id)
            facts = {**_shown(tenant), "address": done.address, "invitation": link}
        return Response(facts, status=201)

    def retrieve(self, request: Request, id: UUID) -> Response:
        """Show how one company stands."""
        return Response(_shown(company_for(actor=actor_of(request), tenant_id=id)))

    @extend_schema(parameters=[ID], request=ReasonSerializer, responses=StandingSerializer)
    @action(detail=True, methods=["post"])
    def suspend(self, request: Request, id: UUID) -> Response:
        """Close a company's doors; nothing is lost, and its jobs wait."""
        reason = _reason(request, id)
        return Response(_shown(suspend_company(tenant_id=id, reason=reason, actor=actor_of(request))))

    @extend_schema(parameters=[ID], request=ReasonSerializer, responses=StandingSerializer)
    @action(detail=True, methods=["post"], url_path="read-only")
    def read_only(self, request: Request, id: UUID) -> Response:
        """Let a company be read and not changed; its jobs wait."""
        reason = _reason(request, id)
        return Response(_shown(make_read_only(tenant_id=id, reason=reason, actor=actor_of(request))))

    @extend_schema(parameters=[ID], request=None, responses=StandingSerializer)
    @action(detail=True, methods=["post"])
    def resume(self, request: Request, id: UUID) -> Response:
        """Open all of a company's doors again."""
        return Response(_shown(resume_company(tenant_id=id, actor=actor_of(request))))


def _shown(tenant: Tenant) -> dict[str, Any]:
    return dict(StandingSerializer(overviews([tenant])[0]).data)


def _reason(request: Request, tenant_id: UUID) -> str:
    require_operator(actor_of(request), MANAGE_COMPANIES)
    company_for(actor=actor_of(request), tenant_id=tenant_id)
    body = ReasonSerializer(data=request.data)
    body.is_valid(raise_exception=True)
    reason: str = body.validated_data["reason"]
    return reason


def _filter(request: Request) -> CompanyFilter:
    values = {name: request.query_params.get(name, "") for name in FILTERS}
    if values["state"] and values["state"] not in Tenant.State.values:
        msg = f"Choose one of these: {', '.join(Tenant.State.values)}."
        raise InvalidInput("There is no such state.", fields={"state": [msg]})
    return CompanyFilter(
        query=values["q"], state=values["state"], cell=values["cell"], region=values["region"]
    )
