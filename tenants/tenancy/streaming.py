"""Streamed answers: their parts are made after the request has ended, and in its tenant's scope all the same."""

from collections.abc import AsyncIterator, Iterator
from functools import partial
from typing import Any, Final

from asgiref.sync import async_to_sync, sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase

from tenants.tenancy.context import TenantRef, tenant_scope
from tenants.tenancy.directory import directory
from tenants.tenancy.states import doors_of

END: Final = object()


def stream_in_scope(request: HttpRequest, response: HttpResponseBase, tenant: TenantRef) -> None:
    """Have ``response``, if it is streamed, make its parts and close what it holds in the scope of ``tenant``.

    It ends when the tenant is closed to readers: who watches a page loads it again and is told why. Under ASGI the
    parts of an ordinary iterator are made in the request's own thread, one at a time, and sent as they come.
    """
    if not isinstance(response, StreamingHttpResponse):
        return
    # The iterator itself: what the property gives does not close it.
    parts: Any = response._iterator  # type: ignore[attr-defined]
    is_async, is_asgi, close = response.is_async, isinstance(request, ASGIRequest), response.close
    make: Any = async_parts if is_async else threaded_parts if is_asgi else sync_parts
    made = make(tenant, parts)

    async def close_parts() -> None:
        await made.aclose()

    def close_in_scope() -> None:
        # Left to the garbage collector, an asynchronous iterator ends in whatever scope is open then.
        with tenant_scope(tenant):
            if is_async and is_asgi:
                async_to_sync(close_parts)()
            close()

    response.close = close_in_scope  # type: ignore[method-assign]
    response.streaming_content = closed_when_it_fails(response, made) if is_asgi else made


def sync_parts(tenant: TenantRef, parts: Iterator[Any]) -> Iterator[Any]:
    """Each part in the scope, which is never open while the server has its turn."""
    while is_still_read(tenant):
        with tenant_scope(tenant):
            part = next(parts, END)
        if part is END:
            return
        yield part


async def threaded_parts(tenant: TenantRef, parts: Iterator[Any]) -> AsyncIterator[Any]:
    """The parts of an ordinary iterator without holding up the event loop."""
    make = sync_to_async(partial(next, sync_parts(tenant, parts), END))
    while (part := await make()) is not END:
        yield part


async def closed_when_it_fails(response: HttpResponseBase, parts: AsyncIterator[Any]) -> AsyncIterator[Any]:
    """Close the answer when a part cannot be made: Django's ASGI handler does it only for those that were sent."""
    try:
        async for part in parts:
            yield part
    except Exception:
        await sync_to_async(response.close)()
        raise


async def async_parts(tenant: TenantRef, parts: AsyncIterator[Any]) -> AsyncIterator[Any]:
    """The same for an asynchronous iterator; it is closed in the scope too, however the answer ends."""
    try:
        while await sync_to_async(is_still_read)(tenant):
            with tenant_scope(tenant):
                part = await anext(parts, END)
            if part is END:
                return
            yield part
    finally:
        close = getattr(parts, "aclose", None)
        if close is not None:
            with tenant_scope(tenant):
                await close()


def is_still_read(tenant: TenantRef) -> bool:
    """Whether the tenant may be read as it stands now, and still lives where the answer began."""
    now = directory.by_id(tenant.id)
    return now is not None and now.cell == tenant.cell and doors_of(now.state).reads
