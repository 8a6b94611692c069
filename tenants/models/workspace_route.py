"""Which companies an outside workspace belongs to: events of all of them arrive at one address of the platform."""

from django.db import models
from django.db.models.functions import Now

from tenants.foundation.ids import uuid7


class WorkspaceRoute(models.Model):
    """One company has one workspace connected by OAuth. A hint where to look, never a proof of who sent an event."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    connector = models.CharField(max_length=40)
    workspace_id = models.CharField(max_length=100)
    tenant = models.ForeignKey("tenants.Tenant", on_delete=models.CASCADE, related_name="+")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["connector", "workspace_id", "tenant"], name="workspace_route_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.connector} {self.workspace_id}"
