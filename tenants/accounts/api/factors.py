"""`/api/v1/me/factors/`: one's own second factors. Only the person themselves changes them, never a token."""

from typing import Any
from uuid import UUID

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from tenants.accounts.api.asking import ID, asking_for_oneself, body_of
from tenants.accounts.api.permissions import ANYBODY
from tenants.accounts.clients import open_to_clients
from tenants.accounts.mfa import services
from tenants.accounts.mfa.enrolment import open_without_second_factor
from tenants.accounts.mfa.recovery import codes_left
from tenants.accounts.mfa.totp import address_for_app
from tenants.accounts.models import AuthenticatorApp, Passkey
from tenants.foundation.api import KnownParameters, StrictSerializer
from tenants.tenancy import current_tenant


class PasskeySerializer(serializers.Serializer[Any]):
    """A passkey: never its key."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    host = serializers.CharField(source="rp_id", help_text="The host it opens.")
    is_backed_up = serializers.BooleanField()
    is_suspected = serializers.SerializerMethodField(help_text="There may be a copy of it: it opens nothing.")
    created_at = serializers.DateTimeField()
    last_used_at = serializers.DateTimeField(allow_null=True)

    def get_is_suspected(self, passkey: Passkey) -> bool:
        """Whether its counter went backwards."""
        return passkey.suspected_at is not None


class FactorsSerializer(serializers.Serializer[Any]):
    """What the caller proves themselves with beside a password."""

    has_app = serializers.BooleanField()
    app_since = serializers.DateTimeField(allow_null=True)
    passkeys = PasskeySerializer(many=True)
    recovery_codes_left = serializers.IntegerField()


class NewAppSerializer(serializers.Serializer[Any]):
    """What to put into an app; it opens nothing until it is confirmed with a code of the app."""

    secret = serializers.CharField(help_text="Base32. It is shown here once.")
    uri = serializers.CharField(help_text="The same as an `otpauth://` address.")


class FactorCodeSerializer(StrictSerializer):
    """A code the app shows now."""

    code = serializers.CharField(max_length=12)


class RecoveryCodesSerializer(serializers.Serializer[Any]):
    """Recovery codes, shown here once; empty when there were some before."""

    recovery_codes = serializers.ListField(child=serializers.CharField())


@open_without_second_factor
@open_to_clients
class FactorViewSet(KnownParameters, GenericViewSet[Passkey]):
    """One's own second factors. What is asked for again is made anew, so keys of repetition are not kept."""

    queryset = Passkey.objects.none()
    serializer_class = FactorsSerializer
    pagination_class = None
    lookup_field = "id"
    lookup_value_converter = "uuid"
    problem_statuses = {"begin_app": (409,), "confirm_app": (409,), "recovery_codes": (409,)}
    permission_codes = dict.fromkeys(
        ("list", "begin_app", "confirm_app", "remove_app", "remove_passkey", "recovery_codes"), ANYBODY
    )

    @extend_schema(operation_id="me_factors_list", responses=FactorsSerializer)
    def list(self, request: Request) -> Response:
        """Show one's own second factors."""
        user = asking_for_oneself(request).user
        app = AuthenticatorApp.objects.filter(user=user).exclude(confirmed_at=None).first()
        shown = {
            "has_app": app is not None,
            "app_since": app.confirmed_at if app else None,
            "passkeys": Passkey.objects.filter(user=user),
            "recovery_codes_left": codes_left(user),
        }
        return Response(FactorsSerializer(shown).data)

    @extend_schema(operation_id="me_factors_app_create", request=None, responses={201: NewAppSerializer})
    def begin_app(self, request: Request) -> Response:
        """Get a secret for an app. A second call makes a new one in place of one not confirmed."""
        actor = asking_for_oneself(request)
        services.begin_authenticator_app(actor=actor)
        secret = services.unconfirmed_secret(actor=actor)
        assert secret is not None
        text = secret.reveal()
        uri = address_for_app(text, account=actor.user.email, issuer=current_tenant().name)
        return Response(NewAppSerializer({"secret": text, "uri": uri}).data, status=201)

    @extend_schema(
        operation_id="me_factors_app_confirm", request=FactorCodeSerializer, responses=RecoveryCodesSerializer
    )
    def confirm_app(self, request: Request) -> Response:
        """Take the app into use with a code it shows."""
        actor = asking_for_oneself(request)
        code = body_of(FactorCodeSerializer(data=request.data))["code"]
        codes = services.confirm_authenticator_app(actor=actor, code=code)
        return _codes(codes)

    @extend_schema(operation_id="me_factors_app_destroy", responses={204: None})
    def remove_app(self, request: Request) -> Response:
        """Take the app off."""
        services.remove_authenticator_app(actor=asking_for_oneself(request))
        return Response(status=204)

    @extend_schema(operation_id="me_factors_passkeys_destroy", parameters=[ID], responses={204: None})
    def remove_passkey(self, request: Request, id: UUID) -> Response:
        """Take a passkey off."""
        actor = asking_for_oneself(request)
        passkey = get_object_or_404(Passkey.objects.filter(user=actor.user), pk=id)
        services.remove_passkey(passkey=passkey, actor=actor)
        return Response(status=204)

    @extend_schema(
        operation_id="me_factors_recovery_codes_create",
        request=None,
        responses={201: RecoveryCodesSerializer},
    )
    def recovery_codes(self, request: Request) -> Response:
        """Make new recovery codes in place of all older ones."""
        return _codes(services.new_recovery_codes(actor=asking_for_oneself(request)), status=201)


def _codes(codes: Any, *, status: int = 200) -> Response:
    shown = {"recovery_codes": [code.reveal() for code in codes]}
    return Response(RecoveryCodesSerializer(shown).data, status=status)
