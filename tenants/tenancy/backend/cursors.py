"""The cursors of the cells: no statement leaves without its scope, none is stacked behind another or changes its role.

The extended protocol takes one statement at a time, so text behind a semicolon is an error, not a second command.
"""

from collections.abc import Callable
from typing import Any

from django.db.backends.postgresql import base
from psycopg import sql

from tenants.tenancy.backend.statements import may_run
from tenants.tenancy.backend.whereabouts import REFUSALS, explained
from tenants.tenancy.context import current_tenant_or_none
from tenants.tenancy.errors import ForbiddenStatement


class ScopeGuard:
    """Calls ``apply_scope`` before anything is sent and ``note_write`` with its text; the backend sets both."""

    apply_scope: Callable[[], None]
    note_write: Callable[[str], None]
    # Django and its apps look up types on a new connection, as the login role, whoever's scope is open.
    is_connecting = False

    def execute(self, query: Any, *args: Any, **kwargs: Any) -> Any:
        self._admit(query)
        try:
            return super().execute(query, *args, **kwargs)  # type: ignore[misc]
        except REFUSALS as error:
            if (moves := explained(current_tenant_or_none())) is not None:
                raise moves from error
            raise

    def executemany(self, query: Any, *args: Any, **kwargs: Any) -> Any:
        self._admit(query)
        try:
            return super().executemany(query, *args, **kwargs)  # type: ignore[misc]
        except REFUSALS as error:
            if (moves := explained(current_tenant_or_none())) is not None:
                raise moves from error
            raise

    def copy(self, statement: Any, *args: Any, **kwargs: Any) -> Any:
        self._admit(statement)
        return super().copy(statement, *args, **kwargs)  # type: ignore[misc]

    def stream(self, query: Any, *args: Any, **kwargs: Any) -> Any:
        self._admit(query)
        return super().stream(query, *args, **kwargs)  # type: ignore[misc]

    def _admit(self, query: Any) -> None:
        """Raises: ForbiddenStatement, and what ``apply_scope`` raises."""
        # Everything that sets, runs, prepares, listens or ends a transaction is the platform's own business.
        if not self.is_connecting and current_tenant_or_none() is not None and not may_run(text_of(query)):
            raise ForbiddenStatement(
                "A tenant's statement reads or writes rows, and may not change its role."
            )
        self.apply_scope()
        self.note_write(text_of(query))

    def _execute_send(self, query: Any, *, force_extended: bool = False, binary: bool | None = None) -> None:
        super()._execute_send(query, force_extended=True, binary=binary)  # type: ignore[misc]


def text_of(query: Any) -> str:
    """A statement's text; what is neither text nor composed of it (bytes, templates) is none and so refused."""
    if isinstance(query, sql.Composable):
        return query.as_string(None)
    return query if isinstance(query, str) else ""


class ScopedCursor(ScopeGuard, base.Cursor):
    """What Django gets for ordinary queries."""


class ScopedServerSideCursor(ScopeGuard, base.ServerSideCursor):
    """What ``QuerySet.iterator()`` gets."""
