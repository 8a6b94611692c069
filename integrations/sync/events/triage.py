"""What an event asks of us: a record to read, a text, columns, a look for tables, or nothing, and why; pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from integrations.capabilities.event_feed import Change
from integrations.sync.hashing import EDIT_RESOLUTION
from integrations.sync.reading import OVERLAP

#: Changes a complete look for changes finds by itself: they move the record's edit time.
SEEN_BY_LOOKING: Final = frozenset({Change.CREATED, Change.VALUES, Change.BODY})
#: How far two clocks that are kept in step may be apart.
SKEW: Final = timedelta(seconds=5)
#: So long what an event says of the trash is the last word; whatever came later would have been told by then.
LAST_WORD: Final = timedelta(minutes=5)
#: What may take a record out of its table, so that no question put to the table finds it.
NOT_IN_TABLE: Final = frozenset({Change.TRASHED, Change.RESTORED, Change.MOVED})


class Want(StrEnum):
    """What is to be done about an event."""

    NOTHING = "nothing"
    LATER = "later"
    RECORD = "record"
    #: Read by its id: nothing else says whether it is in the trash or elsewhere.
    LOOK_UP = "look_up"
    #: In the trash, and nothing speaks against it.
    GONE = "gone"
    BODY = "body"
    SCHEMA = "schema"
    TABLES = "tables"


@dataclass(frozen=True, slots=True)
class KnownRecord:
    """What is stored about a record. `synced_at` is our clock, `edited_at` the service's, cut to the minute."""

    collection_id: UUID
    state: str
    content_hash: str
    edited_at: datetime | None
    synced_at: datetime | None
    body_read_at: datetime | None
    has_task: bool


@dataclass(frozen=True, slots=True)
class KnownTable:
    """A table we know of. `watermark` is None until it was read once."""

    id: UUID
    remote_id: str
    is_read: bool
    is_lost: bool
    watermark: datetime | None
    columns: frozenset[str]
    used_columns: frozenset[str]
    has_texts: bool


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known about everything a set of events speaks of. Tables by their remote id and by what holds them."""

    account_id: str
    records: Mapping[str, KnownRecord] = field(default_factory=dict)
    tables: Mapping[str, KnownTable] = field(default_factory=dict)
    tables_by_id: Mapping[UUID, KnownTable] = field(default_factory=dict)
    is_first_reading: bool = False
    now: datetime | None = None
    #: When something was told of a record last, settled events included.
    last_told: Mapping[str, datetime] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Told:
    """An event, as far as it matters here."""

    id: str
    change: Change
    entity_id: str
    collection_id: str
    updated_fields: tuple[str, ...] | None
    author_ids: tuple[str, ...]
    occurred_at: datetime


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an event asks for; `reason` says why it asks for nothing."""

    want: Want
    table: KnownTable | None = None
    reason: str = ""


def judge(told: Told, facts: Facts) -> Verdict:
    """Say what one event asks for."""
    if told.change in {Change.SCHEMA, Change.TABLE_GONE, Change.TABLE_BACK}:
        return _judge_table(told, facts)
    record = facts.records.get(told.entity_id)
    table = facts.tables_by_id.get(record.collection_id) if record else facts.tables.get(told.collection_id)
    if record is not None and told.change is Change.MOVED and told.collection_id in facts.tables:
        target = facts.tables[told.collection_id]
        table = target if target.is_read else table
    if table is None:
        return _nothing("Nothing of it is known here.")
    if record is None and told.change is Change.TRASHED:
        return _nothing("It was never taken over.")
    if not table.is_read:
        return _nothing("Its table is not read.")
    if table.watermark is None:
        if facts.is_first_reading:
            return Verdict(Want.LATER, table)
        return _nothing("The first reading of its table is still to come.")
    return _judge_record(told, facts, record, table)


