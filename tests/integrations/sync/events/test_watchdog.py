"""The watchdog: changes nobody told of are counted, silence is noticed, and the next event ends it."""

from datetime import UTC, datetime, timedelta

import pytest
from django.conf import settings as django_settings
from django.utils import timezone

from integrations.events import WebhookChanged
from integrations.models import InboundEvent, SyncChange, WebhookSubscription
from integrations.sync.events.watchdog import SAFETY_SECONDS, is_silent, poll_seconds, watch
from integrations.sync.polling import poll_connection
from tenants.dispatch.leases import cell_transaction
from tenants.models import WorkItem
from tenants.tenancy import TenantRef
from tests.fakes.dispatch import make_due, run_due_work, states_of_work
from tests.fakes.events import PublishedEvents
from tests.integrations.sync.events.conftest import Told

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
STATE = WebhookSubscription.State


def is_receiving(told: Told, *, last_event: timedelta | None = timedelta(minutes=10)) -> None:
    """Make the address one that events came to, last that long ago."""
    WebhookSubscription.objects.update(
        state=STATE.ACTIVE,
        last_event_at=timezone.now() - last_event if last_event is not None else None,
        watched_until=timezone.now() - timedelta(hours=1),
    )


def look(told: Told) -> None:
    poll_connection(connection_id=told.connection.pk, heartbeat=lambda: None)


def five_minutes_pass() -> None:
    """Let what was found just now have been found a while ago, and the last comparison be older than that."""
    SyncChange.objects.update(at=timezone.now() - timedelta(minutes=6))
    WebhookSubscription.objects.update(watched_until=timezone.now() - timedelta(minutes=7))


def test_a_change_no_event_told_of_within_five_minutes_counts_as_missed_once(told: Told) -> None:
    is_receiving(told)
    told.rename(told.pages[0], "Nobody said")
    look(told)
    assert told.subscription.missed == 0

    five_minutes_pass()
    look(told)
    look(told)

    assert told.subscription.missed == 1
    assert told.subscription.state == STATE.ACTIVE


def test_a_change_that_came_along_with_one_that_was_told_counts_as_missed(told: Told) -> None:
    is_receiving(told)
    for page in told.pages[:3]:
        told.rename(page, f"New {page}")
    for page in told.pages[:2]:
        told.tell("page.properties_updated", page)
    told.handle()

    five_minutes_pass()

    assert watch(connection_id=told.connection.pk) == 1


def test_a_change_that_was_told_of_is_not_missed_even_if_the_look_was_quicker(told: Told) -> None:
    is_receiving(told)
    told.rename(told.pages[0], "Said a little later")
    look(told)
    told.tell("page.properties_updated", told.pages[0], at=told.now() + timedelta(seconds=5))
    five_minutes_pass()
    assert watch(connection_id=told.connection.pk) == 0
    assert told.subscription.missed == 0


def test_an_event_of_an_older_edit_does_not_speak_for_a_newer_one(told: Told) -> None:
    is_receiving(told)
    told.tell("page.properties_updated", told.pages[0], at=told.now() - timedelta(minutes=30))
    told.rename(told.pages[0], "The newer one")
    look(told)
    five_minutes_pass()
    assert watch(connection_id=told.connection.pk) == 1


def test_three_in_a_row_are_silence_and_it_is_said_once(
    told: Told, published_events: PublishedEvents
) -> None:
    is_receiving(told)
    for page in told.pages[:3]:
        told.rename(page, "Unheard")
    look(told)
    five_minutes_pass()

    watch(connection_id=told.connection.pk)
    watch(connection_id=told.connection.pk)

    assert told.subscription.state == STATE.SILENT
    assert "more often" in told.subscription.state_reason
    reasons = [event.reason for event in published_events.of(WebhookChanged)]
    assert reasons.count("silent") == 1


