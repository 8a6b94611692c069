"""`/api/v1/me/`: who is asking, and what they may do."""

from typing import Any

from django.conf import settings
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from tenants.accounts.api.permissions import ANYBODY
from tenants.accounts.clients import open_to_clients
from tenants.accounts.models import User
from tenants.accounts.services import update_profile
from tenants.accounts.time_zones import time_zones
from tenants.foundation.api import KnownParameters, StrictSerializer
from tenants.tenancy import current_tenant


class CompanySerializer(serializers.Serializer[Any]):
    """The company the request belongs to."""

    id = serializers.UUIDField()
    slug = serializers.CharField()
    name = serializers.CharField()


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "A manager with a token that may only read tasks",
            {
                "id": "019ab2c4-0a00-7000-8000-000000000001",
                "email": "mona@acme.example",
                "name": "Mona Made-Up",
                "language": "",
                "time_zone": "Europe/Berlin",
                "theme": "system",
                "role": "manager",
                "permissions": ["tasks.view"],
                "company": {"id": "019ab2c4-0a00-7000-8000-000000000002", "slug": "acme", "name": "Acme"},
            },
            response_only=True,
        )
    ]
)
class MeSerializer(serializers.Serializer[Any]):
    """The caller, their company, their role and what it allows here and now."""

    id = serializers.UUIDField()
    email = serializers.EmailField()
    name = serializers.CharField()
    language = serializers.CharField(help_text="Empty: as the company.")
    time_zone = serializers.CharField(help_text="Empty: as the company.")
    theme = serializers.ChoiceField(choices=User.Theme.choices)
    role = serializers.CharField(allow_null=True)
    permissions = serializers.ListField(
        child=serializers.CharField(), help_text="For a token: the part its scopes leave."
    )
    company = CompanySerializer()


@extend_schema_serializer(
    examples=[OpenApiExample("Dark, in German", {"theme": "dark", "language": "de"}, request_only=True)]
)
class MeChangeSerializer(StrictSerializer):
    """What the caller may change about themselves."""

    name = serializers.CharField(max_length=120, required=False)
    language = serializers.ChoiceField(
        choices=[("", "As the company"), *settings.LANGUAGES], allow_blank=True, required=False
    )
    time_zone = serializers.CharField(max_length=64, allow_blank=True, required=False)
    theme = serializers.ChoiceField(choices=User.Theme.choices, required=False)

    def validate_time_zone(self, value: str) -> str:
        """Refuse a name that is no time zone."""
        if value and value not in time_zones():
            raise serializers.ValidationError("There is no such time zone.", "unknown_time_zone")
        return value


@open_to_clients
class MeView(KnownParameters, APIView):
    """The caller."""

    permission_codes = {"GET": ANYBODY, "PATCH": ANYBODY}

    @extend_schema(responses=MeSerializer, operation_id="me_retrieve")
    def get(self, request: Request) -> Response:
        """Tell the caller who they are."""
        return Response(_shown(request))

    @extend_schema(request=MeChangeSerializer, responses=MeSerializer, operation_id="me_update")
    def patch(self, request: Request) -> Response:
        """Change one's own name and preferences."""
        serializer = MeChangeSerializer(data=request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        user = request.actor.user  # type: ignore[attr-defined]
        now = {
            "name": user.name,
            "language": user.language,
            "time_zone": user.time_zone,
            "theme": user.theme,
        }
        update_profile(
            user=user,
            actor=request.actor,  # type: ignore[attr-defined]
            **{**now, **serializer.validated_data},
        )
        return Response(_shown(request))


def _shown(request: Request) -> Any:
    actor = request.actor  # type: ignore[attr-defined]
    user, tenant = actor.user, current_tenant()
    return MeSerializer(
        {
            "id": user.pk,
            "email": user.email,
            "name": user.name,
            "language": user.language,
            "time_zone": user.time_zone,
            "theme": user.theme,
            "role": actor.role.value if actor.role else None,
            "permissions": sorted(actor.codes),
            "company": tenant,
        }
    ).data
