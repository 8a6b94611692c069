"""What events lead to: each dirty record is read once, the cheapest way, and nothing else is asked."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from integrations.models import (
    Conflict,
    Connection,
    ExternalLink,
    InboundEvent,
    SyncedCollection,
    SyncRun,
    SyncRunCollection,
)
from integrations.services import pause_connection, resume_connection
from integrations.sync.polling import poll_connection
from tasks.drafts import TaskChanges
from tasks.models import Task
from tasks.services import update_task
from tenants.accounts.access import SYSTEM
from tenants.foundation.errors import LimitReached
from tenants.tenancy import TenantRef
from tests.factories.notion import NotionWorkspace
from tests.fakes.dispatch import make_due, run_due_work, states_of_work
from tests.integrations.sync.events.conftest import Told

GET, QUERY = "GET /v1/pages/{page_id}", "POST /v1/data_sources/{data_source_id}/query"
JOB = "integrations.handle_events"


def titles(pages: list[str]) -> list[str]:
    found = dict(
        Task.objects.filter(external_links__remote_id__in=pages).values_list(
            "external_links__remote_id", "title"
        )
    )
    return [found[page] for page in pages]


def reason_of(event: InboundEvent) -> str:
    event.refresh_from_db()
    return event.reason


def test_events_out_of_order_leave_what_is_there_now(told: Told) -> None:
    page = told.pages[0]
    told.sandbox.trash(page, told.workspace.editor)
    told.sandbox.trash(page, told.workspace.editor, in_trash=False)
    told.rename(page, "Back again")
    told.tell("page.undeleted", page, at=told.now())
    told.tell("page.deleted", page, at=told.now() - timedelta(seconds=40))

    told.handle()

    task = Task.objects.get(external_links__remote_id=page)
    assert (task.title, task.archived_at) == ("Back again", None)


def test_a_page_made_there_becomes_a_task(told: Told) -> None:
    page = told.sandbox.create(
        told.workspace.editor,
        {
            "parent": {"type": "data_source_id", "data_source_id": told.workspace.tasks_id},
            "properties": {"Task": {"title": [{"text": {"content": "Made in Notion"}}]}},
        },
    )
    told.tell("page.created", page["id"])
    assert told.calls_of(told.handle) == [GET]
    assert Task.objects.get(external_links__remote_id=page["id"]).title == "Made in Notion"


def test_a_page_in_the_trash_takes_its_task_to_the_archive(told: Told) -> None:
    told.sandbox.trash(told.pages[0], told.workspace.editor)
    told.tell("page.deleted", told.pages[0])
    assert told.calls_of(told.handle) == [GET]
    assert Task.objects.get(external_links__remote_id=told.pages[0]).archived_at is not None
    assert reason_of(told.tell("page.deleted", told.pages[0])) == ""
    assert told.calls_of(told.handle) == []


def test_a_page_that_just_went_to_the_trash_takes_its_task_along_without_a_call(told: Told) -> None:
    ExternalLink.objects.update(synced_at=timezone.now() - timedelta(hours=1))
    told.sandbox.trash(told.pages[0], told.workspace.editor)
    told.tell("page.properties_updated", told.pages[0], at=timezone.now() - timedelta(seconds=1))
    event = told.tell("page.deleted", told.pages[0], at=timezone.now())

    assert told.calls_of(told.handle) == []

    link = ExternalLink.objects.select_related("task").get(remote_id=told.pages[0])
    assert link.state == ExternalLink.State.TRASHED_REMOTE
    assert link.task is not None
    assert link.task.archived_at is not None
    event.refresh_from_db()
    assert "nothing speaks against it" in event.reason
    assert not InboundEvent.objects.exclude(state="done").exists()


def test_a_page_that_is_back_already_stays_whatever_came_first(told: Told) -> None:
    ExternalLink.objects.update(synced_at=timezone.now() - timedelta(hours=1))
    now = timezone.now()
    told.tell("page.undeleted", told.pages[0], at=now)
    told.handle()
    told.tell("page.deleted", told.pages[0], at=now - timedelta(seconds=2))

    assert told.calls_of(told.handle) == [GET]
    assert Task.objects.get(external_links__remote_id=told.pages[0]).archived_at is None


def test_an_edit_nobody_sent_is_not_thrown_away_with_its_page(told: Told) -> None:
    ExternalLink.objects.update(synced_at=timezone.now() - timedelta(hours=1))
    task = Task.objects.get(external_links__remote_id=told.pages[0])
    update_task(task=task, changes=TaskChanges(title="Not sent yet"), actor=SYSTEM)
    told.sandbox.trash(told.pages[0], told.workspace.editor)
    told.tell("page.deleted", told.pages[0], at=timezone.now())
    told.handle()

    assert Task.objects.get(pk=task.pk).archived_at is None
    assert Conflict.objects.get().our_field == "record"


def test_a_page_that_is_not_shared_any_more_keeps_its_task(told: Told) -> None:
    told.sandbox.unshare(told.pages[0])
    told.tell("page.deleted", told.pages[0])
    told.handle()
    link = ExternalLink.objects.get(remote_id=told.pages[0])
    assert link.state == ExternalLink.State.ACCESS_LOST
    assert link.task is not None
    assert link.task.archived_at is None


def test_columns_that_fill_nothing_cost_no_call(told: Told) -> None:
    with_more = [*told.table.schema, {**told.table.schema[0], "id": "extra", "name": "Mood"}]
    SyncedCollection.objects.filter(pk=told.table.pk).update(schema=with_more)
    event = told.tell("page.properties_updated", told.pages[0], fields=["extra"])
    assert told.calls_of(told.handle) == []
    assert reason_of(event) == "Only columns changed that fill nothing here."


def test_a_column_we_have_not_met_is_looked_at(told: Told) -> None:
    told.tell("page.properties_updated", told.pages[0], fields=["brand%20new"])
    assert told.calls_of(told.handle) == [GET]


def test_a_changed_text_costs_one_call_and_the_next_look_none_for_it(told: Told, tenant: TenantRef) -> None:
    told.sandbox.append(
        told.pages[0],
        told.workspace.editor,
        [{"type": "paragraph", "paragraph": {"rich_text": [{"text": {"content": "More words."}}]}}],
    )
    told.tell("page.content_updated", told.pages[0])

    assert told.calls_of(told.handle) == []
    link = ExternalLink.objects.get(remote_id=told.pages[0])
    assert link.is_body_stale

    ExternalLink.objects.update(is_body_stale=False)
    poll_connection(connection_id=told.connection.pk, heartbeat=lambda: None)
    link.refresh_from_db()
    assert not link.is_body_stale


def test_our_own_write_is_not_read_again(told: Told) -> None:
    page, now = told.pages[0], told.now()
    bot = {"id": told.connection.account_id, "type": "bot"}
    ExternalLink.objects.filter(remote_id=page).update(
        remote_edited_at=now.replace(second=0, microsecond=0), synced_at=now + timedelta(seconds=2)
    )
    event = told.tell("page.properties_updated", page, authors=[bot], at=now)
    assert told.calls_of(told.handle) == []
    assert reason_of(event) == "It is our own write, and we know what it left there."


def test_another_program_with_our_token_is_not_taken_for_us(told: Told) -> None:
    """The author is our bot, but what is there now is not what we know."""
    told.rename(told.pages[0], "Written by a script")
    told.tell(
        "page.properties_updated", told.pages[0], authors=[{"id": told.connection.account_id, "type": "bot"}]
    )
    assert told.calls_of(told.handle) == [GET]
    assert titles(told.pages[:1]) == ["Written by a script"]


def test_an_edit_together_with_somebody_else_is_read(told: Told) -> None:
    page, now = told.pages[0], told.now()
    ExternalLink.objects.filter(remote_id=page).update(remote_edited_at=now, synced_at=now)
    authors = [
        {"id": told.connection.account_id, "type": "bot"},
        {"id": told.workspace.editor, "type": "person"},
    ]
    told.tell("page.properties_updated", page, authors=authors, at=now - timedelta(seconds=1))
    assert told.calls_of(told.handle) == [GET]


def test_an_event_a_day_late_costs_nothing_where_a_look_was_sooner(told: Told) -> None:
    poll_connection(connection_id=told.connection.pk, heartbeat=lambda: None)
    event = told.tell(
        "page.properties_updated", told.pages[0], at=told.now() - timedelta(hours=24), attempt_number=8
    )
    assert told.calls_of(told.handle) == []
    assert reason_of(event) == "A look for changes has read this since."


def test_what_nobody_here_knows_of_is_left_alone(told: Told) -> None:
    elsewhere = told.tell("page.created", "5c5c5c5c-0000-4000-8000-000000000000", collection_id="elsewhere")
    gone = told.tell("page.deleted", "5c5c5c5c-0000-4000-8000-000000000001")
    assert told.calls_of(told.handle) == []
    assert reason_of(elsewhere) == "Nothing of it is known here."
    assert reason_of(gone) == "It was never taken over."


def test_a_table_nobody_knows_yet_is_looked_for(told: Told, tenant: TenantRef) -> None:
    event = told.tell("data_source.created", "5c5c5c5c-0000-4000-8000-000000000009")
    told.handle()
    assert reason_of(event) == "Tables are looked for anew."
    assert "ready" in states_of_work(tenant, "integrations.discover_collections")


def test_a_table_in_the_trash_says_so_and_its_tasks_stay(told: Told) -> None:
    told.sandbox.unshare(told.workspace.tasks_id)
    told.tell("data_source.deleted", told.workspace.tasks_id)
    told.handle()
    assert told.table.state == SyncedCollection.State.LOST
    assert Task.objects.filter(archived_at=None).count() == 5


def test_events_of_a_burst_wait_for_its_end(told: Told) -> None:
    told.tell("page.properties_updated", told.pages[0])
    InboundEvent.objects.update(received_at=datetime.now().astimezone())
    wait = told.handle()
    assert wait is not None
    assert 0 < wait <= 3
    assert InboundEvent.objects.get().state == "waiting"


def test_a_paused_workspace_reads_its_events_when_it_is_resumed(told: Told, tenant: TenantRef) -> None:
    pause_connection(connection=told.connection, actor=SYSTEM)
    told.rename(told.pages[0], "While paused")
    event = told.tell("page.properties_updated", told.pages[0])
    make_due(tenant, kind=JOB)
    run_due_work(tenant, kind=JOB)
    event.refresh_from_db()
    assert event.state == "waiting"

    resume_connection(connection=told.connection, actor=SYSTEM)
    for _ in range(3):
        run_due_work(tenant)
        make_due(tenant)

    assert titles(told.pages[:1]) == ["While paused"]
    event.refresh_from_db()
    assert event.state != "waiting"


def test_a_service_that_fails_leaves_the_events_waiting(told: Told) -> None:
    told.rename(told.pages[0], "Later")
    event = told.tell("page.properties_updated", told.pages[0])
    told.sandbox.fault(kind="status", status=503, times=50)

    assert told.handle() is None
    event.refresh_from_db()
    assert (event.state, event.failures) == ("waiting", 1)
    assert event.not_before is not None


def test_a_service_that_fails_for_all_is_left_alone_for_a_while(told: Told) -> None:
    for page in told.pages:
        told.tell("page.deleted", page)
    told.sandbox.fault(kind="status", status=503, times=500)
    with pytest.raises(LimitReached):
        told.handle()
    assert InboundEvent.objects.filter(state="waiting").count() == 5


def test_a_token_that_is_refused_stops_the_workspace_and_keeps_the_events(told: Told) -> None:
    event = told.tell("page.properties_updated", told.pages[0])
    told.sandbox.revoke(told.workspace.token)
    told.handle()
    assert Connection.objects.get().state == Connection.State.REAUTHORISE
    event.refresh_from_db()
    assert event.state == "waiting"


def test_while_somebody_has_to_decide_nothing_more_is_read(told: Told) -> None:
    held = SyncRun.objects.create(
        connection=told.connection, kind="poll", trigger="schedule", state="waiting", held_for="mass"
    )
    told.rename(told.pages[0], "After the decision")
    event = told.tell("page.properties_updated", told.pages[0])

    def all_at_once() -> None:
        assert told.handle() == 30
        assert poll_connection(connection_id=told.connection.pk, heartbeat=lambda: None)

    assert told.calls_of(all_at_once) == []
    event.refresh_from_db()
    held.refresh_from_db()
    assert (event.state, held.state) == ("waiting", "waiting")

    SyncRun.objects.filter(pk=held.pk).update(held_for="", state="cancelled")
    told.handle()
    assert titles(told.pages[:1]) == ["After the decision"]


def test_many_pages_gone_at_once_are_asked_about_before_anything_is_archived(
    connect: Callable[[NotionWorkspace], Connection],
    workspace: NotionWorkspace,
    work: Callable[[], None],
    told: Told,
) -> None:
    told.workspace.add_tasks(0)
    pages = [f"5d5d5d5d-0000-4000-8000-{number:012d}" for number in range(60)]
    ExternalLink.objects.bulk_create(
        ExternalLink(connection=told.connection, collection=told.table, remote_id=page) for page in pages
    )
    for page in pages:
        told.tell("page.deleted", page)

    assert told.calls_of(told.handle) == []

    assert SyncRun.objects.filter(kind="full").exists()
    assert not Task.objects.exclude(archived_at=None).exists()


def test_while_a_run_is_in_the_middle_of_the_table_pages_gone_at_once_go_on_waiting(told: Told) -> None:
    """That run may have seen them before they went, and a second one cannot be started."""
    run = SyncRun.objects.create(connection=told.connection, kind="full", trigger="manual", state="running")
    part = SyncRunCollection.objects.create(run=run, collection=told.table, place=0, state="reading")
    pages = [f"5d5d5d5d-0000-4000-8000-{number:012d}" for number in range(60)]
    ExternalLink.objects.bulk_create(
        ExternalLink(connection=told.connection, collection=told.table, remote_id=page) for page in pages
    )
    for page in pages:
        told.tell("page.deleted", page)

    waits: list[float | None] = []
    assert told.calls_of(lambda: waits.append(told.handle())) == []
    assert waits == [15]
    assert InboundEvent.objects.filter(state="waiting").count() == 60

    SyncRunCollection.objects.filter(pk=part.pk).update(state="pending")
    told.handle()
    assert not InboundEvent.objects.filter(state="waiting").exists()


def test_the_job_ends_when_nothing_waits_and_begins_anew_with_the_next_event(
    told: Told, tenant: TenantRef
) -> None:
    told.rename(told.pages[0], "First")
    told.tell("page.properties_updated", told.pages[0])
    make_due(tenant, kind=JOB)
    run_due_work(tenant, kind=JOB)
    assert titles(told.pages[:1]) == ["First"]
    assert "ready" not in states_of_work(tenant, JOB)

    told.tell("page.properties_updated", told.pages[0])
    assert "ready" in states_of_work(tenant, JOB)
