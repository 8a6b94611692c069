"""Work that must not be lost: one row per thing to be done, and one row per tenant for its fair share."""

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from tenants.foundation.ids import uuid7


class WorkItem(models.Model):
    """A cell table: a job of one tenant, from the transaction that caused it until it is done or given up.

    ``ready`` waits for its due time, ``handed`` has a message in the broker, ``running`` has a worker with a
    lease, ``done`` and ``dead`` are final (``dead``: given up after ``max_attempts``, kept to be looked at).
    """

    tenancy: ClassVar = "cell"

    class State(models.TextChoices):
        READY = "ready"
        HANDED = "handed"
        RUNNING = "running"
        DONE = "done"
        DEAD = "dead"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tenant_id = models.UUIDField()
    tenant_role = models.CharField(max_length=63)
    kind = models.CharField(max_length=80)
    object_id = models.UUIDField(null=True)
    payload = models.JSONField(default=dict)
    slot = models.CharField(max_length=120, null=True)
    priority = models.SmallIntegerField(default=100)
    state = models.CharField(max_length=10, choices=State.choices, default=State.READY)
    due_at = models.DateTimeField(db_default=Now())
    # A recurring job's period: finishing this row inserts the next one in the same transaction.
    every_seconds = models.PositiveIntegerField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    lease_token = models.UUIDField(null=True)
    lease_expires_at = models.DateTimeField(null=True)
    last_error = models.TextField(default="", blank=True)
    created_at = models.DateTimeField(db_default=Now())
    # First start; kept over retries, so that what is put back again and again grows old and ends.
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant_id", "kind", "slot"],
                condition=Q(state__in=["ready", "handed", "running"], slot__isnull=False),
                name="work_item_slot_once",
            ),
        ]
        indexes = [
            models.Index(
                fields=["tenant_id", "priority", "due_at"], condition=Q(state="ready"), name="work_item_ready"
            ),
            models.Index(fields=["due_at"], condition=Q(state="ready"), name="work_item_due"),
            models.Index(
                fields=["lease_expires_at"],
                condition=Q(state__in=["handed", "running"]),
                name="work_item_leased",
            ),
            models.Index(
                fields=["finished_at"], condition=Q(state__in=["done", "dead"]), name="work_item_finished"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"


class TenantQueue(models.Model):
    """A cell table: the virtual time by which the dispatcher shares the workers among tenants."""

    tenancy: ClassVar = "cell"

    tenant_id = models.UUIDField(primary_key=True)
    weight = models.FloatField(default=1.0)
    virtual_time = models.FloatField(default=0.0)
    max_inflight = models.PositiveSmallIntegerField(default=4)
    is_paused = models.BooleanField(default=False)

    class Meta:
        indexes = [models.Index(fields=["virtual_time"], name="tenant_queue_virtual_time")]

    def __str__(self) -> str:
        return str(self.tenant_id)


class DispatchClock(models.Model):
    """A cell table of one row: the cell's virtual time. Who holds its lock hands work out; nobody owns it."""

    tenancy: ClassVar = "cell"

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    virtual_time = models.FloatField(default=0.0)
    passed_at = models.DateTimeField(db_default=Now())
    swept_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=1), name="dispatch_clock_has_one_row")]

    def __str__(self) -> str:
        return f"{self.virtual_time:.3f}"
