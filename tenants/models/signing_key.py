"""The keys with which the platform signs what it hands out: export manifests, deletion certificates, evidence."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from tenants.foundation.ids import uuid7


class SigningKey(models.Model):
    """An Ed25519 key; ``public`` stays readable for ever, so that old signatures can be checked."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    public = models.BinaryField()
    kek_id = models.CharField(max_length=200)
    wrapped_private = models.BinaryField()
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["is_active"], condition=Q(is_active=True), name="one_active_signing_key"
            ),
        ]

    def __str__(self) -> str:
        return str(self.pk)


class DeletionCertificate(models.Model):
    """What is left of a company that was deleted: a signed document that says so, without its content."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tenant_id = models.UUIDField(unique=True)
    document = models.JSONField()
    signature = models.CharField(max_length=200)
    signed_with = models.ForeignKey(SigningKey, on_delete=models.PROTECT)
    issued_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return str(self.tenant_id)
