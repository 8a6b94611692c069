"""What follows from an answer: both sides agree on what was sent, and what else the record says is taken over."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import structlog
from django.utils import timezone

from integrations.capabilities import RecordPage, RemoteRecord, SourceError
from integrations.models import ExternalLink, Push, SyncChange, SyncedCollection
from integrations.sync import metrics
from integrations.sync.body_pushing import note_new_body
from integrations.sync.body_sending import is_rest_left
from integrations.sync.canonical import Values
from integrations.sync.links import describe, lock_tasks
from integrations.sync.page import record_problem
from integrations.sync.problems import Problem
from integrations.sync.push import refusals
from integrations.sync.push.planning import Plan
from integrations.sync.push.read_back import read_back
from integrations.sync.push.refusals import Refusal
from integrations.sync.push.requests import DEBOUNCE, request_push
from integrations.sync.push.writer import Writer
from integrations.sync.session import CONNECTION_PROBLEMS
from integrations.sync.taking_over import take_over
from tasks.models import Task, TaskDependency
from tenants.foundation.errors import LimitReached
from tenants.tenancy import atomic

log = structlog.get_logger(__name__)

_ACTIONS: Mapping[str, str] = {
    Push.Kind.CREATE: SyncChange.Action.CREATED,
    Push.Kind.UPDATE: SyncChange.Action.UPDATED,
    Push.Kind.TRASH: SyncChange.Action.ARCHIVED,
    Push.Kind.RESTORE: SyncChange.Action.RESTORED,
}

#: What an answer says about a link, and nothing else of it: others note what they know of the record meanwhile.
_SETTLED: Final = ("base", "state", "state_reason", "synced_at")
_FOUND: Final = (
    *_SETTLED, "collection", "task", "url", "title", "remote_created_at", "remote_edited_at", "seen_run_id",
    "is_body_stale", "body_due_at",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Prepared:
    """One push that is noted as being sent: what it is, and which edit of the task it holds."""

    push_id: UUID
    kind: str
    task_id: UUID
    generation: int
    collection: SyncedCollection
    link: ExternalLink | None
    plan: Plan
    #: Looked up after it was broken off: whatever was left out when it was sent is compared once more.
    is_looked_at_again: bool = False
    #: The text a new record is made with.
    body: str = ""


def settle(writer: Writer, prepared: Prepared, reply: RemoteRecord) -> None:
    """Write down that it arrived, then take over what the answer says beside. Outside a transaction.

    Everything is locked in the order of the package, and read once it is: what somebody chose while it was sent counts.

    The first is one transaction: whoever is killed before it finds the record again, whoever is killed after it has
    nothing left to do. Raises: SourceError (the connection's own problem), LeaseLost.
    """
    _note_arrival(writer, prepared, reply)
    if reply.is_trashed:
        return
    with atomic():
        context = writer.context(prepared.collection)
    page = RecordPage(records=(reply,), next_cursor=None, server_time=timezone.now())
    try:
        take_over(context, page)
    except LimitReached as error:
        # Values with many references are read to their end by the next look for changes.
        log.info("push.reply_not_taken_over", push_id=prepared.push_id, reason=str(error))
    except SourceError as error:
        if error.kind in CONNECTION_PROBLEMS:
            raise
        log.info("push.reply_not_taken_over", push_id=prepared.push_id, reason=str(error))


@atomic
def _note_arrival(writer: Writer, prepared: Prepared, reply: RemoteRecord) -> None:
    writer.session.hold()
    referring = _those_who_refer_to(prepared.task_id) if prepared.kind == Push.Kind.CREATE else set()
    lock_tasks({prepared.task_id, *referring})
    link = _locked_link(writer, prepared, reply)
    push = Push.objects.select_for_update(of=("self",)).filter(pk=prepared.push_id).first()
    if push is None or link is None:
        # The task was deleted meanwhile; its record is found by the next reading.
        return
    before = dict(link.base or {})
    found = read_back(writer.context(prepared.collection), reply, prepared.task_id, before)
    ignored = _agree(link, prepared, before, found)
    link.state, link.state_reason = ExternalLink.State.CLEAN, ""
    if reply.is_trashed:
        link.state = ExternalLink.State.TRASHED_REMOTE
        link.state_reason = "It was put into the trash from here."
    link.synced_at = timezone.now()
    if link._state.adding:
        link.save(force_insert=True)
    else:
        link.save(update_fields=_SETTLED if prepared.link is not None else _FOUND)
    if prepared.body:
        link.connection = writer.connection
        note_new_body(link, prepared.body)
    if ignored:
        writer.note(record_problem(refusals.IGNORED, ignored.message, reply), prepared.collection)
    writer.count(pushed=1, failed=int(ignored is not None))
    _write_change(writer, prepared, link, before)
    _next_state(push, prepared, link, [*([ignored] if ignored else []), *prepared.plan.refusals])
    if prepared.kind == Push.Kind.CREATE:
        # Tasks that are part of this one, or wait for it, can say so there now.
        request_push(task_ids=referring, is_interactive=False)
    metrics.PUSHES.labels(kind=prepared.kind, outcome="ignored" if ignored else "sent").inc()
    log.info("push.sent", push_id=push.pk, kind=prepared.kind, fields=sorted(prepared.plan.sent))


def _locked_link(writer: Writer, prepared: Prepared, reply: RemoteRecord) -> ExternalLink | None:
    """The link of the record as it is now, locked; None when it is gone.

    A new record's link is made here, unless a reading has found the record first.
    """
    links = ExternalLink.objects.select_for_update(of=("self",), no_key=True)
    if prepared.link is not None:
        return links.filter(pk=prepared.link.pk).first()
    known = links.filter(connection=writer.connection, remote_id=reply.id).first()
    link = known or ExternalLink(
        connection=writer.connection, collection=prepared.collection, remote_id=reply.id
    )
    describe(link, reply, collection=prepared.collection, run_id=None)
    link.task_id = prepared.task_id
    return link


def _agree(link: ExternalLink, prepared: Prepared, before: Values, found: Values) -> Refusal | None:
    """Both sides know what was sent; says what the service took without a word and did not keep."""
    base = dict(before)
    if prepared.kind == Push.Kind.CREATE:
        # What was not sent is as the new record has it: that is no edit of anybody's.
        base = {**found, **base}
    ignored: list[str] = []
    for name, value in prepared.plan.sent.items():
        is_kept = name not in found or found[name] == value
        # Where the service has made something else of it (blanks at the end of a title), that is taken over.
        if is_kept or (name in before and found[name] != before[name]) or name not in before:
            base[name] = value
        else:
            ignored.append(name)
    link.base = base
    if not ignored:
        return None
    columns = prepared.collection.mappings.filter(our_field__in=ignored)
    names = list(columns.values_list("remote_field_name", flat=True))
    quoted, verb = ", ".join(f"“{name}”" for name in names), "is" if len(names) == 1 else "are"
    sentence = f"The service took the change, but {quoted} {verb} as before."
    return Refusal(refusals.IGNORED, sentence, ", ".join(names)[:200])


def _write_change(writer: Writer, prepared: Prepared, link: ExternalLink, before: Values) -> None:
    fields: dict[str, list[Any]] = {
        name: [before.get(name), value] for name, value in prepared.plan.sent.items()
    }
    SyncChange.objects.create(
        run=writer.run, collection=prepared.collection, link_id=link.pk, task_id=prepared.task_id,
        title=link.title, side=SyncChange.Side.THERE, action=_ACTIONS[prepared.kind], fields=fields,
    )  # fmt: skip


def _next_state(push: Push, prepared: Prepared, link: ExternalLink, refused: list[Refusal]) -> None:
    """The row goes when both sides agree; an edit made meanwhile, and what was refused, stay."""
    now = timezone.now()
    is_newer = push.generation > prepared.generation
    # Fields that were changed while the record was in the trash are compared now.
    goes_on = is_newer or prepared.is_looked_at_again or prepared.kind == Push.Kind.RESTORE
    goes_on = goes_on or is_rest_left(link, prepared.body)
    if not goes_on and not refused:
        push.delete()
        return
    push.link, push.sent, push.committed_id, push.sent_at, push.attempts = link, {}, "", None, 0
    push.kind = Push.Kind.UPDATE
    push.state = Push.State.WAITING
    push.not_before = now + DEBOUNCE if is_newer else now
    if is_newer:
        # What was let go has been sent; this is another edit.
        push.held_by_id = None
    if refused and not is_newer:
        park(push, sum(refused[1:], start=refused[0]))
    push.save()


def park(push: Push, refusal: Refusal) -> None:
    """Set a push aside until somebody has looked, or edits the task; the caller saves it."""
    push.state = Push.State.PARKED
    push.error_code, push.error_field = refusal.code, refusal.field_name
    push.error = refusal.message[:2000]
    push.sent, push.committed_id, push.sent_at = {}, "", None


def lose_access(writer: Writer, push: Push, error: SourceError) -> None:
    """The record is gone or not shared any more: its task stays, and what was to be sent has no addressee."""
    assert push.link is not None
    with atomic():
        writer.session.hold()
        link = ExternalLink.objects.select_for_update(of=("self",), no_key=True).get(pk=push.link.pk)
        link.state, link.state_reason = ExternalLink.State.ACCESS_LOST, str(error)
        link.content_hash = ""
        link.save(update_fields=["state", "state_reason", "content_hash"])
        Push.objects.filter(pk=push.pk).delete()
        problem = Problem("record_gone", str(error), remote_id=link.remote_id, title=link.title, url=link.url)
        writer.note(problem, push.collection)
        writer.count(failed=1)
    metrics.PUSHES.labels(kind=push.kind, outcome="lost").inc()
    log.warning("push.access_lost", link_id=link.pk)


def _those_who_refer_to(task_id: UUID) -> set[UUID]:
    """Tasks with a record that are part of this one, or wait for it."""
    children = Task.objects.filter(parent=task_id).values_list("pk", flat=True)
    waiting = TaskDependency.objects.filter(depends_on=task_id).values_list("task_id", flat=True)
    linked = ExternalLink.objects.filter(task__in={*children, *waiting}).values_list("task_id", flat=True)
    return {pk for pk in linked if pk is not None}
