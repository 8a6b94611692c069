"""`/api/v1/platform/`: the cells and the nightly checks, for the operators of the platform."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from tenants.accounts.api.permissions import ANYBODY
from tenants.api.companies import actor_of
from tenants.foundation.api import KnownParameters
from tenants.models import Evidence
from tenants.selectors import checks, standing_of_cells


class CellSerializer(serializers.Serializer[Any]):
    """A cell and its load; what only its database knows is null while that does not answer."""

    alias = serializers.CharField()
    region = serializers.CharField()
    is_open = serializers.BooleanField(help_text="Whether it takes new companies in.")
    is_up = serializers.BooleanField()
    error = serializers.CharField()
    tenants = serializers.IntegerField()
    most_tenants = serializers.IntegerField()
    spares = serializers.IntegerField()
    bytes = serializers.IntegerField(allow_null=True)
    waiting_jobs = serializers.IntegerField(allow_null=True)
    passed_at = serializers.DateTimeField(allow_null=True, help_text="When a dispatcher last handed out.")


class CheckSerializer(serializers.Serializer[Any]):
    """What proves that the platform is sound, and whether that is too long ago."""

    kind = serializers.ChoiceField(choices=Evidence.Kind.choices)
    is_well = serializers.BooleanField(help_text="It passed, within the last 26 hours.")
    passed_at = serializers.DateTimeField(allow_null=True)
    last_run_at = serializers.DateTimeField(source="last.finished_at", default=None, allow_null=True)
    summary = serializers.CharField(source="last.summary", default="")


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "One cell, one check",
            {
                "cells": [
                    {
                        "alias": "cell_1", "region": "local", "is_open": True, "is_up": True, "error": "",
                        "tenants": 212, "most_tenants": 1000, "spares": 5, "bytes": 1288490188, "waiting_jobs": 3,
                        "passed_at": "2027-01-02T09:00:00Z",
                    }
                ],
                "checks": [
                    {
                        "kind": "restore_drill", "is_well": True, "passed_at": "2027-01-02T02:10:00Z",
                        "last_run_at": "2027-01-02T02:10:00Z", "summary": "One company restored and compared.",
                    }
                ],
            },
            response_only=True,
        )
    ]
)  # fmt: skip
class PlatformSerializer(serializers.Serializer[Any]):
    """The platform as it stands."""

    cells = CellSerializer(many=True)
    checks = CheckSerializer(many=True)


class PlatformView(KnownParameters, APIView):
    """The platform."""

    permission_codes = {"GET": ANYBODY}
    problem_statuses = {"GET": (404,)}

    @extend_schema(responses=PlatformSerializer, operation_id="platform_retrieve")
    def get(self, request: Request) -> Response:
        """Tell how the cells stand and which check passed when."""
        actor = actor_of(request)
        facts = {"cells": standing_of_cells(actor=actor), "checks": checks(actor=actor)}
        return Response(PlatformSerializer(facts).data)
