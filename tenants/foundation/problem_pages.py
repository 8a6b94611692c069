"""Errors of the domain on the console: a page, or for a fragment the sentence as a toast."""

import json
import math
from collections.abc import Callable, Mapping
from typing import Final

import structlog
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.http.response import HttpResponseBase
from django.template.loader import render_to_string
from django.utils.translation import gettext

from tenants.foundation.errors import (
    Conflict,
    DomainError,
    ExternalServiceError,
    Forbidden,
    InvalidInput,
    LimitReached,
    NotFound,
)
from tenants.foundation.requests import is_json_door, problem

log = structlog.get_logger(__name__)

_PAGES: Final[Mapping[type[DomainError], tuple[int, str]]] = {
    NotFound: (404, "console/errors/404.html"),
    Forbidden: (403, "console/errors/403.html"),
    LimitReached: (429, "console/errors/429.html"),
    InvalidInput: (422, "console/errors/domain.html"),
    Conflict: (409, "console/errors/domain.html"),
    ExternalServiceError: (502, "console/errors/domain.html"),
}


class DomainErrorMiddleware:
    """Turns a DomainError that a console view did not handle itself into its page."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Pass the request on; a method that an address does not know is answered in words."""
        response = self._get_response(request)
        if isinstance(response, HttpResponseNotAllowed) and not response.content:
            return _not_allowed(request, response)
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Answer for the errors meant for a person; leave everything else to become a 500."""
        if not isinstance(exception, DomainError) or is_json_door(request):
            return None
        page = next((page for kind, page in _PAGES.items() if isinstance(exception, kind)), None)
        if page is None:
            return None
        status, template = page
        # What the view had written before is undone with the request's transaction (tenants.tenancy.middleware).
        request.is_refused = True  # type: ignore[attr-defined]
        log.info("request.refused", code=exception.code, status=status)
        wait = getattr(exception, "retry_after_seconds", None)
        headers = {"Retry-After": str(max(1, math.ceil(wait)))} if wait is not None else {}
        if request.headers.get("HX-Request") == "true":
            answer = _toast(exception.message, status)
            for name, value in headers.items():
                answer.headers[name] = value
            return answer
        context = {
            "title": exception.message,
            "detail": exception.message,
            "request_id": getattr(request, "request_id", ""),
            "access": exception.params if "permission" in exception.params else None,
        }
        return HttpResponse(render_to_string(template, context, request), status=status, headers=headers)


def _not_allowed(request: HttpRequest, answer: HttpResponseNotAllowed) -> HttpResponse:
    """What Django answers without a word: the page of it, a toast for a fragment, a problem for a program."""
    status = answer.status_code
    if is_json_door(request):
        response = problem(request, status, "method_not_allowed", "This address does not know this method.")
    elif request.headers.get("HX-Request") == "true":
        response = _toast(gettext("This could not be done. Load the page again."), status)
    else:
        context = {"request_id": getattr(request, "request_id", "")}
        response = HttpResponse(render_to_string("console/errors/405.html", context, request), status=status)
    for name, value in answer.items():
        if name.lower() not in ("content-type", "content-length"):
            response.headers[name] = value
    return response


def _toast(text: str, status: int) -> HttpResponse:
    response = HttpResponse(status=status)
    response.headers["HX-Reswap"] = "none"
    response.headers["HX-Trigger"] = json.dumps({"toast": {"text": text, "undo": ""}})
    return response
