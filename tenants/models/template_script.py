"""The tenant template as SQL: the whole schema for a new tenant, and each later migration for the others."""

from django.db import models

from tenants.foundation.ids import uuid7


class TemplateScript(models.Model):
    """The schema of a tenant as one SQL script, with the migrations it contains."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    fingerprint = models.CharField(max_length=64, unique=True)
    sql = models.TextField()
    migrations = models.JSONField()
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.fingerprint[:12]


class TemplateMigration(models.Model):
    """One migration rendered once; ``sql`` is null where it runs Python and must go through Django per tenant.

    One that is not atomic runs statement by statement outside a transaction: indexes made CONCURRENTLY.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    position = models.PositiveIntegerField(unique=True)
    app = models.CharField(max_length=64)
    name = models.CharField(max_length=200)
    sql = models.TextField(null=True)
    is_atomic = models.BooleanField(default=True, db_default=True)
    rendered_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["app", "name"], name="template_migration_once")]

    def __str__(self) -> str:
        return f"{self.app}.{self.name}"
