"""A key a program uses in a user's name."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone

from tenants.foundation.ids import uuid7


class ApiToken(models.Model):
    """An API token: the public part in the clear, the secret part as a keyed hash, never more."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey("accounts.User", on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=120)
    public_id = models.CharField(max_length=12, unique=True)
    secret_hash = models.BinaryField(max_length=32)
    scopes = ArrayField(models.CharField(max_length=80))
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    environment = models.CharField(max_length=8, default="live", db_default="live")
    # Networks in CIDR form it may be used from; none means from anywhere.
    allowed_networks = ArrayField(models.CharField(max_length=50), default=list, db_default=[], blank=True)
    # The token it took the place of, which goes on for as long as the overlap lasts.
    replaces = models.ForeignKey(
        "self", on_delete=models.SET_NULL, null=True, blank=True, related_name="replaced_by"
    )

    class Meta:
        ordering = ["-created_at"]
        indexes = [models.Index(fields=["user", "-created_at"], name="api_token_of_user")]

    def __str__(self) -> str:
        return f"{self.name} ({self.public_id})"

    @property
    def is_usable(self) -> bool:
        """Whether the token is neither revoked nor expired."""
        return self.revoked_at is None and self.expires_at > timezone.now()
