"""The addresses outside services post to: no session, no form, nothing is believed but the signature."""

from http import HTTPStatus
from typing import Final

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from integrations.capabilities.event_feed import MalformedEvent
from integrations.webhooks.keys import NotAwaited
from integrations.webhooks.platform import NotNow, receive_for_platform
from integrations.webhooks.receiving import MOST_BYTES, UnknownAddress, WrongSignature, receive
from tenants.foundation.errors import DomainError
from tenants.foundation.requests import problem
from tenants.permissions import PLATFORM_SLUG
from tenants.tenancy import outside_transaction

_STATUSES: Final[dict[type[DomainError], HTTPStatus]] = {
    UnknownAddress: HTTPStatus.NOT_FOUND,
    WrongSignature: HTTPStatus.UNAUTHORIZED,
    MalformedEvent: HTTPStatus.BAD_REQUEST,
    NotAwaited: HTTPStatus.FORBIDDEN,
    NotNow: HTTPStatus.SERVICE_UNAVAILABLE,
}


@login_not_required
@csrf_exempt
@outside_transaction
@require_POST
def connection_hook(request: HttpRequest, connector: str, key: str) -> HttpResponse:
    """The address of one connection, on its company's host."""
    if len(request.body) > MOST_BYTES:
        return _too_large(request)
    try:
        receive(connector_key=connector, address_key=key, body=request.body, headers=_headers(request))
    except (UnknownAddress, WrongSignature, MalformedEvent, NotAwaited) as error:
        return _refused(request, error)
    return HttpResponse(status=HTTPStatus.NO_CONTENT)


@login_not_required
@csrf_exempt
@outside_transaction
@require_POST
def platform_hook(request: HttpRequest, connector: str) -> HttpResponse:
    """The one address of a public connection, on the platform's host; on a company's host there is none."""
    if request.tenant.slug != PLATFORM_SLUG:  # type: ignore[attr-defined]
        return _refused(request, UnknownAddress())
    if len(request.body) > MOST_BYTES:
        return _too_large(request)
    try:
        receive_for_platform(connector_key=connector, body=request.body, headers=_headers(request))
    except (UnknownAddress, WrongSignature, MalformedEvent, NotAwaited, NotNow) as error:
        return _refused(request, error)
    return HttpResponse(status=HTTPStatus.NO_CONTENT)


def _headers(request: HttpRequest) -> dict[str, str]:
    return {name.lower(): value for name, value in request.headers.items()}


def _refused(request: HttpRequest, error: DomainError) -> HttpResponse:
    response = problem(request, _STATUSES[type(error)], error.code, error.message)
    if isinstance(error, NotNow):
        response.headers["Retry-After"] = "10"
    return response


def _too_large(request: HttpRequest) -> HttpResponse:
    detail = "The body is larger than any event."
    return problem(request, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "webhooks.too_large", detail)
