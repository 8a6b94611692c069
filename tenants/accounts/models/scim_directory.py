"""A directory of the company's that keeps people and groups in step, and the key it comes with."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils import timezone

from tenants.foundation.ids import uuid7


class ScimDirectory(models.Model):
    """One directory and the company's rules for it.

    At most `brake_percent` of its active people, but always `brake_least` of them, can be shut out by it within
    `brake_hours`; what goes beyond waits for a person.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField(max_length=80)
    is_enabled = models.BooleanField(default=True)
    # Whose subjects this directory's external ids are, if they are the same: Entra's object id, Okta's user id.
    provider = models.ForeignKey(
        "accounts.IdentityProvider", on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    # The role of people it brings, besides what their groups give; empty for none.
    default_role = models.CharField(max_length=20, blank=True, default="")
    # Put behind user names that are no addresses.
    username_domain = models.CharField(max_length=253, blank=True, default="")
    brake_percent = models.PositiveSmallIntegerField(default=20)
    brake_least = models.PositiveSmallIntegerField(default=5)
    brake_hours = models.PositiveSmallIntegerField(default=24)
    requests_per_minute = models.PositiveIntegerField(default=3000)
    last_seen_at = models.DateTimeField(null=True, blank=True)
    created_by = models.ForeignKey(
        "accounts.User", on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["name", "id"]
        constraints = [
            models.UniqueConstraint(Lower("name"), name="scim_directory_name_once"),
            models.CheckConstraint(
                condition=Q(brake_percent__lte=100) & Q(brake_hours__gte=1), name="scim_brake_is_possible"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class ScimToken(models.Model):
    """The key of a directory: the public part in the clear, the secret part as a keyed hash, never more."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    directory = models.ForeignKey(ScimDirectory, on_delete=models.CASCADE, related_name="tokens")
    public_id = models.CharField(max_length=12, unique=True)
    secret_hash = models.BinaryField(max_length=32)
    # Networks in CIDR form it may be used from; none means from anywhere.
    allowed_networks = ArrayField(models.CharField(max_length=50), default=list, blank=True)
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    # Of how many days before its end its company was told last, 0 for the end itself.
    warned_days = models.PositiveSmallIntegerField(null=True, blank=True)
    created_by = models.ForeignKey(
        "accounts.User", on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-created_at", "-id"]

    def __str__(self) -> str:
        return f"key {self.public_id}"

    @property
    def is_usable(self) -> bool:
        """Whether it is neither revoked nor expired."""
        return self.revoked_at is None and self.expires_at > timezone.now()
