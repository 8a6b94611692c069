"""Advisory locks of a session, let go before its connection closes."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

import psycopg

Connection = psycopg.Connection[tuple[object, ...]]

TRY: Final = "SELECT pg_try_advisory_lock(hashtextextended(%s, 0))"
TRY_SHARED: Final = "SELECT pg_try_advisory_lock_shared(hashtextextended(%s, 0))"
LET_GO: Final = "SELECT pg_advisory_unlock_all()"


@contextmanager
def session_lock(connection: Connection, name: str, *, shared: bool = False) -> Iterator[bool]:
    """Try to hold the lock ``name`` of the connection's database until the block or the process ends.

    Yields whether it is held. The connection is put in autocommit and must hold no other lock.
    """
    connection.autocommit = True
    row = connection.execute(TRY_SHARED if shared else TRY, [f"notion-task-sync {name}"]).fetchone()
    try:
        yield bool(row and row[0])
    finally:
        let_go(connection)


def let_go(connection: Connection) -> None:
    """Give the session's locks back now: a server notices only a moment later that a connection was closed."""
    with suppress(psycopg.Error):  # a broken connection has let go by itself
        connection.execute(LET_GO)
