"""Carries an attack out through Django's own backend, and looks for what it got, changed or left behind."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import psycopg
from django.db import DatabaseError, connections, transaction
from psycopg import pq

from tenants.tenancy.backend.base import DatabaseWrapper
from tenants.tenancy.backend.cursors import ScopedCursor, ScopedServerSideCursor
from tenants.tenancy.context import cell_scope, tenant_scope
from tenants.tenancy.errors import ForbiddenStatement
from tenants.tenancy.probes.bench import OWN_ROW, Bench
from tenants.tenancy.probes.probe import Probe, Way

READ_FIRST = "reading"  # who refused, when our own reading of the statement did
WHO = b"SELECT current_user || ' ' || coalesce(current_schema(), '')"
# What one transaction may not leave to the next on its connection.
REMAINS = b"""
SELECT 'an advisory lock' FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'advisory'
UNION ALL SELECT 'the prepared statement ' || name FROM pg_prepared_statements
UNION ALL SELECT 'the cursor ' || name FROM pg_cursors
UNION ALL SELECT 'listening to ' || pg_listening_channels()
UNION ALL SELECT 'the temporary ' || relname FROM pg_class WHERE relnamespace = pg_my_temp_schema()
UNION ALL SELECT 'settings: ' || concat_ws(', ', current_user, session_user, current_setting('search_path'),
    current_setting('statement_timeout'), current_setting('row_security'),
    current_setting('default_transaction_read_only'),
    coalesce(current_setting('pg_trgm.similarity_threshold', true), '0.3'))
"""


class UnreadCursor(ScopedCursor):
    """A cursor that does not read statements first: what it is refused, the database has refused."""

    def _admit(self, query: Any) -> None:
        self.apply_scope()


class UnreadServerSideCursor(ScopedServerSideCursor):
    """The same for ``iterator()``."""

    def _admit(self, query: Any) -> None:
        self.apply_scope()


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an attempt ended: who refused it (``reading``, an SQLSTATE, or nobody), and the evidence of a leak."""

    refused_by: str | None
    words: str
    evidence: tuple[str, ...]


def attempt(bench: Bench, probe: Probe, *, is_read: bool) -> Outcome:
    """Carry ``probe`` out on a connection of its own; without ``is_read`` nobody reads its statements first."""
    before = bench.world()
    evidence: list[str] = []
    refused_by, words = None, ""
    with own_connection(bench.mine.cell) as wrapper:
        usual = _remains(wrapper)
        if len(usual) != 1 or not usual[0].startswith("settings: "):
            raise RuntimeError(f"A new connection cannot be judged: {usual}")
        try:
            with tenant_scope(bench.mine), transaction.atomic(using=bench.mine.cell):
                evidence += _seen(bench, probe, _results(bench, probe, wrapper, is_read=is_read))
                evidence += _changed_role(bench, wrapper)
        except (DatabaseError, psycopg.Error, ForbiddenStatement) as error:
            refused_by, words = _refusal(error)
        evidence += [f"left on the connection: {thing}" for thing in _remains(wrapper) if thing not in usual]
    evidence += _world_changes(before, bench.world())
    try:
        bench.victim.execute("SELECT 1")
    except psycopg.Error:
        evidence.append("another's session was ended")
    return Outcome(refused_by, words, tuple(evidence))


@contextmanager
def own_connection(cell: str) -> Iterator[DatabaseWrapper]:
    """A new connection in the cell's place, from no pool, closed for good when the block ends."""
    kept = connections[cell]
    parts = deepcopy(kept.settings_dict)
    parts["OPTIONS"].pop("pool", None)
    wrapper = DatabaseWrapper(parts, cell)
    connections[cell] = wrapper
    try:
        wrapper.ensure_connection()
        yield wrapper
    finally:
        connections[cell] = kept
        if wrapper.connection is not None:
            wrapper.connection.close()


