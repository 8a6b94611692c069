"""A group of people, made here or told by a directory."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from tenants.accounts.access.roles import RoleSource
from tenants.foundation.ids import uuid7


class Group(models.Model):
    """People who get roles together; `external_id` is what the directory in `source` calls it."""

    class Source(models.TextChoices):
        MANUAL = RoleSource.MANUAL.value
        SSO = RoleSource.SSO.value
        SCIM = RoleSource.SCIM.value

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField(max_length=200)
    description = models.CharField(max_length=300, blank=True, default="")
    external_id = models.CharField(max_length=300, blank=True, default="")
    source = models.CharField(max_length=20, choices=Source.choices, default=Source.MANUAL)
    members = models.ManyToManyField(
        "accounts.User", through="accounts.GroupMembership", related_name="access_groups"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["name", "id"]
        constraints = [
            # Directories may use one name twice; people could not tell two of their own apart.
            models.UniqueConstraint(Lower("name"), condition=Q(source="manual"), name="group_name_once"),
            models.UniqueConstraint(
                fields=["source", "external_id"], condition=~Q(external_id=""), name="group_external_once"
            ),
            models.CheckConstraint(condition=~Q(name=""), name="group_has_name"),
        ]

    def __str__(self) -> str:
        return self.name


class GroupMembership(models.Model):
    """One person in one group, and who said so."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    group = models.ForeignKey(Group, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey("accounts.User", on_delete=models.CASCADE, related_name="group_memberships")
    source = models.CharField(max_length=20, choices=Group.Source.choices, default=Group.Source.MANUAL)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "group"], name="once_in_a_group")]

    def __str__(self) -> str:
        return f"{self.user_id} in {self.group_id}"
