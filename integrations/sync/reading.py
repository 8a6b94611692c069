"""Reads a collection page by page to its end, whatever the service does with cursors, sizes and limits."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final

from django.utils import timezone

from integrations.capabilities import ProblemKind, RecordOrder, RecordPage, RecordQuery, SourceError
from integrations.models import SyncedCollection, SyncRun, SyncRunCollection
from integrations.sync.drift import has_new_options, needs_new_schema
from integrations.sync.guarded_source import needs_smaller_page
from integrations.sync.journal import PLACE
from integrations.sync.page import PageContext
from integrations.sync.push.sender import send_ready_pushes
from integrations.sync.retry import SMALLEST_PAGE_SIZE
from integrations.sync.session import SyncSession
from integrations.sync.taking_over import take_over
from integrations.sync.translate import CollectionMapping
from tenants.foundation.errors import ExternalServiceError
from tenants.tenancy import atomic

PAGE_SIZE: Final = 100
#: Edit times are cut to the minute and lists lag a little: this far back every poll looks again.
OVERLAP: Final = timedelta(minutes=2)
#: Kinds of runs that read what was edited since the watermark; the others read everything.
_FOR_CHANGES: Final = frozenset({SyncRun.Kind.POLL, SyncRun.Kind.EVENTS})


class CannotGoOn(ExternalServiceError):
    """The service does not let us read past a place; `code` names the kind of problem."""

    def __init__(self, message: str, *, code: str) -> None:
        super().__init__(message, service="source", is_transient=False, reason=code, code=code)


def read_collection(
    session: SyncSession,
    part: SyncRunCollection,
    mapping: CollectionMapping,
    *,
    refresh: Callable[[], CollectionMapping] | None = None,
    note: Callable[[RecordPage], None] = lambda _page: None,
) -> None:
    """Read one collection from where the part stands to its end, and move the watermark.

    A run for changes reads by edit time from the watermark on: a row edited meanwhile moves back and is seen
    twice, never missed. Other runs read everything by creation time, which does not change under our hands.
    `refresh` reads the columns anew; it is called once if the rows show that they have changed. `note` is shown each
    page that was taken over.

    Raises: SourceError, CannotGoOn, LimitReached, LeaseLost, Stopped.
    """
    reader = _Reader(session, part, mapping)
    while part.state != SyncRunCollection.State.READ:
        session.check()
        page = reader.next_page()
        if page is not None and refresh is not None and _has_new_columns(session, mapping, page):
            mapping, refresh = refresh(), None
            reader.context = replace(reader.context, mapping=mapping)
        if page is not None:
            take_over(reader.context, page, advance=partial(reader.advance, page))
            note(page)
            if not session.is_rehearsal and not session.is_held:
                # A person's edit never waits for an import: it goes out between two pages.
                send_ready_pushes(session)
            if part.state != SyncRunCollection.State.READ:
                session.end_turn()


def _has_new_columns(session: SyncSession, mapping: CollectionMapping, page: RecordPage) -> bool:
    if needs_new_schema(mapping, page.records):
        return True
    # A look comes again; an import has to understand every row.
    return session.run.kind == SyncRun.Kind.IMPORT and has_new_options(mapping, page.records)


class _Reader:
    def __init__(self, session: SyncSession, part: SyncRunCollection, mapping: CollectionMapping) -> None:
        self._session = session
        self._part = part
        self._seen_cursors: set[str] = {part.cursor} if part.cursor else set()
        self._order = RecordOrder.EDITED if session.run.kind in _FOR_CHANGES else RecordOrder.CREATED
        self.context = PageContext(session, part, mapping)

    def next_page(self) -> RecordPage | None:
        """Ask for the next page; None when the question had to be changed first."""
        part = self._part
        query = RecordQuery(
            collection_id=part.collection.remote_id,
            order=self._order,
            since=part.window_start or part.since,
            cursor=part.cursor or None,
            page_size=part.page_size,
        )
        try:
            return self._session.source.records(query)
        except SourceError as error:
            if error.kind is ProblemKind.INVALID_CURSOR and part.cursor:
                self._reopen(part.last_moment, code="cursor_repeated")
            elif needs_smaller_page(error) and part.page_size > SMALLEST_PAGE_SIZE:
                part.page_size = max(SMALLEST_PAGE_SIZE, part.page_size // 2)
            else:
                raise
            self._save()
            return None

    def advance(self, page: RecordPage) -> None:
        """Note where reading goes on after this page; called in the transaction that takes it over."""
        part = self._part
        self._session.strikes = 0
        now = timezone.now()
        part.started_at = part.started_at or now
        part.state = SyncRunCollection.State.READING
        # What is edited after the first answer was given is the business of the next run.
        part.watermark = part.watermark or page.server_time.replace(second=0, microsecond=0)
        part.last_moment = max((self._moment(page), part.last_moment), key=lambda item: item or _EVER)
        part.page_size = min(PAGE_SIZE, part.page_size * 2)
        if page.next_cursor and page.next_cursor not in self._seen_cursors:
            self._seen_cursors.add(page.next_cursor)
            part.cursor = page.next_cursor
        elif page.next_cursor:
            self._reopen(part.last_moment, code="cursor_repeated")
        elif page.is_limited:
            self._reopen(part.last_moment, code="too_many_in_a_minute")
        else:
            self._complete(now)

    def _moment(self, page: RecordPage) -> datetime | None:
        by_creation = self._order is RecordOrder.CREATED
        moments = [item.created_at if by_creation else item.edited_at for item in page.records]
        return max(moments, default=None)

    def _reopen(self, moment: datetime | None, *, code: str) -> None:
        """Ask anew from the last moment seen; rows of that minute come twice and are recognised.

        Raises: CannotGoOn when that would ask the same question again.
        """
        part = self._part
        start = part.window_start or part.since
        if moment is None or (start is not None and moment <= start):
            raise CannotGoOn("The service does not let us read past this minute.", code=code)
        part.window_start, part.cursor = moment, ""
        self._seen_cursors.clear()

    def _complete(self, now: datetime) -> None:
        part, collection = self._part, self._part.collection
        part.state, part.cursor = SyncRunCollection.State.READ, ""
        is_whole = self._order is RecordOrder.CREATED
        # A mapping confirmed meanwhile wants everything read anew: then the watermark stays unset.
        SyncedCollection.objects.filter(
            pk=collection.pk, mapping_revision=collection.mapping_revision
        ).update(
            watermark=part.watermark,
            last_read_at=now,
            **({"last_complete_at": now} if is_whole else {}),
        )

    def _save(self) -> None:
        if not self._part._state.adding and not self._session.is_held:
            with atomic():
                self._session.hold()
                self._part.save(update_fields=PLACE)


_EVER: Final = datetime.min.replace(tzinfo=UTC)
