"""Existing tenants follow the template: what the ledger lacks is applied, tenant by tenant, each in one transaction."""

from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from uuid import UUID

import psycopg
import structlog
from django.conf import settings
from django.db import connections, transaction
from django.db.migrations.executor import MigrationExecutor
from psycopg import sql

from tenants.models import TemplateMigration, Tenant
from tenants.tenancy.context import cell_scope, tenant_scope
from tenants.tenancy.databases import owner_connection
from tenants.tenancy.provisioning import record_migrations
from tenants.tenancy.template import tenant_plan

log = structlog.get_logger(__name__)
Key = tuple[str, str]


@dataclass
class MigrationReport:
    """What a run did: tenants that were up to date, that were migrated, and that failed with why."""

    up_to_date: int = 0
    migrated: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)


def pending_migrations(cell: str) -> dict[UUID, list[Key]]:
    """What each tenant of a cell lacks, from one query of the ledger; tenants that lack nothing are left out."""
    plan = tenant_plan()
    with cell_scope(cell), transaction.atomic(using=cell), connections[cell].cursor() as cursor:
        cursor.execute("SELECT tenant_id, app, name FROM tenants_migrationledger")
        applied: dict[UUID, set[Key]] = defaultdict(set)
        for tenant_id, app, name in cursor.fetchall():
            applied[tenant_id].add((app, name))
    missing = {
        pk: [key for key in plan if key not in applied[pk]]
        for pk, state in Tenant.objects.filter(cell=cell).values_list("pk", "state")
        # One that is just being taken in may not have its schema yet; if it has, it must not fall behind.
        if state != Tenant.State.PROVISIONING or pk in applied
    }
    return {pk: keys for pk, keys in missing.items() if keys}


def migrate_tenants(*, cells: Sequence[str] | None = None, workers: int = 2) -> MigrationReport:
    """Bring every tenant to the template's migrations. One failing tenant does not stop the others.

    The ledger is written in the tenant's own migration transaction, so a run that was killed goes on where it was.
    """
    report = MigrationReport()
    for cell in cells or settings.CELLS:
        pending = pending_migrations(cell)
        tenants = {tenant.pk: tenant for tenant in Tenant.objects.filter(cell=cell)}
        report.up_to_date += sum(
            tenant.state != Tenant.State.PROVISIONING for pk, tenant in tenants.items() if pk not in pending
        )
        with ThreadPoolExecutor(max_workers=workers) as pool:
            jobs = {pk: pool.submit(migrate_tenant, tenants[pk], keys) for pk, keys in pending.items()}
        for pk, job in jobs.items():
            error = job.exception()
            if error is None:
                report.migrated.append(tenants[pk].slug)
            else:
                report.failed[tenants[pk].slug] = str(error)
                log.error("tenant.migration_failed", tenant=tenants[pk].slug, error=str(error))
    return report


def migrate_tenant(tenant: Tenant, keys: list[Key]) -> None:
    """Apply ``keys`` to one tenant: rendered SQL where there is some, Django's way where a migration runs Python."""
    try:
        scripts = {(m.app, m.name): m.sql for m in TemplateMigration.objects.all()}
        for key in keys:
            statements = scripts.get(key)
            if statements is None:
                _migrate_through_django(tenant, key)
            else:
                _migrate_by_sql(tenant, key, statements)
    finally:
        connections.close_all()


def _migrate_by_sql(tenant: Tenant, key: Key, statements: str) -> None:
    with owner_connection(f"{tenant.cell}_owner") as connection:
        _enter_schema(connection, tenant)
        if record_migrations(connection, tenant.pk, [key]):
            connection.execute(statements.encode())


def _migrate_through_django(tenant: Tenant, key: Key) -> None:
    alias = f"{tenant.cell}_owner"
    wrapper = connections[alias]
    executor = MigrationExecutor(connections["template"])
    migration = executor.loader.graph.nodes[key]
    state = executor.loader.project_state((key[0], key[1]), at_end=False)
    # The scope tells the router that the owner's connection is this tenant's now; without it every operation would
    # find that its table does not belong there, and do nothing.
    with tenant_scope(tenant.ref), transaction.atomic(using=alias):
        wrapper.ensure_connection()
        _enter_schema(wrapper.connection, tenant)
        if not record_migrations(wrapper.connection, tenant.pk, [key]):
            return
        with wrapper.schema_editor(atomic=False) as editor:
            for operation in migration.operations:
                before = state.clone()
                operation.state_forwards(key[0], state)
                operation.database_forwards(key[0], editor, before, state)


def _enter_schema(connection: psycopg.Connection[tuple[object, ...]], tenant: Tenant) -> None:
    connection.execute(
        sql.SQL("SET LOCAL search_path = {}, public")
        .format(sql.Identifier(tenant.schema))
        .as_bytes(connection)
    )
