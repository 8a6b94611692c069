"""Two people edit the same field in the same minute, here and there: neither edit disappears without a word."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from integrations.models import Conflict, ExternalLink, FieldMapping, InboundEvent, Push, SyncChange, SyncRun
from integrations.sync.conflicts.services import choose, is_revertible, revert, sides_of
from integrations.sync.events.handling import handle_events
from integrations.sync.polling import poll_connection
from integrations.sync.push.selectors import Standing, standings_of
from integrations.sync.push.sender import push_changes
from tasks.drafts import TaskChanges
from tasks.models import Task
from tasks.services import update_task
from tenants.accounts.access import SYSTEM
from tenants.foundation.errors import Conflict as NotNow
from tenants.foundation.errors import InvalidInput
from tests.integrations.sync.events.conftest import Told

PERSON = {"id": "somebody-there", "type": "person"}


@pytest.fixture
def row(told: Told) -> str:
    return told.pages[0]


def task_of(row: str) -> Task:
    return Task.objects.get(external_links__remote_id=row)


def edit_here(row: str, **changes: Any) -> None:
    task = update_task(task=task_of(row), changes=TaskChanges(**changes), actor=SYSTEM)
    link = ExternalLink.objects.get(task=task)
    Push.objects.update_or_create(
        connection_id=link.connection_id, task=task,
        defaults={"collection": link.collection, "link": link, "not_before": timezone.now()},
    )  # fmt: skip


def send(told: Told) -> None:
    push_changes(connection_id=told.connection.pk, heartbeat=lambda: None)
    assert not Push.objects.exists()


def listens(told: Told) -> None:
    """Events come: nobody looks before a change is sent."""
    subscription = told.subscription
    subscription.state = "active"
    subscription.save()


def title_there(told: Told, row: str) -> str:
    runs = told.sandbox.holder_of(row)[1].obj["properties"]["Task"]["title"]
    return "".join(run["plain_text"] for run in runs)


def late(told: Told, row: str, at: datetime, **values: Any) -> InboundEvent:
    return told.tell("page.properties_updated", row, at=at, **values)


@pytest.fixture
def overwritten(told: Told, row: str) -> datetime:
    """Somebody renames the page there, and it is renamed from here before anybody is told; when that was there."""
    listens(told)
    SyncChange.objects.update(at=timezone.now() - timedelta(hours=1))
    told.rename(row, "Theirs")
    at = timezone.now()
    edit_here(row, title="Ours")
    send(told)
    assert title_there(told, row) == "Ours"
    return at


def test_an_edit_we_wrote_over_is_told_when_its_event_comes_late(
    told: Told,
    row: str,
    overwritten: datetime,
) -> None:
    before = task_of(row).title

    late(told, row, overwritten, authors=[PERSON], fields=["title"])
    told.handle()

    told_of = Conflict.objects.get()
    assert (told_of.our_field, told_of.state, told_of.chosen) == ("title", Conflict.State.DECIDED, "local")
    assert (told_of.policy, told_of.local, told_of.remote) == (Conflict.UNREAD, "Ours", None)
    assert told_of.base not in {None, "Ours"}
    assert not told_of.is_remote_known
    assert told_of.remote_changed_at == InboundEvent.objects.get().occurred_at
    assert "Nobody here had read" in told_of.reason
    assert task_of(row).title == before == title_there(told, row)


def test_the_task_says_so_until_somebody_has_looked(told: Told, row: str, overwritten: datetime) -> None:
    late(told, row, overwritten, authors=[PERSON], fields=["title"])
    told.handle()
    task = task_of(row)

    (standing,) = standings_of(actor=SYSTEM, task_id=task.pk)
    assert (standing.standing, standing.overwritten, standing.conflicts) == (Standing.IN_STEP, 1, 0)

    choose(conflict_id=Conflict.objects.get().pk, side="local", actor=SYSTEM)
    (standing,) = standings_of(actor=SYSTEM, task_id=task.pk)
    assert standing.overwritten == 0


def test_it_is_told_once_however_often_the_service_says_so(
    told: Told,
    row: str,
    overwritten: datetime,
) -> None:
    for seconds in (0, 1, 2):
        late(told, row, overwritten + timedelta(seconds=seconds / 10), authors=[PERSON], fields=["title"])
    told.handle()
    late(told, row, overwritten, authors=[PERSON], fields=["title"])
    told.handle()

    assert Conflict.objects.count() == 1


def test_an_event_that_tells_of_both_edits_at_once_tells_of_the_lost_one(
    told: Told,
    row: str,
    overwritten: datetime,
) -> None:
    us = {"id": told.connection.account_id, "type": "bot"}
    late(told, row, timezone.now(), authors=[PERSON, us], fields=["title"])
    told.handle()

    assert Conflict.objects.get().policy == Conflict.UNREAD


def test_edits_of_different_fields_told_together_are_no_conflict(
    told: Told,
    row: str,
    overwritten: datetime,
) -> None:
    us = {"id": told.connection.account_id, "type": "bot"}
    esti = FieldMapping.objects.get(our_field="estimate").remote_field_id
    late(told, row, timezone.now(), authors=[PERSON, us], fields=["title", esti])
    told.handle()

    assert not Conflict.objects.exists()


def test_our_own_write_is_nobody_elses_edit(told: Told, row: str, overwritten: datetime) -> None:
    us = {"id": told.connection.account_id, "type": "bot"}
    late(told, row, overwritten, authors=[us], fields=["title"])
    told.handle()

    assert not Conflict.objects.exists()


def test_an_edit_of_another_field_is_not_lost(told: Told, row: str, overwritten: datetime) -> None:
    due = FieldMapping.objects.get(our_field="due").remote_field_id
    late(told, row, overwritten, authors=[PERSON], fields=[due])
    told.handle()

    assert not Conflict.objects.exists()


def test_an_edit_there_after_ours_is_taken_and_nothing_is_lost(
    told: Told,
    row: str,
    overwritten: datetime,
) -> None:
    told.sandbox.clock.advance(61)
    told.rename(row, "Theirs again")
    late(told, row, timezone.now(), authors=[PERSON], fields=["title"])
    told.handle()

    assert task_of(row).title == "Theirs again"
    assert not Conflict.objects.exists()


def test_an_edit_that_was_read_before_we_wrote_is_not_lost(told: Told, row: str) -> None:
    listens(told)
    told.rename(row, "Theirs")
    at = timezone.now()
    poll_connection(connection_id=told.connection.pk, heartbeat=lambda: None)
    assert task_of(row).title == "Theirs"
    edit_here(row, title="Ours")
    send(told)

    late(told, row, at, authors=[PERSON], fields=["title"])
    told.handle()

    assert not Conflict.objects.exists()


def test_an_event_that_comes_while_the_next_change_waits_tells_as_well(
    told: Told,
    row: str,
    overwritten: datetime,
) -> None:
    late(told, row, overwritten, authors=[PERSON], fields=["title"])
    edit_here(row, title="Ours, once more")
    send(told)

    assert Conflict.objects.get().policy == Conflict.UNREAD
    assert handle_events(connection_id=told.connection.pk, heartbeat=lambda: None) is None


def test_an_event_so_late_that_a_look_has_passed_it_tells_as_well(
    told: Told,
    row: str,
    overwritten: datetime,
) -> None:
    told.sandbox.clock.advance(600)
    poll_connection(connection_id=told.connection.pk, heartbeat=lambda: None)
    event = late(told, row, overwritten, authors=[PERSON], fields=["title"])
    calls = told.calls_of(told.handle)

    event.refresh_from_db()
    assert (calls, event.state) == ([], InboundEvent.State.IGNORED)
    assert Conflict.objects.get().policy == Conflict.UNREAD


def test_nobody_can_choose_a_value_nobody_knows(
    told: Told,
    row: str,
    overwritten: datetime,
) -> None:
    late(told, row, overwritten, authors=[PERSON], fields=["title"])
    told.handle()
    told_of = Conflict.objects.get()

    assert sides_of(told_of) == ["local", "base"]
    assert not is_revertible(told_of)
    with pytest.raises(InvalidInput):
        choose(conflict_id=told_of.pk, side="remote", actor=SYSTEM)
    with pytest.raises(NotNow, match="never read") as refused:
        revert(conflict_id=told_of.pk, actor=SYSTEM)
    assert refused.value.code == "integrations.conflict_unread"
    assert task_of(row).title == "Ours"

    assert choose(conflict_id=told_of.pk, side="base", actor=SYSTEM).state == Conflict.State.SETTLED
    assert task_of(row).title == told_of.base


def test_without_events_two_edits_in_the_same_minute_are_a_conflict_with_all_three_values(
    told: Told,
    row: str,
) -> None:
    before = task_of(row).title
    edit_here(row, title="Ours")
    told.rename(row, "Theirs")
    told.connection.webhook.delete()

    push_changes(connection_id=told.connection.pk, heartbeat=lambda: None)

    told_of = Conflict.objects.get()
    assert (told_of.base, told_of.local, told_of.remote) == (before, "Ours", "Theirs")
    assert told_of.is_remote_known
    assert (
        task_of(row).title == title_there(told, row) == {"local": "Ours", "remote": "Theirs"}[told_of.chosen]
    )
    assert not SyncRun.objects.filter(state="failed").exists()
