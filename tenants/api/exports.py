"""`/api/v1/exports/`: everything of the company in one archive."""

from typing import Any
from uuid import UUID

from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    extend_schema,
    extend_schema_serializer,
    extend_schema_view,
)
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from tenants.accounts.access import Actor
from tenants.foundation.api import PAGE_PARAMETERS, IdempotentPosts, KnownParameters
from tenants.lifecycle.export.services import (
    STATES,
    Export,
    download_own_export,
    export_own_company,
    file_name,
    own_export,
    shown_exports,
    visible_exports,
)
from tenants.models import Operation
from tenants.permissions import EXPORT_COMPANY
from tenants.tenancy import current_tenant, outside_transaction

ID = OpenApiParameter("id", UUID, OpenApiParameter.PATH)
ZIP = "application/zip"


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "A finished export",
            {
                "id": "019ab2c4-0f00-7000-8000-000000000001",
                "state": "ready",
                "asked_by": "Olga Made-Up",
                "created_at": "2027-01-02T09:00:00Z",
                "finished_at": "2027-01-02T09:00:07Z",
                "expires_at": "2027-01-09T09:00:07Z",
                "rows": 41230,
                "bytes": 5312001,
                "sha256": "9f2c6a5d1e0b4f7a8c3d2e1f0a9b8c7d6e5f4a3b2c1d0e9f8a7b6c5d4e3f2a1b",
                "error": "",
            },
            response_only=True,
        )
    ]
)
class ExportSerializer(serializers.Serializer[Any]):
    """One export of the company."""

    id = serializers.UUIDField()
    state = serializers.ChoiceField(
        choices=STATES, help_text="`gone`: it was kept for its days and then removed."
    )
    asked_by = serializers.CharField()
    created_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)
    expires_at = serializers.DateTimeField(allow_null=True, help_text="Until when it can be downloaded.")
    rows = serializers.IntegerField(help_text="Rows written so far.")
    bytes = serializers.IntegerField(allow_null=True, help_text="The archive's length.")
    sha256 = serializers.CharField(help_text="The archive's hash; empty until it is finished.")
    error = serializers.CharField()


class ZipRenderer(BaseRenderer):
    """Says that the archive itself can be asked for; it is streamed past the framework."""

    media_type, format, charset, render_style = ZIP, "zip", None, "binary"

    def render(self, data: Any, *_: Any, **__: Any) -> bytes:
        """What is left to render is a problem: JSON."""
        return JSONRenderer().render(data)


@extend_schema_view(retrieve=extend_schema(parameters=[ID]))
class ExportViewSet(KnownParameters, IdempotentPosts, GenericViewSet[Operation]):
    """Exports of the whole company, for its owners."""

    queryset = Operation.objects.none()
    serializer_class = ExportSerializer
    lookup_field = "id"
    lookup_value_converter = "uuid"
    query_parameters = {"list": PAGE_PARAMETERS}
    problem_statuses = {"create": (409, 429)}
    permission_codes = dict.fromkeys(("list", "create", "retrieve", "download"), EXPORT_COMPANY)

    @extend_schema(responses=ExportSerializer(many=True))
    def list(self, request: Request) -> Response:
        """List exports a page at a time, newest first."""
        page = self.paginate_queryset(visible_exports(actor=actor_of(request)))
        return self.get_paginated_response(ExportSerializer(shown_exports(page or []), many=True).data)

    @extend_schema(request=None, responses={201: ExportSerializer})
    def create(self, request: Request) -> Response:
        """Start an export; work goes on meanwhile. Ask for it again until it is ready."""
        return _answer(export_own_company(actor=actor_of(request)), status=201)

    def retrieve(self, request: Request, id: UUID) -> Response:
        """Show one export and how far it is."""
        return _answer(own_export(actor=actor_of(request), export_id=id))

    @extend_schema(parameters=[ID], responses={(200, ZIP): OpenApiTypes.BINARY})
    @outside_transaction
    @action(detail=True, methods=["get"], renderer_classes=[JSONRenderer, ZipRenderer])
    def download(self, request: Request, id: UUID) -> StreamingHttpResponse:
        """Download the archive; 404 when it is not finished, or was removed."""
        actor = actor_of(request)
        export = own_export(actor=actor, export_id=id)
        parts = download_own_export(actor=actor, export_id=id)
        response = StreamingHttpResponse(parts, content_type=ZIP)
        name = file_name(current_tenant().slug, export)
        response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
        response.headers["Content-Length"] = str(export.bytes)
        return response


def actor_of(request: Request) -> Actor:
    """Who asks."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return actor


def _answer(export: Export, *, status: int = 200) -> Response:
    return Response(ExportSerializer(export).data, status=status)
