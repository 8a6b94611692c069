"""Where a service tells us that something changed, and whether it still does."""

from django.db import models

from tenants.foundation.ids import uuid7


class WebhookSubscription(models.Model):
    """A connection's own address for events. `address_key` is the secret part of it.

    The service sends its signing key once, unsigned; it is kept sealed, and an administrator shows that the
    subscription is theirs by pasting it there. A key that comes later waits in `pending_secret` until an administrator
    takes it: nobody who learns the address can put their own key in the place of the service's.
    """

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting for the service"
        CONFIRMING = "confirming", "To be confirmed there"
        ACTIVE = "active", "Receiving"
        SILENT = "silent", "Silent"
        OFF = "off", "Switched off"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    connection = models.OneToOneField(
        "integrations.Connection", on_delete=models.CASCADE, related_name="webhook"
    )
    address_key = models.CharField(max_length=64, unique=True)
    signing_secret = models.ForeignKey(
        "secrets.Secret", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    pending_secret = models.ForeignKey(
        "secrets.Secret", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    key_came_at = models.DateTimeField(null=True, blank=True)
    # The key was shown to somebody, once.
    revealed_at = models.DateTimeField(null=True, blank=True)
    remote_id = models.CharField(max_length=100, blank=True, default="")
    state = models.CharField(max_length=12, choices=State.choices, default=State.WAITING)
    state_reason = models.TextField(blank=True, default="")
    last_event_at = models.DateTimeField(null=True, blank=True)
    # Up to when the watchdog has compared what polls found with what events told of.
    watched_until = models.DateTimeField(null=True, blank=True)
    # A change that a poll found and no event had told of: the watchdog counts them.
    missed = models.PositiveIntegerField(default=0)
    refused = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"{self.connection_id} ({self.state})"
