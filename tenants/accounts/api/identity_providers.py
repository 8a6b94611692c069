"""`/api/v1/identity-providers/`, `/email-domains/`, `/sso/enforce/`: single sign-on set up by a program."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field, extend_schema_view
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet, ViewSet

from tenants.accounts.access import UserActor, require
from tenants.accounts.models import EmailDomain, IdentityProvider, SsoLogEntry
from tenants.accounts.sso import domains, services, sso_log
from tenants.accounts.sso.addresses import acs_url, entity_id, redirect_uri, slo_url
from tenants.accounts.sso.saml.metadata import fetch_metadata
from tenants.foundation.api import PAGE_PARAMETERS, IdempotentPosts, KnownParameters, StrictSerializer
from tenants.tenancy import atomic, outside_transaction

ID = OpenApiParameter("id", UUID, OpenApiParameter.PATH)
CODE = services.PERMISSION


class IdentityProviderSerializer(serializers.Serializer[Any]):
    """A provider: what it is, what it needs to know of us, and how its last test went. No secret is ever shown."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    preset = serializers.CharField(help_text="saml, oidc, google, microsoft or github.")
    kind = serializers.CharField(help_text="saml, oidc or github.")
    state = serializers.CharField(help_text="draft, test, active or enforced.")
    issuer = serializers.CharField()
    sso_url = serializers.CharField()
    slo_url = serializers.CharField()
    certificates = serializers.ListField(child=serializers.CharField())
    metadata_url = serializers.CharField()
    client_id = serializers.CharField()
    organisation = serializers.CharField()
    email_attribute = serializers.CharField()
    name_attribute = serializers.CharField()
    groups_attribute = serializers.CharField()
    provisions_users = serializers.BooleanField()
    default_role = serializers.CharField()
    allows_idp_initiated = serializers.BooleanField()
    is_tested = serializers.BooleanField(help_text="Somebody got through with the set-up as it is now.")
    test_grade = serializers.CharField(help_text="A, B or D; empty before the first test.")
    test_findings = serializers.JSONField()
    tested_at = serializers.DateTimeField(allow_null=True)
    our_addresses = serializers.SerializerMethodField()
    missing = serializers.SerializerMethodField()
    created_at = serializers.DateTimeField()

    @extend_schema_field(serializers.DictField(child=serializers.CharField()))
    def get_our_addresses(self, provider: IdentityProvider) -> dict[str, str]:
        """What to enter at the provider."""
        if provider.kind != IdentityProvider.Kind.SAML:
            return {"redirect_uri": redirect_uri(provider)}
        return {"entity_id": entity_id(provider), "acs_url": acs_url(provider), "slo_url": slo_url(provider)}

    @extend_schema_field(serializers.ListField(child=serializers.CharField()))
    def get_missing(self, provider: IdentityProvider) -> list[str]:
        """What the set-up lacks before it can be tested."""
        return services.what_is_missing(provider)


class ProviderChangeSerializer(StrictSerializer):
    """The values of a set-up; what is left out stays."""

    name = serializers.CharField(max_length=80, required=False)
    issuer = serializers.CharField(
        max_length=500, required=False, help_text="Of Microsoft: the directory's id."
    )
    sso_url = serializers.CharField(max_length=1000, required=False)
    slo_url = serializers.CharField(max_length=1000, required=False, allow_blank=True)
    certificates = serializers.ListField(
        child=serializers.CharField(max_length=16_000), max_length=2, required=False
    )
    metadata = serializers.CharField(max_length=256 * 1024, required=False)
    metadata_url = serializers.CharField(max_length=1000, required=False, help_text="Fetched now, then kept.")
    client_id = serializers.CharField(max_length=255, required=False)
    client_secret = serializers.CharField(max_length=1000, required=False)
    organisation = serializers.CharField(max_length=120, required=False, allow_blank=True)
    email_attribute = serializers.CharField(max_length=200, required=False, allow_blank=True)
    name_attribute = serializers.CharField(max_length=200, required=False, allow_blank=True)
    groups_attribute = serializers.CharField(max_length=200, required=False, allow_blank=True)
    provisions_users = serializers.BooleanField(required=False)
    default_role = serializers.CharField(max_length=20, required=False)
    allows_idp_initiated = serializers.BooleanField(required=False)


class NewProviderSerializer(StrictSerializer):
    """Which kind of provider, and what people read on its button."""

    preset = serializers.ChoiceField(choices=IdentityProvider.Preset.choices)
    name = serializers.CharField(max_length=80)


