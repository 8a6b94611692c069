"""A tenant's schema from the template: one script, one transaction, a role of its own."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

import psycopg
import structlog
from django.conf import settings
from psycopg import sql

from tenants.foundation.ids import uuid7
from tenants.models import TemplateScript, Tenant
from tenants.tenancy.databases import TENANT_GROUP, owner_connection
from tenants.tenancy.template import SCHEMA, current_script

log = structlog.get_logger(__name__)
type Connection = psycopg.Connection[tuple[object, ...]]
# Tables of a cell that have rows for each tenant.
SHARED_ROWS = ("tenants_workitem", "tenants_tenantqueue", "tenants_migrationledger")
# What the comment on a schema says, so that those which nobody owns can be told by their age.
MADE_AT = "made at "

ROLES = """
GRANT {group} TO {roles};
GRANT {roles} TO {login} WITH INHERIT FALSE, SET TRUE
"""
SCHEMA_OF_ITS_OWN = """
CREATE SCHEMA {schema};
COMMENT ON SCHEMA {schema} IS {comment};
GRANT USAGE ON SCHEMA {schema} TO {role};
ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {role};
ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} GRANT USAGE, SELECT ON SEQUENCES TO {role}
"""
QUEUES = """
INSERT INTO tenants_tenantqueue (tenant_id, weight, virtual_time, max_inflight, is_paused)
SELECT t.id, 1, coalesce((SELECT min(virtual_time) FROM tenants_tenantqueue), 0), %s, false
FROM unnest(%s::uuid[]) AS t (id) ON CONFLICT DO NOTHING
"""


@dataclass(frozen=True, slots=True)
class SchemaPlace:
    """Where a tenant is to live: its id, its schema and its role; ``is_ready`` when they stand already."""

    tenant_id: UUID
    schema: str
    role: str
    is_ready: bool = False


def opaque_name() -> str:
    """A name for a schema and its role that says nothing about the company."""
    return f"{settings.TENANT_ROLE_PREFIX}{secrets.token_hex(8)}"


def new_place() -> SchemaPlace:
    """A place that is still to be made."""
    name = opaque_name()
    return SchemaPlace(uuid7(), name, name)


def provision_schema(tenant: Tenant) -> bool:
    """Make the tenant's role and schema, its ledger and its place in the queue; False when they already stand.

    Everything happens in one transaction of the owner, so a crash leaves nothing behind. It is made anew when a release
    has changed the template meanwhile: the migration of all tenants may have passed by before this one was there.
    """
    place = SchemaPlace(tenant.pk, tenant.schema, tenant.role)
    is_current = False
    while not is_current:
        with owner_connection(f"{tenant.cell}_owner") as connection:
            connection.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [tenant.schema])
            if schema_exists(connection, tenant.schema):
                return False
            script = current_script()
            make_schemas(connection, [place], script, cell=tenant.cell)
            is_current = newest_fingerprint() == script.fingerprint
            if not is_current:
                connection.rollback()
    log.info("tenant.provisioned", tenant=tenant.slug, cell=tenant.cell)
    return True


def newest_fingerprint() -> str | None:
    """Which template new schemas are made from, without its text."""
    scripts = TemplateScript.objects.order_by("-created_at")
    return scripts.values_list("fingerprint", flat=True).first()


def make_schemas(
    connection: Connection, places: Sequence[SchemaPlace], script: TemplateScript, *, cell: str
) -> None:
    """Make roles and schemas, and their rows in the cell's ledger and queue, in the caller's transaction.

    All roles are granted in one statement: after a grant every connection of the login role reads its memberships
    anew, which takes the longer the more tenants there are.
    """
    roles = [sql.Identifier(place.role) for place in places]
    grants = sql.SQL(ROLES).format(
        group=sql.Identifier(TENANT_GROUP),
        roles=sql.SQL(", ").join(roles),
        login=sql.Identifier(settings.DATABASES[cell]["USER"]),
    )
    # Roles are the server's, schemas a cell's: who moves within a server has one already.
    known = connection.execute(
        "SELECT rolname FROM pg_roles WHERE rolname = ANY(%s)", [[place.role for place in places]]
    ).fetchall()
    for place in places:
        if (place.role,) not in known:
            connection.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(sql.Identifier(place.role)))
    connection.execute(grants.as_bytes(connection))
    comment = f"{MADE_AT}{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
    for place in places:
        own = sql.SQL(SCHEMA_OF_ITS_OWN).format(
            schema=sql.Identifier(place.schema), role=sql.Identifier(place.role), comment=sql.Literal(comment)
        )
        connection.execute(own.as_bytes(connection))
        connection.execute(script.sql.replace(SCHEMA, place.schema).encode())
        record_migrations(connection, place.tenant_id, [(app, name) for app, name in script.migrations])
    connection.execute(QUEUES, [settings.DISPATCH_INFLIGHT_PER_TENANT, [place.tenant_id for place in places]])


def drop_schema(tenant: Tenant) -> None:
    """Remove the tenant's schema, role and shared rows for ever; does nothing where they are gone."""
    with owner_connection(f"{tenant.cell}_owner") as connection:
        drop_place(connection, SchemaPlace(tenant.pk, tenant.schema, tenant.role))


def drop_place(connection: Connection, place: SchemaPlace) -> None:
    """Remove a schema, its role and its shared rows in the caller's transaction; does nothing where they are gone.

    The role stays while it has rights in another cell of the server: a tenant that has moved left a copy there.
    """
    for table in SHARED_ROWS:
        connection.execute(
            sql.SQL("DELETE FROM {} WHERE tenant_id = %s").format(sql.Identifier(table)), [place.tenant_id]
        )
    connection.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(place.schema)))
    drop_role(connection, place.role)


def drop_role(connection: Connection, role: str) -> bool:
    """Remove a role in the caller's transaction; False when it still has rights in another cell of the server."""
    if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role]).fetchone():
        return True
    try:
        with connection.transaction():
            # The owner made the role and so may act for it; the role's other rights go with it.
            connection.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(role)))
    except psycopg.errors.DependentObjectsStillExist:
        log.info("role.kept", role=role)
        return False
    return True


def schema_exists(connection: Connection, schema: str) -> bool:
    """Whether the cell has this schema."""
    return (
        connection.execute("SELECT 1 FROM pg_namespace WHERE nspname = %s", [schema]).fetchone() is not None
    )


def record_migrations(connection: Connection, tenant_id: UUID, keys: list[tuple[str, str]]) -> int:
    """Write into the ledger that the tenant has these migrations, in the caller's transaction; how many are new to it.

    Another transaction that is just recording the same one is waited for.
    """
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO tenants_migrationledger (id, tenant_id, app, name, applied_at)"
            " VALUES (%s, %s, %s, %s, now()) ON CONFLICT DO NOTHING",
            [(uuid7(), tenant_id, app, name) for app, name in keys],
        )
        return cursor.rowcount
