"""Which migrations each tenant's schema has, and which tenants could not be migrated."""

from typing import ClassVar

from django.db import models
from django.db.models.functions import Now

from tenants.foundation.ids import uuid7
from tenants.models.tenant import Tenant


class MigrationLedger(models.Model):
    """A cell table: tenant ``tenant_id`` has migration ``app.name``; written in the migration's own transaction."""

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


class MigrationFailure(models.Model):
    """A tenant whose last migration failed: it keeps what it had until a later run succeeds, which removes this."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tenant = models.OneToOneField(Tenant, on_delete=models.CASCADE, related_name="migration_failure")
    migration = models.CharField(max_length=300)
    error = models.TextField()
    runs = models.PositiveIntegerField(default=1)
    failed_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"{self.tenant_id} {self.migration}"
