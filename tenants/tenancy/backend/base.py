"""PostgreSQL as one tenant at a time: every statement runs as the tenant's role, in its schema, in a transaction."""

from typing import Any

from django.db.backends.postgresql import base
from django.db.backends.postgresql.psycopg_any import register_tzloader
from psycopg import postgres, pq

from tenants.tenancy.backend.cursors import ScopedCursor, ScopedServerSideCursor
from tenants.tenancy.context import CellScope, TenantRef, current_scope
from tenants.tenancy.errors import NoTenant, NoTransaction, WrongCell

UNKNOWN = object()
TIMESTAMPTZ = postgres.types["timestamptz"].oid
IDLE, FAILED = pq.TransactionStatus.IDLE, pq.TransactionStatus.INERROR


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's backend, with the scope applied before a statement whenever the transaction does not have it yet.

    The scope is set by ``SET LOCAL``, in the same round trip as ``BEGIN`` where the transaction is new, so it ends
    with the transaction: nothing is left on the connection for whoever gets it next, whether from a pool or PgBouncer.
    """

    _applied: object = UNKNOWN
    _connecting = False

    def create_cursor(self, name: str | None = None) -> Any:
        # The stubs know neither psycopg 3's cursors nor what Django imports of psycopg: hence Any.
        make: Any = ScopedServerSideCursor if name else ScopedCursor
        options = {"name": name, "scrollable": False, "withhold": False} if name else {}
        cursor = make(self.connection, **options)
        loader = self.connection.adapters.get_loader(TIMESTAMPTZ, pq.Format.TEXT)
        if self.timezone != loader.timezone:
            register_tzloader(self.timezone, cursor)
        cursor.apply_scope = self.apply_scope
        return cursor

    def apply_scope(self) -> None:
        """Make the open transaction the current scope's.

        Raises: NoTenant, NoTransaction, WrongCell.
        """
        if self._connecting:
            return  # Django and its apps look up types here; the login role itself may read no tenant's rows
        scope = current_scope()
        if scope is None:
            raise NoTenant("SQL was sent to a cell without a tenant's scope.")
        if scope.cell != self.alias:
            raise WrongCell(f"The scope is of {scope.cell}, the connection of {self.alias}.")
        if not self.in_atomic_block:
            raise NoTransaction("Tenant SQL needs a transaction: use tenants.tenancy.atomic.")
        status = self.connection.pgconn.transaction_status
        if status == IDLE:
            self._applied = UNKNOWN
        if self._applied == scope or status == FAILED:
            return
        command = scope_command(scope)
        self._send(f"BEGIN; {command}" if status == IDLE else command)
        self._applied = scope

    def _send(self, command: str) -> None:
        """One round trip, below psycopg's cursors (which would send BEGIN as a trip of its own)."""
        with self.wrap_database_errors:
            result = self.connection.pgconn.exec_(command.encode())
            if result.status not in (pq.ExecStatus.COMMAND_OK, pq.ExecStatus.TUPLES_OK):
                message = result.get_error_message()
                raise self.Database.OperationalError(f"The scope could not be set: {message}")

    def _forget_scope(self) -> None:
        self._applied = UNKNOWN

    # Control statements are nobody's data: they go past the guard, so that a transaction may outlive a scope.
    def _savepoint(self, sid: str) -> None:
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
        super()._commit()  # type: ignore[misc]

    def _rollback(self) -> None:
        self._forget_scope()
        super()._rollback()  # type: ignore[misc]

    def connect(self) -> None:
        self._forget_scope()
        self._connecting = True
        try:
            super().connect()
        finally:
            self._connecting = False


def scope_command(scope: TenantRef | CellScope) -> str:
    """The statements that confine a transaction to ``scope``. The names were checked when the scope was made."""
    if isinstance(scope, TenantRef):
        return f'SET LOCAL ROLE "{scope.role}"; SET LOCAL search_path = "{scope.schema}", public'
    return "SET LOCAL ROLE NONE; SET LOCAL search_path = public"
