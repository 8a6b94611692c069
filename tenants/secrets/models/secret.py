"""An encrypted value of a company and what it belongs to."""

from django.db import models

from tenants.foundation.ids import uuid7


class Secret(models.Model):
    """A sealed value: only ciphertext, and enough beside it to recognise it by."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField(max_length=120)
    owner_table = models.CharField(max_length=80)
    owner_id = models.UUIDField()
    sealed = models.BinaryField()
    key_version = models.PositiveIntegerField()
    last4 = models.CharField(max_length=4, blank=True, default="")
    created_at = models.DateTimeField(auto_now_add=True)
    rotated_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["owner_table", "owner_id", "name"], name="secret_name_once_per_owner"
            ),
        ]
        indexes = [models.Index(fields=["key_version"], name="secret_key_version")]

    def __str__(self) -> str:
        return f"{self.name} of {self.owner_table}"
