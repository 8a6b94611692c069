"""Evidence: what a check of the platform found, when, and whether it passed; kept for auditors."""

from datetime import timedelta
from typing import Final

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

from tenants.foundation.ids import uuid7

# Longer than any check may take: one that has said nothing by then was cut short.
LONGEST: Final = timedelta(hours=12)
UNDER_WAY: Final = {"is_under_way": True}


class EvidenceQuerySet(models.QuerySet["Evidence"]):
    """Runs of checks."""

    def ended(self) -> "EvidenceQuerySet":
        """Those that are not under way."""
        return self.exclude(self.model.under_way())


class Evidence(models.Model):
    """One run of a check. ``report`` is what the check's command prints as JSON.

    A drill is written down when it begins, for that very row has to come back with the server: its report says
    ``UNDER_WAY`` until it has ended.
    """

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
    objects = EvidenceQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["kind", "-finished_at"], name="evidence_latest")]

    def __str__(self) -> str:
        return f"{self.kind} {self.finished_at:%Y-%m-%d}"

    @classmethod
    def under_way(cls) -> Q:
        """The condition of a run that has begun and may still be on."""
        return Q(report=UNDER_WAY, started_at__gt=timezone.now() - LONGEST)

    @property
    def is_under_way(self) -> bool:
        """Whether it has begun and may still be on."""
        return self.report == UNDER_WAY and self.started_at > timezone.now() - LONGEST

    @property
    def seconds(self) -> float:
        """How long it took."""
        return (self.finished_at - self.started_at).total_seconds()
