"""A schema made ahead of time, so that taking a company in need not wait for one."""

from django.db import models
from django.db.models.functions import Now

from tenants.foundation.ids import uuid7


class SpareSchema(models.Model):
    """A complete, empty schema with its role.

    ``id`` is the id its tenant will have: the cell's ledger and queue have rows for it already.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    cell = models.CharField(max_length=32)
    schema = models.CharField(max_length=63, unique=True)
    role = models.CharField(max_length=63, unique=True)
    fingerprint = models.CharField(max_length=64)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [models.Index(fields=["cell", "fingerprint", "created_at"], name="spare_schema_next")]

    def __str__(self) -> str:
        return f"{self.cell} {self.schema}"
