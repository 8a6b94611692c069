"""A program that works in its own name."""

from django.db import models

from tenants.foundation.ids import uuid7


class ServiceAccount(models.Model):
    """Makes a user a program: it has roles and tokens like a person, and no way to sign in."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.OneToOneField("accounts.User", on_delete=models.CASCADE, related_name="service_account")
    purpose = models.CharField(max_length=300, blank=True, default="")
    created_by = models.ForeignKey(
        "accounts.User", on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"service account {self.user_id}"
