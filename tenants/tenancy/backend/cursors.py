"""The cursors of the cells: no statement leaves without its scope, and none is stacked behind another.

The extended protocol takes one statement at a time, so text behind a semicolon is an error, not a second command.
"""

from collections.abc import Callable
from typing import Any

from django.db.backends.postgresql import base


class ScopeGuard:
    """Calls ``apply_scope`` (set by the backend) before anything is sent."""

    apply_scope: Callable[[], None]

    def execute(self, *args: Any, **kwargs: Any) -> Any:
        self.apply_scope()
        return super().execute(*args, **kwargs)  # type: ignore[misc]

    def executemany(self, *args: Any, **kwargs: Any) -> Any:
        self.apply_scope()
        return super().executemany(*args, **kwargs)  # type: ignore[misc]

    def copy(self, *args: Any, **kwargs: Any) -> Any:
        self.apply_scope()
        return super().copy(*args, **kwargs)  # type: ignore[misc]

    def stream(self, *args: Any, **kwargs: Any) -> Any:
        self.apply_scope()
        return super().stream(*args, **kwargs)  # type: ignore[misc]

    def _execute_send(self, query: Any, *, force_extended: bool = False, binary: bool | None = None) -> None:
        super()._execute_send(query, force_extended=True, binary=binary)  # type: ignore[misc]


class ScopedCursor(ScopeGuard, base.Cursor):
    """What Django gets for ordinary queries."""


class ScopedServerSideCursor(ScopeGuard, base.ServerSideCursor):
    """What ``QuerySet.iterator()`` gets."""
