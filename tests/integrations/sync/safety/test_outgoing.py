"""Unusually many edits made here wait for a person before one of them is sent."""

from collections.abc import Callable

import pytest
from django.db import connections
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from integrations.models import Connection, FieldMapping, Push, SyncRun
from integrations.services import cancel_run, connect_workspace, disconnect_connection
from integrations.sync.polling import poll_connection
from integrations.sync.push.requests import request_push
from integrations.sync.push.sender import push_changes
from integrations.sync.safety.deciding import approve_run, refuse_run
from tasks.drafts import TaskChanges
from tasks.models import Task
from tasks.services import edit_tasks
from tenants.accounts.access import SYSTEM
from tenants.tenancy.transactions import current_alias
from tests.factories.notion import NotionWorkspace

type Writes = Callable[[], list[str]]


@pytest.fixture
def edited(imported: Connection) -> Callable[[int], None]:
    FieldMapping.objects.filter(our_field="priority").update(direction="both")

    def edit(count: int) -> None:
        ids = list(Task.objects.order_by("pk").values_list("pk", flat=True)[:count])
        edit_tasks(ids=ids, changes=TaskChanges(priority=2), actor=SYSTEM)
        request_push(task_ids=ids)
        send(imported)

    return edit


def send(connection: Connection) -> None:
    for _ in range(3):
        Push.objects.update(not_before=connection.created_at)
        push_changes(connection_id=connection.pk, heartbeat=lambda: None)


def test_a_few_edits_are_sent(edited: Callable[[int], None], writes_there: Writes) -> None:
    edited(20)
    assert len(writes_there()) == 20
    assert not SyncRun.objects.filter(held_for="mass").exists()


def test_many_edits_are_held_and_nothing_is_sent(
    edited: Callable[[int], None], writes_there: Writes, imported: Connection
) -> None:
    edited(25)
    assert writes_there() == []
    run = SyncRun.objects.get(held_for="mass")
    assert (run.kind, run.state) == ("push", "waiting")
    assert run.changes.filter(is_planned=True, side="there").count() == 25
    assert run.changes.all()[0].fields == {"priority": [4, 2]}
    assert Push.objects.filter(state="held").count() == 25
    # What comes from there is taken over meanwhile.
    assert poll_connection(connection_id=imported.pk, heartbeat=lambda: None)
    assert SyncRun.objects.filter(held_for="mass").count() == 1


def test_approved_edits_are_sent_without_another_question(
    edited: Callable[[int], None], writes_there: Writes, imported: Connection
) -> None:
    edited(25)
    run = approve_run(run=SyncRun.objects.get(held_for="mass"), actor=SYSTEM)
    send(imported)
    assert len(writes_there()) == 25
    run.refresh_from_db()
    assert run.state == "succeeded"
    assert not Push.objects.exists()


def test_refused_edits_stay_here_and_go_with_the_next_edit_of_their_task(
    edited: Callable[[int], None], writes_there: Writes, imported: Connection
) -> None:
    edited(25)
    refuse_run(run=SyncRun.objects.get(held_for="mass"), actor=SYSTEM)
    send(imported)
    assert writes_there() == []
    assert Connection.objects.get(pk=imported.pk).state == "connected"
    assert Task.objects.filter(priority=2).count() == 25
    task = Task.objects.filter(priority=2).order_by("pk")[0]
    request_push(task_ids=[task.pk])
    send(imported)
    assert len(writes_there()) == 1


def edit_some(connection: Connection, *, start: int, end: int, priority: int = 2) -> None:
    """Edit these tasks of the thirty, and ask for them to be sent; nothing is sent yet."""
    ids = list(Task.objects.order_by("pk").values_list("pk", flat=True)[start:end])
    edit_tasks(ids=ids, changes=TaskChanges(priority=priority), actor=SYSTEM)
    request_push(task_ids=ids)


@pytest.fixture
def strict(settings: Settings, imported: Connection) -> Connection:
    """A brake that finds more than five edits unusual."""
    FieldMapping.objects.filter(our_field="priority").update(direction="both")
    settings.SYNC_BRAKE_ROWS = 5
    return imported


@pytest.fixture
def low_floor(monkeypatch: pytest.MonkeyPatch) -> None:
    for place in ("brake", "outgoing"):
        monkeypatch.setattr(f"integrations.sync.safety.{place}.FLOOR", 5)
    monkeypatch.setattr("integrations.sync.push.sender.FLOOR", 5)


def held_runs() -> list[SyncRun]:
    return list(SyncRun.objects.filter(held_for="mass").order_by("pk"))


