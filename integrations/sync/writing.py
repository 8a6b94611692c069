"""Writes the records of a page that are new or changed: tasks, projects, and what went to the trash."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

import structlog
from django.db import DataError, IntegrityError

from integrations.capabilities import RemoteRecord
from integrations.models import Conflict, ExternalLink, SyncedCollection
from integrations.sync.canonical import Values, local_values
from integrations.sync.changes import note_taken
from integrations.sync.conflicts.recording import close_record_conflicts, record_conflicts
from integrations.sync.journal import Counts
from integrations.sync.links import (
    describe,
    kept_after,
    links_by_remote_id,
    mark_clean,
    set_aside,
    write_links,
)
from integrations.sync.merging import MergedRecord, merge_records
from integrations.sync.merging_relations import incoming_relations
from integrations.sync.page import Candidate, PageContext, record_problem
from integrations.sync.people import people_of
from integrations.sync.push.requests import request_push
from integrations.sync.translate import Known, Translation, translate_task
from integrations.sync.trashing import follow_into_trash
from integrations.sync.vocabulary import OurField
from tasks.drafts import ProjectDraft, UpsertResult
from tasks.services import upsert_projects, upsert_tasks
from tenants.accounts.access import SYSTEM
from tenants.foundation.errors import DomainError
from tenants.foundation.ids import uuid7
from tenants.tenancy import atomic

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Ready:
    """A record of the page with what is to be done about it."""

    candidate: Candidate
    link: ExternalLink
    translation: Translation
    merged: MergedRecord

    @property
    def is_back(self) -> bool:
        return _is_back(self.candidate)


def write_changed(context: PageContext, changed: Sequence[Candidate], counts: Counts) -> None:
    """Write what is new or changed; inside the transaction of the page."""
    run_id = context.session.seen_run_id
    counts.done += sum(
        item.link is None or run_id is None or item.link.seen_run_id != run_id for item in changed
    )
    trashed = [item for item in changed if item.record.is_trashed]
    alive = [item for item in changed if not item.record.is_trashed]
    if trashed:
        _put_away(context, trashed, counts)
    if not alive:
        return
    if context.collection.role == SyncedCollection.Role.PROJECTS:
        _write_projects(context, alive, counts)
    else:
        _write_tasks(context, alive, counts)


def _write_projects(context: PageContext, changed: Sequence[Candidate], counts: Counts) -> None:
    links = [_link_for(context, item) for item in changed]
    drafts = [
        ProjectDraft(ref=item.record.id, name=item.record.title, id=link.project_id)
        for item, link in zip(changed, links, strict=True)
    ]
    ids = upsert_projects(drafts=drafts, actor=SYSTEM)
    for item, link in zip(changed, links, strict=True):
        _count(item, counts)
        link.project_id = ids[item.record.id]
        mark_clean(link, content_hash=item.hash)
    write_links(links)


def _put_away(context: PageContext, trashed: Sequence[Candidate], counts: Counts) -> None:
    links: list[ExternalLink] = []
    for item in trashed:
        if item.link is None or item.link.state == ExternalLink.State.TRASHED_REMOTE:
            continue
        describe(item.link, item.record, collection=context.collection, run_id=context.session.seen_run_id)
        links.append(item.link)
    counts.archived += follow_into_trash(context.session, context.collection, context.mapping, links)
    write_links(links)


def _write_tasks(context: PageContext, changed: Sequence[Candidate], counts: Counts) -> None:
    known = _known(context, [item.record for item in changed])
    links: list[ExternalLink] = []
    read: list[tuple[Candidate, ExternalLink, Translation]] = []
    for item in changed:
        link = _link_for(context, item)
        links.append(link)
        try:
            translation = _translate(context, item, link, known)
        except (ArithmeticError, LookupError, TypeError, ValueError) as error:
            _quarantine(context, item, link, "unreadable", str(error), counts)
        else:
            read.append((item, link, translation))
    records = merge_records(
        context.session.connection, context.mapping, [(link, translation) for _, link, translation in read]
    )
    ready = [
        _Ready(item, link, translation, merged)
        for (item, link, translation), merged in zip(read, records, strict=True)
    ]
    result = _store(context, ready, counts)
    _tell_problems(context, ready, result)
    written = {*result.created_ids, *result.updated_ids}
    stored = [one for one in ready if one.merged.draft.id in {*written, *result.unchanged_ids}]
    context.session.touched_ids |= written
    for one in stored:
        _settle(context, one)
        _count(one.candidate, counts, is_written=one.merged.draft.id in written)
    _spell(stored)
    write_links(links)
    _tell(context, stored, written)


def _tell_problems(context: PageContext, ready: Sequence["_Ready"], result: UpsertResult) -> None:
    told = {one.merged.draft.id: one.candidate.record for one in ready}
    for problem in result.problems:
        record = told[problem.task_id]
        note = record_problem("value_not_stored", f"{problem.field}: {problem.message}", record)
        context.session.journal.note(note, context.collection)


def _tell(context: PageContext, stored: Sequence["_Ready"], written: Collection[UUID]) -> None:
    """Write down what changed and what is disputed, and have sent what counts from here."""
    session, collection = context.session, context.collection
    back = [one.link for one in stored if one.is_back]
    note_taken(
        session,
        collection,
        [one.merged for one in stored],
        written_ids=written,
        restored_ids={link.task_id for link in back if link.task_id},
    )
    reason = "The record is out of the trash again."
    close_record_conflicts(back, reason=reason, chosen=Conflict.Side.LOCAL)
    found = record_conflicts(
        session.connection, context.mapping, [one.merged for one in stored], run_id=session.run.pk
    )
    if found:
        session.journal.count_conflicts(found)
    if to_send := [one.merged.draft.id for one in stored if one.merged.has_to_send]:
        request_push(task_ids=to_send, is_interactive=False)


def _translate(context: PageContext, item: Candidate, link: ExternalLink, known: Known) -> Translation:
    task_id = link.task_id or uuid7()
    return translate_task(item.record, context.mapping, task_id=task_id, known=known, restore=_is_back(item))


def _is_back(item: Candidate) -> bool:
    return item.was_in == ExternalLink.State.TRASHED_REMOTE


def _store(context: PageContext, ready: Sequence["_Ready"], counts: Counts) -> UpsertResult:
    """Write the drafts together; if they are refused, one by one, so that only the culprit is set aside."""
    if not ready:
        return UpsertResult()
    try:
        with atomic():
            return upsert_tasks(drafts=[one.merged.draft for one in ready], actor=SYSTEM)
    except (DomainError, DataError, IntegrityError) as error:
        log.warning("sync.batch_refused", size=len(ready), error=str(error))
    result = UpsertResult()
    for one in ready:
        try:
            with atomic():
                result += upsert_tasks(drafts=[one.merged.draft], actor=SYSTEM)
        except (DomainError, DataError, IntegrityError) as error:
            _quarantine(context, one.candidate, one.link, "not_stored", str(error), counts)
    return result


def _settle(context: PageContext, one: "_Ready") -> None:
    link, translation = one.link, one.translation
    link.task_id = one.merged.draft.id
    mark_clean(link, content_hash=one.candidate.hash)
    link.base = one.merged.base
    link.kept = kept_after(link, translation)
    if one.merged.is_new:
        context.session.needs_relations = True
        context.session.linked_refs.add(link.remote_id)
    # A new record without references has nothing to be cleared. Where not everything is read, it waits all the same:
    # so the next worker knows of it, should this one not come as far as those that name it.
    is_whole = context.session.seen_run_id is not None
    if one.merged.is_new and is_whole and not any(translation.references.values()):
        link.base = one.merged.base | incoming_relations(translation.references, {}, own_id=str(link.task_id))
    else:
        link.unresolved = {name: list(ids) for name, ids in translation.references.items()}
        context.session.needs_relations = True
    for note in translation.notes:
        problem = record_problem(note.code, note.detail, one.candidate.record)
        context.session.journal.note(problem, context.collection)


def _spell(stored: Sequence["_Ready"]) -> None:
    """Note names of departments and projects as they are written here now, where a record came with new ones."""
    names = {OurField.DEPARTMENT.value, OurField.PROJECT.value}
    fresh = [one for one in stored if names & set(one.merged.after)]
    if not fresh:
        return
    fields = (OurField.DEPARTMENT, OurField.PROJECT)
    present = local_values([one.merged.draft.id for one in fresh], fields=fields)
    for one in fresh:
        base: Values = dict(one.link.base or {})
        for name in names & set(one.merged.after) & set(base):
            value, written = base[name], present[one.merged.draft.id][name]
            if isinstance(value, str) and isinstance(written, str) and value.lower() == written.lower():
                base[name] = written
        one.link.base = base


def _known(context: PageContext, records: Sequence[RemoteRecord]) -> Known:
    mapping = context.mapping
    people = [
        person
        for record in records
        if (value := mapping.value(OurField.ASSIGNEES, record)) is not None
        for person in value.people
        if not person.is_bot
    ]
    projects = {
        reference
        for record in records
        if (value := mapping.value(OurField.PROJECT, record)) is not None
        for reference in value.references
    }
    links = links_by_remote_id(context.session.connection.pk, projects) if projects else {}
    return Known(
        person_ids=people_of(context.session.connection.connector, people),
        project_names={key: link.project.name for key, link in links.items() if link.project},
    )


def _link_for(context: PageContext, item: Candidate) -> ExternalLink:
    link = item.link or ExternalLink(
        connection=context.session.connection, collection=context.collection, remote_id=item.record.id
    )
    describe(link, item.record, collection=context.collection, run_id=context.session.seen_run_id)
    return link


def _quarantine(
    context: PageContext, item: Candidate, link: ExternalLink, code: str, reason: str, counts: Counts
) -> None:
    set_aside(link, reason)
    counts.failed += 1
    context.session.journal.note(record_problem(code, reason, item.record), context.collection)


def _count(item: Candidate, counts: Counts, *, is_written: bool = True) -> None:
    if item.link is None:
        counts.new += 1
    elif is_written:
        counts.changed += 1
    else:
        counts.unchanged += 1
