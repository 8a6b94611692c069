"""Takes one page of remote records over: unchanged ones cost nothing, the others are written together."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import structlog
from django.db import DataError, IntegrityError

from integrations.capabilities import (
    FieldKind,
    ProblemKind,
    RecordPage,
    RemoteRecord,
    RemoteValue,
    SourceError,
    UnreadableRecord,
)
from integrations.models import ExternalLink, SyncedCollection, SyncRunCollection
from integrations.sync import metrics
from integrations.sync.hashing import content_hash
from integrations.sync.journal import Counts
from integrations.sync.links import describe, links_by_remote_id, mark_clean, set_aside, write_links
from integrations.sync.people import people_of
from integrations.sync.problems import Problem
from integrations.sync.session import SyncSession
from integrations.sync.translate import CollectionMapping, Known, Translation, translate_task
from integrations.sync.vocabulary import OurField
from tasks.drafts import ProjectDraft, UpsertResult
from tasks.services import archive_tasks, upsert_projects, upsert_tasks
from tenants.accounts.access import SYSTEM
from tenants.foundation.errors import DomainError
from tenants.foundation.ids import uuid7
from tenants.tenancy import atomic

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A record of the page, what is stored about it, and the hash of what came."""

    record: RemoteRecord
    link: ExternalLink | None
    hash: str

    @property
    def is_unchanged(self) -> bool:
        link = self.link
        if link is None or link.state != ExternalLink.State.CLEAN:
            return False
        return link.content_hash == self.hash and not self.record.is_trashed


@dataclass(frozen=True, slots=True)
class PageContext:
    """What all records of a page share."""

    session: SyncSession
    part: SyncRunCollection
    mapping: CollectionMapping

    @property
    def collection(self) -> SyncedCollection:
        return self.part.collection


def take_over(
    context: PageContext, page: RecordPage, *, advance: Callable[[], None] = lambda: None
) -> Counts:
    """Take a page over. `advance` notes, in the same transaction, where reading goes on.

    Calls the source (outside the transaction) only for values with more references than a page carries.
    Raises: SourceError, LimitReached, LeaseLost.
    """
    candidates = _candidates(context, page.records, page.server_time)
    changed = [item for item in candidates if not item.is_unchanged]
    complete = [item for item in (_completed(context, item) for item in changed) if item is not None]
    unchanged = [item for item in candidates if item.is_unchanged]
    with atomic():
        context.session.hold()
        counts = Counts(failed=len(changed) - len(complete))
        _note_unchanged(context, unchanged, counts)
        _write_changed(context, complete, counts)
        _set_unreadable_aside(context, page.unreadable, counts)
        advance()
        context.session.journal.progress(counts, calls=context.session.guard.take_count(), part=context.part)
        context.session.journal.flush()
    for outcome in ("new", "changed", "unchanged", "archived", "failed"):
        metrics.RECORDS.labels(outcome=outcome).inc(getattr(counts, outcome))
    return counts


def _candidates(
    context: PageContext, records: Sequence[RemoteRecord], server_time: datetime
) -> list[Candidate]:
    unique = {record.id: record for record in records}
    with atomic():
        links = links_by_remote_id(context.session.connection.pk, unique)
    mapping = context.mapping
    return [
        Candidate(
            record=record,
            link=links.get(record.id),
            hash=content_hash(
                record, field_ids=mapping.remote_ids, revision=mapping.revision, server_time=server_time
            ),
        )
        for record in unique.values()
    ]


def _completed(context: PageContext, item: Candidate) -> Candidate | None:
    """Fetch the rest of values that came cut; None when the record disappeared meanwhile."""
    wanted = context.mapping.remote_ids
    cut = [value for value in item.record.truncated_values if value.field_id in wanted]
    if not cut:
        return item
    values = dict(item.record.values)
    try:
        for value in cut:
            values[value.field_id] = _whole_value(context.session, item.record.id, value)
    except SourceError as error:
        if error.kind is not ProblemKind.NOT_FOUND:
            raise
        context.session.journal.note(_problem("record_gone", str(error), item.record), context.collection)
        return None
    return replace(item, record=replace(item.record, values=values))


