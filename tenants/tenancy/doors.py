"""What a company's host answers while not all of its doors are open: pages in plain words, problems for programs."""

import json
from collections.abc import Callable
from typing import Any, Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseNotFound
from django.template.loader import render_to_string
from django.urls import Resolver404, resolve
from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from tenants.foundation.requests import is_json_door, problem
from tenants.tenancy.context import TenantRef
from tenants.tenancy.states import does_write_when_read, doors_of, is_kept_open

SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
DETAILS: Final[dict[str, Promise]] = {
    "provisioning": _("It is being set up. This takes a few seconds: load the page again."),
    "suspended": _("It has been suspended. Nothing is lost; whoever runs this service can say when it opens."),
    "pending_deletion": _("It is to be deleted. Until then it can be kept: its owners were told how."),
    "read_only": _("For the time being everything can be read here and nothing can be changed."),
    "moving": _("It is being moved and cannot be changed for a few seconds. Please try again in a moment."),
}  # fmt: skip
NOT_FOUND: Final = 404
UNAVAILABLE: Final = 503
CONFLICT: Final = 409


def refusal(request: HttpRequest, tenant: TenantRef) -> HttpResponse | None:
    """The answer to a request that the tenant's state does not let through, or None."""
    doors = doors_of(tenant.state)
    if doors.writes:
        return None
    if tenant.state == "deleted":
        return nobody_here(request)
    view = view_of(request)
    is_write = view is not None and does_write_when_read(view) and not doors.signs_in
    if doors.reads and request.method in SAFE and not is_write:
        return None
    if view is not None and is_kept_open(view, tenant.state):
        if not doors.reads:
            forget_who_asks(request)
        return None
    return closed(request, tenant)


def nobody_here(request: HttpRequest) -> HttpResponse:
    """The same answer for every host that is nobody's: it says nothing of who else is here."""
    if is_json_door(request):
        return problem(request, NOT_FOUND, "tenants.unknown_host", "There is nothing at this address.")
    return HttpResponseNotFound(render_to_string("console/errors/unknown_host.html"))


def closed(request: HttpRequest, tenant: TenantRef) -> HttpResponse:
    """A page, a toast or a problem that says why this cannot be had at the moment, and when to ask again."""
    doors = doors_of(tenant.state)
    language = tenant.language if tenant.language in dict(settings.LANGUAGES) else settings.LANGUAGE_CODE
    with translation.override(language):
        detail = str(DETAILS.get(tenant.state, _("It is not available at the moment.")))
        if is_json_door(request):
            text = f"{detail} {tenant.state_reason}".strip()
            response = problem(request, UNAVAILABLE, f"tenants.{tenant.state}", text)
        elif request.headers.get("HX-Request") == "true" and doors.reads:
            # htmx says nothing of what comes with a 503; a 409 brings its words along, and the form keeps its own.
            response = HttpResponse(status=CONFLICT, headers={"HX-Reswap": "none"})
            text = " ".join(
                part for part in (gettext("Nothing was saved."), detail, tenant.state_reason) if part
            )
            response.headers["HX-Trigger"] = json.dumps({"toast": {"text": text, "undo": ""}})
        else:
            context = {"tenant": tenant, "detail": detail, "language": language, "is_writing": doors.reads}
            response = HttpResponse(
                render_to_string("console/errors/tenant_closed.html", context), status=UNAVAILABLE
            )
    response.headers["Retry-After"] = str(max(1, doors.seconds))
    response.headers["Cache-Control"] = "no-store"
    return response


def view_of(request: HttpRequest) -> Callable[..., Any] | None:
    """The view that would answer, if there is one at this address."""
    try:
        view: Callable[..., Any] = resolve(request.path_info).func
    except Resolver404:
        return None
    return view


def forget_who_asks(request: HttpRequest) -> None:
    """Make whoever asks a stranger: no session and no token of a closed company is worth anything."""
    request.COOKIES.pop(settings.SESSION_COOKIE_NAME, None)
    request.META.pop("HTTP_AUTHORIZATION", None)
    # Django reads the headers out of META once and keeps them.
    vars(request).pop("headers", None)
