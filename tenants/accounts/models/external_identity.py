"""Who a user is at an identity provider, and which sessions came of it."""

from django.db import models

from tenants.foundation.ids import uuid7


class ExternalIdentity(models.Model):
    """One subject of one provider is one user here: found by this pair, never by an e-mail address."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    provider = models.ForeignKey(
        "accounts.IdentityProvider", on_delete=models.CASCADE, related_name="identities"
    )
    subject = models.CharField(max_length=512)
    user = models.ForeignKey("accounts.User", on_delete=models.CASCADE, related_name="external_identities")
    email = models.CharField(max_length=254, blank=True, default="")
    groups = models.JSONField(default=list, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    last_sign_in_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["provider", "subject"], name="subject_once_per_provider"),
            models.UniqueConstraint(fields=["provider", "user"], name="user_once_per_provider"),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} at {self.provider_id}"


class SsoSession(models.Model):
    """A session somebody got through a provider, under the names the provider knows it by: for signing out there.

    By SAML the names are NameID and SessionIndex, by OpenID Connect ``sub`` and ``sid``.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    identity = models.ForeignKey(ExternalIdentity, on_delete=models.CASCADE, related_name="sso_sessions")
    session_key = models.CharField(max_length=40, unique=True)
    # The sign-in it came to; rows of releases before have none. Not a foreign key: the sign-in may be deleted first.
    sign_in_id = models.UUIDField(null=True, blank=True)
    name_id = models.CharField(max_length=512)
    name_id_format = models.CharField(max_length=200, blank=True, default="")
    session_index = models.CharField(max_length=512, blank=True, default="")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = [models.Index(fields=["identity", "session_index"], name="sso_session_index")]

    def __str__(self) -> str:
        return f"session of {self.identity_id}"
