"""`/api/v1/access-denials/`: what was refused to whom."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from tenants.accounts.access.recording import recent_denials
from tenants.accounts.api.asking import asking, id_given
from tenants.accounts.models import AccessDenial
from tenants.foundation.api import PAGE_PARAMETERS, KnownParameters


class DenialSerializer(serializers.Serializer[Any]):
    """Something refused to somebody in one minute, with how often."""

    id = serializers.UUIDField()
    minute = serializers.DateTimeField()
    user_id = serializers.UUIDField(allow_null=True)
    token_id = serializers.UUIDField(allow_null=True)
    permission = serializers.CharField()
    reason = serializers.CharField(help_text="nobody, deactivated, no_role, token, scope or object.")
    object_type = serializers.CharField()
    object_id = serializers.CharField()
    route = serializers.CharField()
    count = serializers.IntegerField()
    last_at = serializers.DateTimeField()


class AccessDenialViewSet(KnownParameters, GenericViewSet[AccessDenial]):
    """What was refused, the newest first; kept for 90 days."""

    queryset = AccessDenial.objects.none()
    serializer_class = DenialSerializer
    keyset_sorts = {"minute": "minute"}
    keyset_default_sort = "-minute"
    query_parameters = {"list": PAGE_PARAMETERS | {"user"}}
    permission_codes = {"list": "accounts.view_access"}

    @extend_schema(
        parameters=[OpenApiParameter("user", OpenApiTypes.UUID, description="What this person was refused.")]
    )
    def list(self, request: Request) -> Response:
        """List what was refused: the permission, why, for which object, how often."""
        user = request.query_params.get("user")
        rows = recent_denials(actor=asking(request), user_id=id_given("user", user) if user else None)
        page = self.paginate_queryset(rows.order_by())
        return self.get_paginated_response(DenialSerializer(page, many=True).data)
