"""A domain of a company's own: claimed, proved, and reached as long as the proof stands."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower, Now

from tenants.foundation.ids import uuid7
from tenants.models.domain import Domain
from tenants.models.tenant import Tenant


class CustomDomain(models.Model):
    """A host name a company wants to be reached under.

    Any number of companies may claim a name, one may have proved it. Only in the state ``active`` there is a
    ``Domain``, by which requests find the company.
    """

    class State(models.TextChoices):
        """How far it is: the record seen, the name leading here, the record gone for too long."""

        PENDING = "pending"
        VERIFIED = "verified"
        ACTIVE = "active"
        SUSPENDED = "suspended"

    # In these it belongs to the company, and to no other.
    PROVED = (State.VERIFIED, State.ACTIVE)

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="custom_domains")
    host = models.CharField(max_length=253)
    # What the name looks like: equal for names that can be mistaken for each other.
    skeleton = models.CharField(max_length=253)
    # New with every claim: the proof of a former one is worth nothing.
    nonce = models.CharField(max_length=43)
    state = models.CharField(max_length=10, choices=State.choices, default=State.PENDING)
    domain = models.OneToOneField(
        Domain, on_delete=models.SET_NULL, null=True, blank=True, related_name="custom_domain"
    )
    # The one host letters and links lead to, instead of the canonical one.
    is_primary = models.BooleanField(default=False)
    proof_problem = models.CharField(max_length=300, blank=True, default="")
    route_problem = models.CharField(max_length=300, blank=True, default="")
    verified_at = models.DateTimeField(null=True, blank=True)
    checked_at = models.DateTimeField(null=True, blank=True)
    missing_since = models.DateTimeField(null=True, blank=True)
    warned_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["host"]
        constraints = [
            models.CheckConstraint(condition=Q(host=Lower("host")), name="custom_domain_is_lower_case"),
            models.UniqueConstraint(fields=["tenant", "host"], name="custom_domain_claimed_once"),
            models.UniqueConstraint(
                fields=["host"],
                condition=Q(state__in=["verified", "active"]),
                name="custom_domain_of_one_company",
            ),
            models.UniqueConstraint(
                fields=["tenant"], condition=Q(is_primary=True), name="one_primary_domain_per_tenant"
            ),
            models.CheckConstraint(
                condition=Q(is_primary=False) | Q(state="active"), name="primary_domain_is_active"
            ),
        ]
        indexes = [models.Index(fields=["skeleton"], name="custom_domain_skeleton")]

    def __str__(self) -> str:
        return self.host
