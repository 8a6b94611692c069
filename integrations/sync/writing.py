"""Writes the records of a page that are new or changed: tasks, projects, and what went to the trash."""

from collections.abc import Sequence

import structlog
from django.db import DataError, IntegrityError

from integrations.capabilities import RemoteRecord
from integrations.models import ExternalLink, SyncedCollection
from integrations.sync.journal import Counts
from integrations.sync.links import describe, links_by_remote_id, mark_clean, set_aside, write_links
from integrations.sync.page import Candidate, PageContext, record_problem
from integrations.sync.people import people_of
from integrations.sync.translate import Known, Translation, translate_task
from integrations.sync.vocabulary import OurField
from tasks.drafts import ProjectDraft, UpsertResult
from tasks.services import archive_tasks, upsert_projects, upsert_tasks
from tenants.accounts.access import SYSTEM
from tenants.foundation.errors import DomainError
from tenants.foundation.ids import uuid7
from tenants.tenancy import atomic

log = structlog.get_logger(__name__)


def write_changed(context: PageContext, changed: Sequence[Candidate], counts: Counts) -> None:
    """Write what is new or changed; inside the transaction of the page."""
    run_id = context.session.seen_run_id
    counts.done += sum(
        item.link is None or run_id is None or item.link.seen_run_id != run_id for item in changed
    )
    trashed = [item for item in changed if item.record.is_trashed]
    alive = [item for item in changed if not item.record.is_trashed]
    if trashed:
        _archive(context, trashed, counts)
    if not alive:
        return
    if context.collection.role == SyncedCollection.Role.PROJECTS:
        _write_projects(context, alive, counts)
    else:
        _write_tasks(context, alive, counts)


def _archive(context: PageContext, trashed: Sequence[Candidate], counts: Counts) -> None:
    links: list[ExternalLink] = []
    for item in trashed:
        if item.link is None or item.link.state == ExternalLink.State.TRASHED_REMOTE:
            continue
        describe(item.link, item.record, collection=context.collection, run_id=context.session.seen_run_id)
        item.link.state = ExternalLink.State.TRASHED_REMOTE
        item.link.state_reason = "It is in the trash of the workspace."
        links.append(item.link)
    archive_tasks(ids=[link.task_id for link in links if link.task_id], actor=SYSTEM)
    write_links(links)
    counts.archived += len(links)


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


def _write_tasks(context: PageContext, changed: Sequence[Candidate], counts: Counts) -> None:
    known = _known(context, [item.record for item in changed])
    ready: list[tuple[Candidate, ExternalLink, Translation]] = []
    links: list[ExternalLink] = []
    for item in changed:
        link = _link_for(context, item)
        links.append(link)
        try:
            translation = _translate(context, item, link, known)
        except (ArithmeticError, LookupError, TypeError, ValueError) as error:
            _quarantine(context, item, link, "unreadable", str(error), counts)
        else:
            ready.append((item, link, translation))
    result = _store(context, ready, counts)
    written = {*result.created_ids, *result.updated_ids}
    stored = {*written, *result.unchanged_ids}
    context.session.touched_ids |= written
    told = {translation.draft.id: item.record for item, _, translation in ready}
    for problem in result.problems:
        record = told[problem.task_id]
        note = record_problem("value_not_stored", f"{problem.field}: {problem.message}", record)
        context.session.journal.note(note, context.collection)
    for item, link, translation in ready:
        if translation.draft.id in stored:
            _settle(context, item, link, translation)
            _count(item, counts, is_written=translation.draft.id in written)
    write_links(links)


def _translate(context: PageContext, item: Candidate, link: ExternalLink, known: Known) -> Translation:
    is_back = item.link is not None and item.link.state == ExternalLink.State.TRASHED_REMOTE
    task_id = link.task_id or uuid7()
    return translate_task(item.record, context.mapping, task_id=task_id, known=known, restore=is_back)


def _store(
    context: PageContext, ready: Sequence[tuple[Candidate, ExternalLink, Translation]], counts: Counts
) -> UpsertResult:
    """Write the drafts together; if they are refused, one by one, so that only the culprit is set aside."""
    if not ready:
        return UpsertResult()
    try:
        with atomic():
            return upsert_tasks(drafts=[translation.draft for _, _, translation in ready], actor=SYSTEM)
    except (DomainError, DataError, IntegrityError) as error:
        log.warning("sync.batch_refused", size=len(ready), error=str(error))
    result = UpsertResult()
    for item, link, translation in ready:
        try:
            with atomic():
                result += upsert_tasks(drafts=[translation.draft], actor=SYSTEM)
        except (DomainError, DataError, IntegrityError) as error:
            _quarantine(context, item, link, "not_stored", str(error), counts)
    return result


def _settle(context: PageContext, item: Candidate, link: ExternalLink, translation: Translation) -> None:
    link.task_id = translation.draft.id
    mark_clean(link, content_hash=item.hash)
    if item.link is None:
        context.session.needs_relations = True
    # A new record without references has nothing to be cleared.
    if item.link is not None or any(translation.references.values()):
        link.unresolved = {name: list(ids) for name, ids in translation.references.items()}
        context.session.needs_relations = True
    for note in translation.notes:
        context.session.journal.note(record_problem(note.code, note.detail, item.record), context.collection)


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
