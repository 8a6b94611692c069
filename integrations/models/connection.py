"""A connector a tenant switched on: one outside workspace, seen through one token."""

from typing import Self

from django.db import models
from django.db.models import Q
from django.utils import timezone

from tenants.foundation.ids import uuid7


class ConnectionQuerySet(models.QuerySet["Connection"]):
    """Questions asked of connections."""

    def present(self) -> Self:
        """Not disconnected."""
        return self.exclude(state=Connection.State.DISCONNECTED)

    def working(self) -> Self:
        """In a state in which reading goes on by itself."""
        return self.filter(state=Connection.State.CONNECTED)


class Connection(models.Model):
    """One token's view of one outside workspace.

    `account_id` is who the token acts as there (Notion's bot): a new token for the same account belongs to
    the same connection. A worker may read only while it holds the lease: `lease_token` fences off one that
    lost it.
    """

    class State(models.TextChoices):
        CONNECTED = "connected", "Connected"
        PAUSED = "paused", "Paused"
        REAUTHORISE = "reauthorise", "Needs a new token"
        BLOCKED = "blocked", "Blocked"
        ERROR = "error", "Error"
        DISCONNECTED = "disconnected", "Disconnected"

    class AuthKind(models.TextChoices):
        TOKEN = "token", "Token of an internal integration"
        OAUTH = "oauth", "Granted by OAuth"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    connector = models.CharField(max_length=40)
    name = models.CharField(max_length=200)
    account_id = models.CharField(max_length=100)
    account_name = models.CharField(max_length=200, blank=True, default="")
    workspace_id = models.CharField(max_length=100)
    workspace_name = models.CharField(max_length=200, blank=True, default="")
    workspace_icon = models.TextField(blank=True, default="")
    token_secret = models.ForeignKey(
        "secrets.Secret", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    auth_kind = models.CharField(
        max_length=8, choices=AuthKind.choices, default=AuthKind.TOKEN, db_default=AuthKind.TOKEN
    )
    token_changed_at = models.DateTimeField(null=True, blank=True)
    requests_per_minute = models.PositiveIntegerField(null=True, blank=True, default=180)
    poll_seconds = models.PositiveIntegerField(null=True, blank=True)
    state = models.CharField(max_length=16, choices=State.choices, default=State.CONNECTED)
    state_reason = models.TextField(blank=True, default="")
    state_changed_at = models.DateTimeField(default=timezone.now)
    last_polled_at = models.DateTimeField(null=True, blank=True)
    last_synced_at = models.DateTimeField(null=True, blank=True)
    quiet_polls = models.PositiveBigIntegerField(default=0)
    calls_total = models.PositiveBigIntegerField(default=0)
    lease_token = models.UUIDField(null=True, blank=True, editable=False)
    lease_expires_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_by_id = models.UUIDField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = ConnectionQuerySet.as_manager()

    class Meta:
        ordering = ["name", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["connector", "account_id"], name="integrations_connection_account_once"
            ),
            models.CheckConstraint(
                condition=Q(
                    state__in=["connected", "paused", "reauthorise", "blocked", "error", "disconnected"]
                ),
                name="integrations_connection_state_known",
            ),
        ]
        indexes = [models.Index(fields=["name", "id"], name="integrations_connection_name")]

    def __str__(self) -> str:
        return self.name

    @property
    def is_reading(self) -> bool:
        """Whether workers may call the outside service for it."""
        return self.state == self.State.CONNECTED
