"""What outside services know one address of is answered on the canonical host alone."""

from collections.abc import Callable
from typing import Final

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from tenants.tenancy import current_tenant
from tenants.tenancy.addresses import canonical_host, host_of_slug
from tenants.tenancy.doors import nobody_here
from tenants.tenancy.middleware import host_of

# The doors of single sign-on look themselves: from another host they lead to the canonical one.
PATHS: Final = ("/scim/",)


class CanonicalHostMiddleware:
    """Under a domain of the company's own there are no directories: that name may be another's tomorrow."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Let pass what is asked where it belongs; only a host that is not the usual one costs a query."""
        if request.path_info.startswith(PATHS):
            host = host_of(request)
            if host != host_of_slug(current_tenant().slug) and host != canonical_host():
                return nobody_here(request)
        return self._get_response(request)