@pytest.mark.usefixtures("low_floor")
def test_two_held_runs_are_decided_about_one_by_one(strict: Connection, writes_there: Writes) -> None:
    edit_some(strict, start=0, end=10)
    send(strict)
    edit_some(strict, start=10, end=20)
    send(strict)
    first, second = held_runs()
    assert [Push.objects.filter(state="held", held_by_id=run.pk).count() for run in (first, second)] == [
        10,
        10,
    ]
    approve_run(run=first, actor=SYSTEM)
    send(strict)
    assert len(writes_there()) == 10
    assert Push.objects.filter(state="held").count() == 10
    refuse_run(run=second, actor=SYSTEM)
    send(strict)
    assert len(writes_there()) == 10
    assert not Push.objects.exists()


@pytest.mark.usefixtures("low_floor")
def test_an_approved_run_lets_only_its_own_edits_go(strict: Connection, writes_there: Writes) -> None:
    edit_some(strict, start=0, end=10)
    send(strict)
    approved = approve_run(run=held_runs()[0], actor=SYSTEM)
    edit_some(strict, start=10, end=20)
    send(strict)
    assert len(writes_there()) == 10
    (later,) = held_runs()
    assert Push.objects.filter(state="held", held_by_id=later.pk).count() == 10
    approved.refresh_from_db()
    assert approved.state == "succeeded"


@pytest.mark.usefixtures("low_floor")
def test_an_approved_run_ends_with_its_edits_whatever_else_waits(
    strict: Connection, writes_there: Writes
) -> None:
    edit_some(strict, start=0, end=10)
    send(strict)
    approved = approve_run(run=held_runs()[0], actor=SYSTEM)
    edit_some(strict, start=10, end=12)
    Push.objects.filter(held_by_id=None).update(not_before=strict.created_at.replace(year=2999))
    Push.objects.exclude(held_by_id=None).update(not_before=strict.created_at)
    push_changes(connection_id=strict.pk, heartbeat=lambda: None)
    approved.refresh_from_db()
    assert approved.state == "succeeded"
    assert Push.objects.count() == 2
    assert len(writes_there()) == 10


@pytest.mark.usefixtures("low_floor")
def test_a_cancelled_approval_is_asked_about_again(strict: Connection, writes_there: Writes) -> None:
    edit_some(strict, start=0, end=10)
    send(strict)
    approved = approve_run(run=held_runs()[0], actor=SYSTEM)
    cancel_run(run=approved, actor=SYSTEM)
    send(strict)
    assert writes_there() == []
    (again,) = held_runs()
    assert again.pk != approved.pk


def test_what_was_held_when_a_workspace_was_disconnected_is_asked_about_when_it_is_back(
    edited: Callable[[int], None], writes_there: Writes, imported: Connection, workspace: NotionWorkspace
) -> None:
    edited(25)
    first = SyncRun.objects.get(held_for="mass")
    disconnect_connection(connection=imported, actor=SYSTEM)
    first.refresh_from_db()
    assert first.state == "cancelled"
    assert set(Push.objects.values_list("state", "held_by_id")) == {("waiting", None)}
    connect_workspace(token=workspace.token, actor=SYSTEM, requests_per_minute=None)
    send(imported)
    assert writes_there() == []
    again = SyncRun.objects.filter(held_for="mass").open().get()
    approve_run(run=again, actor=SYSTEM)
    send(imported)
    assert len(writes_there()) == 25


def test_tasks_that_are_in_step_are_not_held(writes_there: Writes, imported: Connection) -> None:
    request_push(task_ids=list(Task.objects.values_list("pk", flat=True)))
    send(imported)
    assert not SyncRun.objects.filter(held_for="mass").exists()
    assert not Push.objects.exists()
    assert writes_there() == []


@pytest.mark.usefixtures("low_floor")
def test_holding_many_takes_no_more_statements_than_holding_a_few(strict: Connection) -> None:
    def statements(start: int, end: int) -> int:
        edit_some(strict, start=start, end=end)
        Push.objects.update(not_before=strict.created_at)
        with CaptureQueriesContext(connections[current_alias()]) as taken:
            push_changes(connection_id=strict.pk, heartbeat=lambda: None)
        return len(taken)

    few, many = statements(0, 7), statements(7, 30)
    assert Push.objects.filter(state="held").count() == 30
    assert many <= few + 2


def test_beyond_what_anybody_reads_edits_are_held_and_counted_without_their_values(
    edited: Callable[[int], None], writes_there: Writes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("integrations.sync.safety.outgoing.MOST_SHOWN", 10)
    edited(25)
    assert writes_there() == []
    changes = SyncRun.objects.get(held_for="mass").changes.order_by("id")
    assert [bool(change.fields) for change in changes] == [True] * 10 + [False] * 15
    assert all(change.title for change in changes)
    assert Push.objects.filter(state="held").count() == 25
