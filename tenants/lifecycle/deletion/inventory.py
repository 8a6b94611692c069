"""What a company has, in numbers: counted before it is deleted, for the certificate."""

from datetime import datetime, timedelta
from typing import Any, Final

from django.conf import settings
from psycopg import sql

from tenants.models import Backup, DataKey, Domain, Tenant
from tenants.tenancy.databases import owner_connection
from tenants.tenancy.provisioning import SHARED_ROWS

# As the platform's schedules have it.
FULL_BACKUP_EVERY: Final = timedelta(days=1)
REMOVAL_EVERY: Final = timedelta(days=1)


def count_rows(tenant: Tenant) -> dict[str, int]:
    """Rows of each table of the company's schema; empty where the schema is gone."""
    with owner_connection(f"{tenant.cell}_owner") as connection:
        names = connection.execute(
            "SELECT relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
            " WHERE n.nspname = %s AND relkind IN ('r', 'p') AND NOT relispartition ORDER BY 1",
            [tenant.schema],
        ).fetchall()
        return {str(name): _count(connection, sql.Identifier(tenant.schema, str(name))) for (name,) in names}


def count_shared_rows(tenant: Tenant) -> dict[str, int]:
    """Rows about the company in the cells' shared tables: its work, its place in the queue, its ledger."""
    counts = dict.fromkeys(SHARED_ROWS, 0)
    for cell in settings.CELLS:
        with owner_connection(f"{cell}_owner") as connection:
            for table in SHARED_ROWS:
                counts[table] += _count(connection, sql.Identifier(table), tenant.pk)
    return counts


def keys_of(tenant: Tenant) -> list[dict[str, Any]]:
    """The ids and versions of the company's data keys."""
    rows = DataKey.objects.filter(tenant=tenant).order_by("version")
    return [{"id": str(row.pk), "version": row.version} for row in rows]


def hosts_of(tenant: Tenant) -> list[str]:
    """The host names under which the company is reached."""
    return list(Domain.objects.filter(tenant=tenant).order_by("host").values_list("host", flat=True))


def backups_until(deleted_at: datetime) -> datetime | None:
    """When the last backup of ours that may hold the company's rows is removed; None where we take none.

    The chain of the deletion's own day is kept until a full backup made after it is older than the days to be reached:
    one day until that backup, and one until the next removal. Copies made by others are not known here.
    """
    is_kept = settings.BACKUP_DIR is not None or Backup.objects.exclude(state=Backup.State.EXPIRED).exists()
    return (
        deleted_at + timedelta(days=settings.BACKUP_KEEP_DAYS) + FULL_BACKUP_EVERY + REMOVAL_EVERY
        if is_kept
        else None
    )


def _count(connection: Any, table: sql.Identifier, tenant_id: object = None) -> int:
    of_tenant = sql.SQL("WHERE tenant_id = {}").format(sql.Literal(tenant_id)) if tenant_id else sql.SQL("")
    row = connection.execute(sql.SQL("SELECT count(*) FROM {} {}").format(table, of_tenant)).fetchone()
    return int(row[0])
