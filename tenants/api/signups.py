"""`/api/v1/signups/` and `/api/v1/tenants/`: a company made by somebody nobody knows yet, on the platform's host."""

from typing import Any, Final
from uuid import UUID

from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ViewSet

from tenants.api.operations import OperationSerializer
from tenants.api.strangers import SignupAuthentication, Stranger, signup_of, source, stranger
from tenants.foundation.api import IdempotentPosts, KnownParameters, StrictSerializer
from tenants.foundation.errors import NotFound
from tenants.lifecycle.signups.services import (
    begin_signup,
    issue_first_token,
    make_company,
    require_open,
    verify_signup,
)
from tenants.tenancy import outside_transaction
from tenants.tenancy.addresses import address_of

ID: Final = OpenApiParameter("id", UUID, OpenApiParameter.PATH)
_TOKEN = "nts_signup_019ab2c40a0070008000000000000002_example"  # noqa: S105 - an example


@extend_schema_serializer(
    examples=[OpenApiExample("Begin", {"email": "ann@acme.example"}, request_only=True)]
)
class NewSignupSerializer(StrictSerializer):
    """Whom the code goes to."""

    email = serializers.EmailField(max_length=254)
    language = serializers.ChoiceField(choices=["en", "de", "es"], required=False, default="en")


class SignupSerializer(serializers.Serializer[Any]):
    """A sign-up that was begun; whether a letter goes out is not told."""

    id = serializers.UUIDField()
    expires_at = serializers.DateTimeField(help_text="Until then the code of the letter counts.")


@extend_schema_serializer(examples=[OpenApiExample("The code", {"code": "123456"}, request_only=True)])
class SignupCodeSerializer(StrictSerializer):
    """The six digits of the letter."""

    code = serializers.RegexField(r"^\d{6}$", max_length=6)


@extend_schema_serializer(examples=[OpenApiExample("Proved", {"token": _TOKEN}, response_only=True)])
class ProvedSerializer(serializers.Serializer[Any]):
    """What carries the rest, for a day; it is seen here once."""

    token = serializers.CharField()


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "A new company",
            {
                "slug": "acme",
                "name": "Acme",
                "owner_name": "Ann Made-Up",
                "owner_password": "four unrelated words here",
            },
            request_only=True,
        )
    ]
)
class NewTenantSerializer(StrictSerializer):
    """The company that is to be made; whoever proved the address owns it."""

    slug = serializers.CharField(max_length=40, help_text="The first part of its host name.")
    name = serializers.CharField(max_length=120)
    owner_name = serializers.CharField(max_length=120)
    owner_password = serializers.CharField(max_length=256, trim_whitespace=False, write_only=True)
    region = serializers.CharField(max_length=32, required=False, help_text="Where its rows are kept.")
    language = serializers.ChoiceField(choices=["en", "de", "es"], required=False)
    time_zone = serializers.CharField(max_length=64, required=False)


class FirstTokenSerializer(serializers.Serializer[Any]):
    """An API token of the company's owner, good for a day; it is seen here once."""

    address = serializers.CharField(help_text="Where the company's console and API answer.")
    token = serializers.CharField()
    expires_at = serializers.DateTimeField()


@outside_transaction
class SignupViewSet(IdempotentPosts, KnownParameters, ViewSet):
    """Signing up. Every write needs an idempotency key."""

    authentication_classes = [SignupAuthentication]
    permission_classes = []
    needs_idempotency_key = True
    problem_statuses = {"create": (404, 429), "verify": (404,), "api_token": (401, 404, 409)}

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Refuse before anything is claimed."""
        require_open()
        caller: object = request.user
        if not isinstance(caller, Stranger):
            request.user = stranger(request)  # type: ignore[assignment]
        super().initial(request, *args, **kwargs)

    @extend_schema(
        request=NewSignupSerializer, responses={202: SignupSerializer}, auth=[],
        operation_id="signups_create",
    )  # fmt: skip
    def create(self, request: Request) -> Response:
        """Have a code sent to an address; the answer is the same for every address."""
        body = NewSignupSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        signup = begin_signup(source=source(request), **body.validated_data)
        facts = {"id": signup.pk, "expires_at": signup.code_expires_at}
        return Response(SignupSerializer(facts).data, status=202)

    @extend_schema(
        parameters=[ID], request=SignupCodeSerializer, responses=ProvedSerializer, auth=[],
        operation_id="signups_verify",
    )  # fmt: skip
    def verify(self, request: Request, id: UUID) -> Response:
        """Prove the address; five tries within ten minutes."""
        body = SignupCodeSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        token = verify_signup(signup_id=id, code=body.validated_data["code"])
        return Response({"token": token.reveal()})

    @extend_schema(
        parameters=[ID], request=None, responses={201: FirstTokenSerializer},
        operation_id="signups_api_token",
    )  # fmt: skip
    def api_token(self, request: Request, id: UUID) -> Response:
        """Get the owner's first API token, once the company is ready and once only."""
        signup = signup_of(request)
        if signup.pk != id:
            raise NotFound
        tenant, issued = issue_first_token(signup)
        facts = {
            "address": address_of(tenant.slug),
            "token": issued.token.reveal(),
            "expires_at": issued.row.expires_at,
        }
        return Response(FirstTokenSerializer(facts).data, status=201)


@outside_transaction
class TenantViewSet(IdempotentPosts, KnownParameters, ViewSet):
    """Companies that people make for themselves."""

    authentication_classes = [SignupAuthentication]
    permission_classes = []
    needs_idempotency_key = True
    problem_statuses = {"create": (401, 404, 409)}

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Refuse before anything is claimed."""
        require_open()
        super().initial(request, *args, **kwargs)

    @extend_schema(
        request=NewTenantSerializer, responses={202: OperationSerializer},
        operation_id="tenants_create",
    )  # fmt: skip
    def create(self, request: Request) -> Response:
        """Have the company made; look at the operation until it has succeeded."""
        signup = signup_of(request)
        body = NewTenantSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        operation = make_company(signup=signup, **body.validated_data)
        return Response(
            OperationSerializer(operation).data, status=202,
            headers={"Location": f"/api/v1/operations/{operation.pk}/"},
        )  # fmt: skip
