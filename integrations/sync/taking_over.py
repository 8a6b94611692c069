"""Takes one page of remote records over: unchanged ones cost nothing, the others are written together."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
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
from integrations.sync.guarded_source import Postponed
from integrations.sync.hashing import content_hash
from integrations.sync.journal import Counts
from integrations.sync.links import describe, links_by_remote_id, set_aside, write_links
from integrations.sync.page import Candidate, PageContext, record_problem
from integrations.sync.problems import Problem
from integrations.sync.push.adopting import adopted_links
from integrations.sync.retry import KNOWN_FAILURES
from integrations.sync.session import CONNECTION_PROBLEMS, SyncSession
from integrations.sync.writing import write_changed
from tenants.foundation.errors import LimitReached
from tenants.tenancy import atomic

log = structlog.get_logger(__name__)


def take_over(
    context: PageContext, page: RecordPage, *, advance: Callable[[], None] = lambda: None
) -> Counts:
    """Take a page over. `advance` notes, in the same transaction, where reading goes on.

    Calls the source (outside the transaction) only for values with more references than a page carries. Where the
    budget does not suffice for all of them, the complete records are written, and `advance` is not called: when the
    same page comes again they are unchanged, so that a page ends however many calls it needs.
    Raises: SourceError, LimitReached, LeaseLost.
    """
    candidates = _candidates(context, page.records, page.server_time)
    changed = [item for item in candidates if not item.is_unchanged]
    whole = _Whole.of(context, changed)
    if whole.limit is not None:
        _write_some(context, whole)
        raise whole.limit
    unchanged = [item for item in candidates if item.is_unchanged]
    with context.session.writing():
        counts = Counts(failed=whole.gone)
        _note_unchanged(context, unchanged, counts)
        write_changed(context, whole.candidates, counts)
        _set_unreadable_aside(context, [*page.unreadable, *whole.unreadable], counts)
        advance()
        context.session.journal.progress(counts, calls=context.session.guard.take_count(), part=context.part)
        context.session.journal.flush()
    _measure(counts)
    return counts


def _write_some(context: PageContext, whole: "_Whole") -> None:
    """Write what is complete of a page that cannot be completed now."""
    if not whole.candidates and not whole.unreadable:
        return
    with context.session.writing():
        counts = Counts()
        write_changed(context, whole.candidates, counts)
        _set_unreadable_aside(context, whole.unreadable, counts)
        context.session.journal.progress(counts, calls=context.session.guard.take_count(), part=context.part)
        context.session.journal.flush()
    _measure(counts)
    log.info("sync.page_in_pieces", collection_id=context.collection.pk, written=len(whole.candidates))


def _measure(counts: Counts) -> None:
    for outcome in ("new", "changed", "unchanged", "archived", "failed"):
        metrics.RECORDS.labels(outcome=outcome).inc(getattr(counts, outcome))


def _candidates(
    context: PageContext, records: Sequence[RemoteRecord], server_time: datetime
) -> list[Candidate]:
    unique = {record.id: record for record in records}
    with atomic():
        links = links_by_remote_id(context.session.connection.pk, unique)
        unknown = [record for record in unique.values() if record.id not in links]
        links |= adopted_links(context.collection, unknown)
    mapping = context.mapping
    return [
        Candidate(
            record=record,
            link=(link := links.get(record.id)),
            was_in=link.state if link is not None else "",
            hash=content_hash(
                record, field_ids=mapping.remote_ids, revision=mapping.revision, server_time=server_time
            ),
        )
        for record in unique.values()
    ]


@dataclass
class _Whole:
    """Candidates with all their values, those that could not be completed, and how many have disappeared."""

    candidates: list[Candidate] = field(default_factory=list)
    unreadable: list[UnreadableRecord] = field(default_factory=list)
    gone: int = 0
    #: What ended this before the last candidate; those that are not here come with the same page again.
    limit: LimitReached | None = None

    @classmethod
    def of(cls, context: PageContext, changed: Iterable[Candidate]) -> "_Whole":
        """Fetch the rest of values that came cut. One record that fails does not stop the others.

        Raises: SourceError (the connection's own problem).
        """
        whole, session = cls(), context.session
        for item in changed:
            try:
                whole.candidates.append(_completed(context, item))
                continue
            except Postponed as error:
                reason = str(error)
                whole.limit = _strike(session, item, error)
            except LimitReached as error:
                whole.limit = error
                return whole
            except SourceError as error:
                if error.kind is ProblemKind.NOT_FOUND:
                    whole.gone += 1
                    session.journal.note(
                        record_problem("record_gone", str(error), item.record), context.collection
                    )
                    continue
                if error.kind in CONNECTION_PROBLEMS:
                    raise
                reason = error.detail or str(error)
            whole.unreadable.append(UnreadableRecord(id=item.record.id, reason=reason))
            if whole.limit is not None:
                return whole
        return whole


def _strike(session: SyncSession, item: Candidate, error: Postponed) -> LimitReached | None:
    """Count a failure against the service; the error when it fails for everything.

    A record it has failed for again and again says nothing of the service: it must not keep its page from its end.
    """
    if item.link is not None and item.link.failures >= KNOWN_FAILURES:
        return None
    try:
        session.strike(error)
    except Postponed as limit:
        return limit
    return None


def _completed(context: PageContext, item: Candidate) -> Candidate:
    wanted = context.mapping.remote_ids
    cut = [value for value in item.record.truncated_values if value.field_id in wanted]
    if not cut:
        return item
    whole = {value.field_id: _whole_value(context.session, item.record.id, value) for value in cut}
    return replace(item, record=replace(item.record, values={**item.record.values, **whole}))


def _whole_value(session: SyncSession, record_id: str, value: RemoteValue) -> RemoteValue:
    parts: list[RemoteValue] = []
    cursor: str | None = None
    seen: set[str] = set()
    while True:
        page = session.source.value_page(record_id, value.field_id, cursor=cursor)
        parts.append(page.value)
        session.heartbeat()
        if page.next_cursor is None:
            break
        if page.next_cursor in seen:
            raise SourceError(
                "The references of a row could not be read to their end.",
                service=session.connection.connector,
                kind=ProblemKind.UNREADABLE,
            )
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
