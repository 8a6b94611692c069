"""A company's rules for signing in."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from tenants.foundation.ids import uuid7


def two_people_for_at_first() -> list[str]:
    """What a company that has said nothing wants two people for."""
    return ["identity_providers"]


class AccessPolicy(models.Model):
    """The one row with a company's rules; without it the defaults below hold."""

    class LinkSignIn(models.TextChoices):
        NOBODY = "nobody", "Nobody"
        GUESTS = "guests", "Guests"
        EVERYBODY = "everybody", "Everybody without sensitive permissions"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    is_the_one = models.BooleanField(default=True, unique=True)
    # Networks in CIDR form people may come from; none means from anywhere.
    allowed_networks = ArrayField(models.CharField(max_length=50), default=list, blank=True)
    idle_minutes = models.PositiveIntegerField(default=3 * 24 * 60)
    absolute_hours = models.PositiveIntegerField(default=14 * 24)
    step_up_minutes = models.PositiveIntegerField(default=15)
    # Role names; "*" is everybody.
    mfa_required_for = ArrayField(models.CharField(max_length=40), default=list, blank=True)
    mfa_required_since = models.DateTimeField(null=True, blank=True)
    mfa_grace_days = models.PositiveIntegerField(default=7)
    token_max_days = models.PositiveIntegerField(default=365)
    # Who may sign in by a link sent by e-mail.
    link_sign_in = models.CharField(
        max_length=12, choices=LinkSignIn.choices, default=LinkSignIn.GUESTS, db_default="guests"
    )
    # What one person proposes and another agrees to (tenants.accounts.access.changes.Subject).
    two_people_for = ArrayField(
        models.CharField(max_length=40),
        default=two_people_for_at_first,
        db_default=["identity_providers"],
        blank=True,
    )
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(is_the_one=True), name="access_policy_is_one")]

    def __str__(self) -> str:
        return "access policy"
