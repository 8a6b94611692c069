"""A line to PostgreSQL or Valkey that goes silent or breaks: bounded waits, a clear answer, no half of a change."""

import time
from collections.abc import Callable, Iterator
from copy import deepcopy
from urllib.parse import urlsplit

import pytest
from django.conf import settings as django_settings
from django.core.cache import caches
from django.db import DatabaseError, OperationalError, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.test import Client, RequestFactory
from pytest_django import Settings
from redis.exceptions import RedisError

from config.errors import server_error
from tasks.models import Task
from tenants.accounts.access import UserActor
from tenants.dispatch.waking import Waker
from tenants.tenancy import TenantRef, atomic, tenant_scope
from tests.factories.tasks import make_task
from tests.fakes.fault_proxy import Fault, FaultProxy, Spoil, fault_proxy


@pytest.fixture
def line_to_postgres() -> Iterator[FaultProxy]:
    with fault_proxy(int(django_settings.DATABASES["default"]["PORT"])) as line:
        yield line


@pytest.fixture
def line_to_valkey(settings: Settings) -> Iterator[FaultProxy]:
    """Everything of this process that asks Valkey goes through this line."""
    parts = urlsplit(settings.REDIS_URL)
    with fault_proxy(parts.port or 6379) as line:
        settings.REDIS_URL = f"redis://127.0.0.1:{line.port}{parts.path}"
        caches = deepcopy(settings.CACHES)
        for cache in caches.values():
            cache["LOCATION"] = settings.REDIS_URL
        settings.CACHES = caches
        yield line


@pytest.fixture
def connection(database: None, line_to_postgres: FaultProxy) -> Iterator[BaseDatabaseWrapper]:
    """A connection of the control plane's through the line."""
    wrapper = connections["default"].copy("default")
    wrapper.settings_dict = {**wrapper.settings_dict, "HOST": "127.0.0.1", "PORT": str(line_to_postgres.port)}
    yield wrapper
    wrapper.close()


def test_a_postgresql_that_says_nothing_is_given_up_within_seconds(
    connection: BaseDatabaseWrapper, line_to_postgres: FaultProxy
) -> None:
    line_to_postgres.spoil_all(Fault(Spoil.SWALLOW))
    started = time.monotonic()

    with pytest.raises(OperationalError):
        connection.ensure_connection()

    assert time.monotonic() - started < 8


def test_a_connection_that_breaks_leaves_no_half_of_a_change(
    connection: BaseDatabaseWrapper, line_to_postgres: FaultProxy
) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        session = cursor.fetchone()[0]
    connections["line"] = connection
    try:
        with pytest.raises(DatabaseError), transaction.atomic(using="line"), connection.cursor() as cursor:
            cursor.execute("UPDATE tenants_tenant SET name = name || '!'")
            line_to_postgres.spoil_next(Fault(Spoil.DROP, after_bytes=3))
            cursor.execute("SELECT count(*) FROM tenants_tenant")
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FILTER (WHERE name LIKE '%!'), pg_backend_pid() FROM tenants_tenant"
            )
            assert cursor.fetchone()[0] == 0
            cursor.execute("SELECT pg_backend_pid()")
            assert cursor.fetchone()[0] != session, "another connection, without a restart"
    finally:
        del connections["line"]


def test_a_company_whose_database_is_away_gets_an_error_of_the_database_and_is_served_again_once_it_is_back(
    committed_tenant: TenantRef, line_to_postgres: FaultProxy
) -> None:
    cell = committed_tenant.cell
    direct, through_line = connections[cell], connections[cell].copy(cell)
    through_line.settings_dict = {
        **direct.settings_dict,
        "HOST": "127.0.0.1",
        "PORT": str(line_to_postgres.port),
    }
    connections[cell] = through_line
    try:
        with tenant_scope(committed_tenant):
            with atomic():
                assert Task.objects.count() == 0
            line_to_postgres.refuse()
            line_to_postgres.cut()
            for _ in range(2):
                with pytest.raises(OperationalError), atomic():
                    try:
                        Task.objects.count()
                    finally:
                        transaction.set_rollback(True, using=cell)  # as a request that failed does
            line_to_postgres.accept()
            with atomic():
                assert Task.objects.count() == 0
    finally:
        through_line.close()
        connections[cell] = direct


@pytest.mark.parametrize("path", ["/api/v1/tasks/", "/tasks/"])
def test_a_database_that_is_away_is_told_apart_from_a_mistake_of_ours(path: str) -> None:
    request = RequestFactory().get(path)
    try:
        raise OperationalError("connection to server at 127.0.0.1, port 5432 failed")
    except OperationalError:
        away = server_error(request)
    try:
        raise ValueError("ours")
    except ValueError:
        ours = server_error(request)

    assert (away.status_code, away["Retry-After"], ours.status_code) == (503, "5", 500)
    assert "5432" not in away.content.decode()
    assert "try again in a few seconds" in away.content.decode()


def test_a_valkey_that_says_nothing_costs_seconds_not_hours(line_to_valkey: FaultProxy) -> None:
    line_to_valkey.spoil_all(Fault(Spoil.SWALLOW))
    started = time.monotonic()
    waker = Waker()

    waker.wake("cell_1")
    waker.wake("cell_1")
    assert time.monotonic() - started < 3, "a wake-up is never waited for"
    with pytest.raises(RedisError):
        caches["platform"].get("anything")

    assert time.monotonic() - started < 16


def test_a_task_is_done_though_valkey_is_away_only_undo_is_not_offered(
    line_to_valkey: FaultProxy, login_as: Callable[[UserActor], Client], member: UserActor
) -> None:
    task = make_task(title="Water the plants")
    client = login_as(member)
    line_to_valkey.refuse()
    line_to_valkey.cut()

    answer = client.post(f"/tasks/{task.key}/set/", {"status": "done"}, headers={"HX-Request": "true"})

    assert answer.status_code < 400, answer.content
    assert Task.objects.get(pk=task.pk).status == "done"
    assert "/tasks/undo/" not in answer.headers["HX-Trigger"]
    line_to_valkey.accept()
    answer = client.post(f"/tasks/{task.key}/set/", {"status": "planned"}, headers={"HX-Request": "true"})
    assert "/tasks/undo/" in answer.headers["HX-Trigger"], "and once it is back, undo is too"
