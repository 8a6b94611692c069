"""One push from its row to the service and back: what is noted before the call, and after it, so that none is lost."""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final
from uuid import UUID

import structlog
from django.utils import timezone

from integrations.capabilities import InvalidRecordValue, ProblemKind, RemoteRecord, SourceError
from integrations.models import ExternalLink, Push, SyncedCollection
from integrations.sync import metrics
from integrations.sync.body_sending import first_body, send_body
from integrations.sync.conflicts.recording import is_disputed
from integrations.sync.guarded_source import Postponed
from integrations.sync.problems import Problem
from integrations.sync.push import refusals
from integrations.sync.push.external_ids import ensure_column, id_value, store_schema
from integrations.sync.push.looking_up import look_up, pause_after
from integrations.sync.push.planning import Plan, plan_create, plan_update
from integrations.sync.push.reading_first import is_to_be_read_first, read_first
from integrations.sync.push.refusals import Refusal
from integrations.sync.push.requests import intended_kind
from integrations.sync.push.settling import Prepared, lose_access, park, settle
from integrations.sync.push.writer import Writer, columns_of
from integrations.sync.relations import resolve_before_sending
from integrations.sync.session import CONNECTION_PROBLEMS
from tenants.foundation.errors import LimitReached
from tenants.tenancy import atomic

log = structlog.get_logger(__name__)

#: Once a workspace is full, nothing new is tried for so long; changes of present records go on.
STORAGE_PAUSE: Final = timedelta(hours=1)
_UNSETTLED: Final = (Push.State.SENDING, Push.State.AMBIGUOUS)


def send_push(writer: Writer, push_id: UUID) -> None:
    """Send one push, or find out what became of it. Outside a transaction.

    Raises: LimitReached (the row says when it goes on), SourceError (the connection's own problem), LeaseLost.
    """
    push = _stored(writer, push_id)
    if push is not None and push.state in _UNSETTLED:
        look_up(writer, push)
        push = _stored(writer, push_id)
    if push is not None and push.state == Push.State.WAITING and push.not_before <= timezone.now():
        _Sending(writer, push).run()


def _stored(writer: Writer, push_id: UUID) -> Push | None:
    with atomic():
        push = Push.objects.select_related("collection", "link").filter(pk=push_id).first()
    if push is not None:
        push.collection.connection = writer.connection
    return push


