"""An event a service sent: stored once, whatever it is, before anybody thinks about it."""

from django.db import models
from django.db.models import Q


class InboundEvent(models.Model):
    """One event. `id` is the service's own, so that a second delivery finds the first. `kind` is its word for it.

    The dirty set of a connection is its waiting events: they say which records to read, never what is in them.
    """

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting"
        DONE = "done", "Read"
        IGNORED = "ignored", "Nothing to do"

    class Change(models.TextChoices):
        """What the event means to the engine, whatever the service calls it."""

        CREATED = "created", "New record"
        VALUES = "values", "Changed values"
        BODY = "body", "Changed text"
        TRASHED = "trashed", "To the trash"
        RESTORED = "restored", "Out of the trash"
        MOVED = "moved", "Moved"
        SCHEMA = "schema", "Changed columns"
        TABLE_GONE = "table_gone", "Table to the trash"
        TABLE_BACK = "table_back", "Table new or back"
        OTHER = "other", "Something else"

    id = models.CharField(primary_key=True, max_length=100)
    connection = models.ForeignKey(
        "integrations.Connection", on_delete=models.CASCADE, related_name="inbound_events", db_index=False
    )
    kind = models.CharField(max_length=80)
    change = models.CharField(max_length=12, choices=Change.choices, default=Change.OTHER)
    entity_kind = models.CharField(max_length=40, blank=True, default="")
    entity_id = models.CharField(max_length=100, blank=True, default="")
    collection_id = models.CharField(max_length=100, blank=True, default="")
    updated_fields = models.JSONField(null=True, blank=True)
    author_ids = models.JSONField(default=list, blank=True)
    attempt = models.PositiveSmallIntegerField(default=1)
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    reason = models.CharField(max_length=200, blank=True, default="")
    occurred_at = models.DateTimeField()
    received_at = models.DateTimeField(auto_now_add=True)
    handled_at = models.DateTimeField(null=True, blank=True)
    # How often what it speaks of could not be read, since when, and until when it lets others go first.
    failures = models.PositiveSmallIntegerField(default=0, db_default=0)
    failing_since = models.DateTimeField(null=True, blank=True)
    not_before = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["occurred_at", "id"]
        indexes = [
            models.Index(
                fields=["connection", "occurred_at"],
                condition=Q(state="waiting"),
                name="integrations_event_waiting",
            ),
            models.Index(fields=["connection", "-received_at"], name="integrations_event_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.entity_id}"
