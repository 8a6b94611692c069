"""Errors as RFC 9457 problem documents."""

import math
from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

import structlog
from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.core.exceptions import ValidationError as DjangoValidationError
from django.http import Http404, HttpRequest, JsonResponse
from rest_framework import exceptions
from rest_framework.request import Request
from rest_framework.response import Response

from tenants.foundation.errors import (
    Conflict,
    DomainError,
    ExternalServiceError,
    Forbidden,
    InvalidInput,
    LimitReached,
    NotFound,
)
from tenants.foundation.requests import is_scim_door, scim_error

log = structlog.get_logger(__name__)

PROBLEM_CONTENT_TYPE: Final = "application/problem+json"

_STATUS_OF_ERRORS: Final[Mapping[type[DomainError], int]] = {
    NotFound: 404,
    Forbidden: 403,
    InvalidInput: 422,
    Conflict: 409,
    LimitReached: 429,
    ExternalServiceError: 502,
}
_READING_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS", "DELETE"})
_NO_FIELD: Final = frozenset({"non_field_errors", "__all__", "detail"})


class BodyTooLarge(exceptions.APIException):
    """The body is larger than the limit."""

    status_code = 413
    default_detail = "The body is larger than this address accepts."
    default_code = "body_too_large"


def problem_document(
    *,
    status: int,
    code: str,
    detail: str,
    instance: str,
    request_id: str = "",
    errors: Sequence[Mapping[str, str]] = (),
    access: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Make the members of a problem; each of `errors` has a `pointer` or a `parameter`, and a `detail`.

    `access` explains a refusal: the permission, the reason, the roles that hold it, the object.
    """
    document: dict[str, Any] = {
        "type": f"urn:nts:problem:{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code,
        "instance": instance,
    }
    if request_id:
        document["request_id"] = request_id
    if errors:
        document["errors"] = [dict(error) for error in errors]
    if access:
        document["access"] = dict(access)
    return document


def problem_page(request: HttpRequest, *, status: int, code: str, detail: str) -> JsonResponse:
    """Answer with a problem where REST framework is not at work: an unknown path, a refused host, a crash.

    A directory gets SCIM's own document: it reads no other.
    """
    if is_scim_door(request):
        return scim_error(status, detail)
    document = problem_document(
        status=status,
        code=code,
        detail=detail,
        instance=request.path,
        request_id=getattr(request, "request_id", ""),
    )
    return JsonResponse(document, status=status, content_type=PROBLEM_CONTENT_TYPE)


def problem_handler(exc: Exception, context: Mapping[str, Any]) -> Response | None:
    """REST framework's exception handler. What it does not know it leaves (None): that becomes a 500."""
    request: Request | None = context.get("request")
    if isinstance(exc, DomainError):
        return _of_domain_error(exc, request)
    if isinstance(exc, Http404):
        exc = exceptions.NotFound()
    elif isinstance(exc, PermissionDenied):
        exc = exceptions.PermissionDenied()
    elif isinstance(exc, RequestDataTooBig):
        exc = BodyTooLarge()
    elif isinstance(exc, SuspiciousOperation):
        exc = exceptions.ParseError("The request could not be understood.")
    elif isinstance(exc, DjangoValidationError):
        exc = exceptions.ValidationError(_django_detail(exc))
    if isinstance(exc, exceptions.APIException):
        return _of_api_exception(exc, request)
    return None


def _of_domain_error(error: DomainError, request: Request | None) -> Response:
    status = next(
        (code for kind, code in _STATUS_OF_ERRORS.items() if isinstance(error, kind)),
        HTTPStatus.INTERNAL_SERVER_ERROR.value,
    )
    detail = error.message
    if status >= 500:
        log.error("request.failed", code=error.code, detail=error.message, params=error.params)
    if status == HTTPStatus.INTERNAL_SERVER_ERROR:
        # Not one of the errors meant for a caller: the log has it, the caller gets no inside knowledge.
        detail = "Something went wrong on our side."
    headers = {}
    wait = getattr(error, "retry_after_seconds", None)
    if wait is not None:
        headers["Retry-After"] = str(max(1, math.ceil(wait)))
    access = error.params if isinstance(error, Forbidden) and "permission" in error.params else None
    return _response(request, status, error.code, detail, _entries(error.fields, request), headers, access)


def _of_api_exception(exc: exceptions.APIException, request: Request | None) -> Response:
    headers: dict[str, str] = {}
    if challenge := getattr(exc, "auth_header", None):
        headers["WWW-Authenticate"] = challenge
    if (wait := getattr(exc, "wait", None)) is not None:
        headers["Retry-After"] = str(max(1, math.ceil(wait)))
    if isinstance(exc, exceptions.ValidationError):
        status = HTTPStatus.UNPROCESSABLE_ENTITY.value
        entries = _entries(exc.detail, request)
        return _response(request, status, "invalid_input", InvalidInput.default_message, entries, headers)
    code = str(exc.get_codes()) if isinstance(exc.detail, str) else exc.default_code
    code = {"parse_error": "malformed_request", "throttled": "limit_reached"}.get(code, code)
    return _response(request, exc.status_code, code, str(exc.detail), [], headers)


def _response(
    request: Request | None,
    status: int,
    code: str,
    detail: str,
    errors: Sequence[Mapping[str, str]],
    headers: Mapping[str, str],
    access: Mapping[str, Any] | None = None,
) -> Response:
    document = problem_document(
        status=status,
        code=code,
        detail=detail,
        instance=request.path if request is not None else "",
        request_id=getattr(request, "request_id", ""),
        errors=errors,
        access=access,
    )
    return Response(document, status=status, headers=dict(headers), content_type=PROBLEM_CONTENT_TYPE)


def _entries(detail: Any, request: Request | None) -> list[Mapping[str, str]]:
    is_reading = request is not None and request.method in _READING_METHODS
    entries: list[Mapping[str, str]] = []
    for path, message in _leaves(detail, ()):
        entry = {"detail": str(message)}
        if code := getattr(message, "code", None):
            entry["code"] = str(code)
        if is_reading and path:
            entry["parameter"] = path[0]
        else:
            entry["pointer"] = "".join(f"/{_escaped(part)}" for part in path)
        entries.append(entry)
    return entries


def _leaves(detail: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Walk REST framework's errors: dicts by field, lists of sentences, lists with one entry per item."""
    if isinstance(detail, Mapping):
        for name, inner in detail.items():
            yield from _leaves(inner, path if name in _NO_FIELD else (*path, str(name)))
    elif isinstance(detail, list | tuple):
        is_by_item = any(isinstance(item, Mapping | list | tuple) for item in detail)
        for index, item in enumerate(detail):
            yield from _leaves(item, (*path, str(index)) if is_by_item else path)
    else:
        yield path, detail


def _escaped(part: str) -> str:
    return part.replace("~", "~0").replace("/", "~1")


def _django_detail(error: DjangoValidationError) -> Any:
    return error.message_dict if hasattr(error, "error_dict") else {"non_field_errors": error.messages}
