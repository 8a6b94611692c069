"""What happened at the company's single sign-on, in words its administrators can act on."""

from django.db import models

from tenants.foundation.ids import uuid7


class SsoLogEntry(models.Model):
    """One event. The browser was told nothing of the reason; it stands here."""

    class Outcome(models.TextChoices):
        ACCEPTED = "accepted"
        REFUSED = "refused"
        CHANGED = "changed"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    provider = models.ForeignKey(
        "accounts.IdentityProvider", on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    provider_name = models.CharField(max_length=80, blank=True, default="")
    event = models.CharField(max_length=60)
    outcome = models.CharField(max_length=10, choices=Outcome.choices)
    reason = models.CharField(max_length=60, blank=True, default="")
    detail = models.CharField(max_length=500, blank=True, default="")
    subject = models.CharField(max_length=512, blank=True, default="")
    user = models.ForeignKey(
        "accounts.User", on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    is_test = models.BooleanField(default=False)
    address = models.CharField(max_length=45, blank=True, default="")
    request_id = models.CharField(max_length=80, blank=True, default="")
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-at", "-id"]
        indexes = [models.Index(fields=["-at", "-id"], name="sso_log_newest")]

    def __str__(self) -> str:
        return f"{self.event} {self.outcome}"
