"""One worker at a time for each connection."""

from datetime import timedelta

import pytest
from django.utils import timezone

from integrations.models import Connection
from integrations.sync.leases import LeaseLost, give_back_lease, keep_lease, take_lease
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
