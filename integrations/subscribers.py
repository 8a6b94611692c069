"""Reactions to events: usually one line, enqueue a job."""

from collections.abc import Sequence

from integrations.describing.services import describe_workspace
from integrations.events import ConnectionMade, ConnectionRemoved, SyncRunFinished
from integrations.models import Connection, SyncRun, WebhookSubscription
from integrations.services import enqueue_pushes, enqueue_unsent
from integrations.services.runs import system_run, wake
from integrations.sync.keeping import keep_history_short
from integrations.sync.push.requests import request_push
from integrations.webhooks.services import switch_off_webhook
from tasks.events import TaskAssigned, TaskCreated, TasksArchived, TasksRestored, TaskUpdated
from tenants.accounts.access import SYSTEM
from tenants.lifecycle.restoring.events import CompanyRestored
from tenants.outbox.bus import subscribe, subscribe_in_batches


@subscribe(CompanyRestored)
def look_everywhere_anew(_event: CompanyRestored) -> None:
    """What was read is that of an earlier day: go on with what was under way then, and compare everything.

    Rows are told apart by their remote ids and their content, so reading again changes only what differs.
    """
    for connection in Connection.objects.working():
        wake(connection)
        system_run(connection=connection, kind=SyncRun.Kind.FULL, trigger=SyncRun.Trigger.SCHEDULE)


@subscribe_in_batches(TaskCreated)
def send_new_task(events: Sequence[TaskCreated]) -> None:
    """A task made here gets a record where its department's tasks live."""
    request_push(task_ids=[event.task_id for event in events])


@subscribe_in_batches(TaskUpdated)
def send_changed_task(events: Sequence[TaskUpdated]) -> None:
    """What a person changed goes to the task's record; which fields differ is looked up when it is sent."""
    request_push(task_ids=[event.task_id for event in events])


@subscribe_in_batches(TaskAssigned)
def send_assignees(events: Sequence[TaskAssigned]) -> None:
    """People put on a task, or taken off it, are changed in its record as well."""
    request_push(task_ids=[event.task_id for event in events])


@subscribe_in_batches(TasksArchived)
def send_archived_tasks(events: Sequence[TasksArchived]) -> None:
    """Records of archived tasks go to the trash where their database wants it; what came from there is not sent."""
    request_push(task_ids=[task_id for event in events for task_id in event.task_ids])


@subscribe_in_batches(TasksRestored)
def send_restored_tasks(events: Sequence[TasksRestored]) -> None:
    """Records of restored tasks come out of the trash again."""
    request_push(task_ids=[task_id for event in events for task_id in event.task_ids])


@subscribe(ConnectionMade)
def send_what_waited(event: ConnectionMade) -> None:
    """A workspace that has a token again gets what was changed here meanwhile, also what nobody noted then."""
    enqueue_pushes(event.connection_id)
    enqueue_unsent(event.connection_id, scope="reconnected")


@subscribe(SyncRunFinished)
def send_what_was_missed(event: SyncRunFinished) -> None:
    """A full check looks at our side as well: what was edited here and never sent is sent after it."""
    if SyncRun.objects.filter(pk=event.run_id, kind=SyncRun.Kind.FULL).exists():
        enqueue_unsent(event.connection_id, scope="edited")


@subscribe(ConnectionMade)
def forget_old_history(_event: ConnectionMade) -> None:
    """Every day what is told of runs and events long past is forgotten, as long as there is a connection."""
    keep_history_short()


@subscribe(SyncRunFinished)
def forget_old_history_of_others(event: SyncRunFinished) -> None:
    """Connections that were made before this was a job of its own come to it with their next complete reading."""
    if SyncRun.objects.filter(pk=event.run_id, kind=SyncRun.Kind.FULL).exists():
        keep_history_short()


@subscribe(SyncRunFinished)
def keep_description(event: SyncRunFinished) -> None:
    """What was seen while everything was read is described; a version is kept only when it differs."""
    whole = SyncRun.objects.filter(pk=event.run_id, kind__in=[SyncRun.Kind.IMPORT, SyncRun.Kind.FULL])
    connection = Connection.objects.filter(pk=event.connection_id).first()
    if connection is not None and whole.exists():
        describe_workspace(connection=connection, actor=SYSTEM)


@subscribe(ConnectionRemoved)
def close_its_address(event: ConnectionRemoved) -> None:
    """Nobody tells of a workspace that was disconnected; the key it signed with is forgotten."""
    open_ones = WebhookSubscription.objects.exclude(state=WebhookSubscription.State.OFF)
    subscription = open_ones.filter(connection_id=event.connection_id).select_related("connection").first()
    if subscription is not None:
        switch_off_webhook(connection=subscription.connection, actor=SYSTEM)
