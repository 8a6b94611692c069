"""A tenant's schema from the template: one script, one transaction, a role of its own."""

import secrets
from uuid import UUID

import psycopg
import structlog
from django.conf import settings
from psycopg import sql

from tenants.foundation.ids import uuid7
from tenants.models import Tenant
from tenants.tenancy.databases import TENANT_GROUP, owner_connection
from tenants.tenancy.template import SCHEMA, current_script

log = structlog.get_logger(__name__)


def opaque_name() -> str:
    """A name for a schema and its role that says nothing about the company."""
    return f"{settings.TENANT_ROLE_PREFIX}{secrets.token_hex(8)}"


def choose_cell() -> str:
    """The cell for a new tenant: the one with the fewest tenants."""
    open_cells = [
        cell
        for cell, policy in settings.CELL_POLICIES.items()
        if policy.is_open and policy.region == settings.DEFAULT_REGION
    ]
    counts = dict.fromkeys(open_cells, 0)
    for cell in Tenant.objects.values_list("cell", flat=True):
        if cell in counts:
            counts[cell] += 1
    return min(counts, key=lambda cell: counts[cell])


def provision_schema(tenant: Tenant) -> bool:
    """Make the tenant's role and schema, its ledger and its place in the queue; False when they already stand.

    Everything happens in one transaction of the owner, so a crash leaves nothing behind.
    """
    script = current_script()
    login = settings.DATABASES[tenant.cell]["USER"]
    with owner_connection(f"{tenant.cell}_owner") as connection:
        connection.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [tenant.schema])
        if schema_exists(connection, tenant.schema):
            return False
        names = {
            "schema": sql.Identifier(tenant.schema),
            "role": sql.Identifier(tenant.role),
            "login": sql.Identifier(login),
            "group": sql.Identifier(TENANT_GROUP),
        }
        connection.execute(
            sql.SQL(
                "CREATE ROLE {role} NOLOGIN; GRANT {group} TO {role};"
                "GRANT {role} TO {login} WITH INHERIT FALSE, SET TRUE;"
                "CREATE SCHEMA {schema}; GRANT USAGE ON SCHEMA {schema} TO {role};"
                "ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {role};"
                "ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} GRANT USAGE, SELECT ON SEQUENCES TO {role}"
            )
            .format(**names)
            .as_bytes(connection)
        )
        connection.execute(script.sql.replace(SCHEMA, tenant.schema).encode())
        record_migrations(connection, tenant.pk, [(app, name) for app, name in script.migrations])
        connection.execute(
            "INSERT INTO tenants_tenantqueue (tenant_id, weight, virtual_time, max_inflight, is_paused)"
            " SELECT %s, 1, coalesce(min(virtual_time), 0), %s, false FROM tenants_tenantqueue",
            [tenant.pk, settings.DISPATCH_INFLIGHT_PER_TENANT],
        )
    log.info("tenant.provisioned", tenant=tenant.slug, cell=tenant.cell)
    return True


def drop_schema(tenant: Tenant) -> None:
    """Remove the tenant's schema, role and shared rows for ever; does nothing where they are gone."""
    with owner_connection(f"{tenant.cell}_owner") as connection:
        for table in ("tenants_workitem", "tenants_tenantqueue", "tenants_migrationledger"):
            connection.execute(
                sql.SQL("DELETE FROM {} WHERE tenant_id = %s").format(sql.Identifier(table)), [tenant.pk]
            )
        role = sql.Identifier(tenant.role)
        connection.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(tenant.schema)))
        if connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [tenant.role]).fetchone():
            # The owner made the role and so may act for it; the role's other rights go with it.
            connection.execute(sql.SQL("DROP ROLE {}").format(role))


def schema_exists(connection: psycopg.Connection[tuple[object, ...]], schema: str) -> bool:
    """Whether the cell has this schema."""
    return (
        connection.execute("SELECT 1 FROM pg_namespace WHERE nspname = %s", [schema]).fetchone() is not None
    )


def record_migrations(
    connection: psycopg.Connection[tuple[object, ...]], tenant_id: UUID, keys: list[tuple[str, str]]
) -> int:
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
