"""Delivery: in order, to everybody who listens, at least once, and what it does in the database once."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from tenants.accounts.models import Department
from tenants.dispatch.running import Outcome
from tenants.outbox import relay
from tenants.outbox.bus import DomainEvent, forget_relay_request, publish
from tenants.outbox.models import Delivery, OutboxEvent, Subscriber
from tenants.outbox.selectors import dead_deliveries, recent_events
from tenants.tenancy import TenantRef, atomic, current_tenant, tenant_scope
from tests.fakes.dispatch import make_due, run_due_work, states_of_work
from tests.tenants.outbox.conftest import Subscribe
from tests.tenants.outbox.events import LampBroke, LampLit


def publish_broken(*numbers: int) -> None:
    with atomic():
        publish(*(LampBroke(number=number) for number in numbers))


class Ear:
    """A subscriber that remembers what it heard, and fails for the numbers it is told to fail for."""

    def __init__(self, *deaf_to: int) -> None:
        self.heard: list[int] = []
        self.deaf_to = set(deaf_to)

    def hear(self, event: DomainEvent) -> None:
        assert isinstance(event, LampBroke)
        if event.number in self.deaf_to:
            raise OSError(f"cannot hear {event.number}; token=ntn_0123456789abcdefghij")
        self.heard.append(event.number)


def let_retries_come() -> None:
    with atomic():
        Delivery.objects.filter(state="waiting").update(due_at=None)


def test_everybody_who_listens_gets_each_event_in_order_and_nobody_else(
    tenant: TenantRef, listen: Subscribe
) -> None:
    first, second, other = Ear(), Ear(), Ear()
    listen(LampBroke, "test.first", first.hear)
    listen(LampBroke, "test.second", second.hear)
    listen(LampLit, "test.other", other.hear)
    publish_broken(*range(120))

    run_due_work(tenant)

    assert first.heard == second.heard == list(range(120))
    assert other.heard == []


def test_a_subscriber_works_in_the_tenants_scope_with_the_event_as_published(
    tenant: TenantRef, listen: Subscribe
) -> None:
    seen: list[tuple[DomainEvent, UUID]] = []
    listen(LampLit, "test.seen", lambda event: seen.append((event, current_tenant().id)))
    event = LampLit(lamp_id=uuid4(), colors=("red",))
    with atomic():
        publish(event)

    run_due_work(tenant)

    assert seen == [(event, tenant.id)]


def test_events_of_one_company_do_not_reach_another(
    tenant: TenantRef, other_tenant: TenantRef, listen: Subscribe
) -> None:
    ear = Ear()
    listen(LampBroke, "test.ear", ear.hear)
    publish_broken(1)

    run_due_work(other_tenant)
    assert ear.heard == []
    with tenant_scope(other_tenant), atomic():
        assert recent_events() == []


def test_an_event_is_delivered_once_however_often_the_relay_runs(
    tenant: TenantRef, listen: Subscribe
) -> None:
    ear = Ear()
    listen(LampBroke, "test.ear", ear.hear)
    publish_broken(1, 2)

    for _ in range(3):
        relay.relay()

    assert ear.heard == [1, 2]


def test_what_a_failing_subscriber_wrote_is_undone_and_the_others_are_served(
    tenant: TenantRef, listen: Subscribe
) -> None:
    def write_and_fail(event: DomainEvent) -> None:
        Department.objects.create(name="Half-way", key="HW")
        raise OSError("half-way")

    ear = Ear()
    listen(LampBroke, "test.a_failing", write_and_fail)
    listen(LampBroke, "test.b_healthy", ear.hear)
    publish_broken(1, 2)

    run_due_work(tenant)

    assert ear.heard == [1, 2]
    with atomic():
        assert not Department.objects.filter(name="Half-way").exists()
        assert Subscriber.objects.get(name="test.a_failing").last_error == "OSError: half-way"


def test_a_failing_subscriber_keeps_its_order_and_is_tried_again_by_itself(
    tenant: TenantRef, listen: Subscribe
) -> None:
    ear = Ear(2)
    listen(LampBroke, "test.ear", ear.hear)
    publish_broken(1, 2, 3)
    run_due_work(tenant)
    assert ear.heard == [1], "the third may not overtake the second"
    assert "ready" in states_of_work(tenant, "outbox.relay"), "nobody would come back to it"

    ear.deaf_to.clear()
    let_retries_come()
    make_due(tenant, kind="outbox.relay")
    run_due_work(tenant)

    assert ear.heard == [1, 2, 3]
    assert set(states_of_work(tenant, "outbox.relay")) == {"done"}


def test_a_subscriber_that_goes_on_failing_is_tried_by_one_row_only(
    tenant: TenantRef, listen: Subscribe
) -> None:
    listen(LampBroke, "test.ear", Ear(1).hear)
    publish_broken(1)
    run_due_work(tenant)
    for _ in range(3):
        publish_broken(9)
        let_retries_come()
        make_due(tenant, kind="outbox.relay")
        run_due_work(tenant)

    assert states_of_work(tenant, "outbox.relay").count("ready") == 1


def test_an_event_a_subscriber_can_never_take_is_set_aside_and_seen(
    tenant: TenantRef, listen: Subscribe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay, "MAX_ATTEMPTS", 3)
    ear = Ear(1)
    listen(LampBroke, "test.ear", ear.hear)
    publish_broken(1, 2)
    for _ in range(3):
        relay.relay()
        let_retries_come()

    assert ear.heard == [2]
    with atomic():
        (letter,) = dead_deliveries()
    assert (letter.subscriber, letter.attempts, letter.event.payload) == ("test.ear", 3, {"number": 1})
    assert letter.last_error.startswith("OSError: cannot hear 1")
    assert "ntn_" not in letter.last_error


def test_a_delivery_waits_longer_after_each_failure(tenant: TenantRef, listen: Subscribe) -> None:
    listen(LampBroke, "test.ear", Ear(1).hear)
    publish_broken(1)
    waits = []
    for _ in range(4):
        let_retries_come()
        waits.append((relay.relay()["test.ear"] - datetime.now(UTC)).total_seconds())

    assert [round(wait) for wait in waits] == [2, 4, 8, 16]


def test_an_event_of_a_class_that_is_gone_is_set_aside_for_its_subscribers(
    tenant: TenantRef, listen: Subscribe
) -> None:
    ear = Ear()
    listen(LampBroke, "test.ear", ear.hear)
    publish_broken(1)
    with atomic():
        OutboxEvent.objects.update(payload={})

    relay.relay()

    with atomic():
        assert "number" in Delivery.objects.get().last_error
    assert ear.heard == []


def test_a_subscriber_may_publish_and_what_it_publishes_is_delivered(
    tenant: TenantRef, listen: Subscribe
) -> None:
    ear = Ear()
    listen(LampLit, "test.chain", lambda event: publish(LampBroke(number=7)))
    listen(LampBroke, "test.ear", ear.hear)
    with atomic():
        publish(LampLit(lamp_id=uuid4()))

    run_due_work(tenant)

    assert ear.heard == [7]


def test_relay_runs_asked_for_meanwhile_are_served_by_one(tenant: TenantRef, listen: Subscribe) -> None:
    for number in range(3):
        publish_broken(number)
        forget_relay_request(tenant.cell)

    assert run_due_work(tenant) == {"outbox.relay": [Outcome.DONE]}
    assert states_of_work(tenant, "outbox.relay") == ["done"] * 3


def test_old_events_are_removed_unless_somebody_still_has_to_take_them(
    tenant: TenantRef, listen: Subscribe
) -> None:
    ear = Ear(2)
    listen(LampBroke, "test.ear", ear.hear)
    publish_broken(1, 2, 3)
    relay.relay()
    long_ago = datetime.now(UTC) - timedelta(days=100)
    with atomic():
        OutboxEvent.objects.filter(payload__number__in=[1, 2]).update(occurred_at=long_ago)
        Delivery.objects.filter(state="delivered").update(settled_at=long_ago)

    relay.prune()

    with atomic():
        assert sorted(OutboxEvent.objects.values_list("payload__number", flat=True)) == [2, 3]
        assert sorted(Delivery.objects.values_list("state", flat=True)) == ["waiting", "waiting"]


def test_the_activity_feed_shows_the_newest_first_and_goes_on_where_it_ended(tenant: TenantRef) -> None:
    publish_broken(1, 2, 3)
    with atomic():
        publish(LampLit(lamp_id=uuid4()))
        page = recent_events(limit=2, names=["lamp.broke"])
        rest = recent_events(limit=2, names=["lamp.broke"], before=page[-1].event_id)

    assert [one.payload["number"] for one in page + rest] == [3, 2, 1]
    assert isinstance(page[0].event, LampBroke)


def test_the_activity_feed_shows_facts_of_former_releases_without_their_class(tenant: TenantRef) -> None:
    publish_broken(1)
    with atomic():
        OutboxEvent.objects.update(name="lamp.forgotten")
        (fact,) = recent_events()

    assert (fact.name, fact.event) == ("lamp.forgotten", None)


class Room:
    """A subscriber that takes what comes together, and fails when a number it cannot hear is among it."""

    def __init__(self, *deaf_to: int) -> None:
        self.calls: list[list[int]] = []
        self.deaf_to = set(deaf_to)

    def hear(self, events: Sequence[LampBroke]) -> None:
        numbers = [event.number for event in events]
        Department.objects.create(name=f"Heard {numbers[0]} and on", key=f"H{len(self.calls)}")
        if self.deaf_to & set(numbers):
            raise OSError("cannot hear that")
        self.calls.append(numbers)


def test_who_takes_batches_gets_many_events_in_one_call_and_in_order(
    tenant: TenantRef, listen_together: Subscribe
) -> None:
    room = Room()
    listen_together(LampBroke, "test.room", room.hear)
    publish_broken(*range(120))

    run_due_work(tenant)

    assert [len(call) for call in room.calls] == [50, 50, 20]
    assert [number for call in room.calls for number in call] == list(range(120))


def test_one_bad_event_of_a_batch_holds_up_only_itself_and_nothing_is_done_twice(
    tenant: TenantRef, listen_together: Subscribe
) -> None:
    room = Room(3)
    listen_together(LampBroke, "test.room", room.hear)
    publish_broken(*range(6))

    run_due_work(tenant)
    assert room.calls == [[0], [1], [2]], "what came before it was delivered, in order"
    with atomic():
        delivery = Delivery.objects.get(subscriber="test.room", attempts__gt=0)
        assert (delivery.attempts, delivery.state) == (1, "waiting")
        assert Department.objects.filter(name__startswith="Heard").count() == 3

    room.deaf_to.clear()
    let_retries_come()
    for _ in range(2):
        relay.relay()
    assert room.calls[3:] == [[3, 4, 5]]
