"""Takes one page of remote records over: unchanged ones cost nothing, the others are written together."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime

import structlog

from integrations.capabilities import (
    FieldKind,
    ProblemKind,
    RecordPage,
    RemoteRecord,
    RemoteValue,
    SourceError,
    UnreadableRecord,
)
from integrations.models import ExternalLink
from integrations.sync import metrics
from integrations.sync.hashing import content_hash
from integrations.sync.journal import Counts
from integrations.sync.links import describe, links_by_remote_id, set_aside, write_links
from integrations.sync.page import Candidate, PageContext, record_problem
from integrations.sync.problems import Problem
from integrations.sync.session import SyncSession
from integrations.sync.writing import write_changed
from tenants.tenancy import atomic

log = structlog.get_logger(__name__)


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
        write_changed(context, complete, counts)
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
        context.session.journal.note(
            record_problem("record_gone", str(error), item.record), context.collection
        )
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
