"""Rows as text, made by PostgreSQL itself: one JSON object a line, or a line of CSV that no spreadsheet runs."""

from collections.abc import Iterator
from typing import Final

from psycopg import sql

from tenants.lifecycle.export.catalogue import Column, Table
from tenants.lifecycle.export.left_out import REDACTED
from tenants.lifecycle.export.snapshot import Connection

PART_BYTES: Final = 256 * 1024
# What a spreadsheet takes for the beginning of a formula, in its usual and its full-width form.
FORMULA: Final = r"^[=+\-@\t\r\n＝＋－＠]"
NEVER_A_FORMULA: Final = frozenset(
    {"bool", "int2", "int4", "int8", "float4", "float8", "numeric", "date", "timestamptz", "uuid", "bytea"}
)
# A JSON text has no control characters, so these quote and delimit nothing: each line leaves as it is.
RAW_LINES: Final = sql.SQL(r"(FORMAT csv, QUOTE E'\x01', DELIMITER E'\x02')")


class Rows:
    """The lines of one table on their way out, several at a time; ``count`` says how many have left."""

    def __init__(self, connection: Connection, query: sql.Composed) -> None:
        self._connection, self._query = connection, query
        self.count = 0

    def __iter__(self) -> Iterator[bytes]:
        self.count = 0
        parts: list[bytes] = []
        size = 0
        with self._connection.cursor() as cursor, cursor.copy(self._query) as copy:
            for line in copy:
                parts.append(bytes(line))
                size += len(line)
                if size >= PART_BYTES:
                    self.count += len(parts)
                    yield b"".join(parts)
                    parts, size = [], 0
        self.count += len(parts)
        yield b"".join(parts)


def json_rows(connection: Connection, schema: str, table: Table) -> Rows:
    """Every row as a JSON object with the exported columns in their order, sorted by the primary key."""
    columns = sql.SQL(", ").join(
        sql.SQL("{} AS {}").format(_value(table, each), sql.Identifier(each.name))
        for each in table.exported_columns
    )
    return Rows(
        connection,
        sql.SQL("COPY (SELECT row_to_json(r)::text FROM (SELECT {} FROM {}.{} {}) r) TO STDOUT {}").format(
            columns, sql.Identifier(schema), sql.Identifier(table.name), _order(table), RAW_LINES
        ),
    )


def csv_rows(connection: Connection, schema: str, table: Table) -> Rows:
    """A line of names, then every row in the same order; an empty field is null, a quoted empty one is empty text."""
    columns = sql.SQL(", ").join(
        sql.SQL("{} AS {}").format(_cell(table, each), sql.Identifier(each.name))
        for each in table.exported_columns
    )
    return Rows(
        connection,
        sql.SQL("COPY (SELECT {} FROM {}.{} {}) TO STDOUT (FORMAT csv, HEADER)").format(
            columns, sql.Identifier(schema), sql.Identifier(table.name), _order(table)
        ),
    )


def _value(table: Table, column: Column) -> sql.Composable:
    name = sql.Identifier(column.name)
    if table.is_redacted(column):
        return sql.SQL("CASE WHEN {} IS NULL THEN NULL ELSE {} END").format(name, sql.Literal(REDACTED))
    if column.kind == "bytea":
        return sql.SQL("replace(encode({}, 'base64'), E'\\n', '')").format(name)
    if column.kind == "numeric":
        return sql.SQL("{}::text").format(name)  # readers would make a double of the number, and lose digits
    return name


def _cell(table: Table, column: Column) -> sql.Composable:
    value = _value(table, column)
    if column.kind == "timestamptz":
        return sql.SQL("to_json({}) #>> '{{}}'").format(value)
    if column.kind in NEVER_A_FORMULA:
        return value
    text = sql.SQL("array_to_json({})::text") if column.category == "A" else sql.SQL("({})::text")
    shown = text.format(value)
    return sql.SQL("CASE WHEN {0} ~ {1} THEN '''' || {0} ELSE {0} END").format(shown, sql.Literal(FORMULA))


def _order(table: Table) -> sql.Composable:
    if not table.primary_key:
        return sql.SQL("")
    return sql.SQL("ORDER BY {}").format(sql.SQL(", ").join(map(sql.Identifier, table.primary_key)))
