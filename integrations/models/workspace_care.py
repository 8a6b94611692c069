"""What we know of a workspace over time, and what we built in it."""

from django.db import models
from django.db.models import Q

from tenants.foundation.ids import uuid7


class SchemaChange(models.Model):
    """One change of a remote table's columns, as we noticed it. `before` and `after` say what it was and is."""

    class Kind(models.TextChoices):
        ADDED = "added", "Column added"
        REMOVED = "removed", "Column removed"
        RENAMED = "renamed", "Column renamed"
        RETYPED = "retyped", "Column has another type"
        OPTIONS = "options", "Options changed"
        TITLE = "title", "Table renamed"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    collection = models.ForeignKey(
        "integrations.SyncedCollection",
        on_delete=models.CASCADE,
        related_name="schema_changes",
        db_index=False,
    )
    kind = models.CharField(max_length=10, choices=Kind.choices)
    remote_field_id = models.CharField(max_length=200, blank=True, default="")
    before = models.JSONField(null=True, blank=True)
    after = models.JSONField(null=True, blank=True)
    noticed_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["collection", "-id"], name="integrations_schema_changes")]

    def __str__(self) -> str:
        return f"{self.kind} {self.remote_field_id}"


class WorkspaceDescription(models.Model):
    """A generated document of everything a company keeps in a workspace; a new version when it differs."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    connection = models.ForeignKey(
        "integrations.Connection", on_delete=models.CASCADE, related_name="descriptions", db_index=False
    )
    version = models.PositiveIntegerField()
    fingerprint = models.CharField(max_length=64)
    document = models.JSONField(default=dict)
    markdown = models.TextField(default="")
    # In words, what is different from the version before.
    changes = models.JSONField(default=list, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-version"]
        constraints = [
            models.UniqueConstraint(fields=["connection", "version"], name="integrations_description_once"),
        ]

    def __str__(self) -> str:
        return f"version {self.version}"


class WorkspaceSetup(models.Model):
    """One making of the core databases in a workspace: what was planned, what stands already.

    `made` maps a database of the blueprint to what became of it (`{"database_id", "data_source_id", "is_adopted",
    "views"}`), written after each call, so that whoever goes on makes nothing twice.
    """

    class State(models.TextChoices):
        QUEUED = "queued", "Queued"
        RUNNING = "running", "Running"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    connection = models.ForeignKey("integrations.Connection", on_delete=models.CASCADE, related_name="setups")
    parent_page_id = models.CharField(max_length=100, blank=True, default="")
    plan = models.JSONField(default=dict)
    made = models.JSONField(default=dict, blank=True)
    state = models.CharField(max_length=8, choices=State.choices, default=State.QUEUED)
    step = models.CharField(max_length=80, blank=True, default="")
    error = models.TextField(blank=True, default="")
    started_by_id = models.UUIDField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["connection"],
                condition=Q(state__in=["queued", "running"]),
                name="integrations_setup_one_at_a_time",
            ),
        ]

    def __str__(self) -> str:
        return f"setup {self.id} ({self.state})"
