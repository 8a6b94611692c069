"""Evidence: what a check of the platform found, when, and whether it passed; kept for auditors."""

from django.db import models
from django.db.models.functions import Now

from tenants.foundation.ids import uuid7


class Evidence(models.Model):
    """One run of a check. ``report`` is what the check's command prints as JSON."""

    class Kind(models.TextChoices):
        ISOLATION_PROBE = "isolation_probe"
        SCHEMA_AUDIT = "schema_audit"
        BACKUP = "backup"
        RESTORE_DRILL = "restore_drill"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    kind = models.CharField(max_length=30, choices=Kind.choices)
    is_passed = models.BooleanField()
    summary = models.CharField(max_length=300)
    report = models.JSONField(default=dict)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [models.Index(fields=["kind", "-finished_at"], name="evidence_latest")]

    def __str__(self) -> str:
        return f"{self.kind} {self.finished_at:%Y-%m-%d}"

    @property
    def seconds(self) -> float:
        """How long it took."""
        return (self.finished_at - self.started_at).total_seconds()
