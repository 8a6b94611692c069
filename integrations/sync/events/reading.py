"""Reads the dirty records of each table: by themselves, by their ids in one question, or all that was edited since."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import batched
from typing import Final
from uuid import UUID

from django.utils import timezone

from integrations.capabilities import FieldKind, ProblemKind, RecordPage, SourceError
from integrations.capabilities.event_feed import Change
from integrations.models import ExternalLink, SyncChange, SyncRun, SyncRunCollection
from integrations.sync.disappearances import look_at_one, note_in_trash
from integrations.sync.engine import enter_phase, give_up_part, mappings_of, read_each, read_schema
from integrations.sync.events import metrics
from integrations.sync.events.planner import PAGE, Plan, Way, cheapest
from integrations.sync.events.triage import NOT_IN_TABLE, KnownTable, Told, Want, minute_of
from integrations.sync.events.watchdog import LOOK_WORTH_SECONDS
from integrations.sync.page import PageContext
from integrations.sync.problems import Problem
from integrations.sync.push.sender import send_ready_pushes
from integrations.sync.reading import CannotGoOn, read_collection
from integrations.sync.relations import is_anything_to_connect, resolve_relations
from integrations.sync.session import SyncSession
from integrations.sync.taking_over import take_over
from integrations.sync.translate import CollectionMapping
from tenants.foundation.errors import ExternalServiceError
from tenants.tenancy import atomic

_HOW: Final[Mapping[Way, str]] = {
    Way.EACH: "Read by itself.",
    Way.DELTA: "Read with everything that was edited since the last look.",
    Way.NAMED: "Read with others in one question.",
}
_COLUMNS: Final = "Its columns were read anew."
_GONE: Final = "It is in the trash: the service says so, and nothing speaks against it."
#: Problems that say something about one record's id, not about the service.
_OF_THE_RECORD: Final = frozenset(
    {ProblemKind.INVALID_REQUEST, ProblemKind.FORBIDDEN, ProblemKind.UNREADABLE}
)


@dataclass
class DirtyTable:
    """What is to be read of one table: remote id → when it changed last; `events` names the events by record."""

    known: KnownTable
    records: dict[str, datetime] = field(default_factory=dict)
    look_ups: dict[str, datetime] = field(default_factory=dict)
    has_new_columns: bool = False
    trashed_ids: set[str] = field(default_factory=set)
    #: Those of them that need no reading.
    gone_ids: set[str] = field(default_factory=set)
    #: Records the service failed for just now; their events go on waiting.
    failed_ids: set[str] = field(default_factory=set)
    #: Events of what no look for changes finds: nothing but reading the record answers them.
    unseen_by_looks: set[str] = field(default_factory=set)
    _events: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    _ways: dict[str, str] = field(default_factory=dict)

    def add(self, told: Told, want: Want) -> None:
        """Take one event in; they come in the order in which things happened."""
        self._events[told.entity_id].append(told.id)
        if told.change in NOT_IN_TABLE:
            self.unseen_by_looks.add(told.id)
        if want is Want.SCHEMA:
            self.has_new_columns = True
            self._ways[told.entity_id] = _COLUMNS
            return
        if want is Want.GONE:
            self.forget_reading(told.entity_id)
            self.gone_ids.add(told.entity_id)
            self._ways[told.entity_id] = _GONE
        else:
            self.gone_ids.discard(told.entity_id)
            (self.look_ups if want is Want.LOOK_UP else self.records)[told.entity_id] = told.occurred_at
        if told.change is Change.TRASHED:
            self.trashed_ids.add(told.entity_id)
        elif told.change is Change.RESTORED:
            self.trashed_ids.discard(told.entity_id)

    def forget(self, remote_ids: Iterable[str]) -> list[str]:
        """Leave records out; returns their events."""
        events: list[str] = []
        for remote_id in list(remote_ids):
            self.forget_reading(remote_id)
            self.gone_ids.discard(remote_id)
            events += self._events.pop(remote_id, [])
        return events

    def forget_reading(self, remote_id: str) -> None:
        """The record need not be read after all."""
        self.records.pop(remote_id, None)
        self.look_ups.pop(remote_id, None)

    @property
    def events(self) -> list[str]:
        """The events of everything here."""
        return [event_id for ids in self._events.values() for event_id in ids]

    @property
    def failed_events(self) -> dict[str, list[str]]:
        """The events of each record the service failed for."""
        return {key: self._events.get(key, []) for key in self.failed_ids}

    @property
    def records_unseen_by_looks(self) -> dict[str, list[str]]:
        """By record, the events that only reading the record answers."""
        found = {
            key: [one for one in ids if one in self.unseen_by_looks] for key, ids in self._events.items()
        }
        return {key: ids for key, ids in found.items() if ids}

    @property
    def to_read(self) -> dict[str, datetime]:
        """Records a question put to the table may find; one that has to be looked up is read by that."""
        return {key: at for key, at in self.records.items() if key not in self.look_ups}

    def note_way(self, remote_ids: Iterable[str], way: Way) -> None:
        """Note how records were read."""
        self._ways |= dict.fromkeys(remote_ids, _HOW[way])

    def events_by_way(self) -> dict[str, list[str]]:
        """The events of everything that was read, by what was done about them."""
        found: dict[str, list[str]] = defaultdict(list)
        for key, ids in self._events.items():
            if key not in self.failed_ids:
                found[self._ways.get(key, _HOW[Way.EACH])] += ids
        return found


def read_dirty(session: SyncSession, *, tables: Mapping[UUID, DirtyTable]) -> None:
    """Read what is dirty, table by table. `tables` by the id of the run's part.

    Raises: SourceError (the connection's own problem), LimitReached, LeaseLost, Stopped.
    """
    # A record whose making was broken off has to be known as ours before it is read.
    send_ready_pushes(session)
    for part in session.parts:
        if tables[part.pk].has_new_columns:
            enter_phase(session, SyncRun.Phase.SCHEMA)
            read_schema(session, part)
    enter_phase(session, SyncRun.Phase.RECORDS)
    mappings = mappings_of(session)

    def read(part: SyncRunCollection) -> None:
        if part.state == SyncRunCollection.State.FAILED:
            return
        try:
            _read_table(session, part, mappings[part.pk], tables[part.pk])
        except (SourceError, CannotGoOn) as error:
            _give_up(session, part, error)

    # Where it failed for single records, their events are put off, and nothing is said of the table.
    read_each(session, read, is_to_blame=lambda part: not tables[part.pk].failed_ids)
    if is_anything_to_connect(session):
        enter_phase(session, SyncRun.Phase.RELATIONS)
        resolve_relations(session)


def _give_up(session: SyncSession, part: SyncRunCollection, error: ExternalServiceError) -> None:
    if isinstance(error, SourceError):
        give_up_part(session, part, error)
        return
    # The next look for changes meets the same place and says so to people.
    part.state, part.error = SyncRunCollection.State.FAILED, str(error)


def _read_table(
    session: SyncSession, part: SyncRunCollection, mapping: CollectionMapping, table: DirtyTable
) -> None:
    wanted = table.to_read
    plan, named = _plan(part, wanted)
    metrics.PLANS.labels(way=plan.way.value).inc(len(wanted))
    left = wanted
    if plan.way is Way.DELTA:
        left = _read_edited(session, part, mapping, wanted)
    elif plan.way is Way.NAMED:
        left = _read_named(session, part, mapping, wanted, named)
    table.note_way(set(wanted) - set(left), plan.way)
    mapping = mappings_of(session)[part.pk]
    for remote_id in [*left, *table.look_ups]:
        session.check()
        # Failed until it is read: where this ends the reading, it is known for whom it failed.
        table.failed_ids.add(remote_id)
        if _look_at(session, part, mapping, remote_id):
            table.failed_ids.discard(remote_id)
    for remote_id in sorted(table.gone_ids):
        session.check()
        note_in_trash(session, part, mapping, remote_id)
    part.state = SyncRunCollection.State.READ


def _plan(part: SyncRunCollection, wanted: Mapping[str, datetime]) -> tuple[Plan, dict[str, str]]:
    """The cheapest way, and what each record that carries our id carries."""
    is_look_worth = _is_look_worth(part)
    if part.since is None or not wanted or (len(wanted) < 2 and not is_look_worth):
        return cheapest(dirty=len(wanted), edited=None), {}
    with atomic():
        links = ExternalLink.objects.filter(
            collection_id=part.collection_id, remote_edited_at__gte=part.since
        )
        known = set(links.values_list("remote_id", flat=True))
        # What was edited since and not told of is not known; what was read of it before is.
        edited = len(known | set(wanted))
        named = _named(part, wanted) if edited > PAGE else {}
    plan = cheapest(dirty=len(wanted), edited=edited, named=len(named), is_look_worth=is_look_worth)
    return plan, named


def _is_look_worth(part: SyncRunCollection) -> bool:
    """Whether the table was last looked at so long ago that a reading of it had better be a look as well."""
    read_at = part.collection.last_read_at
    return read_at is None or timezone.now() - read_at >= timedelta(seconds=LOOK_WORTH_SECONDS)


def _named(part: SyncRunCollection, wanted: Iterable[str]) -> dict[str, str]:
    """Which of the records were made from here and so carry the id of their task: remote id → that id."""
    if not part.collection.external_id_field_id:
        return {}
    links = ExternalLink.objects.filter(collection_id=part.collection_id, remote_id__in=list(wanted))
    by_link = {link.pk: link for link in links.exclude(task=None).only("pk", "remote_id", "task_id")}
    made = SyncChange.objects.filter(
        link_id__in=list(by_link), side=SyncChange.Side.THERE, action=SyncChange.Action.CREATED
    )
    return {
        by_link[link_id].remote_id: str(by_link[link_id].task_id)
        for link_id in made.values_list("link_id", flat=True).distinct()
        if link_id is not None
    }


def _read_edited(
    session: SyncSession,
    part: SyncRunCollection,
    mapping: CollectionMapping,
    wanted: Mapping[str, datetime],
) -> dict[str, datetime]:
    """Read all that was edited since the watermark; returns what did not come, or came as it was before."""
    seen: dict[str, datetime] = {}

    def note(page: RecordPage) -> None:
        seen.update({record.id: record.edited_at for record in page.records})

    def refresh() -> CollectionMapping:
        read_schema(session, part)
        return mappings_of(session)[part.pk]

    read_collection(session, part, mapping, refresh=refresh, note=note)
    return {key: at for key, at in wanted.items() if key not in seen or seen[key] < minute_of(at)}


def _read_named(
    session: SyncSession,
    part: SyncRunCollection,
    mapping: CollectionMapping,
    wanted: Mapping[str, datetime],
    named: Mapping[str, str],
) -> dict[str, datetime]:
    """Ask for up to a hundred records at once by the id they carry; returns what did not come."""
    left = dict(wanted)
    for texts in batched(named.values(), PAGE, strict=False):
        session.check()
        page = session.source.records_with(
            part.collection.remote_id,
            field_id=part.collection.external_id_field_id,
            kind=FieldKind.TEXT,
            texts=texts,
        )
        take_over(PageContext(session, part, mapping), page)
        for record in page.records:
            left.pop(record.id, None)
    return left


def _look_at(
    session: SyncSession, part: SyncRunCollection, mapping: CollectionMapping, remote_id: str
) -> bool:
    try:
        return look_at_one(session, part, mapping, remote_id)
    except SourceError as error:
        if error.kind not in _OF_THE_RECORD:
            raise
        with atomic():
            session.hold()
            session.journal.note(
                Problem("unreadable", error.detail or str(error), remote_id), part.collection
            )
            session.journal.flush()
        return True
