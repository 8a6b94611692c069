"""The tables of a company's schema as PostgreSQL's catalog has them: columns, keys and references."""

from dataclasses import dataclass
from typing import Any, LiteralString

from tenants.lifecycle.export.left_out import REDACTED, rule_for
from tenants.lifecycle.export.snapshot import Connection

COLUMNS: LiteralString = """
SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), t.typname, t.typcategory, NOT a.attnotnull,
       a.attgenerated <> '', a.attidentity <> ''
FROM pg_class c
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_type t ON t.oid = a.atttypid
WHERE c.relnamespace = %s::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
ORDER BY c.relname, a.attnum
"""
KEYS: LiteralString = """
SELECT c.relname, k.contype, k.conname, f.relname,
       ARRAY(SELECT attname FROM unnest(k.conkey) WITH ORDINALITY AS at (number, place)
             JOIN pg_attribute ON attrelid = k.conrelid AND attnum = number ORDER BY place)::text[],
       ARRAY(SELECT attname FROM unnest(k.confkey) WITH ORDINALITY AS at (number, place)
             JOIN pg_attribute ON attrelid = k.confrelid AND attnum = number ORDER BY place)::text[]
FROM pg_constraint k
JOIN pg_class c ON c.oid = k.conrelid
LEFT JOIN pg_class f ON f.oid = k.confrelid
WHERE c.relnamespace = %s::regnamespace AND k.contype IN ('p', 'f')
ORDER BY c.relname, k.conname
"""


@dataclass(frozen=True, slots=True)
class Column:
    """One column. ``type`` is PostgreSQL's name with its size, ``kind`` without, ``category`` its one-letter class."""

    name: str
    type: str
    kind: str
    category: str
    is_nullable: bool
    is_generated: bool
    is_identity: bool


@dataclass(frozen=True, slots=True)
class Reference:
    """A foreign key."""

    name: str
    columns: tuple[str, ...]
    table: str
    to_columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """One table with every column it has, exported or not."""

    name: str
    columns: tuple[Column, ...]
    primary_key: tuple[str, ...]
    references: tuple[Reference, ...]

    @property
    def is_exported(self) -> bool:
        """Whether its rows are in the export."""
        return rule_for(self.name) is None

    @property
    def exported_columns(self) -> tuple[Column, ...]:
        """The columns in the export, redacted ones too."""
        return tuple(each for each in self.columns if not self._is_left_out(each))

    def is_redacted(self, column: Column) -> bool:
        """Whether the export has a mark in place of the column's values."""
        rule = rule_for(self.name, column.name)
        return rule is not None and rule.how == "redacted"

    def _is_left_out(self, column: Column) -> bool:
        rule = rule_for(self.name, column.name)
        return rule is not None and rule.how == "left_out"

    def as_json(self) -> dict[str, Any]:
        """The table's entry in ``schema.json``."""
        return {
            "name": self.name,
            "is_exported": self.is_exported,
            "primary_key": list(self.primary_key),
            "columns": [
                {
                    "name": each.name, "type": each.type, "is_nullable": each.is_nullable,
                    "is_generated": each.is_generated, "is_identity": each.is_identity,
                    "exported_as": exported_as(each) if not self.is_redacted(each) else REDACTED,
                }
                for each in self.exported_columns
            ],
            "foreign_keys": [
                {
                    "name": each.name, "columns": list(each.columns), "table": each.table,
                    "to_columns": list(each.to_columns),
                }
                for each in self.references
            ],
        }  # fmt: skip


def exported_as(column: Column) -> str:
    """How NDJSON writes a column's values."""
    if column.kind == "bytea":
        return "base64"
    if column.kind in ("json", "jsonb"):
        return "json"
    if column.category == "A":
        return "list"
    if column.kind == "bool":
        return "boolean"
    if column.kind in ("int2", "int4", "int8", "float4", "float8"):
        return "number"
    return {"timestamptz": "iso 8601 time", "date": "iso 8601 date", "numeric": "decimal text"}.get(
        column.kind, "text"
    )


def tables_of(connection: Connection, schema: str) -> list[Table]:
    """Every table of the schema, by name."""
    columns: dict[str, list[Column]] = {}
    for table, *facts in connection.execute(COLUMNS, [schema]).fetchall():
        columns.setdefault(str(table), []).append(Column(*facts))  # type: ignore[arg-type]
    primary: dict[str, tuple[str, ...]] = {}
    references: dict[str, list[Reference]] = {}
    rows: list[tuple[Any, ...]] = connection.execute(KEYS, [schema]).fetchall()
    for table, kind, name, target, own, theirs in rows:
        if kind == "p":
            primary[table] = tuple(own)
        else:
            references.setdefault(table, []).append(Reference(name, tuple(own), target, tuple(theirs)))
    return [
        Table(name, tuple(found), primary.get(name, ()), tuple(references.get(name, ())))
        for name, found in columns.items()
    ]
