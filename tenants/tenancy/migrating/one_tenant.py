"""One tenant's turn: its pending migrations and their ledger rows, by a worker that keeps its connection."""

import random
import re
from collections.abc import Sequence
from uuid import UUID

import psycopg
import structlog
from django.db import DatabaseError, connections, transaction
from django.db.backends.base.operations import BaseDatabaseOperations
from psycopg import pq, sql

from tenants.foundation.ids import uuid7
from tenants.models import Tenant
from tenants.tenancy.context import tenant_scope
from tenants.tenancy.databases import owner_connection
from tenants.tenancy.migrating.ledger import lacking
from tenants.tenancy.migrating.owner import working_as_owner
from tenants.tenancy.migrating.units import Library, Unit
from tenants.tenancy.provisioning import record_migrations
from tenants.tenancy.session_locks import let_go
from tenants.tenancy.template import Key

log = structlog.get_logger(__name__)
type Connection = psycopg.Connection[tuple[object, ...]]
# Whoever waits for a table's lock makes everybody after it wait too: never longer than this, then again later.
LOCK_TIMEOUT = "2s"
# Building an index concurrently waits for old transactions and stands in nobody's way.
PATIENCE = "10min"
# A backend remembers every table it touched: new connections keep that from growing with the number of tenants.
TENANTS_PER_CONNECTION = 500
ONCE = "migration_once_per_tenant"

PRELUDE = """BEGIN; SET LOCAL search_path = {schema}, public; SET LOCAL lock_timeout = {timeout};
SELECT pg_advisory_xact_lock_shared({lock});
INSERT INTO public.tenants_migrationledger (id, tenant_id, app, name, applied_at) VALUES {rows};
"""
# Checks that were put off would keep the next migration from altering the same table.
BETWEEN = "\nSET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED;\n"
CREATE_INDEX = re.compile(
    r'^\s*CREATE\s+(?:UNIQUE\s+)?INDEX\s+CONCURRENTLY\s+(?!IF\s+NOT\s+EXISTS)"?(\w+)"?', re.IGNORECASE
)
INVALID = """
SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = %s AND c.relname = %s AND NOT i.indisvalid
"""
STANDS = """
SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = %s AND c.relname = %s
"""


class MigrationFailed(Exception):
    """A tenant could not be migrated; ``migration`` says where, ``is_passing`` whether later may be better."""

    def __init__(self, migration: str, error: Exception, *, is_passing: bool) -> None:
        super().__init__(f"{migration}: {str(error).strip()}")
        self.migration, self.is_passing = migration, is_passing


class Busy(psycopg.errors.LockNotAvailable):
    """Another process works on this tenant's schema."""


def schema_lock(tenant_id: UUID) -> int:
    """The key of the advisory lock on a tenant's schema, in its cell.

    Migrations hold it shared, in their transaction. Who copies the schema holds it alone, so that it stays as it is.
    """
    return int.from_bytes(tenant_id.bytes[8:], signed=True)


