"""What a request that went wrong gets: a problem document from the API, a page from the console."""

import sys
from collections.abc import Callable
from dataclasses import replace

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.template import loader

from tenants.foundation.api import problem_page
from tenants.tenancy.backend.whereabouts import is_moving
from tenants.tenancy.doors import closed

TEXTS = {
    400: ("Bad request", "The request could not be understood."),
    403: ("Forbidden", "You are not allowed to do this."),
    404: ("Not found", "There is nothing at this address."),
    500: ("Server error", "Something went wrong on our side. It has been recorded."),
    503: (
        "Service unavailable",
        "The database cannot be reached at the moment. Please try again in a few seconds.",
    ),
}
CODES = {
    400: "malformed_request",
    403: "forbidden",
    404: "not_found",
    500: "server_error",
    503: "unavailable",
}
RETRY_SECONDS = 5


def answer(request: HttpRequest, status: int) -> HttpResponse:
    """A problem document below /api/, else the console's page for this status."""
    title, detail = TEXTS[status]
    if request.path.startswith(("/api/", "/scim/")):
        return problem_page(request, status=status, code=CODES[status], detail=detail)
    template = loader.get_template(f"console/errors/{status}.html")
    # The pages for 5xx must not ask anything of a request or a database that may be what failed: whose host it is, is
    # in memory.
    context = {
        "title": title, "detail": detail, "request_id": getattr(request, "request_id", ""),
        "tenant": getattr(request, "tenant", None),
    }  # fmt: skip
    return HttpResponse(template.render(context, None if status >= 500 else request), status=status)


def _handler(status: int) -> Callable[..., HttpResponse]:
    def handler(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
        return answer(request, status)

    return handler


bad_request, forbidden, not_found = map(_handler, (400, 403, 404))


def server_error(request: HttpRequest) -> HttpResponse:
    """What was not foreseen; a database that is away for a moment is told apart, for there trying again helps."""
    tenant = getattr(request, "tenant", None)
    if tenant is not None and is_moving(sys.exception()):
        # Met by who had not heard of the move yet; the doors of those who had say the same.
        return closed(request, replace(tenant, state="moving"))
    if isinstance(sys.exception(), OperationalError | InterfaceError):
        response = answer(request, 503)
        response.headers["Retry-After"] = str(RETRY_SECONDS)
        return response
    return answer(request, 500)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form without its token: the page was open too long, or the form came from elsewhere."""
    return answer(request, 403)
