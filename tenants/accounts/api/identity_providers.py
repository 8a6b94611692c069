"""`/api/v1/identity-providers/`: single sign-on set up by a program."""

from dataclasses import asdict
from typing import Any
from uuid import UUID

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field, extend_schema_view
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from tenants.accounts.access import UserActor, require
from tenants.accounts.api.proposed_changes import ProposedChangeSerializer, waiting_answer
from tenants.accounts.models import IdentityProvider, ProposedChange
from tenants.accounts.sso import services, trials, watching
from tenants.accounts.sso.addresses import (
    acs_url,
    backchannel_logout_uri,
    entity_id,
    redirect_uri,
    signed_out_uri,
    slo_url,
)
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
    metadata_checked_at = serializers.DateTimeField(allow_null=True)
    metadata_problem = serializers.CharField(help_text="Why the metadata could not be read the last time.")
    metadata_differences = serializers.SerializerMethodField(
        help_text="What the provider's metadata says otherwise now; it counts once it is confirmed."
    )
    our_addresses = serializers.SerializerMethodField()
    missing = serializers.SerializerMethodField()
    created_at = serializers.DateTimeField()

    @extend_schema_field(serializers.ListField(child=serializers.DictField(child=serializers.CharField())))
    def get_metadata_differences(self, provider: IdentityProvider) -> list[dict[str, str]]:
        """Each with `name`, `ours` and `theirs`; certificates by fingerprint."""
        return [asdict(each) for each in watching.differences(provider)]

    @extend_schema_field(serializers.DictField(child=serializers.CharField()))
    def get_our_addresses(self, provider: IdentityProvider) -> dict[str, str]:
        """What to enter at the provider."""
        if provider.kind != IdentityProvider.Kind.SAML:
            ours = {"redirect_uri": redirect_uri(provider)}
            is_oidc = provider.kind == IdentityProvider.Kind.OIDC
            if not is_oidc:
                return ours
            return {
                **ours,
                "post_logout_redirect_uri": signed_out_uri(),
                "backchannel_logout_uri": backchannel_logout_uri(provider),
            }
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
    reason = serializers.CharField(
        max_length=500, required=False, allow_blank=True, help_text="For the second person, if one is needed."
    )


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
    reason = serializers.CharField(
        max_length=500, required=False, allow_blank=True, write_only=True,
        help_text="For the second person, if one is needed.",
    )  # fmt: skip


class TrialLinkSerializer(serializers.Serializer[Any]):
    """Where a browser tries the sign-in out; nobody is signed in by it. `test_grade` says how it went."""

    link = serializers.CharField()
    expires_at = serializers.DateTimeField()


def actor_of_call(request: Request) -> UserActor:
    actor: UserActor = request.actor  # type: ignore[attr-defined]
    return actor


def provider_of_call(request: Request, id: UUID) -> IdentityProvider:
    require(actor_of_call(request), CODE)
    return get_object_or_404(IdentityProvider, pk=id)


