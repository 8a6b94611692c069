"""Under ASGI: requests of two companies at once, streams, failures, clients that go away, threads and tasks.

Each is asked twice: straight to PostgreSQL, and behind PgBouncer in transaction mode, where connections change hands.
"""

import asyncio
import contextvars
import threading
import warnings
from collections.abc import Awaitable, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import connections
from django.test import override_settings
from pytest_django.plugin import DjangoDbBlocker

from config.asgi import application
from tenants.models import Domain, Tenant
from tenants.tenancy import TenantRef, current_tenant, tenant_scope
from tenants.tenancy.context import current_tenant_or_none
from tests.companies import create_company, drop_company
from tests.fakes.pgbouncer import PROGRAM, pgbouncer
from tests.tenants.tenancy.asgi_views import SEEN

# Server connections for a dozen requests at once, each of which holds one while another thread of it asks for a second:
# with a dozen of them all would wait for ever. And transactions that at the least went through PgBouncer.
POOL, LEAST = 14, 20
Get = Callable[..., Awaitable["Answer"]]


@dataclass
class Answer:
    """What was sent back: the status, the parts of the body as they came."""

    status: int = 0
    parts: list[bytes] = field(default_factory=list)

    @property
    def text(self) -> str:
        return b"".join(self.parts).decode().strip()


async def get(host: str, path: str, *, leave_after: int | None = None, leave_when: str = "") -> Answer:
    """Ask as a server would; the client goes away after so many parts, or when a view has said a word."""
    path, _, query = path.partition("?")
    answer, gone = Answer(), asyncio.Event()
    asked = False

    async def receive() -> dict[str, Any]:
        nonlocal asked
        if not asked:
            asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        while leave_when and leave_when not in SEEN:
            await asyncio.sleep(0.005)
        if not leave_when:
            await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: Mapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            answer.status = message["status"]
        elif message.get("body"):
            answer.parts.append(message["body"])
            if leave_after is not None and len(answer.parts) >= leave_after:
                gone.set()
                await asyncio.sleep(0.01)

    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "scheme": "http",
        "path": f"/{path}", "raw_path": f"/{path}".encode(), "query_string": query.encode(), "root_path": "",
        "headers": [(b"host", host.encode())], "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80),
    }  # fmt: skip
    await application(scope, receive, send)
    return answer


@dataclass(frozen=True)
class Place:
    """A company and the host it answers at."""

    tenant: TenantRef
    host: str


@pytest.fixture(scope="module", autouse=True, params=["direct", "behind PgBouncer"])
def _way(
    request: pytest.FixtureRequest, databases: None, django_db_blocker: DjangoDbBlocker
) -> Iterator[None]:
    """How the databases are reached."""
    if request.param == "direct":
        yield
        return
    if PROGRAM is None:
        pytest.skip("PgBouncer is not installed.")
    aliases = ("default", "cell_1")
    with django_db_blocker.unblock(), pgbouncer(pool_size=POOL) as bouncer, bouncer.before(*aliases):
        yield
        done = {row["database"]: row["total_xact_count"] for row in bouncer.admin("SHOW STATS")}
    assert done[settings.DATABASES[aliases[1]]["NAME"]] > LEAST, "they went past it"


@pytest.fixture(scope="module")
def two(_way: None, django_db_blocker: DjangoDbBlocker) -> Iterator[tuple[Place, Place]]:
    """Two companies of the first cell, made anew for each way."""
    with django_db_blocker.unblock():
        made: list[Tenant] = []
        try:
            made += [create_company(f"async-{name}") for name in ("ant", "bee")]
            one, other = (Place(row.ref, Domain.objects.get(tenant=row).host) for row in made)
            yield one, other
        finally:
            connections.close_all()
            for company in made:
                drop_company(company)


