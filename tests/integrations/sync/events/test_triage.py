"""What one event asks for, whatever the clocks say and whoever wrote it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.capabilities.event_feed import Change
from integrations.sync.events.triage import Facts, KnownRecord, KnownTable, Told, Want, is_echo, judge

NOW = datetime(2026, 11, 22, 12, 0, 30, tzinfo=UTC)
MINUTE = NOW.replace(second=0)
TABLE = KnownTable(
    id=uuid4(), remote_id="table", is_read=True, is_lost=False, watermark=NOW - timedelta(minutes=10),
    columns=frozenset({"title", "mood", "stat"}), used_columns=frozenset({"title", "stat"}), has_texts=True,
)  # fmt: skip
RECORD = KnownRecord(
    collection_id=TABLE.id, state="clean", content_hash="hash", edited_at=MINUTE - timedelta(hours=1),
    synced_at=NOW - timedelta(hours=1), body_read_at=None, has_task=True,
)  # fmt: skip
EVENT = Told(
    id="e", change=Change.VALUES, entity_id="page", collection_id="table", updated_fields=("title",),
    author_ids=("somebody",), occurred_at=NOW,
)  # fmt: skip


def facts(record: KnownRecord | None = RECORD, table: KnownTable = TABLE, *, first: bool = False) -> Facts:
    return Facts(
        account_id="bot", records={"page": record} if record else {}, tables={table.remote_id: table},
        tables_by_id={table.id: table}, is_first_reading=first,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("change", "want"),
    [
        (Change.CREATED, Want.RECORD),
        (Change.VALUES, Want.RECORD),
        (Change.BODY, Want.BODY),
        (Change.TRASHED, Want.LOOK_UP),
        (Change.RESTORED, Want.LOOK_UP),
        (Change.MOVED, Want.LOOK_UP),
    ],
)
def test_each_change_of_a_known_record_has_its_way(change: Change, want: Want) -> None:
    assert judge(replace(EVENT, change=change), facts()).want is want


def test_a_record_we_do_not_know_in_a_table_we_read_is_new() -> None:
    for change in (Change.CREATED, Change.VALUES, Change.BODY):
        assert judge(replace(EVENT, change=change), facts(None)).want is Want.RECORD


def test_a_record_moved_into_a_table_we_read_is_read_there() -> None:
    other = replace(TABLE, id=uuid4(), remote_id="elsewhere", is_read=False)
    records = {"page": replace(RECORD, collection_id=other.id)}
    known = Facts("bot", records, {"table": TABLE}, {other.id: other, TABLE.id: TABLE})
    verdict = judge(replace(EVENT, change=Change.MOVED), known)
    assert (verdict.want, verdict.table) == (Want.LOOK_UP, TABLE)


def test_a_table_that_is_not_read_asks_for_nothing() -> None:
    assert judge(EVENT, facts(table=replace(TABLE, is_read=False))).want is Want.NOTHING


def test_during_the_first_reading_events_wait_and_before_it_they_need_not() -> None:
    unread = replace(TABLE, watermark=None)
    assert judge(EVENT, facts(table=unread, first=True)).want is Want.LATER
    assert judge(EVENT, facts(table=unread)).want is Want.NOTHING


@pytest.mark.parametrize(
    ("fields", "want"),
    [
        (("mood",), Want.NOTHING),
        (("mood", "title"), Want.RECORD),
        (("mood", "never met"), Want.RECORD),
        ((), Want.RECORD),
        (None, Want.RECORD),
    ],
)
def test_only_columns_we_know_and_do_not_use_ask_for_nothing(
    fields: tuple[str, ...] | None, want: Want
) -> None:
    assert judge(replace(EVENT, updated_fields=fields), facts()).want is want


def test_texts_of_projects_are_not_read() -> None:
    body = replace(EVENT, change=Change.BODY)
    assert judge(body, facts(table=replace(TABLE, has_texts=False))).want is Want.NOTHING
    assert judge(body, facts(replace(RECORD, has_task=False))).want is Want.NOTHING


def test_a_record_that_was_set_aside_is_read_whatever_was_seen_since() -> None:
    old = replace(EVENT, occurred_at=NOW - timedelta(days=1))
    assert judge(old, facts()).want is Want.NOTHING
    assert judge(old, facts(replace(RECORD, state="quarantined"))).want is Want.RECORD


def test_a_look_that_began_within_the_overlap_may_have_missed_it() -> None:
    assert TABLE.watermark is not None
    assert (
        judge(replace(EVENT, occurred_at=TABLE.watermark - timedelta(minutes=1)), facts()).want is Want.RECORD
    )
    assert (
        judge(replace(EVENT, occurred_at=TABLE.watermark - timedelta(minutes=3)), facts()).want
        is Want.NOTHING
    )


# --- our own writes

WRITTEN = replace(RECORD, edited_at=MINUTE, synced_at=NOW + timedelta(seconds=1))
OURS = replace(EVENT, author_ids=("bot",))


def test_our_own_write_is_known_by_its_author_and_by_what_we_read_back() -> None:
    assert is_echo(OURS, WRITTEN, "bot")


@pytest.mark.parametrize(
    ("event", "record"),
    [
        (replace(OURS, author_ids=("somebody",)), WRITTEN),
        (replace(OURS, author_ids=("bot", "somebody")), WRITTEN),
        (replace(OURS, author_ids=()), WRITTEN),
        (OURS, replace(WRITTEN, content_hash="")),
        (OURS, replace(WRITTEN, state="quarantined")),
        (OURS, replace(WRITTEN, edited_at=None)),
        (OURS, replace(WRITTEN, synced_at=None)),
        (OURS, replace(WRITTEN, synced_at=NOW - timedelta(seconds=6))),
        (OURS, replace(WRITTEN, edited_at=MINUTE - timedelta(minutes=1))),
        (replace(OURS, change=Change.TRASHED), WRITTEN),
        (replace(OURS, change=Change.BODY), WRITTEN),
    ],
)
def test_the_author_alone_proves_nothing(event: Told, record: KnownRecord) -> None:
    assert not is_echo(event, record, "bot")


def test_a_connection_without_an_account_has_no_echoes() -> None:
    assert not is_echo(replace(OURS, author_ids=("",)), WRITTEN, "")


@given(
    skew=st.integers(min_value=-86_400, max_value=86_400), later=st.integers(min_value=60, max_value=86_400)
)
def test_a_later_write_with_our_token_is_read_however_wrong_our_clock_is(skew: int, later: int) -> None:
    """What another program writes in a later minute is no echo, even if our clock runs a day ahead or behind."""
    record = replace(WRITTEN, synced_at=NOW + timedelta(seconds=skew))
    assert not is_echo(replace(OURS, occurred_at=NOW + timedelta(seconds=later)), record, "bot")


# --- tables


@pytest.mark.parametrize(
    ("change", "table", "want"),
    [
        (Change.SCHEMA, TABLE, Want.SCHEMA),
        (Change.TABLE_GONE, TABLE, Want.SCHEMA),
        (Change.TABLE_BACK, TABLE, Want.NOTHING),
        (Change.TABLE_BACK, replace(TABLE, is_lost=True, is_read=False), Want.TABLES),
        (Change.SCHEMA, replace(TABLE, is_read=False), Want.NOTHING),
    ],
)
def test_what_happens_to_a_table(change: Change, table: KnownTable, want: Want) -> None:
    told = replace(EVENT, change=change, entity_id="table")
    assert judge(told, facts(table=table)).want is want


def test_a_new_table_is_looked_for_and_an_unknown_one_that_went_is_not() -> None:
    told = replace(EVENT, entity_id="new", collection_id="new")
    assert judge(replace(told, change=Change.TABLE_BACK), facts()).want is Want.TABLES
    assert judge(replace(told, change=Change.TABLE_GONE), facts()).want is Want.NOTHING


def gone(**values: object) -> Facts:
    known: dict[str, object] = {"now": NOW + timedelta(seconds=20), "last_told": {"page": NOW}}
    return replace(facts(), **(known | values))  # type: ignore[arg-type]


def test_a_record_the_service_says_is_in_the_trash_is() -> None:
    assert judge(replace(EVENT, change=Change.TRASHED), gone()).want is Want.GONE


@pytest.mark.parametrize(
    "known",
    [
        gone(now=None),
        # Late: it may be out of the trash again, and the event of that lost.
        gone(now=NOW + timedelta(minutes=5, seconds=1)),
        # Nobody knows whose clock is wrong.
        gone(now=NOW - timedelta(seconds=6)),
        # Overtaken.
        gone(last_told={"page": NOW + timedelta(seconds=1)}),
        # Read or written here since.
        gone(records={"page": replace(RECORD, synced_at=NOW - timedelta(seconds=4))}),
        gone(records={"page": replace(RECORD, edited_at=MINUTE + timedelta(minutes=1))}),
        gone(records={"page": replace(RECORD, state="quarantined")}),
    ],
)
def test_what_may_be_out_of_the_trash_again_is_looked_up(known: Facts) -> None:
    assert judge(replace(EVENT, change=Change.TRASHED), known).want is Want.LOOK_UP


@pytest.mark.parametrize("change", [Change.RESTORED, Change.MOVED])
def test_what_comes_back_or_moves_is_always_read(change: Change) -> None:
    assert judge(replace(EVENT, change=change), gone()).want is Want.LOOK_UP