@extend_schema_view(
    retrieve=extend_schema(parameters=[ID]),
    destroy=extend_schema(parameters=[ID], responses={204: None}),
)
class IdentityProviderViewSet(KnownParameters, IdempotentPosts, GenericViewSet[IdentityProvider]):
    """The company's identity providers, by name."""

    queryset = IdentityProvider.objects.none()
    serializer_class = IdentityProviderSerializer
    needs_idempotency_key = True
    lookup_field = "id"
    lookup_value_converter = "uuid"
    keyset_sorts = {"name": "name"}
    keyset_default_sort = "name"
    query_parameters = {"list": PAGE_PARAMETERS}
    problem_statuses = {
        "create": (409,), "partial_update": (409, 502), "destroy": (409,), "state": (409,), "group_rules": (409,),
        "tests": (409,), "metadata": (409,), "confirm_metadata": (409,),
    }  # fmt: skip
    permission_codes = {
        "list": CODE, "create": CODE, "retrieve": CODE, "partial_update": CODE, "destroy": CODE, "state": CODE,
        "group_rules": CODE, "tests": CODE, "metadata": CODE,
        "confirm_metadata": CODE,
    }  # fmt: skip

    def list(self, request: Request) -> Response:
        """List the providers a page at a time."""
        require(actor_of_call(request), CODE)
        page = self.paginate_queryset(IdentityProvider.objects.order_by())
        return self.get_paginated_response(IdentityProviderSerializer(page, many=True).data)

    @extend_schema(request=NewProviderSerializer, responses={201: IdentityProviderSerializer})
    def create(self, request: Request) -> Response:
        """Begin a set-up as a draft."""
        asked = NewProviderSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        made = services.create_provider(actor=actor_of_call(request), **asked.validated_data)
        return Response(IdentityProviderSerializer(made).data, status=201)

    def retrieve(self, request: Request, id: UUID) -> Response:
        """Show one provider."""
        return Response(IdentityProviderSerializer(provider_of_call(request, id)).data)

    @extend_schema(
        parameters=[ID],
        request=ProviderChangeSerializer,
        responses={200: IdentityProviderSerializer, 202: ProposedChangeSerializer},
    )
    @outside_transaction
    def partial_update(self, request: Request, id: UUID) -> Response:
        """Change a set-up; metadata is fetched now if an address is given."""
        with atomic():
            provider = provider_of_call(request, id)
        asked = ProviderChangeSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        values = dict(asked.validated_data)
        url, text = values.pop("metadata_url", None), values.pop("metadata", None)
        secret, reason = values.pop("client_secret", None), values.pop("reason", "")
        metadata = fetch_metadata(url) if url else text.encode("utf-8") if text else None
        change = services.ProviderChange(
            values=values, metadata=metadata, metadata_url=url, client_secret=secret
        )
        with atomic():
            changed = services.change_provider(
                provider=provider, change=change, actor=actor_of_call(request), reason=reason
            )
            if isinstance(changed, ProposedChange):
                return waiting_answer(request, changed)
            return Response(IdentityProviderSerializer(changed).data)

    def destroy(self, request: Request, id: UUID) -> Response:
        """Remove a provider; the accounts that came by it stay."""
        services.delete_provider(provider=provider_of_call(request, id), actor=actor_of_call(request))
        return Response(status=204)

    @extend_schema(
        parameters=[ID],
        request=StateSerializer,
        responses={200: IdentityProviderSerializer, 202: ProposedChangeSerializer},
    )
    @action(detail=True, methods=["post"])
    def state(self, request: Request, id: UUID) -> Response:
        """Begin its test mode, switch it on, or take it back.

        Switching on is answered with 202 and the waiting change where the company wants two people for it.
        """
        provider = provider_of_call(request, id)
        asked = StateSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        actor, wanted = actor_of_call(request), asked.validated_data["state"]
        if wanted == IdentityProvider.State.ACTIVE:
            switched = services.switch_on(provider=provider, actor=actor)
            if isinstance(switched, ProposedChange):
                return waiting_answer(request, switched)
            return Response(IdentityProviderSerializer(switched).data)
        moved = services.set_state(provider=provider, state=wanted, actor=actor)
        return Response(IdentityProviderSerializer(moved).data)

    @extend_schema(
        parameters=[ID],
        request=GroupRulesSerializer,
        responses={200: GroupRulesSerializer, 202: ProposedChangeSerializer},
    )
    @action(detail=True, methods=["put"], url_path="group-rules")
    def group_rules(self, request: Request, id: UUID) -> Response:
        """Say which groups get which roles."""
        provider = provider_of_call(request, id)
        asked = GroupRulesSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        kept = services.set_group_rules(
            provider=provider, rules=asked.validated_data["rules"], actor=actor_of_call(request),
            reason=asked.validated_data.get("reason", ""),
        )  # fmt: skip
        if isinstance(kept, ProposedChange):
            return waiting_answer(request, kept)
        return Response({"rules": {rule.group_name: rule.role for rule in kept}})

    @extend_schema(parameters=[ID], request=None, responses={201: TrialLinkSerializer})
    @action(detail=True, methods=["post"])
    def tests(self, request: Request, id: UUID) -> Response:
        """Get a link that tries the sign-in out, in any browser."""
        made = trials.issue_trial_link(provider=provider_of_call(request, id), actor=actor_of_call(request))
        facts = {"link": made.address, "expires_at": made.expires_at}
        return Response(TrialLinkSerializer(facts).data, status=201)

    @extend_schema(parameters=[ID], request=None, responses={200: IdentityProviderSerializer})
    @action(detail=True, methods=["post"])
    @outside_transaction
    def metadata(self, request: Request, id: UUID) -> Response:
        """Read the provider's metadata now; what differs is shown and does not count yet."""
        provider = watching.read_again(provider_id=id, actor=actor_of_call(request))
        with atomic():
            return Response(IdentityProviderSerializer(provider).data)

    @extend_schema(
        parameters=[ID],
        request=None,
        responses={200: IdentityProviderSerializer, 202: ProposedChangeSerializer},
    )
    @action(detail=True, methods=["post"], url_path="metadata/confirm")
    def confirm_metadata(self, request: Request, id: UUID) -> Response:
        """Let what was found in the metadata count."""
        provider = provider_of_call(request, id)
        confirmed = watching.confirm_metadata(provider=provider, actor=actor_of_call(request))
        if isinstance(confirmed, ProposedChange):
            return waiting_answer(request, confirmed)
        return Response(IdentityProviderSerializer(confirmed).data)
