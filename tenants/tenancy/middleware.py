"""Every request works for the tenant of its host, in one transaction."""

import re
from collections.abc import Callable, Iterable, Iterator

import structlog
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseNotFound, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.template.loader import render_to_string
from django.urls import Resolver404, resolve

from tenants.tenancy.context import TenantRef, tenant_scope
from tenants.tenancy.directory import directory
from tenants.tenancy.transactions import Atomic, current_alias, in_transaction

log = structlog.get_logger(__name__)
HOST = re.compile(r"^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$")
Respond = Callable[[HttpRequest], HttpResponseBase]


class TenantMiddleware:
    """Opens the scope of the tenant whose host was asked for; any other host gets a neutral 404."""

    def __init__(self, get_response: Respond) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        host = host_of(request)
        tenant = directory.by_host(host) if host else None
        if tenant is None:
            return nobody_here()
        request.tenant = tenant  # type: ignore[attr-defined]
        with tenant_scope(tenant):
            if tenant.state != "active":
                return closed(tenant)
            response = self.get_response(request)
        if isinstance(response, StreamingHttpResponse) and not response.is_async:
            response.streaming_content = stream_in_scope(tenant, response.streaming_content)
        return response


class TransactionMiddleware:
    """Opens the request's transaction, unless the view talks to the outside and opens its own short ones.

    Sessions and sign-in run inside it too, so a request that fails leaves no half of its work behind.
    """

    def __init__(self, get_response: Respond) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if opens_its_own_transactions(request):
            return self.get_response(request)
        with Atomic():
            response = self.get_response(request)
            if response.status_code >= 500:
                roll_back()
        return response


def roll_back() -> None:
    """Undo the request's transaction when it ends."""
    if in_transaction():
        transaction.set_rollback(True, using=current_alias())


def host_of(request: HttpRequest) -> str:
    """The asked host, lower case, without port and final dot; empty when it is none."""
    host = request.META.get("HTTP_HOST", "").lower().rpartition("@")[2]
    host = re.sub(r":\d{1,5}$", "", host).rstrip(".")
    return host if HOST.match(host) else ""


def nobody_here() -> HttpResponse:
    """The same answer for every host that is nobody's: it says nothing of who else is here."""
    return HttpResponseNotFound(render_to_string("console/errors/unknown_host.html"))


def closed(tenant: TenantRef) -> HttpResponse:
    """What a tenant's host answers while the tenant is not active."""
    return HttpResponse(
        render_to_string("console/errors/tenant_closed.html", {"tenant": tenant}), status=503
    )


def opens_its_own_transactions(request: HttpRequest) -> bool:
    """Whether the view behind this path is marked ``@outside_transaction``."""
    try:
        match = resolve(request.path_info)
    except Resolver404:
        return False
    view = match.func
    holder = getattr(view, "cls", None) or getattr(view, "view_class", None)
    if holder is not None:
        if getattr(holder, "outside_transaction", False):
            return True
        actions = getattr(view, "actions", None) or {}
        method = getattr(holder, actions.get((request.method or "").lower(), (request.method or "").lower()), None)
        return bool(getattr(method, "outside_transaction", False))
    return bool(getattr(view, "outside_transaction", False))


def stream_in_scope(tenant: TenantRef, parts: Iterable[bytes]) -> Iterator[bytes]:
    """Produce a streamed answer's parts in the scope of its request, which has ended by then."""
    iterator = iter(parts)
    while True:
        with tenant_scope(tenant):
            try:
                part = next(iterator)
            except StopIteration:
                return
        yield part
