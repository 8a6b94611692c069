"""What a schema holds, object by object, and how it differs from what the template says it should."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

from tenants.tenancy.databases import TENANT_GROUP, owner_connection
from tenants.tenancy.template import ALIAS, SCHEMA, current_script

DESCRIBE = Path(__file__).with_name("describe.sql").read_text()
REHEARSAL, ORDER = "tenant_rehearsal", "order of columns"
# What provisioning gives the tenant's role (ALTER DEFAULT PRIVILEGES does the same for later tables).
ON_TABLES, ON_SEQUENCES, ON_SCHEMA = "DELETE, INSERT, SELECT, UPDATE", "SELECT, USAGE", "USAGE"

type Name = tuple[str, str]
type Description = dict[Name, str]


@dataclass(frozen=True)
class Expected:
    """What a tenant's schema must hold. A definition may be written in more than one way and mean the same.

    The template was made by migrations, new schemas by its dump: PostgreSQL writes some conditions a little
    differently after reading its own words.
    """

    ways: Mapping[Name, frozenset[str]]

    def differences(self, found: Description) -> list[str]:
        """One sentence for each thing that is missing, is too much, or is not as it should be."""
        said = [
            f"{kind} {name} is missing"
            for kind, name in self.ways
            if (kind, name) not in found and kind != ORDER
        ]
        for (kind, name), definition in found.items():
            ways = self.ways.get((kind, name))
            if kind == ORDER:
                if ways is not None and _is_other_order(definition, min(ways)):
                    said.append(f"{kind} {name} is “{definition}”, in the template “{min(ways)}”")
            elif ways is None:
                said.append(f"{kind} {name} is not in the template: {definition}".rstrip(": "))
            elif definition not in ways:
                said.append(f"{kind} {name} is “{definition}”, in the template “{min(ways)}”")
        return sorted(said)


def _is_other_order(found: str, wanted: str) -> bool:
    """Whether the columns both have come in another order; what one of them lacks is told of each column."""
    both = set(found.split()) & set(wanted.split())
    return [name for name in found.split() if name in both] != [
        name for name in wanted.split() if name in both
    ]


def describe(
    connection: psycopg.Connection[tuple[object, ...]], schema: str, role: str | None = None
) -> Description:
    """Everything in a schema, with its own name and its role's taken out; in the caller's transaction."""
    connection.execute(
        sql.SQL("SET LOCAL search_path = {}, public").format(sql.Identifier(schema)).as_bytes(connection)
    )
    rows = connection.execute(DESCRIBE, [schema, role]).fetchall()
    return {
        (str(kind), str(name)): str(definition).replace(f'"{schema}".', "").replace(f"{schema}.", "")
        for kind, name, definition in rows
    }


def expected(login: str) -> Expected:
    """What the schemas of cells with this login role must hold; builds the template's script once and throws it away.

    Raises: Conflict when there is no template.
    """
    script = current_script()
    with owner_connection(ALIAS) as connection:
        migrated = describe(connection, SCHEMA)
        connection.rollback()
        name = sql.Identifier(REHEARSAL)
        connection.execute(sql.SQL("CREATE SCHEMA {}").format(name))
        connection.execute(script.sql.replace(SCHEMA, REHEARSAL).encode())
        written = describe(connection, REHEARSAL)
        connection.rollback()
    ways = {key: frozenset({text, written.get(key, text)}) for key, text in migrated.items()}
    return Expected({**ways, **_rights(migrated, login)})


def _rights(template: Description, login: str) -> dict[Name, frozenset[str]]:
    """What the role may do, which the template, having none, cannot show."""
    rights = {
        ("right", "schema to $role"): ON_SCHEMA,
        ("right", "new tables to $role"): ON_TABLES,
        ("right", "new sequences to $role"): ON_SEQUENCES,
        ("role", "$role"): "",
        ("role", f"$role is in {TENANT_GROUP}"): "",
        ("role", f"{login} may enter $role"): "sets",
    }
    for kind, name in template:
        if kind == "table":
            rights["right", f"table {name} to $role"] = ON_TABLES
        elif kind == "sequence":
            rights["right", f"sequence {name} to $role"] = ON_SEQUENCES
    return {key: frozenset({text}) for key, text in rights.items()}
