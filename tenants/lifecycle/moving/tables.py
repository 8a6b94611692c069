"""What a company's schema consists of, read from the server's catalog: nothing here knows the product's models."""

from collections.abc import Sequence
from dataclasses import dataclass

from psycopg import sql

from tenants.foundation.errors import Conflict
from tenants.lifecycle.moving.places import Connection

COLUMNS = """
SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attgenerated <> '',
       coalesce(array_position(p.conkey, a.attnum), 0)
FROM pg_class c
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_constraint p ON p.conrelid = c.oid AND p.contype = 'p'
WHERE c.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = %s) AND c.relkind = 'r'
ORDER BY c.relname, a.attname
"""
# What a copy of tables' rows would leave behind, or could not be applied in one transaction in any order.
HINDRANCES = """
SELECT format('%%s is no plain table', relname) FROM pg_class
WHERE relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = %(schema)s) AND relkind IN ('p', 'f', 'm')
UNION ALL
SELECT format('%%s cannot wait for the end of a transaction', conname) FROM pg_constraint
WHERE connamespace = (SELECT oid FROM pg_namespace WHERE nspname = %(schema)s) AND contype = 'f'
  AND (NOT condeferrable OR confdeltype <> 'a' OR confupdtype <> 'a')
"""
SEQUENCES = """
SELECT relname FROM pg_class
WHERE relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = %s) AND relkind = 'S' ORDER BY relname
"""


@dataclass(frozen=True, slots=True)
class Table:
    """A table: its columns by name, which of them are given (not generated), their types, and its key's columns."""

    name: str
    columns: tuple[str, ...]
    given: tuple[str, ...]
    types: tuple[str, ...]
    key: tuple[str, ...]

    def type_of(self, column: str) -> str:
        """The SQL type of a column, in the server's own words."""
        return self.types[self.columns.index(column)]


def tables_of(connection: Connection, schema: str) -> list[Table]:
    """The schema's tables, by name.

    Raises: Conflict for a table without a primary key: a change of one of its rows could not be told of.
    """
    rows = connection.execute(COLUMNS, [schema]).fetchall()
    tables = []
    for name in sorted({row[0] for row in rows}):
        own = [row for row in rows if row[0] == name]
        key = tuple(row[1] for row in sorted(own, key=lambda row: row[4]) if row[4])
        if not key:
            raise Conflict(f"The table {name} has no primary key.", code="moves.no_key")
        tables.append(
            Table(
                name=name,
                columns=tuple(row[1] for row in own),
                given=tuple(row[1] for row in own if not row[3]),
                types=tuple(row[2] for row in own),
                key=key,
            )
        )
    return tables


def hindrances_of(connection: Connection, schema: str) -> list[str]:
    """What stands in the schema that a move cannot take along, in words."""
    return [row[0] for row in connection.execute(HINDRANCES, {"schema": schema}).fetchall()]


def sequences_of(connection: Connection, schema: str) -> list[str]:
    """Names of the schema's sequences."""
    return [row[0] for row in connection.execute(SEQUENCES, [schema]).fetchall()]


def check_same_shape(source: Sequence[Table], target: Sequence[Table]) -> None:
    """Raises: Conflict naming a table that is not the same in both."""
    there = {table.name: table for table in target}
    for table in source:
        if there.pop(table.name, None) != table:
            raise Conflict(f"The table {table.name} is not the same in both cells.", code="moves.shape")
    if there:
        raise Conflict(f"The table {min(there)} is in the new cell only.", code="moves.shape")


def listed(names: Sequence[str], *, of: str = "") -> sql.Composable:
    """Columns separated by commas, each after the alias ``of`` where one is given."""
    prefix = (of,) if of else ()
    return sql.SQL(", ").join([sql.Identifier(*prefix, name) for name in names])
