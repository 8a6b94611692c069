"""A table of the outside workspace that we know of, with its columns as we last saw them."""

from typing import Self

from django.db import models
from django.db.models import Q

from tenants.foundation.ids import uuid7


class SyncedCollectionQuerySet(models.QuerySet["SyncedCollection"]):
    """Questions asked of synced collections."""

    def wanted(self) -> Self:
        """Switched on, with a mapping somebody or a rule confirmed."""
        return self.filter(is_enabled=True, mapping_state=SyncedCollection.MappingState.CONFIRMED)

    def to_read(self) -> Self:
        """Wanted, and shared with us when we last looked."""
        return self.wanted().filter(
            state__in=[SyncedCollection.State.READY, SyncedCollection.State.ATTENTION]
        )


class SyncedCollection(models.Model):
    """A remote table (at Notion: a data source).

    `schema` lists its columns by their remote ids. `watermark` is the edit time up to which every change has
    been read; it moves only after a complete read. `mapping_revision` grows with every change of the mapping,
    so that the hashes of older revisions no longer match.
    """

    class Role(models.TextChoices):
        TASKS = "tasks", "Tasks"
        PROJECTS = "projects", "Projects"
        OTHER = "other", "Not synced"

    class State(models.TextChoices):
        READY = "ready", "Ready"
        ATTENTION = "attention", "Needs attention"
        UNREADABLE = "unreadable", "Cannot be read"
        LOST = "lost", "No longer shared"

    class MappingState(models.TextChoices):
        NONE = "none", "None"
        PROPOSED = "proposed", "To be confirmed"
        CONFIRMED = "confirmed", "Confirmed"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    connection = models.ForeignKey(
        "integrations.Connection", on_delete=models.CASCADE, related_name="collections"
    )
    remote_id = models.CharField(max_length=100)
    container_id = models.CharField(max_length=100, blank=True, default="")
    title = models.TextField(blank=True, default="")
    url = models.TextField(blank=True, default="")
    icon = models.CharField(max_length=40, blank=True, default="")
    role = models.CharField(max_length=16, choices=Role.choices, default=Role.OTHER)
    role_reason = models.TextField(blank=True, default="")
    is_enabled = models.BooleanField(default=False)
    # Somebody setting the workspace up wants it read, and has not said "go" yet.
    is_chosen = models.BooleanField(default=False, db_default=False)
    department_name = models.CharField(max_length=200, blank=True, default="")
    state = models.CharField(max_length=16, choices=State.choices, default=State.READY)
    state_reason = models.TextField(blank=True, default="")
    schema = models.JSONField(default=list, blank=True)
    schema_read_at = models.DateTimeField(null=True, blank=True)
    mapping_state = models.CharField(max_length=16, choices=MappingState.choices, default=MappingState.NONE)
    mapping_revision = models.PositiveIntegerField(default=0)
    watermark = models.DateTimeField(null=True, blank=True)
    last_read_at = models.DateTimeField(null=True, blank=True)
    last_complete_at = models.DateTimeField(null=True, blank=True)
    # New tasks of its department (of any, where no other collection takes them) get a record here.
    takes_new_tasks = models.BooleanField(default=False, db_default=False)
    # Whether archiving a task here puts its record into the trash there.
    trashes_records = models.BooleanField(default=False, db_default=False)
    # The column that holds our id of a record: by it a record is found whose making was not answered.
    external_id_field_id = models.CharField(max_length=200, blank=True, default="", db_default="")
    row_count = models.PositiveIntegerField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = SyncedCollectionQuerySet.as_manager()

    class Meta:
        ordering = ["title", "id"]
        constraints = [
            models.UniqueConstraint(fields=["connection", "remote_id"], name="integrations_collection_once"),
            models.CheckConstraint(
                condition=Q(role__in=["tasks", "projects", "other"]),
                name="integrations_collection_role_known",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["ready", "attention", "unreadable", "lost"]),
                name="integrations_collection_state_known",
            ),
            models.CheckConstraint(
                condition=Q(mapping_state__in=["none", "proposed", "confirmed"]),
                name="integrations_collection_mapping_known",
            ),
        ]

    def __str__(self) -> str:
        return self.title
