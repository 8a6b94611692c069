"""Holds an operator's requests to their grant, and writes down what they do."""

from collections.abc import Callable
from typing import Any

import structlog
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import render

from tenants.accounts.models import SupportVisit
from tenants.accounts.support.allowed import is_shut
from tenants.accounts.support.visits import end_visits, hold_open, holds, note_action
from tenants.foundation.requests import is_json_door, problem
from tenants.tenancy.doors import SAFE

log = structlog.get_logger(__name__)
TEXT = "An operator who visits cannot do this."


class SupportNotesMiddleware:
    """Stands around the transaction: what was refused and undone is written down all the same."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer first, write then."""
        response = self._get_response(request)
        visit: SupportVisit | None = getattr(request, "visit", None)
        if visit is not None and (request.method not in SAFE or response.status_code == 403):
            match = getattr(request, "resolver_match", None)
            try:
                note_action(
                    visit,
                    method=request.method or "",
                    path=request.path,
                    route=getattr(match, "view_name", "") or "",
                    status=response.status_code,
                    request_id=str(getattr(request, "request_id", "")),
                )
            except DatabaseError as error:
                # It stands in the log at least, with everything that would have been in the row.
                log.error(
                    "operator.action_not_kept", visit_id=visit.pk, method=request.method, path=request.path,
                    status=response.status_code, error=str(error).strip(),
                )  # fmt: skip
        return response


class SupportMiddleware:
    """Sets `request.visit`; behind it stand the doors that are shut to operators."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Ask, at each request, whether the grant is in force."""
        standing = getattr(request, "standing", None)
        request.visit = visit = standing.visit if standing is not None else None  # type: ignore[attr-defined]
        return self._get_response(request) if visit is None else self._visited(request, visit)

    def _visited(self, request: HttpRequest, visit: SupportVisit) -> HttpResponseBase:
        # Asked before each page and each call; what changes something holds the visit open until it is done.
        is_reading = request.method in SAFE
        if not holds(visit) or not (is_reading or hold_open(visit)):
            end_visits(because="grant_over", grant_id=visit.grant_id, operator_id=visit.account.operator_id)
            return _over(request)
        return self._get_response(request)

    def process_view(
        self, request: HttpRequest, view: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> HttpResponseBase | None:
        """Stop an operator at what is never theirs."""
        if request.visit is None or not is_shut(request.path, is_reading=request.method in SAFE):  # type: ignore[attr-defined]
            return None
        if is_json_door(request):
            return problem(request, 403, "forbidden.operator", TEXT)
        raise PermissionDenied(TEXT)


def _over(request: HttpRequest) -> HttpResponseBase:
    if is_json_door(request):
        return problem(request, 401, "unauthenticated.visit_over", "This visit is over.")
    request.session.flush()
    # Nobody's page: the frame would ask whose.
    request.user = AnonymousUser()
    request.actor = None  # type: ignore[attr-defined]
    return render(request, "accounts/visit_over.html", status=403)
