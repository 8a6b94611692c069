"""Which role a user has."""

from django.db import models

from tenants.accounts.access.roles import Role, RoleSource
from tenants.foundation.ids import uuid7


class RoleBinding(models.Model):
    """A role given to a user, and how it came to them. A user without one may do nothing."""

    class Source(models.TextChoices):
        MANUAL = RoleSource.MANUAL.value
        INVITATION = RoleSource.INVITATION.value
        ONBOARDING = RoleSource.ONBOARDING.value

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey("accounts.User", on_delete=models.CASCADE, related_name="role_bindings")
    role = models.CharField(max_length=20, choices=Role.choices)
    source = models.CharField(max_length=20, choices=Source.choices, default=Source.MANUAL)
    granted_by = models.ForeignKey(
        "accounts.User", on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "role"], name="role_once_per_user"),
            models.CheckConstraint(condition=models.Q(role__in=Role.values), name="role_is_known"),
        ]
        indexes = [models.Index(fields=["role"], name="role_binding_role")]

    def __str__(self) -> str:
        return f"{self.user_id} {self.role}"