class Worker:
    """Migrates tenants of one cell, one after the other, over one connection of the owner; not shared by threads."""

    def __init__(self, cell: str, library: Library) -> None:
        self._alias, self._library = f"{cell}_owner", library
        self._connection: Connection | None = None
        self._served = 0

    def migrate(self, tenant: Tenant, keys: Sequence[Key]) -> int:
        """Apply ``keys``; how many were new to the tenant (another run may have been quicker).

        Raises: MigrationFailed. What was committed before stays, and the ledger says so.
        """
        done = 0
        for unit in self._library.units(keys):
            try:
                done += self._apply(tenant, unit)
            except (DatabaseError, psycopg.Error) as error:
                self._reset()
                raise MigrationFailed(_names(unit), error, is_passing=is_passing(error)) from error
            except Exception as error:  # what a migration's own Python raises
                self._reset()
                raise MigrationFailed(_names(unit), error, is_passing=False) from error
        self._served += 1
        if self._served >= TENANTS_PER_CONNECTION:
            self.close()
        return done

    def close(self) -> None:
        """Give the connections back."""
        self._served = 0
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        connections[self._alias].close()

    def _apply(self, tenant: Tenant, unit: Unit) -> int:
        if unit.is_plain:
            return self._send(tenant, unit)
        if unit.scripts[0].is_atomic:
            return self._through_django(tenant, unit)
        return self._without_transaction(tenant, unit)

    @property
    def _raw(self) -> Connection:
        if self._connection is None or self._connection.closed:
            self._connection = owner_connection(self._alias)
            self._connection.autocommit = True
        return self._connection

    def _reset(self) -> None:
        """After an error: the transaction is given up, and a connection that is of no more use is replaced."""
        connections[self._alias].close()
        if self._connection is not None and not self._connection.closed:
            status = self._connection.info.transaction_status
            if status in (pq.TransactionStatus.INERROR, pq.TransactionStatus.INTRANS):
                try:
                    self._connection.execute("ROLLBACK")
                except psycopg.Error:
                    self._connection.close()

    def _send(self, tenant: Tenant, unit: Unit) -> int:
        """The whole transaction in one round trip: confine, record, change, commit.

        Where the ledger has one of the rows already, the insertion fails and with it everything else.
        """
        prelude = sql.SQL(PRELUDE).format(
            schema=sql.Identifier(tenant.schema), timeout=sql.Literal(LOCK_TIMEOUT),
            lock=sql.Literal(schema_lock(tenant.pk)),
            rows=sql.SQL(", ").join(
                sql.SQL("({}, {}, {}, {}, now())").format(*map(sql.Literal, (uuid7(), tenant.pk, app, name)))
                for app, name in unit.keys
            ),
        )  # fmt: skip
        body = BETWEEN.join(script.sql or "" for script in unit.scripts)
        script = f"{prelude.as_string(self._raw)}{body}\n;COMMIT"
        try:
            self._raw.execute(script.encode())
        except psycopg.errors.UniqueViolation as error:
            if error.diag.constraint_name != ONCE:
                raise
            self._reset()
            left = lacking(self._raw, tenant.pk, unit.keys)
            return self.migrate(tenant, left) if left else 0
        return len(unit.scripts)

    def _through_django(self, tenant: Tenant, unit: Unit) -> int:
        key = unit.keys[0]
        wrapper = connections[self._alias]
        # The scope tells the router that the owner's connection is this tenant's now; without it every operation
        # would find that its table does not belong there, and do nothing.
        with (
            tenant_scope(tenant.ref),
            working_as_owner(self._alias),
            transaction.atomic(using=self._alias, durable=True),
        ):
            wrapper.ensure_connection()
            connection: Connection = wrapper.connection
            connection.execute(
                sql.SQL("SET LOCAL search_path = {}, public")
                .format(sql.Identifier(tenant.schema))
                .as_bytes(connection)
            )
            connection.execute(
                sql.SQL("SET LOCAL lock_timeout = {}").format(LOCK_TIMEOUT).as_bytes(connection)
            )
            connection.execute("SELECT pg_advisory_xact_lock_shared(%s)", [schema_lock(tenant.pk)])
            if not record_migrations(connection, tenant.pk, [key]):
                return 0
            with wrapper.schema_editor(atomic=False) as editor:
                for move in self._library.python(key).moves:
                    move.operation.database_forwards(key[0], editor, move.before, move.after)
        return 1

    def _without_transaction(self, tenant: Tenant, unit: Unit) -> int:
        """Statement by statement; recorded when all are done, so each must be one that may be repeated.

        An index that a crash left half built is dropped and built anew, a finished one is left alone.
        """
        script, lock = unit.scripts[0], schema_lock(tenant.pk)
        wrapper = connections[self._alias]
        wrapper.ensure_connection()
        connection: Connection = wrapper.connection
        # Never wait for this lock: whoever waits has a snapshot, and building an index waits for all of those.
        row = connection.execute("SELECT pg_try_advisory_lock(%s)", [lock]).fetchone()
        if not row or not row[0]:
            raise Busy("Another process is changing this company's schema.")
        try:
            if not lacking(connection, tenant.pk, unit.keys):
                return 0
            connection.execute(
                sql.SQL("SET search_path = {}, public")
                .format(sql.Identifier(tenant.schema))
                .as_bytes(connection)
            )
            if script.sql is None:
                self._python_without_transaction(tenant, unit)
            else:
                # PostgreSQL's own version leaves a script whole: it would be sent as one transaction.
                for statement in BaseDatabaseOperations.prepare_sql_script(wrapper.ops, script.sql):
                    if statement:
                        self._run_alone(connection, tenant, statement)
            with connection.transaction():
                record_migrations(connection, tenant.pk, unit.keys)
        finally:
            let_go(connection)
            wrapper.close()  # and its settings with it
        return 1

    def _python_without_transaction(self, tenant: Tenant, unit: Unit) -> None:
        key, wrapper = unit.keys[0], connections[self._alias]
        with (
            tenant_scope(tenant.ref),
            working_as_owner(self._alias),
            wrapper.schema_editor(atomic=False) as editor,
        ):
            for move in self._library.python(key).moves:
                if move.operation.atomic:
                    with transaction.atomic(using=self._alias):
                        move.operation.database_forwards(key[0], editor, move.before, move.after)
                else:
                    move.operation.database_forwards(key[0], editor, move.before, move.after)

    def _run_alone(self, connection: Connection, tenant: Tenant, statement: str) -> None:
        index = CREATE_INDEX.match(statement)
        timeout = PATIENCE if "CONCURRENTLY" in statement.upper() else LOCK_TIMEOUT
        connection.execute("SELECT set_config('lock_timeout', %s, false)", [timeout])
        if index is not None:
            if connection.execute(INVALID, [tenant.schema, index[1]]).fetchone():
                log.warning("index.rebuilt", tenant=tenant.slug, index=index[1])
                drop = sql.SQL("DROP INDEX CONCURRENTLY {}").format(sql.Identifier(tenant.schema, index[1]))
                connection.execute(drop.as_bytes(connection))
            elif connection.execute(STANDS, [tenant.schema, index[1]]).fetchone():
                return
        connection.execute(statement.encode())


def is_passing(error: BaseException) -> bool:
    """Whether the same migration may well succeed in a moment: somebody had a lock, or the server was away."""
    cause = error.__cause__ if isinstance(error, DatabaseError) else error
    return isinstance(cause, psycopg.OperationalError)


def backoff_seconds(attempt: int) -> float:
    """How long to leave a tenant alone after its ``attempt``-th try: twice as long each time, never the same."""
    seconds: float = min(0.25 * 2**attempt, 8.0) * random.uniform(0.5, 1.0)  # noqa: S311 - spreads, hides nothing
    return seconds


def _names(unit: Unit) -> str:
    return ", ".join(script.name for script in unit.scripts)
