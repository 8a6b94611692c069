"""The platform's public signing keys, for anybody who wants to verify what it signed."""

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, JsonResponse
from django.views.decorators.http import require_safe

from tenants.foundation.console import PLATFORM_SLUG
from tenants.secrets.signing import public_keys
from tenants.tenancy import current_tenant, outside_transaction


@login_not_required
@require_safe
@outside_transaction
def signing_keys(request: HttpRequest) -> JsonResponse:
    """A JSON Web Key Set; it exists on the platform's host only, so there is one place to trust."""
    if current_tenant().slug != PLATFORM_SLUG:
        raise Http404
    response = JsonResponse(public_keys(), json_dumps_params={"indent": 2})
    response.headers["Cache-Control"] = "public, max-age=300"
    response.headers["Access-Control-Allow-Origin"] = "*"
    return response
