"""Which migrations each tenant's schema has: one row each, written in the migration's own transaction."""

from typing import ClassVar

from django.db import models

from tenants.foundation.ids import uuid7


class MigrationLedger(models.Model):
    """A cell table: tenant ``tenant_id`` has migration ``app.name``."""

    tenancy: ClassVar = "cell"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tenant_id = models.UUIDField()
    app = models.CharField(max_length=64)
    name = models.CharField(max_length=200)
    applied_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant_id", "app", "name"], name="migration_once_per_tenant")
        ]

    def __str__(self) -> str:
        return f"{self.app}.{self.name}"
