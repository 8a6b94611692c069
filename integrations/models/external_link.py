"""Our row and theirs: which remote record a task or a project came from."""

from typing import Self

from django.db import models
from django.db.models import Exists, OuterRef, Q

from integrations.models.field_mapping import FieldMapping
from tenants.foundation.ids import uuid7


class ExternalLinkQuerySet(models.QuerySet["ExternalLink"]):
    """Questions asked of links."""

    def quarantined(self) -> Self:
        """Records that could not be taken over and are tried again."""
        return self.filter(state=ExternalLink.State.QUARANTINED)

    def with_stale_body(self) -> Self:
        """Clean links of tasks whose text was read before their last edit was certainly over.

        Where a column holds the description, the text of the page is nobody's.
        """
        by_column = FieldMapping.objects.filter(collection=OuterRef("collection"), our_field="description")
        stale = self.filter(state=ExternalLink.State.CLEAN, task__isnull=False, is_body_stale=True)
        return stale.exclude(Exists(by_column))


class ExternalLink(models.Model):
    """A remote record and what it became here; unique per connection and remote id.

    A quarantined link may have no object yet. `content_hash` is empty when the next read has to write
    whatever it finds. `base` is what both sides agreed on last, by our field, as `integrations/sync/canonical.py`
    compares values; None until a first reading. `unresolved` keeps references to records that have not been
    taken over yet: `{"parent": [remote ids], "blocked_by": [...]}`. `kept` is what the record holds beside the values
    we compare, by our field: people nobody knows here, records that are not shared. It goes along with every write.
    """

    class State(models.TextChoices):
        CLEAN = "clean", "In step"
        QUARANTINED = "quarantined", "Set aside"
        TRASHED_REMOTE = "trashed_remote", "In the trash there"
        MOVED_REMOTE = "moved_remote", "Moved elsewhere there"
        ACCESS_LOST = "access_lost", "No longer shared"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    connection = models.ForeignKey("integrations.Connection", on_delete=models.CASCADE, related_name="links")
    collection = models.ForeignKey(
        "integrations.SyncedCollection", on_delete=models.CASCADE, related_name="links"
    )
    remote_id = models.CharField(max_length=100)
    url = models.TextField(blank=True, default="")
    title = models.CharField(max_length=200, blank=True, default="")
    task = models.ForeignKey(
        "tasks.Task", null=True, blank=True, on_delete=models.CASCADE, related_name="external_links"
    )
    project = models.ForeignKey(
        "tasks.Project", null=True, blank=True, on_delete=models.SET_NULL, related_name="external_links"
    )
    state = models.CharField(max_length=16, choices=State.choices, default=State.CLEAN)
    state_reason = models.TextField(blank=True, default="")
    failures = models.PositiveIntegerField(default=0)
    content_hash = models.CharField(max_length=64, blank=True, default="")
    base = models.JSONField(null=True, blank=True)
    # The text of the page when both sides agreed on it last, as a hash; empty while nobody knows.
    body_hash = models.CharField(max_length=64, blank=True, default="", db_default="")
    remote_created_at = models.DateTimeField(null=True, blank=True)
    remote_edited_at = models.DateTimeField(null=True, blank=True)
    seen_run_id = models.UUIDField(null=True, blank=True)
    is_body_stale = models.BooleanField(default=False)
    body_due_at = models.DateTimeField(null=True, blank=True)
    body_read_at = models.DateTimeField(null=True, blank=True)
    unresolved = models.JSONField(default=dict, blank=True)
    kept = models.JSONField(null=True, blank=True)
    synced_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ExternalLinkQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["connection", "remote_id"], name="integrations_link_once"),
            models.CheckConstraint(
                condition=Q(
                    state__in=["clean", "quarantined", "trashed_remote", "moved_remote", "access_lost"]
                ),
                name="integrations_link_state_known",
            ),
        ]
        indexes = [
            models.Index(fields=["collection", "state", "seen_run_id"], name="integrations_link_seen"),
            models.Index(
                fields=["connection", "body_due_at"],
                condition=Q(is_body_stale=True),
                name="integrations_link_stale_body",
            ),
            models.Index(
                fields=["connection", "state"],
                condition=~Q(state="clean"),
                name="integrations_link_not_clean",
            ),
            models.Index(
                fields=["connection"],
                condition=~Q(unresolved={}),
                name="integrations_link_unresolved",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.remote_id} ({self.state})"
