"""A company that is to be deleted, and the names that nobody may have again."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from tenants.foundation.ids import uuid7


class DeletionRequest(models.Model):
    """Somebody asked for a company to be deleted: from then on its doors are closed, and it may be called off.

    It outlives its tenant, hence no foreign key; what it says of a person is blanked with the company.
    """

    class Asker(models.TextChoices):
        OWNER = "owner"
        OPERATOR = "operator"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tenant_id = models.UUIDField()
    asked_by = models.CharField(max_length=200, default="", blank=True)
    asked_as = models.CharField(max_length=20, choices=Asker.choices)
    # Where calling it off leads back to.
    state_before = models.CharField(max_length=20)
    reason_before = models.CharField(max_length=300, default="", blank=True)
    delete_after = models.DateTimeField()
    asked_at = models.DateTimeField(db_default=Now())
    owners_told_at = models.DateTimeField(null=True)
    cancelled_at = models.DateTimeField(null=True)
    cancelled_by = models.CharField(max_length=200, default="", blank=True)
    begun_at = models.DateTimeField(null=True)
    done_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant_id"],
                condition=Q(cancelled_at__isnull=True, done_at__isnull=True),
                name="one_open_deletion_request",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.tenant_id} after {self.delete_after:%Y-%m-%d}"


class RetiredName(models.Model):
    """A slug or host name of a deleted company, as a keyed hash: it can be recognised but not read."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    digest = models.BinaryField(max_length=32, unique=True)
    retired_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return bytes(self.digest).hex()[:12]
