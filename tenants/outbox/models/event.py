"""A published fact, from the transaction that caused it until it is pruned; the activity feed's source."""

from django.db import models
from django.db.models import Q


class OutboxEvent(models.Model):
    """One event. The id is the event's own and in order of publication.

    ``distributed_at`` is null until the relay has written a delivery for every subscriber.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    name = models.CharField(max_length=80)
    payload = models.JSONField(default=dict)
    actor_id = models.UUIDField(null=True)
    occurred_at = models.DateTimeField()
    distributed_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["id"], condition=Q(distributed_at__isnull=True), name="outbox_event_waiting"
            ),
            models.Index(fields=["name", "-id"], name="outbox_event_by_name"),
            models.Index(fields=["actor_id", "-id"], name="outbox_event_by_actor"),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.pk}"
