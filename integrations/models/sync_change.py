"""What a run changed, or would change: enough to show it, and to undo it."""

from django.db import models

from tenants.foundation.ids import uuid7


class SyncChange(models.Model):
    """One record a run changed on one side.

    `fields` maps our fields to `[before, after]` (values as the engine compares them). The changes of a dry run
    (`is_planned`) were made nowhere.
    """

    class Side(models.TextChoices):
        HERE = "here", "Here"
        THERE = "there", "There"

    class Action(models.TextChoices):
        CREATED = "created", "New"
        UPDATED = "updated", "Changed"
        ARCHIVED = "archived", "Archived"
        RESTORED = "restored", "Restored"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    run = models.ForeignKey(
        "integrations.SyncRun", on_delete=models.CASCADE, related_name="changes", db_index=False
    )
    collection = models.ForeignKey(
        "integrations.SyncedCollection", on_delete=models.CASCADE, related_name="+", db_index=False
    )
    link_id = models.UUIDField(null=True, blank=True)
    task_id = models.UUIDField(null=True, blank=True, db_index=True)
    project_id = models.UUIDField(null=True, blank=True)
    title = models.CharField(max_length=200, blank=True, default="")
    side = models.CharField(max_length=6, choices=Side.choices)
    action = models.CharField(max_length=10, choices=Action.choices)
    fields = models.JSONField(default=dict, blank=True)
    is_planned = models.BooleanField(default=False)
    undone_at = models.DateTimeField(null=True, blank=True)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["run", "id"], name="integrations_change_of_run")]

    def __str__(self) -> str:
        return f"{self.action} {self.side} {self.title}"
