"""The home page and the part of it that keeps itself fresh."""

import hashlib
from dataclasses import asdict

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import get_conditional_response, patch_vary_headers
from django.views.decorators.http import require_safe
from django_htmx.middleware import HtmxDetails

from reporting.dashboards.home import Home, home
from tenants.accounts.access import UserActor
from tenants.accounts.clients import is_client
from tenants.foundation.console import audience_of
from tenants.tenancy.replicas import from_replica

# Ages are told in seconds: an unchanged page is drawn anew after this long all the same.
SAME_FOR_SECONDS = 30
GREETINGS = ((5, "night"), (12, "morning"), (18, "afternoon"), (24, "evening"))


@require_safe
def home_page(request: HttpRequest) -> HttpResponse:
    """The page, or for htmx its live part; 304 when nothing of it changed."""
    actor = getattr(request, "actor", None)
    if not isinstance(actor, UserActor):
        raise PermissionDenied
    if audience_of(request) == "platform":
        return HttpResponseRedirect(reverse("platform:companies"))
    if is_client(actor):
        return HttpResponseRedirect(reverse("portal:home"))
    shown = from_replica(lambda: home(actor=actor))
    htmx: HtmxDetails = request.htmx  # type: ignore[attr-defined]
    etag = f'"{fingerprint(shown, actor)}"'
    unchanged = get_conditional_response(request, etag=etag) if htmx else None
    if unchanged is not None:
        return unchanged
    context = {"home": shown, "part_of_day": part_of_day(), "first_name": actor.name.split(" ")[0]}
    template = "reporting/home.html#live" if htmx else "reporting/home.html"
    response = render(request, template, context)
    response.headers["Cache-Control"] = "private, no-cache"
    if htmx:
        response.headers["ETag"] = etag
    patch_vary_headers(response, ["HX-Request", "Cookie"])
    return response


def fingerprint(shown: Home, actor: UserActor) -> str:
    """What changes when the live part does: its content, its reader, and every half minute."""
    content = asdict(shown)
    content.pop("made_at")
    tick = int(timezone.now().timestamp()) // SAME_FOR_SECONDS
    return hashlib.sha256(f"{actor.user_id}|{tick}|{content}".encode()).hexdigest()[:32]


def part_of_day() -> str:
    """`night`, `morning`, `afternoon` or `evening`, by the reader's clock."""
    hour = timezone.localtime().hour
    return next(name for until, name in GREETINGS if hour < until)
