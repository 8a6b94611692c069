"""Holds every signed-in request to its sign-in: revoked, timed out or from a foreign network, it is nobody's."""

from collections.abc import Callable

import structlog
from django.contrib.auth import get_user
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import render

from tenants.accounts.models import User
from tenants.accounts.networks import client_address
from tenants.accounts.sessions.proof import bound_standing
from tenants.accounts.sessions.services import ROW_KEY
from tenants.accounts.sessions.standing import Refused, standing_of
from tenants.foundation.requests import is_json_door, problem
from tenants.tenancy import current_tenant
from tenants.tenancy.middleware import host_of
from tenants.tenancy.states import doors_of

log = structlog.get_logger(__name__)


class SignInMiddleware:
    """Sets `request.standing`, or makes the request nobody's. Strangers cost no query."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Look before anybody else does who the person is."""
        request.standing = None  # type: ignore[attr-defined]
        # The user itself, not the lazy stand-in of `request.user`: models and routers look at its class.
        user = get_user(request)
        request._cached_user = user  # type: ignore[attr-defined]
        if isinstance(user, User):
            found = standing_of(
                sign_in_id=str(request.session.get(ROW_KEY, "")),
                user=user,
                address=client_address(request),
                host=host_of(request),
            )
            if isinstance(found, Refused):
                log.info("session.refused", reason=found.reason, user_id=user.pk)
                _forget(request, found)
                if found.reason == "network":
                    return _from_elsewhere(request)
            else:
                request.standing = found  # type: ignore[attr-defined]
        with bound_standing(request.standing):  # type: ignore[attr-defined]
            return self._get_response(request)


def _forget(request: HttpRequest, refused: Refused) -> None:
    # Who may only read keeps the row: a company that is being moved must not be written to.
    if refused.is_over and doors_of(current_tenant().state).writes:
        request.session.flush()
    request._cached_user = AnonymousUser()  # type: ignore[attr-defined]
    request.user = AnonymousUser()


def _from_elsewhere(request: HttpRequest) -> HttpResponseBase:
    if is_json_door(request):
        return problem(request, 403, "forbidden.network", "Requests from this network are not let in.")
    return render(request, "accounts/foreign_network.html", status=403)
