"""Takes note of which rows of the source change while they are copied: triggers that write down tables and keys."""

from dataclasses import dataclass

import psycopg
from psycopg import sql

from tenants.lifecycle.moving.places import Connection, Move
from tenants.lifecycle.moving.tables import Table, tables_of
from tenants.tenancy.provisioning import schema_exists

TRIGGER = "zz_move_notes"
# A trigger waits for those who are writing to its table, and others queue behind it meanwhile: it must not wait long.
LOCK_MILLISECONDS, TRIES = 400, 25

LOG = """
CREATE SCHEMA IF NOT EXISTS {schema};
REVOKE ALL ON SCHEMA {schema} FROM PUBLIC;
CREATE TABLE IF NOT EXISTS {changes} (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, tbl text NOT NULL, pk jsonb NOT NULL
);
CREATE TABLE IF NOT EXISTS {work} (LIKE public.tenants_workitem)
"""
# As the owner, for the company's role can neither see nor write the log; a trigger's function cannot be called.
NOTE = """
CREATE OR REPLACE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog AS $note$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        INSERT INTO {changes} (tbl, pk) VALUES ({name}, jsonb_build_array({old}));
    END IF;
    IF TG_OP = 'INSERT' OR TG_OP = 'UPDATE' AND ROW({new}) IS DISTINCT FROM ROW({old}) THEN
        INSERT INTO {changes} (tbl, pk) VALUES ({name}, jsonb_build_array({new}));
    END IF;
    RETURN NULL;
END $note$;
REVOKE ALL ON FUNCTION {function}() FROM PUBLIC
"""
ATTACH = """
CREATE OR REPLACE TRIGGER {trigger} AFTER INSERT OR UPDATE OR DELETE ON {table}
FOR EACH ROW EXECUTE FUNCTION {function}()
"""


@dataclass(frozen=True, slots=True)
class Changes:
    """Keys of the rows of one table that changed: one list of texts per column of the key."""

    table: Table
    keys: tuple[list[str], ...]

    def __len__(self) -> int:
        return len(self.keys[0])


def begin_capture(move: Move) -> None:
    """From its return on every change of the source's rows is written down. Safe to repeat."""
    with move.at(move.source) as connection:
        parts = {
            "schema": sql.Identifier(move.log_schema),
            "changes": move.own("changes"),
            "work": move.own("work"),
        }
        connection.execute(sql.SQL(LOG).format(**parts).as_bytes(connection))
        tables = tables_of(connection, move.schema)
        for table in tables:
            connection.execute(_note(move, table).as_bytes(connection))
    for table in tables:
        attach = sql.SQL(ATTACH).format(
            trigger=sql.Identifier(TRIGGER), table=move.table(table.name), function=move.own(table.name)
        )
        _one_table(move, attach)


def end_capture(move: Move) -> None:
    """Remove triggers and log; does nothing where they are gone."""
    with move.at(move.source) as connection:
        tables = tables_of(connection, move.schema)
    for table in tables:
        drop = sql.SQL("DROP TRIGGER IF EXISTS {} ON {}").format(
            sql.Identifier(TRIGGER), move.table(table.name)
        )
        _one_table(move, drop)
    with move.at(move.source) as connection:
        connection.execute(
            sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(move.log_schema))
        )


def take_changes(connection: Connection, move: Move, tables: list[Table]) -> list[Changes]:
    """What changed as far as the connection's snapshot knows, and strike it from the log in the same transaction."""
    found = []
    for table in tables:
        keys = sql.SQL(", ").join([sql.SQL("pk ->> {}").format(n) for n in range(len(table.key))])
        query = sql.SQL("SELECT DISTINCT {} FROM {} WHERE tbl = %s").format(keys, move.own("changes"))
        rows = connection.execute(query, [table.name]).fetchall()
        if rows:
            found.append(Changes(table, tuple(list(column) for column in zip(*rows, strict=True))))
    if found:
        connection.execute(sql.SQL("DELETE FROM {}").format(move.own("changes")))
    return found


def changed_rows(move: Move, change: Changes) -> sql.Composed:
    """The rows of one table with the changed keys, as ``t`` of a FROM clause."""
    table, keys, match = move.table(change.table.name), keys_of(change), key_match(change.table)
    return sql.SQL("{} AS t JOIN {} ON {}").format(table, keys, match)


def keys_of(change: Changes) -> sql.Composed:
    """The changed keys as ``k (k0, …)`` of a FROM clause. They stand in the text, for COPY takes no parameters."""
    columns = [sql.SQL("{}::text[]").format(sql.Literal(column)) for column in change.keys]
    names = [sql.Identifier(f"k{number}") for number in range(len(columns))]
    return sql.SQL("unnest({}) AS k ({})").format(sql.SQL(", ").join(columns), sql.SQL(", ").join(names))


def key_match(table: Table) -> sql.Composed:
    """That ``t``, a row of the table, is the one whose key is ``k``."""
    parts = [
        sql.SQL("t.{} = k.{}::{}").format(
            sql.Identifier(column), sql.Identifier(f"k{number}"), sql.SQL(table.type_of(column))
        )
        for number, column in enumerate(table.key)
    ]
    return sql.SQL(" AND ").join(parts)


def log_stands(move: Move) -> bool:
    """Whether the source still has the move's own schema."""
    with move.at(move.source) as connection:
        return schema_exists(connection, move.log_schema)


def _note(move: Move, table: Table) -> sql.Composed:
    return sql.SQL(NOTE).format(
        function=move.own(table.name),
        changes=move.own("changes"),
        name=sql.Literal(table.name),
        old=sql.SQL(", ").join([sql.SQL("OLD.{}").format(sql.Identifier(name)) for name in table.key]),
        new=sql.SQL(", ").join([sql.SQL("NEW.{}").format(sql.Identifier(name)) for name in table.key]),
    )


def _one_table(move: Move, statement: sql.Composed) -> None:
    """One table per transaction, and again and again: two tables' locks at once could deadlock with a writer."""
    for left in range(TRIES - 1, -1, -1):
        try:
            with move.at(move.source) as connection:
                connection.execute(f"SET LOCAL lock_timeout = {LOCK_MILLISECONDS}".encode())
                connection.execute(statement)
            return
        except psycopg.errors.LockNotAvailable:
            if not left:
                raise
