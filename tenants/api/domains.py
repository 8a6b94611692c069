"""`/api/v1/domains/`: names of the company's own, claimed, proved and given up by a program."""

from typing import Any
from uuid import UUID

from django.shortcuts import get_object_or_404
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

from tenants.accounts.access import UserActor
from tenants.branding.domains import services
from tenants.branding.domains.checking import check_domain
from tenants.branding.domains.names import shown
from tenants.foundation.api import PAGE_PARAMETERS, IdempotentPosts, KnownParameters, StrictSerializer
from tenants.models import CustomDomain
from tenants.permissions import MANAGE_DOMAINS, VIEW_DOMAINS
from tenants.tenancy import atomic, outside_transaction

ID = OpenApiParameter("id", UUID, OpenApiParameter.PATH)
_DOMAIN: dict[str, Any] = {
    "id": "019ab2c4-0a00-7000-8000-000000000003",
    "domain": "tasks.example.com",
    "shown": "tasks.example.com",
    "state": "pending",
    "is_primary": False,
    "record_name": "_nts-challenge.tasks.example.com",
    "record_value": "nts-domain-verification=0a4cf5bb0f3e7cbb52c9e2a5d3c8a1f0e9b7d644",
    "target": "acme.example",
    "proof_problem": "",
    "route_problem": "",
    "verified_at": None,
    "checked_at": None,
    "missing_since": None,
    "created_at": "2027-01-02T09:00:00Z",
}


@extend_schema_serializer(examples=[OpenApiExample("Waiting for its record", _DOMAIN, response_only=True)])
class DomainSerializer(serializers.Serializer[Any]):
    """A name, the TXT record that proves it, and where it has to lead."""

    id = serializers.UUIDField()
    domain = serializers.CharField(source="host", help_text="In ASCII, as name servers know it.")
    shown = serializers.SerializerMethodField(help_text="As a person writes it.")
    state = serializers.ChoiceField(
        choices=CustomDomain.State.choices,
        help_text="verified: proved, and certificates are given; active: it leads here and is answered.",
    )
    is_primary = serializers.BooleanField(help_text="Letters and links lead to it.")
    record_name = serializers.SerializerMethodField()
    record_value = serializers.SerializerMethodField()
    target = serializers.SerializerMethodField(help_text="What its CNAME record has to say.")
    proof_problem = serializers.CharField()
    route_problem = serializers.CharField()
    verified_at = serializers.DateTimeField(allow_null=True)
    checked_at = serializers.DateTimeField(allow_null=True)
    missing_since = serializers.DateTimeField(allow_null=True, help_text="Seven days later it is suspended.")
    created_at = serializers.DateTimeField()

    def get_shown(self, row: CustomDomain) -> str:
        """In the alphabet it is written in."""
        return shown(row.host)

    def get_record_name(self, row: CustomDomain) -> str:
        """The name of the TXT record."""
        return services.proof_of(row)[0]

    def get_record_value(self, row: CustomDomain) -> str:
        """Its value."""
        return services.proof_of(row)[1]

    def get_target(self, _row: CustomDomain) -> str:
        """The same for all of a company's domains."""
        return str(self.context["target"])


class DomainClaimSerializer(StrictSerializer):
    """The name to be reached under."""

    domain = serializers.CharField(max_length=253)


def _actor(request: Request) -> UserActor:
    actor: UserActor = request.actor  # type: ignore[attr-defined]
    return actor


def _shown(row: CustomDomain | list[CustomDomain], **options: Any) -> Any:
    return DomainSerializer(row, context={"target": services.target()}, **options).data


@extend_schema_view(
    destroy=extend_schema(parameters=[ID], responses={204: None}),
)
class DomainViewSet(KnownParameters, IdempotentPosts, GenericViewSet[CustomDomain]):
    """The company's own domains, by name."""

    queryset = CustomDomain.objects.none()
    serializer_class = DomainSerializer
    lookup_field = "id"
    lookup_value_converter = "uuid"
    keyset_sorts = {"domain": "host"}
    keyset_default_sort = "domain"
    query_parameters = {"list": PAGE_PARAMETERS}
    problem_statuses = {"create": (409,), "check": (409,), "primary": (409,)}
    permission_codes = {
        "list": VIEW_DOMAINS, "retrieve": VIEW_DOMAINS, "create": MANAGE_DOMAINS, "destroy": MANAGE_DOMAINS,
        "check": MANAGE_DOMAINS, "primary": MANAGE_DOMAINS,
    }  # fmt: skip

    def list(self, request: Request) -> Response:
        """List the domains a page at a time."""
        page = self.paginate_queryset(services.visible_domains(actor=_actor(request)).order_by())
        return self.get_paginated_response(_shown(page or [], many=True))

    @extend_schema(parameters=[ID])
    def retrieve(self, request: Request, id: UUID) -> Response:
        """One domain."""
        rows = services.visible_domains(actor=_actor(request))
        return Response(_shown(get_object_or_404(rows, pk=id)))

    @extend_schema(request=DomainClaimSerializer, responses={201: DomainSerializer})
    def create(self, request: Request) -> Response:
        """Claim a domain; the answer says which TXT record proves it and where it has to lead."""
        asked = DomainClaimSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        made = services.claim_domain(host=asked.validated_data["domain"], actor=_actor(request))
        return Response(_shown(services.own_domains().get(pk=made.pk)), status=201)

    def destroy(self, request: Request, id: UUID) -> Response:
        """Give a domain up: it leads nowhere from now on, and its sign-ins end."""
        services.remove_domain(domain_id=id, actor=_actor(request))
        return Response(status=204)

    @extend_schema(parameters=[ID], request=None, responses={200: DomainSerializer})
    @action(detail=True, methods=["post"])
    @outside_transaction
    def check(self, request: Request, id: UUID) -> Response:
        """Ask two name servers now; what they say is acted on."""
        row = check_domain(domain_id=id, actor=_actor(request))
        with atomic():
            return Response(_shown(row))

    @extend_schema(parameters=[ID], request=None, responses={200: DomainSerializer, 204: None})
    @action(detail=True, methods=["put", "delete"])
    def primary(self, request: Request, id: UUID) -> Response:
        """Have letters and links lead to this domain (PUT), or to the canonical host again (DELETE)."""
        actor = _actor(request)
        row = get_object_or_404(services.visible_domains(actor=actor), pk=id)
        if request.method == "DELETE":
            if row.is_primary:
                services.choose_primary(domain_id=None, actor=actor)
            return Response(status=204)
        services.choose_primary(domain_id=id, actor=actor)
        return Response(_shown(services.own_domains().get(pk=id)))
