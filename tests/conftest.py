"""Fixtures of the whole suite: two companies in real databases, people in them, and no network but loopback."""

import ipaddress
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.db import connections, transaction
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.test import Client
from psycopg import sql
from pytest_django.plugin import DjangoDbBlocker
from rest_framework.test import APIClient
from xdist.remote import Producer

from tenants.accounts.access import Role, UserActor
from tenants.accounts.models import User
from tenants.accounts.selectors import actor_for
from tenants.models import Domain, Evidence, Operation, Tenant
from tenants.tenancy import TenantRef, tenant_scope
from tenants.tenancy.databases import owner_aliases, owner_connection
from tenants.tenancy.directory import directory
from tenants.tenancy.middleware import TransactionMiddleware
from tenants.tenancy.preparing import prepare
from tenants.tenancy.transactions import current_alias
from tests.companies import create_company, drop_company
from tests.fakes.events import PublishedEvents
from tests.fakes.transactions import own_transactions_only
from tests.people import person, signed_in_client, token_client
from tests.worker_groups import GroupScheduling


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> GroupScheduling | None:
    """`--dist loadgroup`: tests of an `xdist_group` share a worker, the others are dealt out one by one."""
    return GroupScheduling(config, log) if config.getvalue("dist") == "loadgroup" else None


@pytest.fixture(scope="session", autouse=True)
def only_loopback() -> Iterator[None]:
    """Refuse every connection that would leave this machine."""
    connect = socket.socket.connect

    def guarded(self: Any, address: Any) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6):
            host = address[0]
            try:
                outside = not ipaddress.ip_address(host).is_loopback
            except ValueError:
                outside = host != "localhost"
            if outside:
                raise OSError(f"The suite may not reach {host}.")
        connect(self, address)

    socket.socket.connect = guarded  # type: ignore[method-assign]
    yield
    socket.socket.connect = connect  # type: ignore[method-assign]


@pytest.fixture(scope="session", autouse=True)
def views_open_their_transactions() -> Iterator[None]:
    """Refuse SQL a view marked ``outside_transaction`` sends bare: the test's own transaction would let it pass."""
    answer = TransactionMiddleware.__call__

    def watched(self: TransactionMiddleware, request: HttpRequest) -> HttpResponseBase:
        with own_transactions_only(current_alias()):
            return answer(self, request)

    TransactionMiddleware.__call__ = watched  # type: ignore[method-assign]
    yield
    TransactionMiddleware.__call__ = answer  # type: ignore[method-assign]


@pytest.fixture(scope="session")
def databases(django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """This worker's own databases, made anew, with the template and without a tenant."""
    with django_db_blocker.unblock():
        drop_databases()
        prepare()
        yield
        connections.close_all()
        drop_databases()


def drop_databases() -> None:
    """Remove what a former run of this worker left: its databases, then its roles."""
    with owner_connection("default_owner", database="postgres") as connection:
        connection.autocommit = True
        for alias in owner_aliases():
            name = sql.Identifier(settings.DATABASES[alias]["NAME"])
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))
        prefix = settings.TENANT_ROLE_PREFIX.replace("_", r"\_")
        for (role,) in connection.execute(
            "SELECT rolname FROM pg_roles WHERE rolname LIKE %s", [f"{prefix}%"]
        ).fetchall():
            try:
                connection.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(str(role))))
            except psycopg.errors.DependentObjectsStillExist:
                continue


@pytest.fixture(scope="session")
def companies(databases: None) -> tuple[Tenant, Tenant]:
    """Two companies that every test of this worker shares; what a test does in them is rolled back."""
    return create_company("north", "North Works"), create_company("south", "South Works")


@contextmanager
def undone(blocker: DjangoDbBlocker) -> Iterator[None]:
    """Database access inside one transaction per database, undone when the block ends."""
    directory.forget()
    with blocker.unblock():
        blocks = [transaction.atomic(using=alias) for alias in ("default", *settings.CELLS)]
        for block in blocks:
            block.__enter__()
        try:
            yield
        finally:
            for alias, block in zip(("default", *settings.CELLS), blocks, strict=True):
                transaction.set_rollback(True, using=alias)
                block.__exit__(None, None, None)
            directory.forget()


@pytest.fixture
def database(companies: tuple[Tenant, Tenant], django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Database access that is undone when the test ends.

    What committed tests of this worker wrote down of the platform is out of sight: lists begin empty in any order.
    """
    with undone(django_db_blocker):
        for model in (Operation, Evidence):
            model.objects.all().delete()
        yield


@pytest.fixture
def tenant(database: None, companies: tuple[Tenant, Tenant]) -> Iterator[TenantRef]:
    """The company the test works for; its scope is open."""
    with tenant_scope(companies[0].ref) as ref:
        yield ref


@pytest.fixture
def other_tenant(database: None, companies: tuple[Tenant, Tenant]) -> TenantRef:
    """Another company; its scope is not open."""
    return companies[1].ref


@pytest.fixture
def committed_tenant(databases: None, django_db_blocker: DjangoDbBlocker) -> Iterator[TenantRef]:
    """A company of its own whose rows are really committed, for tests with threads, workers or a browser.

    No scope is open. The company is dropped afterwards.
    """
    directory.forget()
    with django_db_blocker.unblock():
        company = create_company()
        try:
            yield company.ref
        finally:
            connections.close_all()
            drop_company(company)
            directory.forget()


@pytest.fixture
def published_events(tenant: TenantRef) -> PublishedEvents:
    """What the test's company published, oldest first: iterable, ``.names``, ``.of(EventClass)``."""
    events = PublishedEvents(tenant)
    events.forget()
    return events


@pytest.fixture
def host(tenant: TenantRef) -> str:
    """The host name of the test's company."""
    return Domain.objects.get(tenant_id=tenant.id, is_canonical=True).host


# --- people


@pytest.fixture
def owner(tenant: TenantRef) -> UserActor:
    """The company's first owner."""
    return actor_for(User.objects.get(email=f"owner@{tenant.slug}.example"))


@pytest.fixture
def admin(tenant: TenantRef) -> UserActor:
    """Somebody with the role admin."""
    return person(tenant, Role.ADMIN, "Ada Admin-Example")


@pytest.fixture
def manager(tenant: TenantRef) -> UserActor:
    """Somebody with the role manager."""
    return person(tenant, Role.MANAGER, "Mona Manager-Example")


@pytest.fixture
def member(tenant: TenantRef) -> UserActor:
    """Somebody with the role member."""
    return person(tenant, Role.MEMBER, "Mia Member-Example")


@pytest.fixture
def guest(tenant: TenantRef) -> UserActor:
    """Somebody with the role guest."""
    return person(tenant, Role.GUEST, "Gus Guest-Example")


@pytest.fixture
def login_as(host: str) -> Callable[[UserActor], Client]:
    """Makes a client of the company's host, signed in as the given person."""
    return lambda actor: signed_in_client(host, actor)


@pytest.fixture
def console(host: str, owner: UserActor) -> Client:
    """A client of the company's host with its owner signed in."""
    return signed_in_client(host, owner)


@pytest.fixture
def api(host: str, owner: UserActor) -> APIClient:
    """A client of the company's API with a token of its owner that may do everything the owner may."""
    return token_client(host, owner)


@pytest.fixture
def stranger(host: str) -> Client:
    """A client of the company's host with nobody signed in."""
    return Client(headers={"host": host})
