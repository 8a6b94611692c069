"""A tenant: one company, its schema, its cell and the state it is in."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from tenants.foundation.ids import uuid7
from tenants.tenancy.context import TenantRef


class Tenant(models.Model):
    """One company. Its rows live in ``schema`` of the cell ``cell``, reachable only as the database role ``role``."""

    class State(models.TextChoices):
        """``tenants.tenancy.states`` says which of its doors are open in each."""

        PROVISIONING = "provisioning"
        ACTIVE = "active"
        SUSPENDED = "suspended"
        READ_ONLY = "read_only"
        EXPORTING = "exporting"
        MOVING = "moving"
        PENDING_DELETION = "pending_deletion"
        DELETED = "deleted"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    slug = models.SlugField(max_length=40, unique=True)
    name = models.CharField(max_length=120)
    cell = models.CharField(max_length=32)
    schema = models.CharField(max_length=63, unique=True)
    role = models.CharField(max_length=63, unique=True)
    state = models.CharField(max_length=20, choices=State.choices, default=State.PROVISIONING)
    # Why it is in this state, in words for those who find its doors closed; and from when on it may be deleted.
    state_reason = models.CharField(max_length=300, default="", db_default="", blank=True)
    state_changed_at = models.DateTimeField(db_default=Now())
    delete_after = models.DateTimeField(null=True, blank=True)
    region = models.CharField(max_length=32, default="local", db_default="local")
    # Counts the changes of this row, so that a process knows whether what it remembers of it is old.
    version = models.PositiveBigIntegerField(default=1, db_default=1)
    language = models.CharField(max_length=10, default="en")
    time_zone = models.CharField(max_length=64, default="UTC")
    brand_color = models.CharField(max_length=7, default="#5b5bd6")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(slug__regex=r"^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$"),
                name="tenant_slug_is_a_host_label",
            ),
            models.CheckConstraint(
                condition=Q(brand_color__regex=r"^#[0-9a-f]{6}$"), name="tenant_brand_color_is_hex"
            ),
        ]

    def __str__(self) -> str:
        return self.slug

    @property
    def ref(self) -> TenantRef:
        """What a scope needs to know of this tenant."""
        return TenantRef(
            id=self.pk,
            slug=self.slug,
            name=self.name,
            cell=self.cell,
            schema=self.schema,
            role=self.role,
            state=self.state,
            language=self.language,
            time_zone=self.time_zone,
            brand_color=self.brand_color,
            state_reason=self.state_reason,
        )
