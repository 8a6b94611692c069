"""Publishing: with the transaction or not at all."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID, uuid4

import pytest

from tenants.outbox.bus import DomainEvent, bound_actor, publish
from tenants.tenancy import TenantRef, atomic
from tests.fakes.dispatch import run_due_work, states_of_work
from tests.fakes.events import PublishedEvents


@dataclass(frozen=True, kw_only=True)
class LampLit(DomainEvent):
    name: ClassVar[str] = "lamp.lit"
    lamp_id: UUID
    colors: tuple[str, ...] = ()


def test_an_event_is_stored_with_who_and_when(tenant: TenantRef, published_events: PublishedEvents) -> None:
    actor_id, lamp_id = uuid4(), uuid4()
    with bound_actor(actor_id), atomic():
        publish(LampLit(lamp_id=lamp_id, colors=("red", "blue")))

    (event,) = published_events.of(LampLit)
    assert (event.actor_id, event.tenant_id, event.lamp_id) == (actor_id, tenant.id, lamp_id)
    assert event.colors == ("red", "blue")
    assert event.occurred_at.tzinfo is not None
    assert states_of_work(tenant, "outbox.relay") == ["ready"]
    run_due_work(tenant)
    assert states_of_work(tenant, "outbox.relay") == ["done"]
