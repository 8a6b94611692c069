"""The wall: the database itself refuses a company's writes in one cell, and those under way are waited for."""

import time

from psycopg import sql

from tenants.lifecycle.moving.places import Connection, Move

LOOK_SECONDS = 0.02
WRITES = ("INSERT", "UPDATE", "DELETE", "TRUNCATE")

# Table → the writes the role may do there, as they were granted.
RIGHTS = """
SELECT c.relname, array_agg(a.privilege_type ORDER BY a.privilege_type)
FROM pg_class c CROSS JOIN LATERAL aclexplode(c.relacl) a
WHERE c.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = %s) AND c.relkind = 'r'
  AND a.grantee = (SELECT oid FROM pg_roles WHERE rolname = %s) AND a.privilege_type = ANY(%s)
GROUP BY c.relname ORDER BY c.relname
"""
# A statement takes its table's lock before its rights are looked at, and keeps it until its transaction ends. So after
# the rights are gone, whoever may still write is one of those who hold such a lock now.
WRITERS = """
SELECT DISTINCT l.virtualtransaction
FROM pg_locks l JOIN pg_class c ON c.oid = l.relation
WHERE l.locktype = 'relation' AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND l.mode = 'RowExclusiveLock' AND l.pid <> pg_backend_pid()
  AND c.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = %s) AND c.relkind = 'r'
"""
# Those who have asked for work: it is the cell's own table, so other companies' transactions are among them.
ASKERS = """
SELECT DISTINCT virtualtransaction FROM pg_locks
WHERE locktype = 'relation' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND mode = 'RowExclusiveLock' AND pid <> pg_backend_pid() AND relation = 'public.tenants_workitem'::regclass
"""
STILL_THERE = """
SELECT count(*) FROM pg_locks
WHERE locktype = 'virtualxid' AND granted AND mode = 'ExclusiveLock' AND virtualxid = ANY(%s)
"""
type Rights = dict[str, list[str]]


class StillWriting(Exception):
    """Some transaction that was under way did not end in time."""


def writes_granted(move: Move, cell: str) -> Rights:
    """What the company's role may write in a cell, table by table."""
    with move.at(cell) as connection:
        rows = connection.execute(RIGHTS, [move.schema, move.role, list(WRITES)]).fetchall()
    return {name: list(rights) for name, rights in rows}


def raise_wall(move: Move, cell: str) -> None:
    """Take the role's right to write in a cell away. Safe to repeat."""
    with move.at(cell) as connection:
        connection.execute(
            sql.SQL("REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON ALL TABLES IN SCHEMA {} FROM {}").format(
                sql.Identifier(move.schema), sql.Identifier(move.role)
            )
        )


def take_wall_down(move: Move, cell: str, rights: Rights) -> None:
    """Give the rights back that there were. Safe to repeat."""
    with move.at(cell) as connection:
        for name, granted in rights.items():
            connection.execute(
                sql.SQL("GRANT {} ON {} TO {}").format(
                    sql.SQL(", ").join([sql.SQL(word) for word in WRITES if word in granted]),
                    move.table(name),
                    sql.Identifier(move.role),
                )
            )


def close_schema(move: Move, cell: str) -> None:
    """Let the role not even read in a cell any more, nor ask for work there (see roles.sql)."""
    with move.at(cell) as connection:
        connection.execute(
            sql.SQL("REVOKE USAGE ON SCHEMA {} FROM {}").format(
                sql.Identifier(move.schema), sql.Identifier(move.role)
            )
        )


def wait_for_writers(move: Move, cell: str, *, seconds: float) -> None:
    """Wait until the transactions that wrote to the company's tables when the wall went up have ended.

    Nobody is locked out by this waiting, and nothing can deadlock with it. Raises: StillWriting.
    """
    with move.at(cell) as connection:
        _wait(connection, [row[0] for row in connection.execute(WRITERS, [move.schema]).fetchall()], seconds)


def wait_for_askers(move: Move, cell: str, *, seconds: float) -> None:
    """Wait until the transactions that asked for work before the schema was closed have ended.

    Raises: StillWriting.
    """
    with move.at(cell) as connection:
        _wait(connection, [row[0] for row in connection.execute(ASKERS).fetchall()], seconds)


def _wait(connection: Connection, transactions: list[str], seconds: float) -> None:
    until = time.monotonic() + seconds
    while transactions and (left := _count(connection, transactions)):
        if time.monotonic() > until:
            raise StillWriting(f"{left} transactions in the company's cell go on.")
        time.sleep(LOOK_SECONDS)


def _count(connection: Connection, transactions: list[str]) -> int:
    row = connection.execute(STILL_THERE, [transactions]).fetchone()
    return int(row[0]) if row else 0
