"""Content types and permissions have the same ids in every cell: a number made of the row's own name."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, Final

import psycopg
import structlog
from django.conf import settings
from django.db import DatabaseError, InterfaceError, connections, transaction
from psycopg import sql

from tenants.foundation.errors import Conflict
from tenants.tenancy.context import cell_scope

log = structlog.get_logger(__name__)
LARGEST: Final = 2**31 - 1
NAMED: Final = 5
# Each table with the query for its rows' ids and names.
NAMED_ROWS: Final = {
    "django_content_type": "SELECT id, app_label || '.' || model FROM django_content_type",
    "auth_permission": (
        "SELECT p.id, t.app_label || '.' || t.model || '.' || p.codename"
        " FROM auth_permission p JOIN django_content_type t ON t.id = p.content_type_id"
    ),
}
REFERENCES = """
SELECT n.nspname, c.relname, a.attname FROM pg_constraint k
JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = k.conkey[1]
WHERE k.contype = 'f' AND k.confrelid = %s::regclass
"""


def id_of(name: str) -> int:
    """The id of the row called ``name`` (``app.model`` or ``app.model.codename``), the same wherever it is made."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:4]) % LARGEST + 1


def number_shared_rows(connection: psycopg.Connection[tuple[Any, ...]]) -> int:
    """Give the cell's content types and permissions their ids, and follow with everything that refers to them.

    Runs in the caller's transaction as the owner; returns how many ids were changed. New rows come with whatever number
    the cell's own sequence gives them, which is why this follows every migration of the shared tables.

    Raises: Conflict when two names would have the same id.
    """
    changed = 0
    connection.execute("SET CONSTRAINTS ALL DEFERRED")
    for table, query in NAMED_ROWS.items():
        connection.execute(sql.SQL("LOCK TABLE {} IN SHARE ROW EXCLUSIVE MODE").format(sql.Identifier(table)))
        moves = _moves(connection.execute(query.encode()).fetchall())
        if not moves:
            continue
        for schema, referring, column in connection.execute(REFERENCES, [table]).fetchall():
            _renumber(connection, sql.Identifier(str(schema), str(referring)), str(column), moves)
        _renumber(connection, sql.Identifier(table), "id", moves)
        changed += len(moves)
    if changed:
        log.info("shared_rows.numbered", database=connection.info.dbname, changed=changed)
    return changed


def differences() -> dict[str, list[str]]:
    """What each cell's shared rows lack or have under another id; cells that are right, or away, are left out."""
    found: dict[str, dict[str, int]] = {}
    for cell in settings.CELLS:
        try:
            found[cell] = _rows_of(cell)
        except (DatabaseError, InterfaceError) as error:
            connections[cell].close()
            log.warning("cell.does_not_answer", cell=cell, error=str(error).strip())
    everything = {name for rows in found.values() for name in rows}
    wrong = {
        cell: sorted(
            [f"{name} is missing" for name in everything - set(rows)]
            + [f"{name} has the id {number}" for name, number in rows.items() if number != id_of(name)]
        )
        for cell, rows in found.items()
    }
    return {cell: lines for cell, lines in wrong.items() if lines}


def require_equal_cells() -> None:
    """For the nightly check. Raises: Conflict, naming what differs."""
    unequal = differences()
    if unequal:
        log.error("cells.unequal", cells=unequal)
        lines = "; ".join(f"{cell}: {', '.join(found[:NAMED])}" for cell, found in unequal.items())
        raise Conflict(f"Cells differ in their shared tables: {lines}.", code="cells.unequal")


def _rows_of(cell: str) -> dict[str, int]:
    rows: dict[str, int] = {}
    with cell_scope(cell), transaction.atomic(using=cell), connections[cell].cursor() as cursor:
        for query in NAMED_ROWS.values():
            cursor.execute(query)
            rows |= {name: number for number, name in cursor.fetchall()}
    return rows


def _moves(rows: Sequence[tuple[Any, ...]]) -> dict[int, int]:
    """Old id → new id of those that have the wrong one."""
    names: dict[int, str] = {}
    for _, name in rows:
        other = names.setdefault(id_of(name), name)
        if other != name:
            raise Conflict(
                f"“{name}” and “{other}” would have the same id: one of the two needs another name."
            )
    return {int(number): id_of(name) for number, name in rows if number != id_of(name)}


def _renumber(
    connection: psycopg.Connection[tuple[Any, ...]],
    table: sql.Identifier,
    column: str,
    moves: Mapping[int, int],
) -> None:
    """Move ids by way of negative numbers, so that one which is another's old id meets it nowhere."""
    names = {"table": table, "column": sql.Identifier(column)}
    there = sql.SQL(
        "UPDATE {table} SET {column} = -m.new FROM unnest(%s::int[], %s::int[]) AS m (old, new)"
        " WHERE {column} = m.old"
    )
    back = sql.SQL("UPDATE {table} SET {column} = -{column} WHERE {column} < 0")
    connection.execute(there.format(**names), [list(moves), list(moves.values())])
    connection.execute(back.format(**names))
