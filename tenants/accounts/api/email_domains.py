"""`/api/v1/email-domains/`: the domains whose addresses are the company's, claimed and proved by a program."""

from typing import Any
from uuid import UUID

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from tenants.accounts.api.identity_providers import CODE, ID, actor_of_call
from tenants.accounts.models import EmailDomain, IdentityProvider
from tenants.accounts.sso import domains
from tenants.foundation.api import PAGE_PARAMETERS, IdempotentPosts, KnownParameters, StrictSerializer
from tenants.tenancy import atomic, outside_transaction


class EmailDomainSerializer(serializers.Serializer[Any]):
    """A domain and the TXT record that proves it."""

    id = serializers.UUIDField()
    domain = serializers.CharField()
    state = serializers.CharField(help_text="pending, verified or lost.")
    problem = serializers.CharField()
    record_name = serializers.SerializerMethodField()
    record_value = serializers.SerializerMethodField()
    captured_by_id = serializers.UUIDField(
        allow_null=True, help_text="The provider people there are sent to."
    )
    verified_at = serializers.DateTimeField(allow_null=True)
    checked_at = serializers.DateTimeField(allow_null=True)

    def get_record_name(self, row: EmailDomain) -> str:
        """The name of the TXT record."""
        return domains.challenge(row)[0]

    def get_record_value(self, row: EmailDomain) -> str:
        """Its value."""
        return domains.challenge(row)[1]


class NewDomainSerializer(StrictSerializer):
    """The domain to claim."""

    domain = serializers.CharField(max_length=253)


class DomainChangeSerializer(StrictSerializer):
    """Which provider people with an address there are sent to; null: none."""

    captured_by_id = serializers.UUIDField(allow_null=True)


@extend_schema_view(destroy=extend_schema(parameters=[ID], responses={204: None}))
class EmailDomainViewSet(KnownParameters, IdempotentPosts, GenericViewSet[EmailDomain]):
    """The e-mail domains the company claims as its own, by name."""

    queryset = EmailDomain.objects.none()
    serializer_class = EmailDomainSerializer
    needs_idempotency_key = True
    lookup_field = "id"
    lookup_value_converter = "uuid"
    keyset_sorts = {"domain": "domain"}
    keyset_default_sort = "domain"
    query_parameters = {"list": PAGE_PARAMETERS}
    problem_statuses = {"create": (409,), "partial_update": (409,)}
    permission_codes = {"list": CODE, "create": CODE, "partial_update": CODE, "destroy": CODE, "check": CODE}

    def list(self, request: Request) -> Response:
        """List the domains a page at a time."""
        page = self.paginate_queryset(domains.visible_domains(actor=actor_of_call(request)).order_by())
        return self.get_paginated_response(EmailDomainSerializer(page, many=True).data)

    @extend_schema(request=NewDomainSerializer, responses={201: EmailDomainSerializer})
    def create(self, request: Request) -> Response:
        """Claim a domain; the answer says which TXT record proves it."""
        asked = NewDomainSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        made = domains.add_domain(domain=asked.validated_data["domain"], actor=actor_of_call(request))
        return Response(EmailDomainSerializer(made).data, status=201)

    def destroy(self, request: Request, id: UUID) -> Response:
        """Give a domain up."""
        actor = actor_of_call(request)
        domains.remove_domain(
            domain=get_object_or_404(domains.visible_domains(actor=actor), pk=id), actor=actor
        )
        return Response(status=204)

    @extend_schema(parameters=[ID], request=DomainChangeSerializer, responses={200: EmailDomainSerializer})
    def partial_update(self, request: Request, id: UUID) -> Response:
        """Have people with an address there sent to a provider from the sign-in page, or to none."""
        actor = actor_of_call(request)
        row = get_object_or_404(domains.visible_domains(actor=actor), pk=id)
        asked = DomainChangeSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        chosen = asked.validated_data["captured_by_id"]
        provider = get_object_or_404(IdentityProvider, pk=chosen) if chosen else None
        changed = domains.capture(domain=row, provider=provider, actor=actor)
        return Response(EmailDomainSerializer(changed).data)

    @extend_schema(parameters=[ID], request=None, responses={200: EmailDomainSerializer})
    @action(detail=True, methods=["post"])
    @outside_transaction
    def check(self, request: Request, id: UUID) -> Response:
        """Look the record up now."""
        row = domains.check_domain(domain_id=id, actor=actor_of_call(request))
        with atomic():
            return Response(EmailDomainSerializer(row).data)