class StateSerializer(StrictSerializer):
    """Where the set-up shall stand; enforcing has an address of its own."""

    state = serializers.ChoiceField(choices=["draft", "test", "active"])


class GroupRulesSerializer(StrictSerializer):
    """Group at the provider → role here. They replace the ones there are."""

    rules = serializers.DictField(child=serializers.CharField(max_length=20))


class EnforceSerializer(StrictSerializer):
    """The provider that shall be the only way in."""

    provider_id = serializers.UUIDField()


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


class SsoLogEntrySerializer(serializers.Serializer[Any]):
    """What happened, and why something was refused."""

    id = serializers.UUIDField()
    at = serializers.DateTimeField()
    event = serializers.CharField()
    outcome = serializers.CharField(help_text="accepted, refused or changed.")
    reason = serializers.CharField()
    detail = serializers.CharField()
    provider_id = serializers.UUIDField(allow_null=True)
    provider_name = serializers.CharField()
    user_id = serializers.UUIDField(allow_null=True)
    subject = serializers.CharField()
    is_test = serializers.BooleanField()
    address = serializers.CharField()
    request_id = serializers.CharField()


def _actor(request: Request) -> UserActor:
    actor: UserActor = request.actor  # type: ignore[attr-defined]
    return actor


def _provider(request: Request, id: UUID) -> IdentityProvider:
    require(_actor(request), CODE)
    return get_object_or_404(IdentityProvider, pk=id)


@extend_schema_view(
    retrieve=extend_schema(parameters=[ID]),
    destroy=extend_schema(parameters=[ID], responses={204: None}),
)
class IdentityProviderViewSet(KnownParameters, IdempotentPosts, GenericViewSet[IdentityProvider]):
    """The company's identity providers, by name."""

    queryset = IdentityProvider.objects.none()
    serializer_class = IdentityProviderSerializer
    lookup_field = "id"
    lookup_value_converter = "uuid"
    keyset_sorts = {"name": "name"}
    keyset_default_sort = "name"
    query_parameters = {"list": PAGE_PARAMETERS}
    problem_statuses = {
        "create": (409,), "partial_update": (409, 502), "destroy": (409,), "state": (409,), "group_rules": (409,),
    }  # fmt: skip
    permission_codes = {
        "list": CODE, "create": CODE, "retrieve": CODE, "partial_update": CODE, "destroy": CODE, "state": CODE,
        "group_rules": CODE,
    }  # fmt: skip

    def list(self, request: Request) -> Response:
        """List the providers a page at a time."""
        require(_actor(request), CODE)
        page = self.paginate_queryset(IdentityProvider.objects.order_by())
        return self.get_paginated_response(IdentityProviderSerializer(page, many=True).data)

    @extend_schema(request=NewProviderSerializer, responses={201: IdentityProviderSerializer})
    def create(self, request: Request) -> Response:
        """Begin a set-up as a draft."""
        asked = NewProviderSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        made = services.create_provider(actor=_actor(request), **asked.validated_data)
        return Response(IdentityProviderSerializer(made).data, status=201)

    def retrieve(self, request: Request, id: UUID) -> Response:
        """Show one provider."""
        return Response(IdentityProviderSerializer(_provider(request, id)).data)

    @extend_schema(
        parameters=[ID], request=ProviderChangeSerializer, responses={200: IdentityProviderSerializer}
    )
    @outside_transaction
    def partial_update(self, request: Request, id: UUID) -> Response:
        """Change a set-up; metadata is fetched now if an address is given."""
        with atomic():
            provider = _provider(request, id)
        asked = ProviderChangeSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        values = dict(asked.validated_data)
        url, text = values.pop("metadata_url", None), values.pop("metadata", None)
        secret = values.pop("client_secret", None)
        metadata = fetch_metadata(url) if url else text.encode("utf-8") if text else None
        change = services.ProviderChange(
            values=values, metadata=metadata, metadata_url=url, client_secret=secret
        )
        with atomic():
            changed = services.change_provider(provider=provider, change=change, actor=_actor(request))
            return Response(IdentityProviderSerializer(changed).data)

    def destroy(self, request: Request, id: UUID) -> Response:
        """Remove a provider; the accounts that came by it stay."""
        services.delete_provider(provider=_provider(request, id), actor=_actor(request))
        return Response(status=204)

    @extend_schema(parameters=[ID], request=StateSerializer, responses={200: IdentityProviderSerializer})
    @action(detail=True, methods=["post"])
    def state(self, request: Request, id: UUID) -> Response:
        """Begin its test mode, switch it on, or take it back."""
        provider = _provider(request, id)
        asked = StateSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        moved = services.set_state(
            provider=provider, state=asked.validated_data["state"], actor=_actor(request)
        )
        return Response(IdentityProviderSerializer(moved).data)

    @extend_schema(parameters=[ID], request=GroupRulesSerializer, responses={200: GroupRulesSerializer})
    @action(detail=True, methods=["put"], url_path="group-rules")
    def group_rules(self, request: Request, id: UUID) -> Response:
        """Say which groups get which roles."""
        provider = _provider(request, id)
        asked = GroupRulesSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        kept = services.set_group_rules(
            provider=provider, rules=asked.validated_data["rules"], actor=_actor(request)
        )
        return Response({"rules": {rule.group_name: rule.role for rule in kept}})


