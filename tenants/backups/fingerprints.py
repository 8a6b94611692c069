"""What the rows of a schema come to: a count and a hash for each table, equal wherever the rows are equal."""

from dataclasses import dataclass
from typing import Any, Final

from psycopg import sql

from tenants.backups.servers import Connection
from tenants.tenancy.row_sums import SETTINGS, sums_of

# PostgreSQL logs a sequence this many numbers ahead: a recovered one leaves some out and gives none twice.
SEQUENCE_AHEAD: Final = 32
TABLES = """
SELECT c.relname, c.relkind FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = %s AND c.relkind IN ('r', 'p', 'S') ORDER BY c.relname
"""


@dataclass(frozen=True, slots=True)
class TableFingerprint:
    """Number of rows, and a sum over their hashes that does not depend on their order.

    Of a sequence: how far it has counted.
    """

    rows: int
    digest: str


type SchemaFingerprint = dict[str, TableFingerprint]


def fingerprint_of(connection: Connection, schema: str) -> SchemaFingerprint:
    """The fingerprint of every table and sequence of a schema, in one snapshot."""
    found: SchemaFingerprint = {}
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        connection.execute(f"{SETTINGS}; SET LOCAL search_path = pg_catalog".encode())
        for name, kind in connection.execute(TABLES, [schema]).fetchall():
            place = sql.Identifier(schema, str(name))
            row: Any = connection.execute(_query(str(kind), place)).fetchone()
            found[str(name)] = TableFingerprint(int(row[0]), "/".join(row[1:]))
    return found


def _query(kind: str, place: sql.Identifier) -> sql.Composed:
    if kind in ("S", b"S"):
        return sql.SQL("SELECT last_value, is_called::text FROM {}").format(place)
    return sums_of(sql.SQL("{} AS t").format(place), row=sql.SQL("t"))


def differences(left: SchemaFingerprint, right: SchemaFingerprint) -> list[str]:
    """The names of the tables that differ, or that only one side has."""
    return sorted(name for name in left.keys() | right.keys() if left.get(name) != right.get(name))


def without_numbers_ahead(recovered: SchemaFingerprint, live: SchemaFingerprint) -> SchemaFingerprint:
    """The fingerprint of a recovered schema, with sequences that only go on a little later counted as equal."""
    return {
        name: live[name] if _is_ahead(table, live.get(name)) else table for name, table in recovered.items()
    }


def _is_ahead(found: TableFingerprint, live: TableFingerprint | None) -> bool:
    is_sequence = live is not None and "/" not in live.digest + found.digest
    return is_sequence and live is not None and live.rows <= found.rows <= live.rows + SEQUENCE_AHEAD


def total_rows(fingerprint: SchemaFingerprint) -> int:
    """How many rows there are in all tables; sequences have no hash."""
    return sum(table.rows for table in fingerprint.values() if "/" in table.digest)
