"""By what an operator of the platform enters a company: asked for, let in for a time, ended."""

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from tenants.foundation.ids import uuid7
from tenants.models.tenant import Tenant


class OperatorGrant(models.Model):
    """One operator, one company, one reason, one span of time; without it there is no way in.

    It names people by id and name as they were: operators are users of another tenant than those who decide.
    """

    class State(models.TextChoices):
        """``approved`` opens the door until ``ends_at``; all others keep it shut."""

        ASKED = "asked"
        APPROVED = "approved"
        REFUSED = "refused"
        WITHDRAWN = "withdrawn"
        REVOKED = "revoked"
        ENDED = "ended"

    class Role(models.TextChoices):
        """What it lets the operator do: look, or help with what an administrator does."""

        READ_ONLY = "read_only"
        ADMIN = "admin"

    OPEN = (State.ASKED, State.APPROVED)

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="operator_grants")
    operator_id = models.UUIDField()
    operator_name = models.CharField(max_length=120)
    operator_email = models.EmailField(max_length=254)
    reason = models.CharField(max_length=500)
    ticket = models.CharField(max_length=80, blank=True, default="")
    wanted_role = models.CharField(max_length=10, choices=Role.choices)
    wanted_minutes = models.PositiveSmallIntegerField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.ASKED)
    # What the company gave: at most what was asked for.
    role = models.CharField(max_length=10, choices=Role.choices, blank=True, default="")
    decided_by = models.CharField(max_length=120, blank=True, default="")
    decided_at = models.DateTimeField(null=True, blank=True)
    ends_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.CharField(max_length=120, blank=True, default="")
    ended_at = models.DateTimeField(null=True, blank=True)
    asked_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["-asked_at"]
        indexes = [
            models.Index(fields=["tenant", "-asked_at"], name="operator_grant_of_tenant"),
            models.Index(fields=["operator_id", "-asked_at"], name="operator_grant_of_operator"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "operator_id"],
                condition=Q(state__in=["asked", "approved"]),
                name="one_open_grant_per_operator",
            ),
            models.CheckConstraint(
                condition=Q(wanted_minutes__gte=5) & Q(wanted_minutes__lte=480),
                name="operator_grant_has_a_bound",
            ),
            models.CheckConstraint(
                condition=~Q(state="approved") | Q(ends_at__isnull=False, decided_at__lt=F("ends_at")),
                name="approved_grant_has_an_end",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.operator_name} → {self.tenant_id}"


class OperatorRule(models.Model):
    """Whether operators may ask a company at all; a company without a row is asked every time."""

    tenant = models.OneToOneField(
        Tenant, on_delete=models.CASCADE, primary_key=True, related_name="operator_rule"
    )
    is_shut = models.BooleanField(default=False)
    changed_by = models.CharField(max_length=120, blank=True, default="")
    changed_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"{self.tenant_id}: {'never' if self.is_shut else 'ask'}"