def _judge_record(told: Told, facts: Facts, record: KnownRecord | None, table: KnownTable) -> Verdict:
    if told.change is Change.VALUES and _is_unused(told, table):
        return _nothing("Only columns changed that fill nothing here.")
    if told.change is Change.BODY and (not table.has_texts or (record and not record.has_task)):
        return _nothing("The texts of this table are not read.")
    if record is not None and is_echo(told, record, facts.account_id):
        return _nothing("It is our own write, and we know what it left there.")
    if _was_seen(told, record, table):
        return _nothing("A look for changes has read this since.")
    if record is not None and told.change is Change.TRASHED and record.state == "trashed_remote":
        return _nothing("It is known to be in the trash.")
    if record is not None and is_surely_gone(told, record, facts):
        return Verdict(Want.GONE, table)
    if told.change in NOT_IN_TABLE:
        return Verdict(Want.LOOK_UP, table)
    if told.change is Change.BODY and record is not None and record.state == "clean":
        return Verdict(Want.BODY, table)
    return Verdict(Want.RECORD, table)


def _judge_table(told: Told, facts: Facts) -> Verdict:
    table = facts.tables.get(told.entity_id) or facts.tables.get(told.collection_id)
    if table is None:
        is_new = told.change is Change.TABLE_BACK
        return Verdict(Want.TABLES) if is_new else _nothing("Nothing of it is known here.")
    if told.change is Change.TABLE_BACK:
        return Verdict(Want.TABLES, table) if table.is_lost else _nothing("Its rows are where they were.")
    if not table.is_read:
        return _nothing("Its table is not read.")
    return Verdict(Want.SCHEMA, table)


def is_echo(told: Told, record: KnownRecord, account_id: str) -> bool:
    """Whether an event only tells of our own write.

    The author alone says little: another program may write with the same token. So what we know of the record has to
    be as new as the event, by both clocks: by the service's, the last edit we have read is not older than the event;
    by ours, we have read it (the answer to our write is a reading) after the event. An event without values can be
    compared with nothing else: the hash of what was read last stands for what is there.
    """
    if told.author_ids != (account_id,) or not account_id or told.change in NOT_IN_TABLE:
        return False
    if record.state != "clean" or not record.content_hash or record.edited_at is None:
        return False
    read_at = record.body_read_at if told.change is Change.BODY else record.synced_at
    is_read_since = read_at is not None and told.occurred_at <= read_at + SKEW
    return is_read_since and told.occurred_at < record.edited_at + EDIT_RESOLUTION


def is_surely_gone(told: Told, record: KnownRecord, facts: Facts) -> bool:
    """Whether a record that is said to be in the trash need not be read to know so.

    The event is signed, and it is the end of what happened in its while: where a record was put away and brought back,
    there is none. So it counts as long as it is the last word: fresh, nothing was told of the record that happened
    later, and nobody here has read or written the record since. A late or an overtaken one is looked up.
    """
    if told.change is not Change.TRASHED or record.state != "clean" or facts.now is None:
        return False
    is_fresh = -SKEW <= facts.now - told.occurred_at <= LAST_WORD
    is_last = facts.last_told.get(told.entity_id, told.occurred_at) <= told.occurred_at
    is_unread_since = record.synced_at is None or record.synced_at < told.occurred_at - SKEW
    is_unedited_since = record.edited_at is None or record.edited_at <= told.occurred_at
    return is_fresh and is_last and is_unread_since and is_unedited_since


def _is_unused(told: Told, table: KnownTable) -> bool:
    """Whether every column named is one we know and do not use; a column we have not met may be one of ours."""
    named = frozenset(told.updated_fields or ())
    return bool(named) and named <= table.columns and not named & table.used_columns


def _was_seen(told: Told, record: KnownRecord | None, table: KnownTable) -> bool:
    """Whether a complete look began so long after the event that it cannot have missed the change."""
    if told.change not in SEEN_BY_LOOKING or table.watermark is None:
        return False
    return (record is None or record.state == "clean") and told.occurred_at < table.watermark - OVERLAP


def minute_of(moment: datetime) -> datetime:
    """The minute an edit at this moment is given by the service, and one before it: clocks differ a little."""
    return moment.replace(second=0, microsecond=0) - timedelta(minutes=1)


def _nothing(reason: str) -> Verdict:
    return Verdict(Want.NOTHING, reason=reason)
