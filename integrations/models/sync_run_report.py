"""What a run tells about itself: groups of problems with a way to mend them, and its log."""

from django.db import models

from tenants.foundation.ids import uuid7


class SyncRunIssue(models.Model):
    """All problems of one kind in one run, with a sentence on how to mend them.

    `samples` holds up to ten of them: `{"remote_id", "title", "url", "detail"}`.
    """

    class Severity(models.TextChoices):
        WARNING = "warning", "Warning"
        ERROR = "error", "Error"

    class Action(models.TextChoices):
        NONE = "", "Nothing to do"
        REAUTHORISE = "reauthorise", "Give a new token"
        SHARE = "share", "Share it with the integration"
        CONFIRM_MAPPING = "confirm_mapping", "Look at the mapping"
        RETRY = "retry", "Try again"
        EDIT_REMOTE = "edit_remote", "Change it there"
        CONFIRM_DELETION = "confirm_deletion", "Look at what disappeared"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    run = models.ForeignKey("integrations.SyncRun", on_delete=models.CASCADE, related_name="issues")
    collection = models.ForeignKey(
        "integrations.SyncedCollection", null=True, blank=True, on_delete=models.CASCADE, related_name="+"
    )
    code = models.CharField(max_length=60)
    severity = models.CharField(max_length=10, choices=Severity.choices, default=Severity.ERROR)
    title = models.TextField()
    hint = models.TextField(blank=True, default="")
    action = models.CharField(max_length=20, choices=Action.choices, default=Action.NONE, blank=True)
    count = models.PositiveIntegerField(default=0)
    samples = models.JSONField(default=list, blank=True)
    first_at = models.DateTimeField(auto_now_add=True)
    last_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["-count", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["run", "code", "collection"],
                nulls_distinct=False,
                name="integrations_issue_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.code} × {self.count}"


class SyncRunLog(models.Model):
    """One line of a run's log, for people; `context` has ids and numbers, never values of records."""

    class Level(models.TextChoices):
        INFO = "info", "Info"
        WARNING = "warning", "Warning"
        ERROR = "error", "Error"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    run = models.ForeignKey(
        "integrations.SyncRun", on_delete=models.CASCADE, related_name="log_lines", db_index=False
    )
    level = models.CharField(max_length=10, choices=Level.choices, default=Level.INFO)
    message = models.TextField()
    context = models.JSONField(default=dict, blank=True)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["run", "id"], name="integrations_run_log_in_order")]

    def __str__(self) -> str:
        return self.message
