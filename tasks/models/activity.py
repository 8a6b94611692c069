"""What happened to a task, for the activity list on its page."""

from django.conf import settings
from django.db import models

from tenants.foundation.ids import uuid7


class TaskActivity(models.Model):
    """One change of one task.

    `changes` maps a field's name to `[before, after]`, as text a person can read. The audit log is another
    thing: this list may be pruned, that one may not.
    """

    class Verb(models.TextChoices):
        CREATED = "created", "Created"
        UPDATED = "updated", "Updated"
        MOVED = "moved", "Moved"
        ARCHIVED = "archived", "Archived"
        RESTORED = "restored", "Restored"
        SYNCED = "synced", "Synced"
        APPROVAL_ASKED = "approval_asked", "Approval asked"
        APPROVAL_GIVEN = "approval_given", "Approved"
        APPROVAL_DENIED = "approval_denied", "Not approved"
        APPROVAL_GONE = "approval_gone", "Approval withdrawn"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    task = models.ForeignKey("tasks.Task", on_delete=models.CASCADE, related_name="activity", db_index=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    actor_name = models.CharField(max_length=200)
    verb = models.CharField(max_length=16, choices=Verb.choices)
    changes = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-created_at", "-id"]
        verbose_name_plural = "task activity"
        indexes = [models.Index(fields=["task", "created_at", "id"], name="tasks_activity_by_task")]

    def __str__(self) -> str:
        return f"{self.actor_name} {self.verb} {self.task_id}"