@extend_schema_view(destroy=extend_schema(parameters=[ID], responses={204: None}))
class EmailDomainViewSet(KnownParameters, IdempotentPosts, GenericViewSet[EmailDomain]):
    """The e-mail domains the company claims as its own, by name."""

    queryset = EmailDomain.objects.none()
    serializer_class = EmailDomainSerializer
    lookup_field = "id"
    lookup_value_converter = "uuid"
    keyset_sorts = {"domain": "domain"}
    keyset_default_sort = "domain"
    query_parameters = {"list": PAGE_PARAMETERS}
    problem_statuses = {"create": (409,)}
    permission_codes = {"list": CODE, "create": CODE, "destroy": CODE, "check": CODE}

    def list(self, request: Request) -> Response:
        """List the domains a page at a time."""
        page = self.paginate_queryset(domains.visible_domains(actor=_actor(request)).order_by())
        return self.get_paginated_response(EmailDomainSerializer(page, many=True).data)

    @extend_schema(request=NewDomainSerializer, responses={201: EmailDomainSerializer})
    def create(self, request: Request) -> Response:
        """Claim a domain; the answer says which TXT record proves it."""
        asked = NewDomainSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        made = domains.add_domain(domain=asked.validated_data["domain"], actor=_actor(request))
        return Response(EmailDomainSerializer(made).data, status=201)

    def destroy(self, request: Request, id: UUID) -> Response:
        """Give a domain up."""
        actor = _actor(request)
        domains.remove_domain(
            domain=get_object_or_404(domains.visible_domains(actor=actor), pk=id), actor=actor
        )
        return Response(status=204)

    @extend_schema(parameters=[ID], request=None, responses={200: EmailDomainSerializer})
    @action(detail=True, methods=["post"])
    @outside_transaction
    def check(self, request: Request, id: UUID) -> Response:
        """Look the record up now."""
        row = domains.check_domain(domain_id=id, actor=_actor(request))
        with atomic():
            return Response(EmailDomainSerializer(row).data)


class SsoEnforcementViewSet(KnownParameters, IdempotentPosts, ViewSet):
    """Whether single sign-on is the only way in."""

    query_parameters: dict[str, tuple[str, ...]] = {}
    problem_statuses = {"create": (404, 409), "destroy": (404,)}
    permission_codes = {"create": CODE, "destroy": CODE}

    @extend_schema(request=EnforceSerializer, responses={200: IdentityProviderSerializer})
    def create(self, request: Request) -> Response:
        """Make a tested provider the only way in."""
        asked = EnforceSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        provider = _provider(request, asked.validated_data["provider_id"])
        moved = services.set_state(provider=provider, state="enforced", actor=_actor(request))
        return Response(IdentityProviderSerializer(moved).data)

    @extend_schema(responses={204: None})
    def destroy(self, request: Request) -> Response:
        """Let passwords count again; the provider stays switched on."""
        require(_actor(request), CODE)
        provider = get_object_or_404(IdentityProvider, state=IdentityProvider.State.ENFORCED)
        services.set_state(provider=provider, state="active", actor=_actor(request))
        return Response(status=204)


class SsoLogViewSet(KnownParameters, GenericViewSet[SsoLogEntry]):
    """What happened at single sign-on, newest first."""

    queryset = SsoLogEntry.objects.none()
    serializer_class = SsoLogEntrySerializer
    keyset_sorts = {"at": "at"}
    keyset_default_sort = "-at"
    query_parameters = {"list": PAGE_PARAMETERS}
    permission_codes = {"list": CODE}

    def list(self, request: Request) -> Response:
        """List the entries a page at a time."""
        entries: QuerySet[SsoLogEntry] = sso_log.visible_log(actor=_actor(request))
        page = self.paginate_queryset(entries.order_by())
        return self.get_paginated_response(SsoLogEntrySerializer(page, many=True).data)
