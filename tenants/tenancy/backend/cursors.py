"""The cursors of the cells: no statement leaves without its scope, none is stacked behind another or changes its role.

The extended protocol takes one statement at a time, so text behind a semicolon is an error, not a second command.
"""

import re
from collections.abc import Callable
from typing import Any

from django.db.backends.postgresql import base
from psycopg import sql

from tenants.tenancy.context import current_tenant_or_none
from tenants.tenancy.errors import ForbiddenStatement

# What lets a single SELECT change its own role, or run text as SQL that does. A role's membership does not stop it:
# the login role may enter every tenant. Values are parameters, so only the statement itself is looked at.
DOORS = (
    "set_config", "pg_settings", "session authorization", "set role", "local role", "reset role", "_to_xml", "ts_stat",
    "ts_rewrite", "dblink", 'u&"',
)  # fmt: skip

# What a tenant's statement may be, after blanks, comments and brackets: reading and writing rows. Everything that sets,
# runs, prepares, listens or ends a transaction is the product's own business and goes past these cursors.
STATEMENT = re.compile(
    r"(?:[\s(]|--[^\n]*\n|/\*.*?\*/)*(?:select|with|insert|update|delete|values|explain|copy)\b", re.DOTALL
)


class ScopeGuard:
    """Calls ``apply_scope`` before anything is sent and ``note_write`` with its text; the backend sets both."""

    apply_scope: Callable[[], None]
    note_write: Callable[[str], None]

    def execute(self, query: Any, *args: Any, **kwargs: Any) -> Any:
        self._admit(query)
        return super().execute(query, *args, **kwargs)  # type: ignore[misc]

    def executemany(self, query: Any, *args: Any, **kwargs: Any) -> Any:
        self._admit(query)
        return super().executemany(query, *args, **kwargs)  # type: ignore[misc]

    def copy(self, statement: Any, *args: Any, **kwargs: Any) -> Any:
        self._admit(statement)
        return super().copy(statement, *args, **kwargs)  # type: ignore[misc]

    def stream(self, query: Any, *args: Any, **kwargs: Any) -> Any:
        self._admit(query)
        return super().stream(query, *args, **kwargs)  # type: ignore[misc]

    def _admit(self, query: Any) -> None:
        """Raises: ForbiddenStatement, and what ``apply_scope`` raises."""
        text = (query.as_string(None) if isinstance(query, sql.Composable) else str(query)).lower()
        is_refused = STATEMENT.match(text) is None or any(door in text for door in DOORS)
        if is_refused and current_tenant_or_none() is not None:
            raise ForbiddenStatement(
                "A tenant's statement reads or writes rows, and may not change its role."
            )
        self.apply_scope()
        self.note_write(text)

    def _execute_send(self, query: Any, *, force_extended: bool = False, binary: bool | None = None) -> None:
        super()._execute_send(query, force_extended=True, binary=binary)  # type: ignore[misc]


class ScopedCursor(ScopeGuard, base.Cursor):
    """What Django gets for ordinary queries."""


class ScopedServerSideCursor(ScopeGuard, base.ServerSideCursor):
    """What ``QuerySet.iterator()`` gets."""
