"""`/.well-known/webauthn`: the names of a company's own under which passkeys of its canonical host count, too."""

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, JsonResponse
from django.http.response import HttpResponseBase
from django.views.decorators.http import require_safe

from tenants.branding.domains.services import own_domains
from tenants.foundation.errors import NotFound
from tenants.models import CustomDomain
from tenants.tenancy.addresses import canonical_host, public_address
from tenants.tenancy.middleware import host_of

# Browsers look at so many at least.
MOST = 5


@login_not_required
@require_safe
def related_origins(request: HttpRequest) -> HttpResponseBase:
    """Public, as browsers fetch it without cookies; on the canonical host alone, since passkeys are its."""
    if host_of(request) != canonical_host():
        raise NotFound
    active = own_domains().filter(state=CustomDomain.State.ACTIVE)
    hosts = active.order_by("-is_primary", "host").values_list("host", flat=True)[:MOST]
    answer = JsonResponse({"origins": [public_address(host) for host in hosts]})
    answer.headers["Cache-Control"] = "public, max-age=60"
    return answer