@pytest.fixture(autouse=True)
def _views(two: tuple[Place, Place], django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    SEEN.clear()
    with override_settings(ROOT_URLCONF="tests.tenants.tenancy.asgi_views"), django_db_blocker.unblock():
        yield


def run[T](work: Callable[[], Awaitable[T]]) -> T:
    """Run in an event loop on a thread of its own: another test's loop may be open in this one."""

    async def everything() -> T:
        return await work()

    def in_thread() -> T:
        try:
            return asyncio.run(everything())
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(in_thread).result(60)


async def both(two: tuple[Place, Place], path: str, times: int = 12) -> list[tuple[Place, Answer]]:
    """The same address of both companies, in turn, all at once."""
    places = [two[number % 2] for number in range(times)]
    return list(zip(places, await asyncio.gather(*(get(place.host, path) for place in places)), strict=True))


@pytest.mark.parametrize("path", ["twice", "alone", "stream", "async_stream"])
def test_requests_of_two_companies_at_once_each_run_as_their_own(two: tuple[Place, Place], path: str) -> None:
    for place, answer in run(lambda: both(two, path)):
        assert answer.status == 200
        assert set(answer.text.split()) == {place.tenant.role}


@pytest.mark.parametrize("path", ["stream", "async_stream"])
def test_a_stream_is_sent_as_it_is_made_and_closed_in_its_scope(two: tuple[Place, Place], path: str) -> None:
    answer = run(lambda: get(two[0].host, f"{path}?parts=4"))
    assert [part.decode().strip() for part in answer.parts] == [two[0].tenant.role] * 4
    assert [f"closed {two[0].tenant.role}"] == SEEN


@pytest.mark.parametrize("path", ["stream", "async_stream"])
def test_a_client_that_leaves_a_stream_ends_it_in_its_scope(two: tuple[Place, Place], path: str) -> None:
    async def leave() -> tuple[Answer, list[tuple[Place, Answer]]]:
        left = await get(two[0].host, f"{path}?parts=500", leave_after=2)
        for _ in range(200):
            if SEEN:
                break
            await asyncio.sleep(0.01)
        return left, await both(two, "twice", 4)

    left, after = run(leave)
    assert 2 <= len(left.parts) < 100
    assert [f"closed {two[0].tenant.role}"] == SEEN
    assert all(set(answer.text.split()) == {place.tenant.role} for place, answer in after)


@pytest.mark.parametrize("path", ["stream", "async_stream"])
def test_a_stream_that_fails_midway_leaves_nothing_to_the_next_request(
    two: tuple[Place, Place], path: str
) -> None:
    async def fail() -> list[tuple[Place, Answer]]:
        with pytest.raises(LookupError):
            await get(two[0].host, f"{path}?fails=2")
        return await both(two, "twice", 4)

    assert all(set(answer.text.split()) == {place.tenant.role} for place, answer in run(fail))
    assert [f"closed {two[0].tenant.role}"] == SEEN


def test_another_companys_scope_inside_a_request_ends_with_its_block(two: tuple[Place, Place]) -> None:
    async def visit() -> list[Answer]:
        one, other = two
        return list(
            await asyncio.gather(
                *(get(one.host, f"nested?other={other.host}") for _ in range(4)),
                *(get(other.host, f"nested?other={one.host}") for _ in range(4)),
            )
        )

    mine, theirs = (place.tenant.role for place in two)
    assert [answer.text.split() for answer in run(visit)] == [[mine, theirs, mine]] * 4 + [
        [theirs, mine, theirs]
    ] * 4


@pytest.mark.parametrize(
    "path", [*(f"write_and_fail?how={how}" for how in ("crash", "domain", "answer")), "api/write_and_refuse"]
)
def test_a_request_that_fails_leaves_no_rows_and_no_scope(two: tuple[Place, Place], path: str) -> None:
    async def fail() -> tuple[Answer, Answer]:
        failed = await get(two[0].host, path)
        assert current_tenant_or_none() is None
        return failed, await get(two[0].host, "count")

    failed, after = run(fail)
    assert failed.status in (409, 500)
    assert after.text == "0"


def test_a_request_that_fails_before_anything_is_an_error_and_no_more(two: tuple[Place, Place]) -> None:
    answers = run(lambda: both(two, "fail_before_anything", 4))
    assert {answer.status for _place, answer in answers} == {500}


def test_a_cancelled_request_is_undone_and_the_next_ones_are_right(two: tuple[Place, Place]) -> None:
    async def cancel() -> tuple[Answer, list[tuple[Place, Answer]], Answer]:
        left = await get(two[0].host, "write_and_fail?how=wait", leave_when="waiting")
        return left, await both(two, "twice", 6), await get(two[0].host, "count")

    left, after, count = run(cancel)
    assert left.status == 0
    assert all(set(answer.text.split()) == {place.tenant.role} for place, answer in after)
    assert count.text == "0"


def test_a_savepoint_undone_in_an_async_view_keeps_the_rest(two: tuple[Place, Place]) -> None:
    answers = run(lambda: both(two, "undo_a_savepoint", 2))
    assert [answer.text for _place, answer in answers] == [f"{place.tenant.slug} kept" for place in two]


def test_a_thread_started_in_a_request_works_for_nobody(two: tuple[Place, Place]) -> None:
    assert run(lambda: get(two[0].host, "thread_without")).text == "nobody"


def test_an_unknown_host_is_nobodys_under_asgi_too(two: tuple[Place, Place]) -> None:
    assert run(lambda: get("nobody.example", "count")).status == 404


def test_an_asynchronous_stream_under_wsgi_is_in_its_scope_too(two: tuple[Place, Place], client: Any) -> None:
    def stream() -> str:
        try:
            return b"".join(client.get("/async_stream", headers={"host": two[1].host})).decode()
        finally:
            connections.close_all()

    with warnings.catch_warnings():
        # Django says that it has to collect the parts first.
        warnings.simplefilter("ignore")
        # In a thread of its own, as a web server has them: a browser's test may have left a loop running in this one.
        with ThreadPoolExecutor(1) as pool:
            body = pool.submit(stream).result(30)
    assert set(body.split()) == {two[1].tenant.role}


# --- what carries a scope along, and what does not


def test_a_copied_context_carries_the_scope_and_changes_nothing_outside(two: tuple[Place, Place]) -> None:
    found: list[str] = []
    with tenant_scope(two[0].tenant):
        copy = contextvars.copy_context()
    assert current_tenant_or_none() is None

    def work() -> None:
        found.append(current_tenant().slug)
        with tenant_scope(two[1].tenant):
            found.append(current_tenant().slug)
        found.append(current_tenant().slug)

    thread = threading.Thread(target=lambda: copy.run(work))
    thread.start()
    thread.join()
    assert found == [two[0].tenant.slug, two[1].tenant.slug, two[0].tenant.slug]
    assert current_tenant_or_none() is None


def test_a_task_keeps_the_scope_it_was_started_in(two: tuple[Place, Place]) -> None:
    async def later() -> str:
        await asyncio.sleep(0.005)
        return current_tenant().slug

    async def start() -> list[str]:
        tasks = []
        for place in two * 5:
            with tenant_scope(place.tenant):
                tasks.append(asyncio.create_task(later()))
        assert current_tenant_or_none() is None
        return await asyncio.gather(*tasks)

    assert run(start) == [place.tenant.slug for place in two] * 5


def test_a_cancelled_task_leaves_no_scope(two: tuple[Place, Place]) -> None:
    async def work() -> None:
        with tenant_scope(two[0].tenant):
            await sync_to_async(threading.Event().wait)(0.01)
            await asyncio.sleep(30)

    async def cancel() -> object:
        task = asyncio.create_task(work())
        await asyncio.sleep(0.05)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return current_tenant_or_none()

    assert run(cancel) is None
