"""Pushes and readings of one connection: no edit waits for an import, and none is overwritten unseen."""

import pytest
from django.utils import timezone

from integrations.models import Connection, InboundEvent, Push, SyncRun
from integrations.services import start_sync_run
from integrations.sync.engine import run_sync
from integrations.sync.leases import give_back_lease, take_lease
from integrations.sync.push import sender
from integrations.sync.push.sender import push_changes
from tasks.models import Task
from tenants.accounts.access import SYSTEM
from tenants.foundation.errors import LimitReached
from tests.integrations.sync.push.conftest import Desk


def test_an_edit_goes_out_between_two_pages_of_a_full_reading(desk: Desk, pages: list[str]) -> None:
    for number in range(250):
        desk.sandbox.create(
            desk.workspace.editor,
            {
                "parent": {"data_source_id": desk.workspace.tasks_id},
                "properties": {"Task": {"title": [{"text": {"content": f"More {number}"}}]}},
            },
        )
    desk.edit(desk.task_of(pages[0]), title="Does not wait")
    desk.tell()
    run = start_sync_run(connection=desk.connection, actor=SYSTEM, kind=SyncRun.Kind.FULL)
    desk.calls()

    def edit_is_due() -> None:
        Push.objects.update(not_before=timezone.now())

    run_sync(run_id=run.pk, heartbeat=edit_is_due)

    calls = desk.calls()
    sent = calls.index(f"PATCH /v1/pages/{pages[0]}")
    assert any(call.endswith("/query") for call in calls[sent:])
    assert desk.title(pages[0]) == "Does not wait"
    assert set(SyncRun.objects.filter(state="succeeded").values_list("kind", flat=True)) >= {"full", "push"}


def test_while_another_worker_holds_the_connection_the_job_comes_back(desk: Desk, pages: list[str]) -> None:
    desk.edit(desk.task_of(pages[0]), title="Later")
    desk.tell()
    Push.objects.update(not_before=timezone.now())
    lease = take_lease(desk.connection.pk)

    with pytest.raises(LimitReached) as busy:
        push_changes(connection_id=desk.connection.pk, heartbeat=lambda: None)
    assert busy.value.code == "sync.connection_busy"
    assert desk.calls() == []

    give_back_lease(desk.connection.pk, lease)
    desk.send()
    assert desk.title(pages[0]) == "Later"


def test_a_paused_connection_keeps_its_edits_until_it_is_resumed(desk: Desk, pages: list[str]) -> None:
    Connection.objects.update(state=Connection.State.PAUSED)
    desk.edit(desk.task_of(pages[0]), title="Later")
    desk.send()
    assert desk.calls() == []
    assert Push.objects.get().state == Push.State.WAITING

    Connection.objects.update(state=Connection.State.CONNECTED)
    assert push_changes(connection_id=desk.connection.pk, heartbeat=lambda: None) is None
    assert desk.title(pages[0]) == "Later"


def test_a_record_an_event_speaks_of_is_read_before_it_is_written(desk: Desk, pages: list[str]) -> None:
    desk.sandbox.clock.advance(120)
    desk.sandbox.edit(pages[0], desk.workspace.editor, {"properties": {"Estimate (h)": {"number": 9}}})
    InboundEvent.objects.create(
        id="told", connection=desk.connection, kind="page.properties_updated", change="values",
        entity_kind="page", entity_id=pages[0], author_ids=[desk.workspace.editor], occurred_at=timezone.now(),
    )  # fmt: skip
    task = desk.task_of(pages[0])
    desk.edit(task, title="Mine")
    desk.send()

    assert desk.calls() == [f"GET /v1/pages/{pages[0]}", f"PATCH /v1/pages/{pages[0]}"]
    assert desk.title(pages[0]) == "Mine"
    assert str(Task.objects.get(pk=task.pk).estimate_hours) == "9.00"
    assert InboundEvent.objects.get().state == InboundEvent.State.DONE


def test_an_event_of_our_own_making_is_no_reason_to_read(desk: Desk, pages: list[str]) -> None:
    InboundEvent.objects.create(
        id="told", connection=desk.connection, kind="page.properties_updated", change="values",
        entity_kind="page", entity_id=pages[0], author_ids=[desk.connection.account_id],
        occurred_at=timezone.now(),
    )  # fmt: skip
    desk.edit(desk.task_of(pages[0]), title="Mine")
    desk.send()

    assert desk.calls() == [f"PATCH /v1/pages/{pages[0]}"]


def test_a_dry_run_sends_nothing(desk: Desk, pages: list[str]) -> None:
    desk.edit(desk.task_of(pages[0]), title="Not now")
    desk.tell()
    Push.objects.update(not_before=timezone.now())
    lease = take_lease(desk.connection.pk)
    session = sender._session(desk.connection, lease, lambda: None)
    session.run.kind = SyncRun.Kind.DRY_RUN

    assert sender.send_ready_pushes(session) == 0
    assert desk.calls() == []
