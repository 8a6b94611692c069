"""Compares the two places row by row: each server hashes its own rows, whatever their order, and only sums travel."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from psycopg import sql

from tenants.foundation.errors import Conflict
from tenants.lifecycle.moving.capture import Changes, changed_rows
from tenants.lifecycle.moving.places import Connection, Move
from tenants.lifecycle.moving.tables import Table, listed
from tenants.tenancy.row_sums import SETTINGS, sums_of

type Sums = Mapping[str, tuple[int, str, str]]


def compare_all(
    move: Move, source: Connection, target: Connection, tables: Sequence[Table], changes: Sequence[Changes]
) -> int:
    """Compare every table as the two connections see it; returns the number of rows, the same in both.

    Raises: Conflict naming the first table that differs.
    """
    return _compare(source, target, {table: move.table(table.name) + sql.SQL(" AS t") for table in tables})


def compare_changed(
    move: Move, source: Connection, target: Connection, tables: Sequence[Table], changes: Sequence[Changes]
) -> int:
    """Compare the rows that were just brought over, where everything was compared a moment ago.

    Raises: Conflict naming the first table that differs.
    """
    return _compare(source, target, {change.table: changed_rows(move, change) for change in changes})


def _compare(source: Connection, target: Connection, rows: Mapping[Table, sql.Composed]) -> int:
    if not rows:
        return 0
    with ThreadPoolExecutor(max_workers=1) as other:
        there = other.submit(_sums, target, rows)
        here = _sums(source, rows)
        found = there.result()
    for name, sums in here.items():
        if found[name] != sums:
            raise Conflict(
                f"The table {name} differs: {sums[0]} rows here, {found[name][0]} there, or other values in them.",
                code="moves.differs",
            )
    return sum(sums[0] for sums in here.values())


def _sums(connection: Connection, rows: Mapping[Table, sql.Composed]) -> Sums:
    connection.execute(SETTINGS)
    parts = [
        # Columns go by name, for their order may differ; generated ones are among them.
        sums_of(
            of_table,
            row=sql.SQL("ROW({})").format(listed(table.columns, of="t")),
            name=sql.Literal(table.name),
        )
        for table, of_table in rows.items()
    ]
    found = connection.execute(sql.SQL(" UNION ALL ").join(parts)).fetchall()
    return {name: (count, first, second) for name, count, first, second in found}
