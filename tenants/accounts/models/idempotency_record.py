"""What a POST with an idempotency key was answered."""

from django.db import models

from tenants.foundation.ids import uuid7


class IdempotencyRecord(models.Model):
    """One use of an idempotency key; `status` is empty while the first request is at work."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    actor_id = models.CharField(max_length=40)
    route = models.CharField(max_length=200)
    key = models.CharField(max_length=200)
    request_hash = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(null=True, blank=True)
    body = models.JSONField(null=True, blank=True)
    headers = models.JSONField(default=dict)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["actor_id", "route", "key"], name="idempotency_key_once"),
        ]
        indexes = [models.Index(fields=["expires_at"], name="idempotency_expires")]

    def __str__(self) -> str:
        return f"{self.route} {self.key}"