def test_misses_of_several_looks_add_up(told: Told) -> None:
    is_receiving(told)
    for number, page in enumerate(told.pages[:3]):
        told.rename(page, "Unheard")
        look(told)
        SyncChange.objects.filter(at__gt=timezone.now() - timedelta(minutes=5)).update(
            at=timezone.now() - timedelta(minutes=6) + timedelta(seconds=number)
        )
        WebhookSubscription.objects.update(
            watched_until=timezone.now() - timedelta(minutes=6, seconds=1 - number)
        )
        watch(connection_id=told.connection.pk)
    assert told.subscription.state == STATE.SILENT


def test_the_next_event_ends_the_silence(told: Told) -> None:
    is_receiving(told)
    WebhookSubscription.objects.update(state=STATE.SILENT, state_reason="Silent.")
    told.tell("page.properties_updated", told.pages[0])
    assert (told.subscription.state, told.subscription.state_reason) == (STATE.ACTIVE, "")


def test_an_address_that_was_never_confirmed_misses_nothing(told: Told) -> None:
    told.rename(told.pages[0], "Before the first event")
    look(told)
    five_minutes_pass()
    assert watch(connection_id=told.connection.pk) == 0


def test_what_was_edited_long_before_it_was_found_is_no_news(told: Told) -> None:
    is_receiving(told)
    told.rename(told.pages[0], "While the workspace was paused")
    look(told)
    five_minutes_pass()
    SyncChange.objects.update(at=timezone.now() + timedelta(hours=3))
    WebhookSubscription.objects.update(watched_until=timezone.now())
    assert watch(connection_id=told.connection.pk) == 0


@pytest.mark.parametrize(
    ("in_a_row", "last_event", "silent"),
    [
        (0, None, False),
        (1, timedelta(minutes=10), False),
        (2, timedelta(minutes=29), False),
        (3, timedelta(minutes=1), True),
        (1, timedelta(minutes=31), True),
        (1, None, True),
    ],
)
def test_what_silence_is(in_a_row: int, last_event: timedelta | None, silent: bool) -> None:
    last = None if last_event is None else NOW - last_event
    assert is_silent(untold_in_a_row=in_a_row, last_event_at=last, now=NOW) is silent


@pytest.mark.parametrize("state", list(STATE))
def test_looks_are_rare_only_while_events_come(told: Told, state: str) -> None:
    WebhookSubscription.objects.update(state=state)
    seconds = poll_seconds(told.connection, told.subscription)
    assert seconds == (SAFETY_SECONDS if state == STATE.ACTIVE else django_settings.SYNC_POLL_SECONDS)


def test_a_pace_somebody_chose_is_kept(told: Told) -> None:
    told.connection.poll_seconds = 30
    WebhookSubscription.objects.update(state=STATE.ACTIVE)
    assert poll_seconds(told.connection, told.subscription) == 30
    assert poll_seconds(told.connection, None) == 30


def test_the_schedule_of_looks_follows(told: Told, tenant: TenantRef) -> None:
    def pace() -> int | None:
        with cell_transaction(tenant.cell):
            polls = WorkItem.objects.filter(kind="integrations.poll_connection", state="ready")
            return polls.get(slot=f"poll:{told.connection.pk}").every_seconds

    is_receiving(told)
    make_due(tenant, kind="integrations.poll_connection")
    run_due_work(tenant, kind="integrations.poll_connection")
    found = pace()
    assert found is not None
    assert SAFETY_SECONDS - 60 < found <= SAFETY_SECONDS

    WebhookSubscription.objects.update(state=STATE.SILENT)
    make_due(tenant, kind="integrations.poll_connection")
    run_due_work(tenant, kind="integrations.poll_connection")
    assert pace() == django_settings.SYNC_POLL_SECONDS


def test_events_left_over_are_asked_for_by_the_next_look(told: Told, tenant: TenantRef) -> None:
    told.tell("page.deleted", told.pages[0])
    with cell_transaction(tenant.cell):
        WorkItem.objects.filter(kind="integrations.handle_events").delete()
    look(told)
    assert InboundEvent.objects.get().state == "waiting"
    assert states_of_work(tenant, "integrations.handle_events") == ["ready"]
