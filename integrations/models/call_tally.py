"""How many calls a connection made, hour by hour and operation by operation."""

from django.db import models

from tenants.foundation.ids import uuid7


class CallTally(models.Model):
    """Calls of one connection in one hour to one operation; `refused` are those the service limited."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    connection = models.ForeignKey(
        "integrations.Connection", on_delete=models.CASCADE, related_name="call_tallies", db_index=False
    )
    hour = models.DateTimeField()
    operation = models.CharField(max_length=60)
    lane = models.CharField(max_length=20)
    calls = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    refused = models.PositiveIntegerField(default=0)
    milliseconds = models.PositiveBigIntegerField(default=0)

    class Meta:
        ordering = ["-hour", "operation"]
        constraints = [
            models.UniqueConstraint(
                fields=["connection", "hour", "operation", "lane"], name="integrations_tally_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.operation} × {self.calls}"