def _whole_value(session: SyncSession, record_id: str, value: RemoteValue) -> RemoteValue:
    parts: list[RemoteValue] = []
    cursor: str | None = None
    seen: set[str] = set()
    while True:
        page = session.source.value_page(record_id, value.field_id, cursor=cursor)
        parts.append(page.value)
        session.heartbeat()
        if page.next_cursor is None or page.next_cursor in seen:
            break
        seen.add(cursor := page.next_cursor)
    if value.kind in {FieldKind.TITLE, FieldKind.TEXT}:
        return RemoteValue(value.field_id, value.kind, "".join(part.text for part in parts))
    if value.kind is FieldKind.PEOPLE:
        people = {person.id: person for part in parts for person in part.people}
        return RemoteValue(value.field_id, value.kind, tuple(people.values()))
    references = dict.fromkeys(item for part in parts for item in part.references)
    return RemoteValue(value.field_id, value.kind, tuple(references))


def _note_unchanged(context: PageContext, unchanged: Iterable[Candidate], counts: Counts) -> None:
    run_id = context.session.seen_run_id
    touched: list[ExternalLink] = []
    for item in unchanged:
        link = item.link
        if link is None or (run_id is not None and link.seen_run_id == run_id):
            continue
        counts.done += 1
        counts.unchanged += 1
        if run_id is None and link.remote_edited_at == item.record.edited_at:
            continue
        describe(link, item.record, collection=context.collection, run_id=run_id)
        touched.append(link)
    if touched:
        write_links(touched)


def _write_changed(context: PageContext, changed: Sequence[Candidate], counts: Counts) -> None:
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
    stored = {*result.created_ids, *result.updated_ids, *result.unchanged_ids}
    told = {translation.draft.id: item.record for item, _, translation in ready}
    for problem in result.problems:
        record = told[problem.task_id]
        note = _problem("value_not_stored", f"{problem.field}: {problem.message}", record)
        context.session.journal.note(note, context.collection)
    for item, link, translation in ready:
        if translation.draft.id in stored:
            _settle(context, item, link, translation)
            _count(item, counts)
    write_links(links)


def _translate(context: PageContext, item: Candidate, link: ExternalLink, known: Known) -> Translation:
    is_back = item.link is not None and item.link.state in {
        ExternalLink.State.TRASHED_REMOTE,
        ExternalLink.State.ACCESS_LOST,
    }
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
        context.session.has_new_links = True
    # A new record without references has nothing to be cleared.
    if item.link is not None or any(translation.references.values()):
        link.unresolved = {name: list(ids) for name, ids in translation.references.items()}
    for note in translation.notes:
        context.session.journal.note(_problem(note.code, note.detail, item.record), context.collection)


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
    context.session.journal.note(_problem(code, reason, item.record), context.collection)


def _set_unreadable_aside(
    context: PageContext, unreadable: Sequence[UnreadableRecord], counts: Counts
) -> None:
    if not unreadable:
        return
    connection = context.session.connection
    links = links_by_remote_id(connection.pk, [item.id for item in unreadable if item.id])
    for item in unreadable:
        counts.done += 1
        counts.failed += 1
        context.session.journal.note(Problem("unreadable", item.reason, item.id), context.collection)
        if item.id and item.id not in links:
            links[item.id] = ExternalLink(
                connection=connection, collection=context.collection, remote_id=item.id
            )
        if item.id:
            links[item.id].seen_run_id = context.session.seen_run_id or links[item.id].seen_run_id
            set_aside(links[item.id], item.reason)
    write_links(links.values())


def _count(item: Candidate, counts: Counts) -> None:
    if item.link is None:
        counts.new += 1
    else:
        counts.changed += 1


def _problem(code: str, detail: str, record: RemoteRecord) -> Problem:
    return Problem(code, detail, remote_id=record.id, title=record.title, url=record.url)
