"""Finds out what became of a write that was not answered for sure, before anything is repeated."""

from datetime import timedelta
from typing import Final

import structlog
from django.utils import timezone

from integrations.capabilities import ProblemKind, RecordPage, RemoteRecord, SourceError
from integrations.models import ExternalLink, Push
from integrations.sync.guarded_source import Postponed
from integrations.sync.push import refusals
from integrations.sync.push.external_ids import ensure_column, find_record
from integrations.sync.push.planning import Plan
from integrations.sync.push.read_back import read_back
from integrations.sync.push.refusals import Refusal
from integrations.sync.push.settling import Prepared, lose_access, park, settle
from integrations.sync.push.writer import Writer
from integrations.sync.session import CONNECTION_PROBLEMS
from integrations.sync.taking_over import take_over
from tenants.foundation.errors import LimitReached
from tenants.tenancy import atomic

log = structlog.get_logger(__name__)

#: So long a service may still carry out a request whose answer never came: longer than a call of ours may take, and
#: what it waits for. A new record is not made a second time before. (Changing a record twice does no harm.)
IN_FLIGHT: Final = timedelta(seconds=120)
_LOOK_AGAIN: Final = timedelta(seconds=15)
_LONGEST_PAUSE: Final = timedelta(minutes=5)
#: A change that fails so often is set aside; a making is looked up for as long as it takes.
MAX_ATTEMPTS: Final = 20


def look_up(writer: Writer, push: Push) -> None:
    """Settle a push that was sent without a clear answer; what was not carried out waits to be sent again.

    One or two calls, outside a transaction. Raises: SourceError (the connection's own problem), LimitReached
    (it is looked up later), LeaseLost.
    """
    try:
        if push.kind == Push.Kind.CREATE:
            _look_up_making(writer, push)
        else:
            _look_up_change(writer, push)
    except LimitReached as limit:
        pause = timedelta(seconds=limit.retry_after_seconds or 5.0)
        if isinstance(limit, Postponed):
            # The longer the service fails for it, the more rarely it is asked: the others go first.
            waited = timezone.now() - (push.sent_at or push.first_edit_at)
            pause = max(pause, min(waited / 4, _LONGEST_PAUSE))
        _later(writer, push, pause)
        raise
    except SourceError as error:
        if error.kind in CONNECTION_PROBLEMS:
            raise
        if error.kind is ProblemKind.NOT_FOUND and push.link is not None:
            lose_access(writer, push, error)
        else:
            log.warning("push.not_looked_up", push_id=push.pk, reason=str(error))
            _later(writer, push, pause_after(max(push.attempts, 3)))


def pause_after(attempts: int) -> timedelta:
    """How long to wait before the next try: none after the first failure, then longer and longer."""
    if attempts <= 1:
        return timedelta()
    return min(timedelta(seconds=5 * 2 ** min(attempts - 2, 10)), _LONGEST_PAUSE)


def _look_up_making(writer: Writer, push: Push) -> None:
    if push.link_id is None:
        with atomic():
            push.link = ExternalLink.objects.filter(connection=writer.connection, task=push.task_id).first()
    if push.link is not None:
        # A reading has come upon it.
        _not_carried_out(writer, push, kind=Push.Kind.UPDATE)
        return
    record = _record(writer, push.committed_id) if push.committed_id else None
    if record is None:
        ensure_column(writer, push.collection)
        record = find_record(writer, push.collection, push.task_id)
    if record is not None:
        log.info("push.record_found", push_id=push.pk, remote_id=record.id)
        settle(writer, _as_sent(push), record)
        return
    # Without a time nothing is under way: the service itself has said that it failed.
    over_at = push.sent_at + IN_FLIGHT if push.sent_at is not None else timezone.now()
    if timezone.now() < over_at:
        _later(writer, push, min(_LOOK_AGAIN, over_at - timezone.now()))
    else:
        _not_carried_out(writer, push)


def _look_up_change(writer: Writer, push: Push) -> None:
    if push.link is None:
        _not_carried_out(writer, push)
        return
    record = writer.session.source.record(push.link.remote_id)
    if _is_carried_out(writer, push, record):
        settle(writer, _as_sent(push), record)
        return
    # Somebody else's changes first, so that they are not taken for ours.
    with atomic():
        context = writer.context(push.collection)
    take_over(context, RecordPage(records=(record,), next_cursor=None, server_time=timezone.now()))
    _not_carried_out(writer, push)


def _is_carried_out(writer: Writer, push: Push, record: RemoteRecord) -> bool:
    if push.kind == Push.Kind.TRASH:
        return record.is_trashed
    if record.is_trashed:
        return False
    if push.kind == Push.Kind.RESTORE:
        return True
    base = (push.link.base if push.link is not None else None) or {}
    with atomic():
        found = read_back(writer.context(push.collection), record, push.task_id, base)
    return bool(push.sent) and all(
        found.get(name, base.get(name)) == value for name, value in push.sent.items()
    )


def _as_sent(push: Push) -> Prepared:
    """The push as it was noted before the call; looked at once more afterwards, for what was left out then."""
    return Prepared(
        push_id=push.pk, kind=push.kind, task_id=push.task_id, generation=push.sent_generation,
        collection=push.collection, link=push.link, plan=Plan(sent=push.sent), is_looked_at_again=True,
    )  # fmt: skip


def _record(writer: Writer, record_id: str) -> RemoteRecord | None:
    try:
        return writer.session.source.record(record_id)
    except SourceError as error:
        if error.kind is ProblemKind.NOT_FOUND:
            return None
        raise


def _not_carried_out(writer: Writer, push: Push, *, kind: str | None = None) -> None:
    """It may be sent again: at once the first time, after a pause that grows later."""
    with atomic():
        writer.session.hold()
        locked = Push.objects.select_for_update(of=("self",)).filter(pk=push.pk).first()
        if locked is None:
            return
        locked.link, locked.kind = push.link, kind or locked.kind
        locked.state, locked.sent, locked.committed_id, locked.sent_at = Push.State.WAITING, {}, "", None
        locked.not_before = timezone.now() + pause_after(locked.attempts)
        if locked.attempts >= MAX_ATTEMPTS:
            park(locked, Refusal(refusals.GAVE_UP, locked.error or "The service failed again and again."))
        locked.save()


def _later(writer: Writer, push: Push, pause: timedelta) -> None:
    with atomic():
        writer.session.hold()
        # What was broken off in the middle of the call is as doubtful as what got no answer.
        Push.objects.filter(pk=push.pk).unsettled().update(
            state=Push.State.AMBIGUOUS, not_before=timezone.now() + pause
        )
