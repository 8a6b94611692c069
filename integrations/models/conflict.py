"""Both sides changed one field: what it was, what each side made of it, and what was done about it."""

from typing import Final, Self

from django.db import models
from django.db.models import Q

from tenants.foundation.ids import uuid7


class ConflictQuerySet(models.QuerySet["Conflict"]):
    """Questions asked of conflicts."""

    def open(self) -> Self:
        """Waiting for a person: the field stays as it is on both sides."""
        return self.filter(state=Conflict.State.OPEN)

    def unread(self) -> Self:
        """Decided by a rule, and nobody has looked at it yet."""
        return self.filter(state=Conflict.State.DECIDED)


class Conflict(models.Model):
    """One field of one record that was changed here and there since both agreed.

    The three values are as the engine compares them (`integrations/sync/canonical.py`). With the policy `manual` it
    waits; with any other the rule has decided, all three values are kept, and one click takes another of them.
    With the policy `UNREAD` our write went over an edit there before anybody had read it: nobody knows that value.
    """

    UNREAD: Final = "unread"

    class State(models.TextChoices):
        OPEN = "open", "Waiting for you"
        DECIDED = "decided", "Decided by the rule"
        SETTLED = "settled", "Settled"

    class Side(models.TextChoices):
        REMOTE = "remote", "There"
        LOCAL = "local", "Here"
        BASE = "base", "As it was"
        MERGED = "merged", "Both together"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    connection = models.ForeignKey(
        "integrations.Connection", on_delete=models.CASCADE, related_name="conflicts", db_index=False
    )
    link = models.ForeignKey("integrations.ExternalLink", on_delete=models.CASCADE, related_name="conflicts")
    task = models.ForeignKey("tasks.Task", on_delete=models.CASCADE, related_name="conflicts")
    run_id = models.UUIDField(null=True, blank=True)
    our_field = models.CharField(max_length=20)
    policy = models.CharField(max_length=10)
    base = models.JSONField(null=True)
    local = models.JSONField(null=True)
    remote = models.JSONField(null=True)
    # Whose value both sides have now; empty while it is open.
    chosen = models.CharField(max_length=10, choices=Side.choices, blank=True, default="")
    reason = models.TextField(blank=True, default="")
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    settled_by_id = models.UUIDField(null=True, blank=True)
    settled_at = models.DateTimeField(null=True, blank=True)
    local_changed_at = models.DateTimeField(null=True, blank=True)
    remote_changed_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = ConflictQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["link", "our_field"],
                condition=Q(state="open"),
                name="integrations_conflict_open_once",
            ),
        ]
        indexes = [
            models.Index(fields=["connection", "state", "-id"], name="integrations_conflict_inbox"),
            models.Index(fields=["state", "-id"], name="integrations_conflict_by_state"),
        ]

    def __str__(self) -> str:
        return f"{self.our_field} of {self.task_id} ({self.state})"

    @property
    def is_remote_known(self) -> bool:
        """Whether `remote` is what the other side said; otherwise nobody here has ever read that."""
        return self.policy != self.UNREAD
