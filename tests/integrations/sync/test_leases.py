"""One worker at a time for each connection."""

from datetime import timedelta
from types import SimpleNamespace
from typing import cast

import pytest
from django.utils import timezone

from integrations import registry
from integrations.bootstrap.building import UNDER_WAY
from integrations.capabilities import TaskSource
from integrations.models import Connection, SyncRun
from integrations.sync.guarded_source import CallGuard
from integrations.sync.journal import Journal
from integrations.sync.leases import LEASE_SECONDS, LeaseLost, give_back_lease, keep_lease, take_lease
from integrations.sync.push.looking_up import IN_FLIGHT
from integrations.sync.retry import INLINE_WAIT_SECONDS
from integrations.sync.session import SyncSession
from tenants.foundation.errors import LimitReached
from tenants.tenancy import TenantRef


@pytest.fixture
def connection(tenant: TenantRef) -> Connection:
    return Connection.objects.create(connector="notion", name="W", account_id="a", workspace_id="w")


def expire(connection: Connection) -> None:
    Connection.objects.filter(pk=connection.pk).update(lease_expires_at=timezone.now() - timedelta(seconds=1))


def test_the_second_worker_is_sent_away_for_a_moment(connection: Connection) -> None:
    take_lease(connection.pk)

    with pytest.raises(LimitReached) as limit:
        take_lease(connection.pk)

    assert limit.value.retry_after_seconds is not None
    assert 0 < limit.value.retry_after_seconds <= 5


def test_a_lease_given_back_is_free_at_once(connection: Connection) -> None:
    give_back_lease(connection.pk, take_lease(connection.pk))

    take_lease(connection.pk)


def test_whoever_lost_the_lease_may_not_write(connection: Connection) -> None:
    lost = take_lease(connection.pk)
    expire(connection)
    present = take_lease(connection.pk)

    with pytest.raises(LeaseLost):
        keep_lease(connection.pk, lost)
    keep_lease(connection.pk, present)


def test_whoever_lost_the_lease_does_not_free_it_for_others(connection: Connection) -> None:
    lost = take_lease(connection.pk)
    expire(connection)
    take_lease(connection.pk)

    give_back_lease(connection.pk, lost)

    with pytest.raises(LimitReached):
        take_lease(connection.pk)


def test_between_two_steps_the_lease_is_renewed(connection: Connection) -> None:
    token = take_lease(connection.pk)
    expire(connection)
    run = SyncRun(connection=connection, kind=SyncRun.Kind.PUSH)
    session = SyncSession(
        connection=connection, run=run, parts=[], source=cast(TaskSource, None), lease_token=token,
        guard=cast(CallGuard, SimpleNamespace(write_tally=lambda **_: None)), journal=Journal(run),
        heartbeat=lambda: None,
    )  # fmt: skip

    session.check()

    with pytest.raises(LimitReached):
        take_lease(connection.pk)


def test_a_lease_and_a_doubt_last_longer_than_the_longest_call() -> None:
    http, oauth = registry.connector("notion").http, registry.connector("notion").oauth
    assert oauth is not None
    longest = http.total_timeout_seconds + oauth.total_timeout_seconds + INLINE_WAIT_SECONDS + 5

    assert longest < LEASE_SECONDS
    assert longest < IN_FLIGHT.total_seconds()
    assert UNDER_WAY == IN_FLIGHT
