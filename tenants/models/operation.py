"""Long changes of a tenant's life, step by step: taken up again where they stopped, undone where they cannot go on."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from tenants.foundation.ids import uuid7


class Operation(models.Model):
    """One onboarding, move, export, restore or deletion. It outlives its tenant, hence no foreign key.

    ``input`` is what was asked for, ``context`` what the steps found out and the later ones need, ``progress`` what
    a person who waits wants to see, ``result`` what came of it. None of them holds a secret.
    """

    class Kind(models.TextChoices):
        ONBOARD = "onboard"
        MOVE = "move"
        EXPORT = "export"
        BACKUP = "backup"
        RESTORE = "restore"
        DELETE = "delete"

    class State(models.TextChoices):
        RUNNING = "running"
        UNDOING = "undoing"
        SUCCEEDED = "succeeded"
        FAILED = "failed"
        UNDONE = "undone"

    OPEN = (State.RUNNING, State.UNDOING)

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    kind = models.CharField(max_length=20, choices=Kind.choices)
    tenant_id = models.UUIDField(null=True)
    tenant_slug = models.CharField(max_length=40)
    state = models.CharField(max_length=20, choices=State.choices, default=State.RUNNING)
    step = models.CharField(max_length=60, default="", blank=True)
    steps_done = models.JSONField(default=list)
    input = models.JSONField(default=dict)
    context = models.JSONField(default=dict)
    progress = models.JSONField(default=dict)
    result = models.JSONField(default=dict)
    error = models.TextField(default="", blank=True)
    attempts = models.PositiveIntegerField(default=0)
    asked_by = models.CharField(max_length=200, default="", blank=True)
    lease_token = models.UUIDField(null=True)
    lease_expires_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(auto_now=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant_id"],
                condition=Q(state__in=["running", "undoing"]),
                name="one_open_operation_per_tenant",
            ),
        ]
        indexes = [
            models.Index(fields=["tenant_slug", "-created_at"], name="operation_of_tenant"),
            models.Index(
                fields=["lease_expires_at"],
                condition=Q(state__in=["running", "undoing"]),
                name="operation_open",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.tenant_slug}"
