"""`/api/v1/branding/mail-server/`: the mail server a company's letters go out by."""

from typing import Any, Final

from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_serializer
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ViewSet

from tenants.accounts.access import UserActor
from tenants.branding.mail_servers import services
from tenants.branding.mail_servers.selectors import MailServers, ShownServer, mail_servers
from tenants.branding.mail_servers.values import MOST_PASSWORD, MailServerSettings
from tenants.branding.permissions import MANAGE_BRANDING, MANAGE_SENDER
from tenants.foundation.api import IdempotentPosts, KnownParameters, StrictSerializer
from tenants.foundation.crypto import Secret
from tenants.foundation.letters.smtp import Security
from tenants.tenancy import outside_transaction

SECURITIES: Final = [each.value for each in Security]
EXAMPLE: Final = {
    "from_address": "tasks@halden.example", "host": "mail.halden.example", "port": 587, "security": "starttls",
    "username": "tasks",
}  # fmt: skip


class MailServerSerializer(serializers.Serializer[Any]):
    """A mail server; its password is never shown."""

    from_address = serializers.CharField()
    host = serializers.CharField()
    port = serializers.IntegerField()
    security = serializers.ChoiceField(choices=SECURITIES)
    username = serializers.CharField()
    has_password = serializers.BooleanField()
    proved_at = serializers.DateTimeField(allow_null=True)
    awaits_code = serializers.BooleanField(
        help_text="A test letter is on its way; its code can be confirmed."
    )
    failing_since = serializers.DateTimeField(
        allow_null=True, help_text="Since then letters go out by the platform's server."
    )
    rests_until = serializers.DateTimeField(allow_null=True, help_text="It is not tried again before.")
    problem = serializers.CharField(help_text="What went wrong last, in a sentence.")
    changed_by = serializers.CharField()


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "One in use",
            {
                "active": {
                    **EXAMPLE, "has_password": True, "proved_at": "2026-11-23T08:00:00Z", "awaits_code": False,
                    "failing_since": None, "rests_until": None, "problem": "", "changed_by": "Ada Admin",
                },
                "candidate": None,
            },
            response_only=True,
        )
    ]
)  # fmt: skip
class MailServersSerializer(serializers.Serializer[Any]):
    """The server in use and the one still to be proved; without one in use letters go by the platform's."""

    active = MailServerSerializer(allow_null=True)
    candidate = MailServerSerializer(allow_null=True)


@extend_schema_serializer(
    examples=[OpenApiExample("A server", {**EXAMPLE, "password": "an invented password"}, request_only=True)]
)
class MailServerChangeSerializer(StrictSerializer):
    """A server to be proved."""

    from_address = serializers.CharField(
        max_length=254, help_text="In a proved e-mail domain or custom domain of the company."
    )
    host = serializers.CharField(max_length=253)
    port = serializers.IntegerField(min_value=1, max_value=65535, default=587)
    security = serializers.ChoiceField(choices=SECURITIES, default=Security.STARTTLS.value)
    username = serializers.CharField(max_length=254, required=False, allow_blank=True, default="")
    password = serializers.CharField(
        max_length=MOST_PASSWORD, required=False, write_only=True, trim_whitespace=False,
        help_text="Left out: the one that is kept for the same server and user.",
    )  # fmt: skip


@extend_schema_serializer(
    examples=[OpenApiExample("A test letter", {"to": "ada@halden.example"}, request_only=True)]
)
class TestLetterSerializer(StrictSerializer):
    """To whom the test letter goes: somebody of the company, whoever calls where it is left out."""

    to = serializers.EmailField(max_length=254, required=False, default="")


class TestLetterSentSerializer(serializers.Serializer[Any]):
    """Where the letter went."""

    to = serializers.EmailField()


@extend_schema_serializer(examples=[OpenApiExample("The code", {"code": "123456"}, request_only=True)])
class MailCodeSerializer(StrictSerializer):
    """The code in the test letter."""

    code = serializers.CharField(max_length=20)


@outside_transaction
class MailServerViewSet(IdempotentPosts, KnownParameters, ViewSet):
    """The company's own mail server: set it, have it send a test letter, confirm the letter's code."""

    permission_codes = {
        "retrieve": MANAGE_BRANDING,
        **dict.fromkeys(("update", "destroy", "discard", "test", "confirm"), MANAGE_SENDER),
    }
    problem_statuses = {"destroy": (404,), "discard": (404,), "test": (404, 409, 502), "confirm": (404,)}

    @extend_schema(responses=MailServersSerializer, operation_id="branding_mail_server_retrieve")
    def retrieve(self, request: Request) -> Response:
        """Show the server in use and the one still to be proved."""
        return _answered(mail_servers(actor=_actor(request)))

    @extend_schema(
        request=MailServerChangeSerializer, responses=MailServersSerializer,
        operation_id="branding_mail_server_update",
    )  # fmt: skip
    def update(self, request: Request) -> Response:
        """Set a server that is still to be proved; the one in use goes on meanwhile."""
        asked = MailServerChangeSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        values = dict(asked.validated_data)
        password = values.pop("password", None)
        settings = MailServerSettings(**values, password=Secret(password) if password is not None else None)
        return _answered(services.save_mail_server(actor=_actor(request), settings=settings))

    @extend_schema(responses={204: None}, operation_id="branding_mail_server_destroy")
    def destroy(self, request: Request) -> Response:
        """Forget the company's server; letters go by the platform's again."""
        services.remove_mail_server(actor=_actor(request))
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(responses={204: None}, operation_id="branding_mail_server_candidate_destroy")
    def discard(self, request: Request) -> Response:
        """Forget the server that is still to be proved."""
        services.discard_candidate(actor=_actor(request))
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(
        request=TestLetterSerializer, responses=TestLetterSentSerializer,
        operation_id="branding_mail_server_test",
    )  # fmt: skip
    def test(self, request: Request) -> Response:
        """Have the server that is to be proved send a letter with a code."""
        asked = TestLetterSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        return Response(
            {"to": services.send_test_letter(actor=_actor(request), to=asked.validated_data["to"])}
        )

    @extend_schema(
        request=MailCodeSerializer, responses=MailServersSerializer,
        operation_id="branding_mail_server_confirm",
    )  # fmt: skip
    def confirm(self, request: Request) -> Response:
        """Use the server from now on, since its letter has arrived."""
        asked = MailCodeSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        return _answered(
            services.confirm_mail_server(actor=_actor(request), code=asked.validated_data["code"])
        )


def _actor(request: Request) -> UserActor:
    actor: UserActor = request.actor  # type: ignore[attr-defined]
    return actor


def _answered(now: MailServers) -> Response:
    return Response({"active": _shown(now.active), "candidate": _shown(now.candidate)})


def _shown(server: ShownServer | None) -> dict[str, Any] | None:
    if server is None:
        return None
    return {name: getattr(server, name) for name in map(str, MailServerSerializer().fields)}
