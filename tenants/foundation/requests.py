"""The outermost middleware: an id for every request, a line and a measurement for every answer."""

import re
import time
from collections.abc import Callable
from http import HTTPStatus

import structlog
from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.template.loader import render_to_string
from django.urls import Resolver404, ResolverMatch, resolve

from tenants.foundation import metrics
from tenants.foundation.crypto import MASK
from tenants.foundation.ids import uuid7
from tenants.foundation.redaction import is_secret_key

log = structlog.get_logger(__name__)

JSON_DOORS = ("/api/", "/scim/", "/hooks/")
# What is too long here is refused further in, where the company is known and told (tenants.accounts.sso.oversized).
NOTED_DOORS = ("/sso/", "/scim/", "/account/", "/settings/my-sign-in/")
_ACCEPTED_ID = re.compile(r"^[A-Za-z0-9._-]{8,64}$")
_KEYS_IN_PATHS = frozenset({"key", "token"})
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
# Asked every few seconds by machines: they are counted but not written down.
_SILENT_PATHS = frozenset({"/healthz", "/readyz", "/metrics"})


class RequestIdMiddleware:
    """Gives the request an id (the caller's if well formed), binds it to the log and answers with it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer the request; what was bound by the thread's last request is dropped first."""
        started = time.perf_counter()
        request_id = request.headers.get("X-Request-ID", "")
        if not _ACCEPTED_ID.match(request_id):
            request_id = str(uuid7())
        request.request_id = request_id  # type: ignore[attr-defined]
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        response = _refusal(request) or self._get_response(request)
        response["X-Request-ID"] = request_id
        self._note(request, response, time.perf_counter() - started)
        return response

    def _note(self, request: HttpRequest, response: HttpResponseBase, seconds: float) -> None:
        match = request.resolver_match
        # The pattern, not the path: ids would multiply the series.
        route = match.route if match is not None else "unmatched"
        method = request.method if request.method in _METHODS else "OTHER"
        status = response.status_code
        metrics.HTTP_REQUESTS.labels(method=method, route=route, status=f"{status // 100}xx").inc()
        metrics.HTTP_SECONDS.labels(method=method, route=route).observe(seconds)
        if request.path not in _SILENT_PATHS:
            write = log.warning if status >= 500 else log.info
            write(
                "request.finished",
                method=method,
                path=_shown_path(request),
                status=status,
                milliseconds=round(seconds * 1000, 1),
            )


def _shown_path(request: HttpRequest) -> str:
    """Return the path without what stands in it as a key: addresses for events, links of invitations and passwords."""
    path = request.path
    match = request.resolver_match or _match_of(request.path_info)
    for name, value in (match.kwargs if match is not None else {}).items():
        if isinstance(value, str) and value and (name in _KEYS_IN_PATHS or is_secret_key(name)):
            path = path.replace(value, MASK)
    return path


def _match_of(path: str) -> ResolverMatch | None:
    """Where a path leads that was answered before anybody looked, or that only lacks the slash at its end."""
    for candidate in (path, f"{path}/"):
        try:
            return resolve(candidate)
        except Resolver404:
            continue
    return None


def _is_clean(request: HttpRequest) -> bool:
    # PostgreSQL text cannot hold NUL: refused here once, no filter and no form has to think of it.
    return "\0" not in request.path and "%00" not in request.META.get("QUERY_STRING", "")


def is_short(request: HttpRequest) -> bool:
    """Whether the body fits by its announced length.

    Asked before anything reads it: files of a multipart body would be written to disk for anybody.
    """
    announced = request.META.get("CONTENT_LENGTH") or ""
    limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    return limit is None or not announced.isdigit() or int(announced) <= limit


def _refusal(request: HttpRequest) -> HttpResponse | None:
    """The answer to a request that goes no further than this, or None."""
    if not _is_clean(request):
        return malformed(request, "The address contains a NUL character.")
    if not is_short(request) and not request.path_info.startswith(NOTED_DOORS):
        return too_large(request)
    return None


def too_large(request: HttpRequest) -> HttpResponse:
    """The answer to a body that is too long to be read: a problem, or for a browser a page that needs nothing."""
    detail = "The body is larger than this address accepts."
    return _refused(request, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "body_too_large", detail)


def malformed(request: HttpRequest, detail: str) -> HttpResponse:
    """The answer to a request that nobody can make sense of: a problem, or for a browser a page that needs nothing."""
    return _refused(request, HTTPStatus.BAD_REQUEST, "malformed_request", detail)


def _refused(request: HttpRequest, status: HTTPStatus, code: str, detail: str) -> HttpResponse:
    if is_json_door(request) or "text/html" not in request.headers.get("Accept", ""):
        return problem(request, status, code, detail)
    context = {"title": status.phrase, "detail": detail}
    return HttpResponse(render_to_string("console/errors/refused.html", context), status=status)


def is_json_door(request: HttpRequest) -> bool:
    """Whether programs ask at this address: they are answered with problem documents, never with pages."""
    return request.path_info.startswith(JSON_DOORS)


def is_scim_door(request: HttpRequest) -> bool:
    """Whether directories ask at this address: they understand error documents of SCIM's own and no others."""
    return request.path_info.startswith("/scim/")


def scim_error(status: int, detail: str) -> JsonResponse:
    """The error document of RFC 7644, section 3.12, where the views of SCIM are not at work."""
    document = {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"], "status": str(int(status)), "detail": detail,
    }  # fmt: skip
    return JsonResponse(document, status=int(status), content_type="application/scim+json")


def problem(request: HttpRequest, status: int, code: str, detail: str) -> HttpResponse:
    """A problem document for a request that goes no further than a middleware: nothing of the API is loaded for it."""
    if is_scim_door(request):
        return scim_error(status, detail)
    document = {
        "type": f"urn:nts:problem:{code}",
        "title": HTTPStatus(status).phrase,
        "status": int(status),
        "detail": detail,
        "code": code,
        "instance": request.path,
        "request_id": getattr(request, "request_id", ""),
    }
    return JsonResponse(document, status=int(status), content_type="application/problem+json")
