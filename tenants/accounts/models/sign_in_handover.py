"""Somebody on the way from a host where they have proved who they are to another one of the same company."""

from django.db import models

from tenants.foundation.ids import uuid7


class SignInHandover(models.Model):
    """Begun by a browser on the host it wants to get in at; lives minutes, works once. Secrets only as keyed hashes."""

    class Purpose(models.TextChoices):
        """Single sign-on for a domain of the company's own; an operator's visit."""

        SINGLE_SIGN_ON = "sso"
        SUPPORT = "support"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    purpose = models.CharField(max_length=10, choices=Purpose.choices)
    # The host that began it: the only one where the code counts.
    host = models.CharField(max_length=253)
    state_hash = models.BinaryField(max_length=32, unique=True)
    browser_hash = models.BinaryField(max_length=32)
    # Empty until the other host has said who it is.
    code_hash = models.BinaryField(max_length=32, null=True, blank=True)
    subject_id = models.UUIDField(null=True, blank=True)
    payload = models.JSONField(default=dict, blank=True)
    next_path = models.CharField(max_length=500, blank=True, default="")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["expires_at"], name="handover_expires")]

    def __str__(self) -> str:
        return f"{self.purpose} to {self.host}"
