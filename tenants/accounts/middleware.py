"""Finds who acts, and speaks their language in their time zone."""

import zoneinfo
from collections.abc import Callable
from typing import Any

import structlog
from django.conf import settings
from django.contrib.auth.middleware import LoginRequiredMiddleware, get_user
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone, translation

from tenants.accounts.models import User
from tenants.accounts.selectors import actor_for
from tenants.accounts.streams import EVENT_STREAM, OVER, end_when_revoked
from tenants.accounts.support.allowed import support_actor
from tenants.foundation.requests import is_json_door
from tenants.outbox.bus import bound_actor

_LANGUAGES = frozenset(code for code, _ in settings.LANGUAGES)


class ActorMiddleware:
    """Sets `request.actor`: the signed-in user with their roles, or None; the request's events carry their id.

    What a known person is answered may be kept by their own browser only, unless the view says otherwise; what is
    streamed to them ends when they would not be let in any more.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Find the actor once; a request costs one query for it, an anonymous one none."""
        # The user itself, not the lazy stand-in of `request.user`: models and routers look at its class.
        user = get_user(request)
        actor = None
        if isinstance(user, User):
            visit = getattr(request, "visit", None)
            actor = actor_for(user) if visit is None else support_actor(user, visit)
            structlog.contextvars.bind_contextvars(user=str(user.pk))
        request.actor = actor  # type: ignore[attr-defined]
        with bound_actor(actor.user_id if actor else None):
            response = self._get_response(request)
        end_when_revoked(request, response)
        # The API finds a token's actor later. What somebody was shown is no shared cache's, nor the next person's.
        if request.actor is not None:  # type: ignore[attr-defined]
            response.headers.setdefault("Cache-Control", "private, no-cache")
        return response


class SignInRequiredMiddleware(LoginRequiredMiddleware):
    """Sends strangers to the sign-in page from every page that is not marked `@login_not_required`.

    The JSON doors answer strangers themselves, with 401; there everything is denied by default as well.
    """

    def process_view(
        self,
        request: HttpRequest,
        view_func: Callable[..., HttpResponseBase],
        view_args: tuple[Any, ...],
        view_kwargs: dict[str, Any],
    ) -> HttpResponseBase | None:
        """Stop a stranger before the view."""
        if is_json_door(request):
            return None
        answer: HttpResponseBase | None = super().process_view(request, view_func, view_args, view_kwargs)
        if answer is not None and EVENT_STREAM in request.headers.get("Accept", ""):
            # A page that watches could do nothing with the sign-in page, and would ask for it again and again.
            return HttpResponse(OVER, content_type=EVENT_STREAM, headers={"Cache-Control": "no-store"})
        return answer


class LocaleMiddleware:
    """Answers in the person's language, else the company's, else the browser's; times in the same order."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Switch language and time zone for the length of the request."""
        tenant = getattr(request, "tenant", None)
        user = request.user if request.user.is_authenticated else None
        language = _known_language(getattr(user, "language", "")) or _known_language(
            getattr(tenant, "language", "")
        )
        zone = _known_zone(getattr(user, "time_zone", "")) or _known_zone(getattr(tenant, "time_zone", ""))
        with (
            translation.override(language or translation.get_language_from_request(request)),
            timezone.override(zone),
        ):
            request.LANGUAGE_CODE = translation.get_language() or settings.LANGUAGE_CODE
            response = self._get_response(request)
            response.headers.setdefault("Content-Language", request.LANGUAGE_CODE)
            return response


def _known_language(code: str | None) -> str:
    return code if code in _LANGUAGES else ""


def _known_zone(name: str | None) -> zoneinfo.ZoneInfo | None:
    try:
        return zoneinfo.ZoneInfo(name) if name else None
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):
        return None
