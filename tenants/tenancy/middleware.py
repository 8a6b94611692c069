"""Every request works for the tenant of its host, in one transaction."""

import re
import sys
from collections.abc import Callable
from typing import Any

import structlog
from django.db import transaction
from django.http import HttpRequest, UnreadablePostError
from django.http.response import HttpResponseBase

from tenants.foundation.requests import is_json_door, malformed
from tenants.tenancy.context import tenant_scope
from tenants.tenancy.directory import directory
from tenants.tenancy.doors import nobody_here, refusal
from tenants.tenancy.streaming import stream_in_scope
from tenants.tenancy.transactions import Atomic, current_alias

log = structlog.get_logger(__name__)
HOST = re.compile(r"^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$")
FORM = "application/x-www-form-urlencoded"
Respond = Callable[[HttpRequest], HttpResponseBase]


class TenantMiddleware:
    """Opens the scope of the tenant whose host was asked for; any other host gets a neutral 404."""

    def __init__(self, get_response: Respond) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        host = host_of(request)
        tenant = directory.by_host(host) if host else None
        if tenant is None:
            return nobody_here(request)
        request.tenant = tenant  # type: ignore[attr-defined]
        with tenant_scope(tenant):
            response = refusal(request, tenant) or self.get_response(request)
        # The line that ends the request is written outside: it is the tenant's too.
        structlog.contextvars.bind_contextvars(tenant=tenant.slug)
        stream_in_scope(request, response, tenant)
        return response


class TransactionMiddleware:
    """Opens the request's transaction; a view that talks to the outside has it closed before it starts.

    Sessions and sign-in run inside it too, so a request that fails leaves no half of its work behind. Nothing is
    sent to the database before the first statement needs it.
    """

    def __init__(self, get_response: Respond) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not read_body(request):
            return malformed(request, "The body is broken off or holds a NUL character.")
        block = Atomic()
        block.__enter__()
        request.open_transaction = block  # type: ignore[attr-defined]
        try:
            response = self.get_response(request)
        except BaseException:
            close_transaction(request, *sys.exc_info())
            raise
        if has_failed(request, response) and is_open(request):
            transaction.set_rollback(True, using=current_alias())
        close_transaction(request)
        return response

    def process_view(
        self, request: HttpRequest, view: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> None:
        if opens_its_own_transactions(request, view):
            close_transaction(request)


def read_body(request: HttpRequest) -> bool:
    """Take the whole body in, so that whoever sends it slowly holds no transaction; False when it cannot be used.

    Its length was checked before (tenants.foundation.requests), so it fits into memory. As in an address, PostgreSQL's
    text could not hold a form's NUL.
    """
    try:
        body = request.body
    except UnreadablePostError:
        log.info("request.body_broke_off")
        return False
    return request.content_type != FORM or not (b"%00" in body or b"\0" in body)


def has_failed(request: HttpRequest, response: HttpResponseBase) -> bool:
    """Whether the answer says that nothing was done: a crash, a refusal to a program, an error of the domain.

    A page may answer 4xx to a form that it shows again, and has noted something all the same.
    """
    if response.status_code >= 500 or getattr(request, "is_refused", False):
        return True
    return response.status_code >= 400 and is_json_door(request)


def is_open(request: HttpRequest) -> bool:
    """Whether the request's own transaction is still open."""
    return getattr(request, "open_transaction", None) is not None


def close_transaction(request: HttpRequest, *error: Any) -> None:
    """End the request's transaction, as a failure when an exception is given; does nothing when it has ended."""
    block = getattr(request, "open_transaction", None)
    request.open_transaction = None  # type: ignore[attr-defined]
    if block is not None:
        block.__exit__(*(error or (None, None, None)))


def host_of(request: HttpRequest) -> str:
    """The asked host, lower case, without port and final dot; empty when it is none."""
    host = request.META.get("HTTP_HOST", "").lower().rpartition("@")[2]
    host = re.sub(r":\d{1,5}$", "", host).rstrip(".")
    return host if HOST.match(host) else ""


def opens_its_own_transactions(request: HttpRequest, view: Any) -> bool:
    """Whether this view, its class or the method that will answer is marked ``@outside_transaction``."""
    holder = getattr(view, "cls", None) or getattr(view, "view_class", None)
    if getattr(view, "outside_transaction", False) or getattr(holder, "outside_transaction", False):
        return True
    method = (request.method or "").lower()
    name = (getattr(view, "actions", None) or {}).get(method, method)
    return bool(getattr(getattr(holder, name, None), "outside_transaction", False))
