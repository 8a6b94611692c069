"""What somebody was not allowed to do, and when a permission was last used."""

from django.db import models

from tenants.foundation.ids import uuid7


class AccessDenial(models.Model):
    """One permission refused to one person for one object in one minute, however often they tried."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    minute = models.DateTimeField()
    user = models.ForeignKey(
        "accounts.User", on_delete=models.CASCADE, null=True, blank=True, related_name="access_denials"
    )
    token_id = models.UUIDField(null=True, blank=True)
    permission = models.CharField(max_length=80)
    reason = models.CharField(max_length=20)
    object_type = models.CharField(max_length=60, blank=True, default="")
    object_id = models.CharField(max_length=64, blank=True, default="")
    route = models.CharField(max_length=120, blank=True, default="")
    count = models.PositiveIntegerField(default=1)
    last_at = models.DateTimeField()

    class Meta:
        ordering = ["-minute", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["minute", "user", "token_id", "permission", "object_type", "object_id"],
                nulls_distinct=False,
                name="denial_once_a_minute",
            )
        ]

    def __str__(self) -> str:
        return f"{self.user_id} {self.permission} x{self.count}"


class PermissionUse(models.Model):
    """The last day on which somebody used a permission; asked when roles are reviewed."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey("accounts.User", on_delete=models.CASCADE, related_name="permission_uses")
    permission = models.CharField(max_length=80)
    last_on = models.DateField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "permission"], name="permission_use_once")]

    def __str__(self) -> str:
        return f"{self.user_id} {self.permission} {self.last_on}"
