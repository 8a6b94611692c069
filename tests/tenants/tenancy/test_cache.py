"""Everything written to Valkey is some company's, or the platform's by intent."""

import re
from collections.abc import Iterator

import pytest
import redis
from django.conf import settings
from django.core.cache import cache, caches
from django.test import Client

from integrations.sync.limiter import Caller, shared_limiter
from tenants.accounts.access import UserActor
from tenants.dispatch.broker import Sender
from tenants.dispatch.waking import waker
from tenants.foundation import health
from tenants.foundation.ids import uuid7
from tenants.tenancy import NoTenant, TenantRef, atomic, cell_scope, tenant_scope
from tenants.tenancy.positions import positions
from tests.factories.tasks import make_task

# Whose each key is. Nothing else may be written.
ALLOWED = {
    "a company's": r"^nts:tenant:[0-9a-f-]{36}:",
    "the platform's": r"^nts:platform:",
    "a cell's bell for its dispatchers": r"^nts:dispatch:[a-z0-9_]+:wake$",
    "how far a cell's companies have written, by their ids": r"^nts:positions:[a-z0-9_]+$",
    # Counted by Notion for its workspace, whichever companies have connected it.
    "a Notion workspace's budget": r"^sync:limit:\{[^}]+\}:",
    "the broker's": r"^(work(\x06.*)?|_kombu\..*|unacked.*)$",
}


@pytest.fixture
def store() -> Iterator[redis.Redis]:
    client = redis.Redis.from_url(settings.REDIS_URL)
    client.flushdb()
    yield client
    client.flushdb()
    client.close()


def keys(store: redis.Redis) -> list[str]:
    found: list[bytes] = store.keys("*")  # type: ignore[assignment]
    return sorted(key.decode() for key in found)


def test_the_same_key_of_two_companies_never_meets(
    tenant: TenantRef, other_tenant: TenantRef, store: redis.Redis
) -> None:
    cache.set("greeting", "north")
    with tenant_scope(other_tenant):
        assert cache.get("greeting") is None
        cache.set("greeting", "south")
    assert cache.get("greeting") == "north"
    assert len(keys(store)) == 2


def test_a_key_of_nobody_is_an_error(database: None) -> None:
    for use in (
        lambda: cache.get("x"),
        lambda: cache.set("x", 1),
        lambda: cache.add("x", 1),
        lambda: cache.delete("x"),
        lambda: cache.get_many(["x"]),
        lambda: cache.incr("x"),
    ):
        with pytest.raises(NoTenant):
            use()


def test_a_cells_scope_is_no_companys(database: None) -> None:
    with cell_scope("cell_1"), pytest.raises(NoTenant):
        cache.get("x")


def test_the_platforms_keys_are_the_same_in_every_scope(tenant: TenantRef, store: redis.Redis) -> None:
    platform = caches["platform"]
    platform.set("x", 1)
    cache.set("x", 2)
    assert (platform.get("x"), cache.get("x")) == (1, 2)
    assert len(keys(store)) == 2


def test_attempts_to_sign_in_are_counted_by_each_company_for_itself(
    store: redis.Redis, tenant: TenantRef, other_tenant: TenantRef, host: str
) -> None:
    """Whoever guesses at one company's door locks nobody out of another's."""
    for _ in range(2):
        Client(headers={"host": host}).post(
            "/account/sign-in/", {"login": "a@b.example", "password": "wrong"}
        )
    counted = keys(store)
    assert counted
    assert all(key.startswith(f"nts:tenant:{tenant.id}:") for key in counted)


def test_nothing_else_is_written_to_valkey(
    store: redis.Redis, tenant: TenantRef, host: str, console: Client, member: UserActor
) -> None:
    """A walk past everything that uses Valkey: a new kind of key shows up here and has to say whose it is."""
    Client(headers={"host": host}).post("/account/sign-in/", {"login": "a@b.example", "password": "wrong"})
    Client(headers={"host": host}).post("/account/password/reset/", {"email": "a@b.example"})
    with atomic():
        task = make_task(title="Water the plants")
    console.post(f"/tasks/{task.key}/set/", {"status": "done"}, headers={"HX-Request": "true"})
    health.check_cache()
    waker.wake(tenant.cell)
    positions.note(tenant.cell, [tenant.id], 1)
    shared_limiter().take(Caller(connection_id=uuid7(), workspace_id="w1", budget=10), "pages.retrieve")
    Sender().send(tenant.cell, [uuid7()])

    owners = {
        key: next((whose for whose, pattern in ALLOWED.items() if re.match(pattern, key)), None)
        for key in keys(store)
    }
    assert [key for key, whose in owners.items() if whose is None] == []
    assert set(owners.values()) == set(ALLOWED), "each kind was met, so none of the patterns is idle"
