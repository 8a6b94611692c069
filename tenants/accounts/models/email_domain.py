"""The e-mail domains a company has shown to be its own, and the owners who come in when its sign-in service is down."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from tenants.foundation.ids import uuid7


class EmailDomain(models.Model):
    """A domain whose addresses are the company's: proved by a TXT record, looked up again every day."""

    class State(models.TextChoices):
        PENDING = "pending"
        VERIFIED = "verified"
        LOST = "lost"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    domain = models.CharField(max_length=253, unique=True)
    nonce = models.CharField(max_length=43)
    state = models.CharField(max_length=10, choices=State.choices, default=State.PENDING)
    # People with an address there are sent to this provider from the sign-in page.
    captured_by = models.ForeignKey(
        "accounts.IdentityProvider", on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    problem = models.CharField(max_length=300, blank=True, default="")
    verified_at = models.DateTimeField(null=True, blank=True)
    checked_at = models.DateTimeField(null=True, blank=True)
    missing_since = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["domain"]
        constraints = [
            models.CheckConstraint(condition=Q(domain=Lower("domain")), name="email_domain_is_lower_case"),
        ]

    def __str__(self) -> str:
        return self.domain


class BreakGlassOwner(models.Model):
    """An owner who may still use their own credentials when single sign-on is enforced."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.OneToOneField("accounts.User", on_delete=models.CASCADE, related_name="break_glass")
    named_by = models.ForeignKey(
        "accounts.User", on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"break-glass {self.user_id}"
