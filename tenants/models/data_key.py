"""A tenant's data keys, wrapped by a key-encryption key; destroying the rows makes the ciphertexts unreadable."""

from django.db import models
from django.db.models import Q

from tenants.foundation.ids import uuid7
from tenants.models.tenant import Tenant


class DataKey(models.Model):
    """One version of a tenant's data-encryption key, never stored in the clear."""

    class State(models.TextChoices):
        ACTIVE = "active"
        DECRYPT_ONLY = "decrypt_only"
        DESTROYED = "destroyed"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="data_keys")
    version = models.PositiveIntegerField()
    kek_provider = models.CharField(max_length=40)
    kek_id = models.CharField(max_length=200)
    wrapped = models.BinaryField()
    state = models.CharField(max_length=20, choices=State.choices, default=State.ACTIVE)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "version"], name="data_key_version_once_per_tenant"),
            models.UniqueConstraint(
                fields=["tenant"], condition=Q(state="active"), name="one_active_data_key_per_tenant"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.tenant_id} v{self.version}"
