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
    """One migration rendered once; ``sql`` is null where it runs Python and must go through Django per tenant."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    position = models.PositiveIntegerField(unique=True)
    app = models.CharField(max_length=64)
    name = models.CharField(max_length=200)
    sql = models.TextField(null=True)
    rendered_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["app", "name"], name="template_migration_once")]

    def __str__(self) -> str:
        return f"{self.app}.{self.name}"
