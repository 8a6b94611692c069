"""A role of the company's own making."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Lower

from tenants.foundation.ids import uuid7


class CustomRole(models.Model):
    """A named set of permission codes; `version` counts its changes. Codes that are gone hold nothing."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField(max_length=80)
    description = models.CharField(max_length=300, blank=True, default="")
    codes = ArrayField(models.CharField(max_length=80), default=list)
    version = models.PositiveIntegerField(default=1)
    created_by = models.ForeignKey(
        "accounts.User", on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["name", "id"]
        constraints = [
            models.UniqueConstraint(Lower("name"), name="custom_role_name_once"),
            models.CheckConstraint(condition=~models.Q(name=""), name="custom_role_has_name"),
        ]

    def __str__(self) -> str:
        return self.name
