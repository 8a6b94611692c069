"""Backups of a database server, as the control plane knows them."""

from django.db import models
from django.db.models.functions import Now

from tenants.foundation.ids import uuid7


class Backup(models.Model):
    """One base backup of the server that holds ``cells``: full, or incremental on ``based_on``."""

    class Kind(models.TextChoices):
        FULL = "full"
        INCREMENTAL = "incremental"

    class State(models.TextChoices):
        RUNNING = "running"
        COMPLETE = "complete"
        VERIFIED = "verified"
        FAILED = "failed"
        EXPIRED = "expired"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    server = models.CharField(max_length=80)
    kind = models.CharField(max_length=20, choices=Kind.choices)
    state = models.CharField(max_length=20, choices=State.choices, default=State.RUNNING)
    based_on = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="increments")
    cells = models.JSONField(default=list)
    location = models.CharField(max_length=500)
    bytes = models.PositiveBigIntegerField(default=0)
    # Write-ahead-log positions, as PostgreSQL writes them ("0/3000028"), and the segment it starts in.
    starts_at_lsn = models.CharField(max_length=20, default="", blank=True)
    ends_at_lsn = models.CharField(max_length=20, default="", blank=True)
    first_segment = models.CharField(max_length=40, default="", blank=True)
    manifest_sha256 = models.CharField(max_length=64, default="", blank=True)
    started_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True)
    verified_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)
    error = models.TextField(default="", blank=True)

    class Meta:
        indexes = [models.Index(fields=["server", "-started_at"], name="backup_latest")]

    def __str__(self) -> str:
        return f"{self.kind} of {self.server}, {self.started_at:%Y-%m-%d %H:%M}"