@dataclass
class _Sending:
    writer: Writer
    push: Push
    has_new_schema: bool = False
    has_looked_at_record: bool = False
    text_refusal: Refusal | None = None

    def run(self) -> None:
        prepared = None
        try:
            if self.push.kind == Push.Kind.CREATE:
                ensure_column(self.writer, self.push.collection)
            elif is_to_be_read_first(self.writer, self.push):
                read_first(self.writer, self.push)
            if self.push.link is not None:
                resolve_before_sending(self.writer.session, self.push.link.pk)
            self.text_refusal = send_body(self.writer, self.push)
            prepared = self._prepare()
            if prepared is None:
                return
            with self.writer.sending(self.push.pk):
                reply = self._call(prepared)
        except LimitReached as limit:
            self._wait(limit.retry_after_seconds or 1.0, has_failed=isinstance(limit, Postponed))
            raise
        except InvalidRecordValue as error:
            first, *others = [refusals.of_problem(problem) for problem in error.problems]
            self._park(sum(others, start=first))
            return
        except SourceError as error:
            self._failed(error, prepared)
            return
        settle(self.writer, prepared, reply)

    def _prepare(self) -> Prepared | None:
        """Note what is about to be sent, in a transaction of its own; None when there is nothing to send."""
        with atomic():
            self.writer.session.hold()
            push = self._locked()
            if push is None or push.state != Push.State.WAITING:
                return None
            kind = self._kind(push)
            plan = self._plan(push, kind)
            if kind is None or (plan is not None and plan.is_empty and not plan.refusals):
                if kind is not None and push.generation > self.push.generation:
                    return None  # edited since its text was looked at: the next round looks again
                log.info("push.nothing_to_send", push_id=push.pk)
                push.delete()
                return None
            push.kind = kind
            refused = self._refused(push, plan)
            if refused is not None:
                park(push, refused)
                push.save()
                return None
            plan = plan or Plan()
            push.state, push.sent, push.sent_generation = Push.State.SENDING, plan.sent, push.generation
            push.sent_at, push.attempts = timezone.now(), push.attempts + 1
            push.save()
            body = first_body(self.writer, push) if kind == Push.Kind.CREATE else ""
            # Its text was looked at when the push was: an edit since then is another.
            return Prepared(
                push.pk, kind, push.task_id, self.push.generation, push.collection, push.link, plan, body=body
            )

    def _locked(self) -> Push | None:
        rows = Push.objects.select_for_update(of=("self",)).select_related("collection", "link", "task")
        push = rows.filter(pk=self.push.pk).first()
        if push is not None:
            push.collection.connection = self.writer.connection
        return push

    def _kind(self, push: Push) -> str | None:
        """What is to be done now, whatever was intended when it was asked for."""
        collection, is_archived = push.collection, push.task.is_archived
        if not collection.is_enabled or collection.mapping_state != SyncedCollection.MappingState.CONFIRMED:
            return None
        if push.link is None:
            return None if is_archived else Push.Kind.CREATE
        if is_disputed(push.link):
            return None
        kind = intended_kind(
            link_state=push.link.state, is_archived=is_archived, trashes_records=collection.trashes_records
        )
        is_gone = push.link.state == ExternalLink.State.TRASHED_REMOTE
        if is_gone and not is_archived and push.kind == Push.Kind.RESTORE:
            # Somebody decided so, whatever the collection does by itself.
            return Push.Kind.RESTORE
        is_alive = push.link.state in {ExternalLink.State.CLEAN, ExternalLink.State.QUARANTINED}
        # What was edited before it was archived is sent all the same.
        return Push.Kind.UPDATE if kind is None and is_alive else kind

    def _plan(self, push: Push, kind: str | None) -> Plan | None:
        if kind == Push.Kind.CREATE:
            return plan_create(self.writer, push)
        if kind == Push.Kind.UPDATE and push.link is not None:
            plan = plan_update(self.writer, push, push.link)
            refused = (self.text_refusal,) if self.text_refusal is not None else ()
            return replace(plan, refusals=(*plan.refusals, *refused))
        return None

    def _refused(self, push: Push, plan: Plan | None) -> Refusal | None:
        """Why nothing of it can be sent, found without a call."""
        if plan is not None and plan.is_empty:
            return sum(plan.refusals[1:], start=plan.refusals[0])
        if push.kind != Push.Kind.CREATE:
            return None
        full = Push.objects.parked().filter(
            connection=self.writer.connection, error_code=refusals.STORAGE,
            updated_at__gt=timezone.now() - STORAGE_PAUSE,
        ).exclude(pk=push.pk).first()  # fmt: skip
        return Refusal(refusals.STORAGE, full.error) if full is not None else None

    def _call(self, prepared: Prepared) -> RemoteRecord:
        """The one call. Raises: SourceError, LimitReached, InvalidRecordValue."""
        sink, collection, link, values = (
            self.writer.sink, prepared.collection, prepared.link, prepared.plan.values,
        )  # fmt: skip
        if link is None:
            own = id_value(collection.external_id_field_id, prepared.task_id)
            return sink.create_record(collection.remote_id, {**values, **own}, body=prepared.body)
        match prepared.kind:
            case Push.Kind.TRASH:
                return sink.trash_record(link.remote_id)
            case Push.Kind.RESTORE:
                return sink.restore_record(link.remote_id)
            case _:
                return sink.update_record(link.remote_id, values)

    def _failed(self, error: SourceError, prepared: Prepared | None) -> None:
        if error.kind in CONNECTION_PROBLEMS:
            self._wait(1.0)
            raise error
        if prepared is not None and (error.is_committed or error.is_ambiguous):
            self._note_ambiguous(error)
            return
        if error.kind is ProblemKind.NOT_FOUND and self.push.link is not None:
            lose_access(self.writer, self.push, error)
        elif error.kind is ProblemKind.INVALID_REQUEST and not self.has_new_schema and prepared is not None:
            self._again_with_new_columns(error)
        elif error.kind is ProblemKind.INVALID_REQUEST and prepared is not None and self._has_moved_on(error):
            self._wait(0.0)
            self.run()
        elif error.is_transient and prepared is None:
            self._wait(error.retry_after_seconds or 30.0)
        else:
            self._park(refusals.of_error(error, columns_of(self.push.collection)))

    def _note_ambiguous(self, error: SourceError) -> None:
        """Nobody knows whether it was carried out: look before anything is repeated, at once if there was an answer."""
        with atomic():
            self.writer.session.hold()
            push = self._locked()
            if push is None:
                return
            push.state, push.committed_id = Push.State.AMBIGUOUS, error.committed_id
            push.error_code, push.error = error.code, str(error)
            if error.is_over:
                push.sent_at = None
            push.not_before = timezone.now() + timedelta(seconds=0 if error.status is not None else 5)
            push.save()
        metrics.PUSHES.labels(kind=push.kind, outcome="ambiguous").inc()
        log.warning("push.ambiguous", push_id=push.pk, kind=error.kind.value, is_committed=error.is_committed)
        if error.status is not None:
            # If it was not carried out, the next round sends it again.
            look_up(self.writer, push)

    def _again_with_new_columns(self, error: SourceError) -> None:
        """A refusal may come from columns that have changed: read them once, then decide anew."""
        collection, before = self.push.collection, columns_of(self.push.collection)
        self.has_new_schema = True
        try:
            store_schema(self.writer, collection, self.writer.session.source.collection(collection.remote_id))
        except LimitReached as limit:
            self._wait(limit.retry_after_seconds or 1.0)
            raise
        except SourceError as problem:
            self._failed(problem, None)
            return
        if columns_of(collection) == before and not self._has_moved_on(error):
            self._park(refusals.of_error(error, before))
            return
        self._wait(0.0)
        self.run()

    def _has_moved_on(self, error: SourceError) -> bool:
        """Whether the record is not what we took it for: somebody put it into the trash, or elsewhere. One call.

        It is taken over as a reading would, so that edits nobody sent become a conflict, and none is lost.
        """
        if self.push.link is None or self.has_looked_at_record:
            return False
        self.has_looked_at_record = True
        try:
            read_first(self.writer, self.push)
        except LimitReached as limit:
            self._wait(limit.retry_after_seconds or 1.0)
            raise
        except SourceError as problem:
            log.info(
                "push.record_not_read", push_id=self.push.pk, kind=problem.kind.value, after=error.kind.value
            )
            return False
        with atomic():
            link = ExternalLink.objects.get(pk=self.push.link.pk)
        return link.state != ExternalLink.State.CLEAN

    def _wait(self, seconds: float, *, has_failed: bool = False) -> None:
        """It was certainly not carried out; it goes on later, the later the more often the service failed for it."""
        with atomic():
            self.writer.session.hold()
            push = self._locked()
            if push is None or push.state in {Push.State.PARKED, Push.State.HELD}:
                return
            if has_failed:
                # What failed before it was about to be sent has not been counted yet.
                push.attempts += int(push.state == Push.State.WAITING)
                seconds = max(seconds, pause_after(push.attempts).total_seconds())
            push.state, push.sent, push.sent_at = Push.State.WAITING, {}, None
            push.not_before = timezone.now() + timedelta(seconds=seconds)
            push.save()

    def _park(self, refusal: Refusal) -> None:
        with atomic():
            self.writer.session.hold()
            push = self._locked()
            if push is None:
                return
            if push.state == Push.State.SENDING and push.generation > push.sent_generation:
                # It was edited while it was refused: that may have mended it.
                push.state, push.sent, push.sent_at = Push.State.WAITING, {}, None
                push.save()
                return
            park(push, refusal)
            push.save()
            if push.kind == Push.Kind.CREATE and refusal.code == refusals.LOST:
                collection = push.collection
                collection.state = SyncedCollection.State.LOST
                collection.state_reason = refusal.message
                collection.save(update_fields=["state", "state_reason", "updated_at"])
            link = push.link
            problem = Problem(
                refusal.code, refusal.message, remote_id=link.remote_id if link else "",
                title=push.task.title, url=link.url if link else "",
            )  # fmt: skip
            self.writer.note(problem, push.collection)
            self.writer.count(failed=1)
        metrics.PUSHES.labels(kind=push.kind, outcome="parked").inc()
        log.warning("push.parked", push_id=push.pk, code=refusal.code)
