"""Views that only the tests under ASGI know: asynchronous, streaming, failing, and slow ones."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

from asgiref.sync import sync_to_async
from django.contrib.auth.decorators import login_not_required
from django.db import connections
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import path

from tenants.accounts.models import Department
from tenants.foundation.errors import Conflict
from tenants.tenancy import NoTenant, atomic, current_tenant, outside_transaction, tenant_scope
from tenants.tenancy.directory import directory

# What is told to the tests from inside a view: words they wait for.
SEEN: list[str] = []


def role_now() -> str:
    """The role the database runs this tenant's statements as."""
    with atomic(), connections[current_tenant().cell].cursor() as cursor:
        cursor.execute("SELECT current_user::text")
        return str(cursor.fetchone()[0])


def role_on_another_thread() -> str:
    """The same on a thread that goes back to a pool: it leaves no connection there."""
    try:
        return role_now()
    finally:
        connections.close_all()


async def twice(request: HttpRequest) -> HttpResponse:
    """Ask in the request's own thread and in others, with pauses for the other requests."""
    said = [await sync_to_async(role_now)()]
    await asyncio.sleep(0.002)
    said.append(await sync_to_async(role_on_another_thread, thread_sensitive=False)())
    await asyncio.sleep(0)
    said += await asyncio.gather(*(asyncio.create_task(in_a_task()) for _ in range(2)))
    return HttpResponse(" ".join(said))


async def in_a_task() -> str:
    await asyncio.sleep(0.001)
    return await sync_to_async(role_now)()


async def nested(request: HttpRequest) -> HttpResponse:
    """Visit another company in the middle of the request, also with a statement that fails there."""
    other = await sync_to_async(directory.by_host)(request.GET["other"])
    assert other is not None
    first = await sync_to_async(role_now)()
    with tenant_scope(other):
        await asyncio.sleep(0.001)
        inside = await sync_to_async(role_now)()
    try:
        with tenant_scope(other):
            raise LookupError
    except LookupError:
        last = await sync_to_async(role_now)()
    return HttpResponse(f"{first} {inside} {last}")


def write(name: str) -> None:
    Department.objects.create(name=name, key=name[-8:])


async def write_and_fail(request: HttpRequest) -> HttpResponse:
    """Write, then fail the way the address says."""
    await sync_to_async(write)("Never to be seen")
    match request.GET["how"]:
        case "crash":
            raise LookupError
        case "domain":
            raise Conflict
        case "answer":
            return HttpResponse(status=500)
        case _:
            SEEN.append("waiting")
            await asyncio.sleep(30)
    return HttpResponse()


def write_and_refuse(request: HttpRequest) -> HttpResponse:
    """As a view of the API that finds half-way that it may not."""
    write("Never to be seen")
    return HttpResponse(status=409)


async def undo_a_savepoint(request: HttpRequest) -> HttpResponse:
    """Write a row, undo a second one, and say whose rows there are."""

    def work() -> str:
        write(f"{current_tenant().slug} kept")
        try:
            with atomic():
                write("undone")
                raise LookupError
        except LookupError:
            return " ".join(Department.objects.values_list("name", flat=True))

    return HttpResponse(await sync_to_async(work)())


async def fail_before_anything(request: HttpRequest) -> HttpResponse:
    """Fail in the event loop itself."""
    raise LookupError


def thread_without(request: HttpRequest) -> HttpResponse:
    """A thread that was given nothing works for nobody."""
    said: list[str] = []

    def work() -> None:
        try:
            role_now()
        except NoTenant:
            said.append("nobody")

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    return HttpResponse(said)


def stream(request: HttpRequest) -> StreamingHttpResponse:
    """Parts of an ordinary iterator."""

    def parts() -> Iterator[str]:
        try:
            for number in range(int(request.GET.get("parts", 5))):
                if request.GET.get("fails") == str(number):
                    raise LookupError
                time.sleep(0.002)
                yield f"{role_now()} "
        finally:
            SEEN.append(f"closed {current_tenant().role}")

    return StreamingHttpResponse(parts())


async def async_stream(request: HttpRequest) -> StreamingHttpResponse:
    """Parts of an asynchronous iterator."""

    async def parts() -> AsyncIterator[str]:
        try:
            for number in range(int(request.GET.get("parts", 5))):
                if request.GET.get("fails") == str(number):
                    raise LookupError
                await asyncio.sleep(0.002)
                yield f"{await sync_to_async(role_now)()} "
        finally:
            SEEN.append(f"closed {current_tenant().role}")

    return StreamingHttpResponse(parts())


@outside_transaction
async def alone(request: HttpRequest) -> HttpResponse:
    """A view that has no transaction around it."""
    return HttpResponse(await sync_to_async(role_now)())


def count(request: HttpRequest) -> HttpResponse:
    """How many rows the company has."""
    return HttpResponse(str(Department.objects.count()))


VIEWS: tuple[Any, ...] = (
    twice, nested, write_and_fail, undo_a_savepoint, fail_before_anything, thread_without, stream, async_stream,
    alone, count,
)  # fmt: skip
urlpatterns = [path(view.__name__, login_not_required(view)) for view in VIEWS]
urlpatterns.append(path("api/write_and_refuse", login_not_required(write_and_refuse)))
