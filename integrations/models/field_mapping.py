"""Which remote column fills which of our fields."""

from typing import Any

from django.db import models
from django.db.models import Q

from tenants.foundation.ids import uuid7


class FieldMapping(models.Model):
    """One of our fields and the remote column it is filled from, addressed by the column's id.

    `options` lists what each remote option becomes: `{"id", "name", "value", "reason", "is_certain"}`. A
    suspended mapping keeps the last values: it fills nothing until a person has looked at it.
    """

    class State(models.TextChoices):
        PROPOSED = "proposed", "Proposed"
        CONFIRMED = "confirmed", "Confirmed"
        SUSPENDED = "suspended", "Suspended"

    class Direction(models.TextChoices):
        BOTH = "both", "Both ways"
        IN = "in", "From there only"
        OUT = "out", "From here only"

    class Policy(models.TextChoices):
        """Who wins when both sides changed the field."""

        NEWEST = "newest", "The newest edit"
        REMOTE = "remote", "The workspace"
        LOCAL = "local", "This side"
        MANUAL = "manual", "Ask somebody"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    collection = models.ForeignKey(
        "integrations.SyncedCollection", on_delete=models.CASCADE, related_name="mappings"
    )
    our_field = models.CharField(max_length=20)
    remote_field_id = models.CharField(max_length=200)
    remote_field_name = models.TextField(blank=True, default="")
    remote_kind = models.CharField(max_length=20)
    related_collection_id = models.CharField(max_length=100, blank=True, default="")
    options = models.JSONField(default=list, blank=True)
    state = models.CharField(max_length=16, choices=State.choices, default=State.PROPOSED)
    direction = models.CharField(
        max_length=4, choices=Direction.choices, default=Direction.BOTH, db_default=Direction.BOTH
    )
    policy = models.CharField(
        max_length=10, choices=Policy.choices, default=Policy.NEWEST, db_default=Policy.NEWEST
    )
    reason = models.TextField(blank=True, default="")
    score = models.FloatField(default=0.0)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["collection", "our_field"]
        constraints = [
            models.UniqueConstraint(
                fields=["collection", "our_field"], name="integrations_mapping_field_once"
            ),
            models.CheckConstraint(
                condition=Q(state__in=["proposed", "confirmed", "suspended"]),
                name="integrations_mapping_state_known",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.our_field} ← {self.remote_field_name}"

    @property
    def option_values(self) -> dict[str, str]:
        """Our value for each remote option id."""
        rows: list[dict[str, Any]] = self.options
        return {str(row["id"]): str(row["value"]) for row in rows}
