"""Takes away what PostgreSQL lets everybody do, so that the database itself keeps a tenant's SQL in its own schema."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import structlog
from django.conf import settings
from psycopg import sql

from tenants.foundation.errors import Conflict
from tenants.tenancy.databases import owner_connection

log = structlog.get_logger(__name__)
QUERY = Path(__file__).with_name("hardening.sql")
# Rights are taken in the first round and given back to the platform's roles in the second.
ROUNDS = 3
NAMED = 5


@dataclass(frozen=True, slots=True)
class Fault:
    """A right that differs from what it should be; ``statement`` mends it, None where a person has to."""

    sentence: str
    statement: str | None


def hardened_aliases() -> list[str]:
    """Owner's aliases of the databases in which the login role works: the control plane and every cell."""
    return ["default_owner", *(f"{cell}_owner" for cell in settings.CELLS)]


def harden_databases() -> None:
    """Harden every database where a superuser's URL is known, and make sure that the others are.

    Raises: Conflict naming the database and what is open in it.
    """
    for alias in hardened_aliases():
        harden_database(alias)


def harden_database(alias: str) -> int:
    """Bring the rights in the database of ``alias`` (an owner's alias) in order; returns how many were not.

    Raises: Conflict when some are wrong that cannot be mended, or no superuser's URL is known to mend them with.
    """
    url = settings.ADMIN_URLS.get(alias)
    with (
        psycopg.connect(url, connect_timeout=10, options="-c lock_timeout=5s")
        if url
        else owner_connection(alias)
    ) as connection:
        left = found = faults(connection, alias)
        if found and url:
            connection.execute(script(alias).encode())
            left = faults(connection, alias)
    name = settings.DATABASES[alias]["NAME"]
    if left:
        raise Conflict(refusal(name, left, has_superuser=bool(url)), code="tenancy.not_hardened")
    if found:
        log.info("database.hardened", database=name, rights=len(found))
    return len(found)


def faults(connection: psycopg.Connection[Any], alias: str) -> list[Fault]:
    """Every right in the connection's database that differs from what it should be; the owner may ask."""
    return [Fault(*row) for row in connection.execute(query(alias).encode()).fetchall()]


def query(alias: str) -> str:
    """The query behind :func:`faults`, with the names of the database's owner and login role in it."""
    owner = settings.DATABASES[alias]["USER"]
    login = settings.DATABASES[alias.removesuffix("_owner")]["USER"]
    text = QUERY.read_text()
    for name, value in ((":owner", owner), (":login", login), (":prefix", settings.TENANT_ROLE_PREFIX)):
        text = text.replace(f"{name} AS", f"{sql.Literal(value).as_string(None)}::text AS")
    return text


def script(alias: str) -> str:
    """One statement for a superuser that brings all rights in order; safe to run again, in one transaction."""
    return (
        "DO $harden$\nDECLARE step record;\nBEGIN\n"
        f"FOR turn IN 1..{ROUNDS} LOOP\nFOR step IN\n{query(alias)}LOOP\n"
        "IF step.statement IS NOT NULL THEN EXECUTE step.statement; END IF;\n"
        "END LOOP;\nEND LOOP;\nEND\n$harden$;\n"
    )


def refusal(database: str, left: list[Fault], *, has_superuser: bool) -> str:
    """Why the database cannot be used, for whoever runs ``prepare``."""
    some = "; ".join(fault.sentence for fault in left[:NAMED])
    more = f"; and {len(left) - NAMED} more" if len(left) > NAMED else ""
    advice = (
        "DATABASE_ADMIN_URL (a cell's admin_url) must belong to a superuser, and these roles must be set right by hand."
        if has_superuser
        else "Set DATABASE_ADMIN_URL (a cell's admin_url) for “manage.py prepare”,"
        " or let an administrator run what “manage.py harden --print” writes."
    )
    return f"The database {database} does not keep companies apart yet: {some}{more}. {advice}"
