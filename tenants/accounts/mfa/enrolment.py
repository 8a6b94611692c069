"""Who must have a second factor, by when, and what is open to those who have none after that."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import timezone

from tenants.accounts.access import UserActor
from tenants.accounts.mfa.services import has_second_factor
from tenants.accounts.models import User, UserSession
from tenants.accounts.selectors import actor_for
from tenants.accounts.sessions.policy import Rules, current_rules
from tenants.accounts.sessions.proof import ProofNeeded
from tenants.accounts.sessions.standing import Standing
from tenants.foundation.requests import is_json_door, problem

_OPEN: Final = "open_without_second_factor"


def open_without_second_factor[V: Callable[..., Any]](view: V) -> V:
    """Mark a view that answers also those who should have a second factor by now: where they get one."""
    setattr(view, _OPEN, True)
    return view


def enrol_by(*, user: User, roles: frozenset[str], rules: Rules) -> datetime | None:
    """Return until when somebody has to have a second factor, None when they need none."""
    if rules.mfa_required_since is None or not rules.requires_second_factor(roles):
        return None
    begins = max(rules.mfa_required_since, user.created_at)
    return begins + timedelta(days=rules.mfa_grace_days)


def lacks_second_factor(user: User) -> bool:
    """Say whether somebody is asked to have a second factor, now or soon, and has none; sends three queries at most."""
    rules = current_rules()
    roles = frozenset(actor_for(user).roles) if rules.mfa_required_for else frozenset()
    return enrol_by(user=user, roles=roles, rules=rules) is not None and not has_second_factor(user)


def deadline_of(request: HttpRequest) -> datetime | None:
    """Return the deadline of the person who asks, None for those who need nothing more."""
    standing: Standing | None = getattr(request, "standing", None)
    actor = getattr(request, "actor", None)
    if standing is None or not isinstance(actor, UserActor) or standing.has_second_factor:
        return None
    if standing.method == UserSession.Method.SSO:  # the provider asked for its own
        return None
    return enrol_by(user=actor.user, roles=frozenset(actor.roles), rules=standing.rules)


class SecondFactorMiddleware:
    """Leads those without a second factor to where they get one, and those whose proof is old to prove it again."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Note the deadline, for the line above every page."""
        request.enrol_by = deadline_of(request)  # type: ignore[attr-defined]
        return self._get_response(request)

    def process_view(
        self,
        request: HttpRequest,
        view_func: Callable[..., HttpResponseBase],
        view_args: tuple[Any, ...],
        view_kwargs: dict[str, Any],
    ) -> HttpResponse | None:
        """Stop who is past the deadline before every view but those that help."""
        deadline = request.enrol_by  # type: ignore[attr-defined]
        if deadline is None or timezone.now() < deadline:
            return None
        if getattr(getattr(view_func, "cls", view_func), _OPEN, False) or getattr(view_func, _OPEN, False):
            return None
        # What strangers may see, they may: the styles of the page they are led to among it. The API's views all say
        # that they need no sign-in, since they answer strangers themselves: it is no mark of theirs.
        if not is_json_door(request) and not getattr(view_func, "login_required", True):
            return None
        if is_json_door(request):
            text = "Your company wants a second factor. Set one up in the console first."
            return problem(request, 403, "forbidden.second_factor_needed", text)
        return _led_to(request, reverse("accounts:my_sign_in"))

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Ask for a fresh proof where a step wanted one; what the view had written is undone."""
        if not isinstance(exception, ProofNeeded) or is_json_door(request):
            return None
        request.is_refused = True  # type: ignore[attr-defined]
        back = request.get_full_path() if request.method in ("GET", "HEAD") else _referring_page(request)
        return _led_to(request, reverse("account_prove", query={"next": back}))


def _referring_page(request: HttpRequest) -> str:
    origin = f"{request.scheme}://{request.get_host()}"
    referrer = request.headers.get("Referer", "")
    path = referrer.removeprefix(origin)
    return path if referrer.startswith(f"{origin}/") and not path.startswith("//") else "/"


def _led_to(request: HttpRequest, address: str) -> HttpResponse:
    if request.headers.get("HX-Request") == "true":
        return HttpResponse(headers={"HX-Redirect": address})
    return HttpResponseRedirect(address)
