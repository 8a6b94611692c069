"""Streams rows from one cell's server to another's: whole tables at one snapshot, then what has changed since."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from psycopg import sql

from tenants.lifecycle.moving.capture import Changes, changed_rows, key_match, keys_of, take_changes
from tenants.lifecycle.moving.places import Connection, Move
from tenants.lifecycle.moving.tables import (
    Table,
    check_same_shape,
    listed,
    sequences_of,
    tables_of,
)
from tenants.tenancy.migrations import schema_lock

type Comparison = Callable[[Move, Connection, Connection, Sequence[Table], Sequence[Changes]], int]
# How often those who wait are told, and the operation's lease is kept.
BEAT_SECONDS = 3.0
BRIEFLY_MILLISECONDS = 2500


@dataclass
class Copied:
    """What went over the line: rows (removed ones too), tables looked at, bytes."""

    rows: int = 0
    tables: int = 0
    bytes: int = 0
    # What a comparison found to be the same in both places, where one was made: rows.
    compared: int | None = None


class Pulse:
    """Tells how far it is, now and then, and so keeps the lease."""

    def __init__(self, move: Move) -> None:
        self._move, self._at = move, time.monotonic()

    def beat(self, **facts: object) -> None:
        """Raises: OperationLost."""
        if time.monotonic() - self._at >= BEAT_SECONDS:
            self._at = time.monotonic()
            self._move.run.progress(**facts)


def copy_everything(move: Move) -> Copied:
    """Fill the target with one snapshot of the source, in one transaction; what stood there before is thrown away.

    Foreign keys are looked at when the transaction ends, and one snapshot satisfies them in whatever order it comes.
    Raises: Conflict (the two schemas differ).
    """
    done, pulse = Copied(), Pulse(move)
    with move.at(move.target) as target, move.reading(move.source) as source:
        tables = tables_of(source, move.schema)
        check_same_shape(tables, tables_of(target, move.schema))
        names = sql.SQL(", ").join([move.table(table.name) for table in tables])
        target.execute(sql.SQL("TRUNCATE {}").format(names))
        for table in tables:
            query = sql.SQL("SELECT {} FROM {}").format(listed(table.given), move.table(table.name))
            rows, size = stream(move, source, query, target, table, pulse)
            done.rows, done.bytes = done.rows + rows, done.bytes + size
            done.tables += 1
    return done


def catch_up(move: Move, *, compare: Comparison | None = None, is_shut: bool = False) -> Copied:
    """Bring the target to a newer snapshot of the source: rows that changed are removed, then put in as they are now.

    Removing all of them first means no unique value is in the way of another. The target's transaction is committed
    before the source strikes the changes from its log: cut short in between, they are brought over once more.
    ``compare`` looks at both places at that one moment. No migration can change the source meanwhile; ``is_shut``: the
    company may not write, so one that is just at it is waited for briefly.
    Raises: Conflict (the places differ, or a migration came in between), LockNotAvailable.
    """
    done, pulse = Copied(), Pulse(move)
    with schema_kept(move, briefly=is_shut), move.reading(move.source) as source:
        tables = tables_of(source, move.schema)
        changes = take_changes(source, move, tables)
        with move.at(move.target) as target:
            check_same_shape(tables, tables_of(target, move.schema))
            for change in changes:
                _remove(target, move, change)
            for change in changes:
                query = sql.SQL("SELECT {} FROM {}").format(
                    listed(change.table.given, of="t"), changed_rows(move, change)
                )
                _, size = stream(move, source, query, target, change.table, pulse)
                done.rows, done.bytes = done.rows + len(change), done.bytes + size
        if compare is not None:
            with move.at(move.target) as target:
                done.compared = compare(move, source, target, tables, changes)
        move.run.beat()
    done.tables = len(tables)
    return done


@contextmanager
def schema_kept(move: Move, *, briefly: bool = False) -> Iterator[Connection]:
    """Keep migrations off the source until the block ends; they try again by themselves.

    One under way is waited for, ``briefly`` where nobody may write meanwhile. Raises: LockNotAvailable.
    """
    with move.at(move.source) as connection:
        if briefly:
            connection.execute(f"SET LOCAL lock_timeout = {BRIEFLY_MILLISECONDS}".encode())
        connection.execute("SELECT pg_advisory_xact_lock(%s)", [schema_lock(move.tenant_id)])
        yield connection


def copy_sequences(move: Move) -> None:
    """Let the target's sequences go on where the source's stand; nobody may be writing any more."""
    with move.reading(move.source) as source, move.at(move.target) as target:
        for name in sequences_of(source, move.schema):
            row = source.execute(
                sql.SQL("SELECT last_value, is_called FROM {}").format(move.table(name))
            ).fetchone()
            assert row is not None  # a sequence has one row
            target.execute(
                "SELECT setval(%s::regclass, %s, %s)", [move.table(name).as_string(target), row[0], row[1]]
            )


def stream(
    move: Move, source: Connection, query: sql.Composable, target: Connection, table: Table, pulse: Pulse
) -> tuple[int, int]:
    """Pipe a query's rows into a table, a block at a time; returns rows and bytes."""
    size = 0
    out = sql.SQL("COPY ({}) TO STDOUT (FORMAT binary)").format(query)
    into = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT binary)").format(
        move.table(table.name), listed(table.given)
    )
    with source.cursor() as reader, target.cursor() as writer:
        with reader.copy(out) as blocks, writer.copy(into) as sink:
            for block in blocks:
                sink.write(block)
                size += len(block)
                pulse.beat(table=table.name, table_bytes=size)
        return writer.rowcount, size


def _remove(target: Connection, move: Move, change: Changes) -> None:
    table, keys, match = move.table(change.table.name), keys_of(change), key_match(change.table)
    target.execute(sql.SQL("DELETE FROM {} t USING {} WHERE {}").format(table, keys, match))
