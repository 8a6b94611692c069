"""Publishing: with the transaction or not at all."""

from dataclasses import dataclass, replace
from typing import ClassVar
from uuid import uuid4

import pytest

from tenants.outbox.bus import DomainEvent, bound_actor, publish, subscribe
from tenants.tenancy import NoTenant, NoTransaction, TenantRef, atomic, tenant_scope
from tests.fakes.dispatch import run_due_work, states_of_work
from tests.fakes.events import PublishedEvents
from tests.tenants.outbox.conftest import Subscribe
from tests.tenants.outbox.events import LampBroke, LampLit


class Undone(Exception):
    pass


def publish_and_fail() -> None:
    with atomic():
        publish(LampBroke(number=1))
        raise Undone


def test_an_event_is_stored_with_who_and_when(tenant: TenantRef, published_events: PublishedEvents) -> None:
    actor_id, lamp_id = uuid4(), uuid4()
    with bound_actor(actor_id), atomic():
        publish(LampLit(lamp_id=lamp_id, colors=("red", "blue")))

    (event,) = published_events.of(LampLit)
    assert (event.actor_id, event.tenant_id, event.lamp_id) == (actor_id, tenant.id, lamp_id)
    assert event.colors == ("red", "blue")
    assert event.occurred_at.tzinfo is not None


def test_an_event_nobody_caused_is_the_systems(tenant: TenantRef) -> None:
    with bound_actor(uuid4()), bound_actor(None):
        assert LampBroke(number=1).actor_id is None


def test_an_event_of_a_transaction_that_is_rolled_back_is_never_delivered(
    tenant: TenantRef, published_events: PublishedEvents, listen: Subscribe
) -> None:
    seen: list[DomainEvent] = []
    listen(LampBroke, "test.seen", lambda event: seen.append(event))
    with pytest.raises(Undone):
        publish_and_fail()
    with atomic():
        publish(LampBroke(number=2))
    run_due_work(tenant)

    assert [event.number for event in published_events.of(LampBroke)] == [2]
    assert [event.number for event in seen if isinstance(event, LampBroke)] == [2]


def test_publishing_needs_a_transaction_and_a_tenant(committed_tenant: TenantRef) -> None:
    with tenant_scope(committed_tenant):
        event = LampBroke(number=1)
        with pytest.raises(NoTransaction):
            publish(event)
    with pytest.raises(NoTenant):
        publish(event)
    with pytest.raises(NoTenant):
        LampBroke(number=2)


def test_an_event_of_another_company_is_not_published_here(
    tenant: TenantRef, other_tenant: TenantRef
) -> None:
    with atomic(), pytest.raises(ValueError, match="its own tenant"):
        publish(replace(LampBroke(number=1), tenant_id=other_tenant.id))


def test_an_event_class_without_a_name_of_its_own_is_not_published(tenant: TenantRef) -> None:
    @dataclass(frozen=True, kw_only=True)
    class Nameless(LampBroke):
        pass

    with atomic(), pytest.raises(ValueError, match="a name of its own"):
        publish(Nameless(number=1))


def test_two_event_classes_may_not_share_a_name() -> None:
    with pytest.raises(TypeError, match=r"lamp\.lit"):

        class Another(DomainEvent):
            name: ClassVar[str] = "lamp.lit"


def test_two_subscribers_may_not_share_a_name(listen: Subscribe) -> None:
    listen(LampLit, "test.taken", lambda event: None)

    def another(event: LampLit) -> None:
        return None

    with pytest.raises(ValueError, match=r"test\.taken"):
        subscribe(LampLit, name="test.taken")(another)


def test_a_transaction_asks_for_one_relay_run_however_many_events_it_publishes(tenant: TenantRef) -> None:
    with atomic():
        publish(LampBroke(number=1), LampBroke(number=2))
        with atomic():
            publish(LampBroke(number=3))

    assert states_of_work(tenant, "outbox.relay") == ["ready"]


def test_a_relay_run_asked_for_in_an_undone_savepoint_is_asked_for_again(tenant: TenantRef) -> None:
    with atomic():
        with pytest.raises(Undone):
            publish_and_fail()
        publish(LampBroke(number=2))

    assert states_of_work(tenant, "outbox.relay") == ["ready"]
