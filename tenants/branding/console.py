"""The style sheet that gives a company's pages its colour."""

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from tenants.branding.theme import digest as digest_of
from tenants.branding.theme import stylesheet
from tenants.tenancy import current_tenant, outside_transaction

FOREVER = "public, max-age=31536000, immutable"
BRIEFLY = "public, max-age=60"


@login_not_required
@require_safe
@outside_transaction
def theme(request: HttpRequest, slug: str, digest: str) -> HttpResponse:
    """The tokens of the asked host's company; kept for ever under the digest of what it holds."""
    tenant = current_tenant()
    if tenant.slug != slug:
        raise Http404
    is_current = digest == digest_of(tenant.brand_color)
    response = HttpResponse(stylesheet(tenant.brand_color), content_type="text/css; charset=utf-8")
    response.headers["Cache-Control"] = FOREVER if is_current else BRIEFLY
    return response