def _results(bench: Bench, probe: Probe, wrapper: DatabaseWrapper, *, is_read: bool) -> list[Any]:
    parameters = [bench.fill(each) for each in probe.parameters] or None
    found: list[Any] = []
    for number, statement in enumerate(probe.statements):
        text = bench.fill(statement)
        # What follows the attack is the application's next query, sent as the application sends it.
        way, values = (probe.way, parameters) if number == 0 else (Way.EXECUTE, None)
        name = "probe" if way is Way.SERVER_SIDE else None
        if is_read:
            cursor = wrapper.chunked_cursor() if name else wrapper.cursor()
        else:
            cursor = _unread(wrapper, name)
        with cursor:
            found += _send(cursor, way, text, values)
    return found


def _unread(wrapper: DatabaseWrapper, name: str | None) -> Any:
    wrapper.apply_scope()
    connection = wrapper.connection
    # The stubs know psycopg 3's cursors as little as Django's: hence Any.
    make: Any = UnreadServerSideCursor if name else UnreadCursor
    cursor = make(connection, name=name) if name else make(connection)
    cursor.apply_scope, cursor.note_write = wrapper.apply_scope, wrapper.note_write
    return cursor


def _send(cursor: Any, way: Way, text: str, values: list[str] | None) -> list[Any]:
    inner = getattr(cursor, "cursor", cursor)
    if way is Way.COPY:
        with inner.copy(text) as copy:
            return [bytes(part) for part in copy] if " TO " in text else []
    if way is Way.STREAM:
        return list(inner.stream(text))
    if way is Way.EXECUTEMANY:
        cursor.executemany(text, [values, values])
    elif way is Way.CALL:
        cursor.callproc(text, values)
    else:
        cursor.execute(text, values)
    return list(cursor.fetchall()) if cursor.description else []


def _seen(bench: Bench, probe: Probe, found: list[Any]) -> list[str]:
    text = repr(found)
    secrets = {"the other's rows": bench.canary, "the other's names": bench.other.schema}
    return [f"read {what}" for what, secret in secrets.items() if secret in text]


def _changed_role(bench: Bench, wrapper: DatabaseWrapper) -> list[str]:
    """Who the connection is now, and what the application's next query would read."""
    now = _ask(wrapper, WHO)
    if now != [f"{bench.mine.role} {bench.mine.schema}"]:
        return [f"the role and the schema are now {' '.join(now)}"]
    with wrapper.cursor() as cursor:
        cursor.execute("SELECT name FROM accounts_department")
        rows = [name for (name,) in cursor.fetchall()]
    return [] if rows == [OWN_ROW] else [f"the next query read {len(rows)} rows that are not its own"]


def _remains(wrapper: DatabaseWrapper) -> list[str]:
    connection = wrapper.connection
    if connection is None or connection.closed:
        return []
    if connection.pgconn.transaction_status != pq.TransactionStatus.IDLE:
        with suppress(psycopg.Error):
            connection.rollback()
        return ["an open transaction"]
    with cell_scope(wrapper.alias):
        return _ask(wrapper, REMAINS)


def _ask(wrapper: DatabaseWrapper, question: bytes) -> list[str]:
    """Ask past every guard; what the server refuses comes back as its words."""
    result = wrapper.connection.pgconn.exec_(question)
    if result.status != pq.ExecStatus.TUPLES_OK:
        return [result.get_error_message()]
    return [(result.get_value(row, 0) or b"").decode() for row in range(result.ntuples)]


def _world_changes(before: list[str], after: list[str]) -> list[str]:
    lost = [f"gone: {thing}" for thing in before if thing not in after]
    return lost + [f"new: {thing}" for thing in after if thing not in before]


def _refusal(error: Exception) -> tuple[str, str]:
    source = error if isinstance(error, psycopg.Error) else error.__cause__
    if isinstance(source, psycopg.Error):
        return source.sqlstate or type(source).__name__, str(source).splitlines()[0]
    return READ_FIRST if isinstance(error, ForbiddenStatement) else type(error).__name__, str(error)
