"""What is to be written to the outside service: one row for each record, however often its task was edited."""

from typing import Self

from django.db import models
from django.utils import timezone

from tenants.foundation.ids import uuid7


class PushQuerySet(models.QuerySet["Push"]):
    """Questions asked of pushes."""

    def ready(self) -> Self:
        """To be sent now, people's edits first, then the oldest."""
        return self.filter(state=Push.State.WAITING, not_before__lte=timezone.now()).order_by(
            "-is_interactive", "not_before", "id"
        )

    def unsettled(self) -> Self:
        """Sent without a clear answer, or being sent: nothing is repeated before it is known what became of it."""
        return self.filter(state__in=[Push.State.SENDING, Push.State.AMBIGUOUS])

    def parked(self) -> Self:
        """Refused by the service or by our own checks: somebody has to look."""
        return self.filter(state=Push.State.PARKED)


class Push(models.Model):
    """A task that differs from its record there, or has none yet.

    Which fields are sent is decided when it is sent: those that differ from the link's `base`. So ten edits are one
    call, and an edit that was taken back is none. `generation` grows with every edit: a push that was sent for an
    older one stays. The row goes when both sides agree.
    """

    class Kind(models.TextChoices):
        CREATE = "create", "New there"
        UPDATE = "update", "Change"
        TRASH = "trash", "To the trash"
        RESTORE = "restore", "Out of the trash"

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting"
        SENDING = "sending", "Being sent"
        AMBIGUOUS = "ambiguous", "Being looked up"
        HELD = "held", "Held for a decision"
        PARKED = "parked", "Refused"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    connection = models.ForeignKey("integrations.Connection", on_delete=models.CASCADE, related_name="pushes")
    collection = models.ForeignKey(
        "integrations.SyncedCollection", on_delete=models.CASCADE, related_name="pushes"
    )
    link = models.ForeignKey(
        "integrations.ExternalLink", null=True, blank=True, on_delete=models.CASCADE, related_name="pushes"
    )
    task = models.ForeignKey("tasks.Task", on_delete=models.CASCADE, related_name="pushes")
    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.UPDATE)
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    # The run that held it, also after it was let go, until it is sent; no foreign key, as runs are forgotten.
    held_by_id = models.UUIDField(null=True, blank=True)
    generation = models.PositiveIntegerField(default=1)
    is_interactive = models.BooleanField(default=True)
    # What was sent last and not answered for sure: {our field: value}; the read-back is compared with it.
    sent = models.JSONField(default=dict, blank=True)
    sent_generation = models.PositiveIntegerField(default=0)
    sent_at = models.DateTimeField(null=True, blank=True)
    committed_id = models.CharField(max_length=100, blank=True, default="")
    attempts = models.PositiveIntegerField(default=0)
    not_before = models.DateTimeField(default=timezone.now)
    error_code = models.CharField(max_length=60, blank=True, default="")
    error_field = models.CharField(max_length=200, blank=True, default="")
    error = models.TextField(blank=True, default="")
    first_edit_at = models.DateTimeField(default=timezone.now)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = PushQuerySet.as_manager()

    class Meta:
        ordering = ["not_before", "id"]
        constraints = [
            models.UniqueConstraint(fields=["connection", "task"], name="integrations_push_task_once"),
        ]
        indexes = [
            models.Index(fields=["connection", "state", "not_before"], name="integrations_push_ready"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.task_id} ({self.state})"
