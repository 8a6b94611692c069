"""What each subscriber still has to get, has got, or could not take."""

from django.db import models
from django.db.models import Q

from tenants.foundation.ids import uuid7
from tenants.outbox.models.event import OutboxEvent


class Subscriber(models.Model):
    """One subscriber of this tenant's events; who delivers to it holds the row's lock, so order is kept."""

    name = models.CharField(primary_key=True, max_length=120)
    last_delivered_at = models.DateTimeField(null=True)
    last_error = models.TextField(default="", blank=True)

    def __str__(self) -> str:
        return self.name


class Delivery(models.Model):
    """One event for one subscriber."""

    class State(models.TextChoices):
        WAITING = "waiting"
        DELIVERED = "delivered"
        DEAD = "dead"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    event = models.ForeignKey(OutboxEvent, on_delete=models.CASCADE, related_name="deliveries")
    subscriber = models.CharField(max_length=120)
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    attempts = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField(null=True)
    last_error = models.TextField(default="", blank=True)
    settled_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["event", "subscriber"], name="outbox_delivery_once"),
        ]
        indexes = [
            models.Index(
                fields=["subscriber", "event"], condition=Q(state="waiting"), name="outbox_delivery_waiting"
            ),
            models.Index(
                fields=["settled_at"], condition=Q(state="delivered"), name="outbox_delivery_settled"
            ),
            models.Index(fields=["subscriber"], condition=Q(state="dead"), name="outbox_delivery_dead"),
        ]

    def __str__(self) -> str:
        return f"{self.subscriber} ← {self.event_id}"
