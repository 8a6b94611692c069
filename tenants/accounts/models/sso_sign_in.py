"""Sign-ins that are under way at a provider, and the assertions that have been used."""

from django.db import models

from tenants.foundation.ids import uuid7


class PendingSignIn(models.Model):
    """Someone was sent to a provider and has not come back for good; lives ten minutes at most.

    ``claims`` is what a checked answer said, kept for the moment between the provider's POST and the browser's own
    request; the answer itself is kept nowhere.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    provider = models.ForeignKey("accounts.IdentityProvider", on_delete=models.CASCADE, related_name="+")
    state_hash = models.BinaryField(max_length=32, unique=True)
    browser_hash = models.BinaryField(max_length=32)
    request_id = models.CharField(max_length=80, blank=True, default="")
    next_path = models.CharField(max_length=500, blank=True, default="")
    is_test = models.BooleanField(default=False)
    is_unsolicited = models.BooleanField(default=False)
    # A test begun with a link a program asked for: nobody has to be signed in here for it.
    is_by_link = models.BooleanField(default=False, db_default=False)
    started_by = models.ForeignKey(
        "accounts.User", on_delete=models.CASCADE, null=True, blank=True, related_name="+"
    )
    revision = models.PositiveIntegerField(default=1)
    claims = models.JSONField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["expires_at"], name="pending_sign_in_expires")]

    def __str__(self) -> str:
        return f"sign-in at {self.provider_id}"


class UsedAssertion(models.Model):
    """An assertion that let somebody in: the same one never does again."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    provider = models.ForeignKey("accounts.IdentityProvider", on_delete=models.CASCADE, related_name="+")
    assertion_hash = models.CharField(max_length=64)
    expires_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["provider", "assertion_hash"], name="assertion_used_once"),
        ]
        indexes = [models.Index(fields=["expires_at"], name="used_assertion_expires")]

    def __str__(self) -> str:
        return self.assertion_hash[:12]


class ServiceProviderKey(models.Model):
    """A key pair of the company towards SAML providers: the certificate here, the private key in the vault.

    The one in use signs. The next one and the one before are published beside it, and what was encrypted for either
    can still be read.
    """

    class State(models.TextChoices):
        NEXT = "next"
        CURRENT = "current"
        PREVIOUS = "previous"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    state = models.CharField(
        max_length=10, choices=State.choices, default=State.CURRENT, db_default=State.CURRENT
    )
    certificate = models.TextField()
    private_key_id = models.UUIDField()
    created_at = models.DateTimeField(auto_now_add=True)
    state_since = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField()

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(fields=["state"], name="one_service_provider_key_per_state"),
        ]

    def __str__(self) -> str:
        return f"key of {self.created_at:%Y-%m-%d}"
