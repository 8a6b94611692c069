"""What shows a company's brand to everybody, before anybody has signed in: its colours and its images."""

from typing import Final

from django.contrib.auth.decorators import login_not_required
from django.core.files.storage import default_storage
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.csp import csp_override
from django.views.decorators.http import require_safe

from tenants.branding.drawing import BOXES
from tenants.branding.services import image_name
from tenants.branding.theme import digest as digest_of
from tenants.branding.theme import stylesheet
from tenants.tenancy import current_tenant, outside_transaction

FOREVER = "public, max-age=31536000, immutable"
BRIEFLY = "public, max-age=60"
SIZES: Final = frozenset(size for boxes in BOXES.values() for size in boxes)


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


@login_not_required
@require_safe
@outside_transaction
@csp_override({"default-src": ["'none'"], "sandbox": [""]})
def brand_image(request: HttpRequest, digest: str, size: str) -> HttpResponse:
    """An image of the asked host's company, by what it holds: another company's is not in its folder.

    Whatever it is opened in, nothing in it runs. Letters show it too, so other sites may embed it.
    """
    if size not in SIZES:
        raise Http404
    try:
        with default_storage.open(image_name(digest, size)) as file:
            content = file.read()
    except FileNotFoundError:
        raise Http404 from None
    response = HttpResponse(content, content_type="image/png")
    response.headers["Cache-Control"] = FOREVER
    response.headers["Content-Disposition"] = f'inline; filename="{size}.png"'
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
