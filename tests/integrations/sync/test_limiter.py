"""The shared budget of calls in Valkey."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
import redis
from django.conf import settings

from integrations.capabilities import LimitScope
from integrations.sync.limiter import Caller, Lane, Limiter
from tenants.foundation.errors import LimitReached
from tenants.foundation.ids import uuid7

QUERY = "data_sources.query"


@pytest.fixture
def store() -> Iterator[redis.Redis]:
    client = redis.Redis.from_url(settings.REDIS_URL)
    client.flushdb()
    yield client
    client.close()


@pytest.fixture
def slept() -> list[float]:
    return []


@pytest.fixture
def limiter(store: redis.Redis, slept: list[float]) -> Limiter:
    return Limiter(store, sleep=slept.append)


@pytest.fixture
def caller() -> Caller:
    return Caller(connection_id=uuid7(), workspace_id="w1", budget=100)


def take_all(limiter: Limiter, caller: Caller) -> int:
    count = 0
    while limiter.take(caller, QUERY).is_granted:
        count += 1
    return count


def test_background_work_leaves_a_fifth_for_people(limiter: Limiter, caller: Caller) -> None:
    assert take_all(limiter, caller) == 67

    assert take_all(limiter, replace(caller, lane=Lane.INTERACTIVE)) == 23


def test_reading_texts_leaves_calls_for_looking_for_changes(limiter: Limiter, caller: Caller) -> None:
    assert take_all(limiter, replace(caller, lane=Lane.TEXTS)) == 45

    assert take_all(limiter, caller) == 67 - 45


def test_a_used_up_budget_says_when_the_next_call_may_go_out(limiter: Limiter, caller: Caller) -> None:
    take_all(limiter, caller)

    turn = limiter.take(caller, QUERY)

    assert not turn.is_granted
    assert 45 < turn.wait_seconds <= 60


def test_a_worker_does_not_wait_a_minute(limiter: Limiter, caller: Caller, slept: list[float]) -> None:
    take_all(limiter, caller)

    with pytest.raises(LimitReached) as limit:
        limiter.wait_turn(caller, QUERY)

    assert limit.value.retry_after_seconds is not None
    assert limit.value.retry_after_seconds > 50
    assert slept == []


def test_a_short_pause_is_waited_for(store: redis.Redis, caller: Caller) -> None:
    limiter = Limiter(store)
    limiter.refused(caller, QUERY, scope=LimitScope.CONNECTION, retry_after_seconds=0.05)

    limiter.wait_turn(caller, QUERY)


def test_connections_have_budgets_of_their_own(limiter: Limiter, caller: Caller) -> None:
    take_all(limiter, caller)

    assert limiter.take(replace(caller, connection_id=uuid7()), QUERY).is_granted


def test_one_refusal_stops_every_worker_of_the_connection(store: redis.Redis, caller: Caller) -> None:
    one, other = Limiter(store), Limiter(store)

    one.refused(caller, QUERY, scope=LimitScope.CONNECTION, retry_after_seconds=30)

    turn = other.take(caller, "users.list")
    assert (turn.is_granted, turn.refused_by) == (False, "connection")
    assert 15 < turn.wait_seconds <= 30
    assert other.take(replace(caller, connection_id=uuid7()), QUERY).is_granted


def test_a_workspace_limit_stops_all_its_connections_and_halves_their_share(
    limiter: Limiter, store: redis.Redis, caller: Caller
) -> None:
    limiter.refused(caller, QUERY, scope=LimitScope.WORKSPACE, retry_after_seconds=30)

    sibling = replace(caller, connection_id=uuid7())
    assert limiter.take(sibling, QUERY).refused_by == "workspace"
    assert limiter.take(replace(sibling, workspace_id="w2"), QUERY).is_granted
    store.delete("sync:limit:{w1}:pause")
    assert take_all(limiter, sibling) == 33


def test_an_endpoint_limit_stops_that_endpoint_only(limiter: Limiter, caller: Caller) -> None:
    limiter.refused(caller, QUERY, scope=LimitScope.ENDPOINT, retry_after_seconds=30)

    assert limiter.take(caller, QUERY).refused_by == "endpoint"
    assert limiter.take(caller, "users.list").is_granted


def test_a_shorter_refusal_does_not_shorten_a_longer_one(limiter: Limiter, caller: Caller) -> None:
    limiter.refused(caller, QUERY, scope=LimitScope.CONNECTION, retry_after_seconds=30)
    limiter.refused(caller, QUERY, scope=LimitScope.CONNECTION, retry_after_seconds=1)

    assert limiter.take(caller, QUERY).wait_seconds > 28


def test_a_service_without_a_budget_still_pauses_when_told(limiter: Limiter, caller: Caller) -> None:
    free = replace(caller, budget=None)
    assert all(limiter.take(free, QUERY).is_granted for _ in range(300))

    limiter.refused(free, QUERY, scope=LimitScope.CONNECTION, retry_after_seconds=5)

    assert not limiter.take(free, QUERY).is_granted


def test_a_wiped_store_starts_anew(limiter: Limiter, store: redis.Redis, caller: Caller) -> None:
    take_all(limiter, caller)

    store.flushdb()
    store.script_flush()

    assert limiter.take(caller, QUERY).is_granted
