"""PostgreSQL as one tenant at a time: every statement runs as the tenant's role, in its schema, in a transaction."""

import re
import time
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import InternalError, OperationalError
from django.db.backends.postgresql import base
from django.db.backends.postgresql.psycopg_any import register_tzloader
from psycopg import postgres, pq

from tenants.tenancy.backend.cursors import ScopedCursor, ScopedServerSideCursor
from tenants.tenancy.context import CellScope, TenantRef, current_scope, current_tenant_or_none
from tenants.tenancy.errors import NoTenant, NoTransaction, WrongCell
from tenants.tenancy.positions import positions

UNKNOWN = object()
# What Django knows of the open transaction; a replaced connection goes on with it.
TRANSACTION_STATE = (
    "in_atomic_block", "savepoint_state", "savepoint_ids", "atomic_blocks", "commit_on_exit", "needs_rollback",
    "rollback_exc", "closed_in_transaction", "run_on_commit",
)  # fmt: skip
TIMESTAMPTZ = postgres.types["timestamptz"].oid
# Schemas one connection serves before it is replaced: about a megabyte of the server's memory each (docs/scaling.md).
MOST_SCHEMAS, SEEN = 200, "schemas_seen"
# The alias of a cell's read replica is the cell's with this behind it.
REPLICA = "_replica"
# A statement with one of these words may change rows; one that only looks like it costs no more than a question.
CHANGES = re.compile(r"\b(?:insert|update|delete|merge|copy)\b", re.IGNORECASE)
WRITTEN = b"SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn"
# A machine that is gone without a word costs whoever connects seconds. While it is like that, one at a time tries, or
# the requests of its companies would keep every thread from the others'. A server that refuses is asked every time.
PATIENCE_SECONDS, SILENT_SECONDS = 1.0, 6.0
_silent_until: dict[str, float] = {}
IDLE, OPEN, FAILED = pq.TransactionStatus.IDLE, pq.TransactionStatus.INTRANS, pq.TransactionStatus.INERROR


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's backend, with the scope applied before a statement whenever the transaction does not have it yet.

    The scope is set by ``SET LOCAL``, in the same round trip as ``BEGIN`` where the transaction is new, so it ends
    with the transaction: nothing is left on the connection for whoever gets it next, whether from a pool or PgBouncer.
    """

    _applied: object = UNKNOWN
    _writers: frozenset[UUID] = frozenset()
    _connecting = False

    def _cursor(self, name: str | None = None) -> Any:
        self.close_if_health_check_failed()
        self.ensure_connection()
        if self._is_new_transaction():
            self._begin()
        with self.wrap_database_errors:
            return self._prepare_cursor(self.create_cursor(name))  # type: ignore[attr-defined]

    def create_cursor(self, name: str | None = None) -> Any:
        # The stubs know neither psycopg 3's cursors nor what Django imports of psycopg: hence Any.
        make: Any = ScopedServerSideCursor if name else ScopedCursor
        options = {"name": name, "scrollable": False, "withhold": False} if name else {}
        cursor = make(self.connection, **options)
        loader = self.connection.adapters.get_loader(TIMESTAMPTZ, pq.Format.TEXT)
        if self.timezone != loader.timezone:
            register_tzloader(self.timezone, cursor)
        cursor.apply_scope, cursor.note_write = self.apply_scope, self.note_write
        cursor.is_connecting = self._connecting
        return cursor

    def apply_scope(self) -> None:
        """Make the open transaction the current scope's.

        Raises: NoTenant, NoTransaction, WrongCell.
        """
        scope = current_scope()
        status = self.connection.pgconn.transaction_status
        if scope is self._applied and status == OPEN:
            return  # the usual case, once a statement: no more than this
        if self._connecting:
            return  # Django and its apps look up types here; the login role itself may read no tenant's rows
        if scope is None:
            raise NoTenant("SQL was sent to a cell without a tenant's scope.")
        if scope.cell != self.alias.removesuffix(REPLICA):
            raise WrongCell(f"The scope is of {scope.cell}, the connection of {self.alias}.")
        if not self.in_atomic_block:
            raise NoTransaction("Tenant SQL needs a transaction: use tenants.tenancy.atomic.")
        if status == IDLE:
            self._applied = UNKNOWN
        if self._applied == scope or status == FAILED:
            return
        command = scope_command(scope)
        self._send(f"BEGIN; {command}" if status == IDLE else command)
        self._applied = scope

    def _is_new_transaction(self) -> bool:
        return (
            self._applied is UNKNOWN
            and self.in_atomic_block
            and not self._connecting
            and current_scope() is not None
            and self.connection.pgconn.transaction_status == IDLE
        )

    def _begin(self) -> None:
        """Open the transaction; a connection that died while it was idle is replaced, for nothing is lost with it.

        So a restarted server costs no request an error, and no request a round trip to ask whether it is there.
        """
        self._renew_when_full()
        try:
            self.apply_scope()
        except OperationalError:
            if self.connection.pgconn.status == pq.ConnStatus.OK:
                raise
            self._replace_connection()
            self.apply_scope()

    def _renew_when_full(self) -> None:
        """Take a new connection for a schema too many: the server keeps what it learned of every one it has seen."""
        scope = current_scope()
        if not isinstance(scope, TenantRef):
            return
        seen: set[str] = vars(self.connection).setdefault(SEEN, set())
        if scope.schema in seen:
            return
        if len(seen) >= MOST_SCHEMAS:
            self.connection.close()
            self._replace_connection(is_alone=True)
            seen = vars(self.connection).setdefault(SEEN, set())
        seen.add(scope.schema)

    def _replace_connection(self, *, is_alone: bool = False) -> None:
        kept = {name: getattr(self, name) for name in TRANSACTION_STATE}
        self._close()  # type: ignore[attr-defined]
        self.connection = None
        try:
            with self.wrap_database_errors:
                if self.pool and not is_alone:
                    # What killed this one has killed those that lie idle beside it.
                    self.pool.check()
                self.connect()
            self.set_autocommit(False)
        except Exception:
            # Nobody answers: the open blocks end as Django ends those whose connection was closed under them.
            self.connection = None
            kept |= {"closed_in_transaction": True, "needs_rollback": True}
            raise
        finally:
            for name, value in kept.items():
                setattr(self, name, value)
        self.errors_occurred = False

    def control(self, statements: str) -> None:
        """Run the platform's own ``statements`` as the login role inside the open scope's transaction, in one trip.

        For what tenants' roles may not do: take locks, set limits. The text must be ours, without anybody's values.

        Raises: OperationalError, and what :meth:`apply_scope` raises.
        """
        self.ensure_connection()
        if self._is_new_transaction():
            self._begin()
        self.apply_scope()
        scope = self._applied
        self._forget_scope()  # should it fail half way, the next statement sets it again
        if isinstance(scope, TenantRef):
            statements = f'SET LOCAL ROLE NONE; {statements}; SET LOCAL ROLE "{scope.role}"'
        self._send(statements)
        self._applied = scope

    def _send(self, command: str) -> None:
        """One round trip, below psycopg's cursors (which would send BEGIN as a trip of its own)."""
        with self.wrap_database_errors:
            result = self.connection.pgconn.exec_(command.encode())
            if result.status not in (pq.ExecStatus.COMMAND_OK, pq.ExecStatus.TUPLES_OK):
                raise self.Database.OperationalError(
                    f"A control statement failed: {result.get_error_message()}"
                )

    def note_write(self, statement: str) -> None:
        """Remember that the current tenant changes something here, where a replica will have to catch up with it."""
        if f"{self.alias}{REPLICA}" not in settings.DATABASES:
            return
        tenant = current_tenant_or_none()
        if tenant is not None and CHANGES.search(statement):
            self._writers |= {tenant.id}

    def has_changes_of(self, tenant_id: UUID) -> bool:
        """Whether the open transaction has changes of this tenant that are not committed."""
        return tenant_id in self._writers

    def _note_position(self, writers: frozenset[UUID]) -> None:
        result = self.connection.pgconn.exec_(WRITTEN)
        if result.status == pq.ExecStatus.TUPLES_OK:
            positions.note(self.alias, writers, int(result.get_value(0, 0)))
        else:
            positions.forget(self.alias, writers)

    def _forget_scope(self) -> None:
        self._applied = UNKNOWN

    # Control statements are nobody's data: they go past the guard, so that a transaction may outlive a scope.
    def _savepoint(self, sid: str) -> None:
        if self._is_new_transaction():
            self._begin()
        with self.wrap_database_errors:
            self.connection.execute(self.ops.savepoint_create_sql(sid))

    def _savepoint_commit(self, sid: str) -> None:
        with self.wrap_database_errors:
            self.connection.execute(self.ops.savepoint_commit_sql(sid))

    def _savepoint_rollback(self, sid: str) -> None:
        self._forget_scope()  # SET LOCAL since the savepoint is undone with it
        with self.wrap_database_errors:
            self.connection.execute(self.ops.savepoint_rollback_sql(sid))

    def _commit(self) -> None:
        self._forget_scope()
        writers, self._writers = self._writers, frozenset()
        try:
            super()._commit()  # type: ignore[misc]
        except InternalError as error:
            # PgBouncer says why the server is gone before it hangs up; the driver expects one answer and finds two.
            if self.connection.pgconn.status == pq.ConnStatus.OK:
                raise
            raise OperationalError(f"The connection was lost while committing: {error}") from error
        if writers:
            self._note_position(writers)

    def _rollback(self) -> None:
        self._forget_scope()
        self._writers = frozenset()
        super()._rollback()  # type: ignore[misc]

    def connect(self) -> None:
        self._forget_scope()
        self._connecting = True
        started, silent_until = time.monotonic(), _silent_until.get(self.alias)
        if silent_until is not None:
            if started < silent_until:
                raise OperationalError(f"{self.alias} did not answer a moment ago.")
            _silent_until[self.alias] = started + SILENT_SECONDS  # one asks, the others need not wait for it
        try:
            super().connect()
            _silent_until.pop(self.alias, None)
        except self.Database.OperationalError:
            if time.monotonic() - started > PATIENCE_SECONDS:
                _silent_until[self.alias] = time.monotonic() + SILENT_SECONDS
            raise
        finally:
            self._connecting = False


def scope_command(scope: TenantRef | CellScope) -> str:
    """The statements that confine a transaction to ``scope``. The names were checked when the scope was made."""
    if isinstance(scope, TenantRef):
        # The number is what work may be asked for under (roles.sql): a role alone does not say whose it is.
        return (
            f'SET LOCAL ROLE "{scope.role}"; SET LOCAL search_path = "{scope.schema}", public;'
            f" SET LOCAL nts.tenant = '{scope.id}'"
        )
    return "SET LOCAL ROLE NONE; SET LOCAL search_path = public"
