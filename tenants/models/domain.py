"""A host name under which a tenant is reached."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from tenants.foundation.ids import uuid7
from tenants.models.tenant import Tenant


class Domain(models.Model):
    """One host name, lower case and without a port; exactly one per tenant is the canonical one."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="domains")
    host = models.CharField(max_length=253, unique=True)
    is_canonical = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(host=Lower("host")), name="domain_host_is_lower_case"),
            models.UniqueConstraint(
                fields=["tenant"], condition=Q(is_canonical=True), name="one_canonical_domain_per_tenant"
            ),
        ]

    def __str__(self) -> str:
        return self.host
