"""What a tenant has in its cell: a schema, the bytes of its tables and indexes, its migrations."""

from dataclasses import dataclass

from django.db import connections, transaction

from tenants.models import MigrationLedger, TemplateMigration, Tenant
from tenants.tenancy.context import cell_scope

BYTES = """
SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0), count(*)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = %s AND c.relkind = 'r'
"""


@dataclass(frozen=True, slots=True)
class Size:
    """A tenant's schema: bytes on disk, tables, migrations it has, and those of the template."""

    bytes: int
    tables: int
    migrations: int
    all_migrations: int

    @property
    def is_up_to_date(self) -> bool:
        """Whether it has every migration of the template."""
        return self.migrations >= self.all_migrations


def has_schema(cell: str, schema: str) -> bool:
    """Whether a cell has a schema, asked as the login role. Raises: DatabaseError when the cell does not answer."""
    with cell_scope(cell), transaction.atomic(using=cell), connections[cell].cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_namespace WHERE nspname = %s", [schema])
        return cursor.fetchone() is not None


def size_of(tenant: Tenant) -> Size:
    """Measure one tenant. Raises: DatabaseError when its cell does not answer."""
    cell = tenant.cell
    with cell_scope(cell), transaction.atomic(using=cell):
        with connections[cell].cursor() as cursor:
            cursor.execute(BYTES, [tenant.schema])
            total, tables = cursor.fetchone()
        migrations = MigrationLedger.objects.filter(tenant_id=tenant.pk).count()
    return Size(int(total), tables, migrations, TemplateMigration.objects.count())
