"""A person tasks are assigned to: known from a workspace, perhaps also a user here."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models.functions import Lower

from tenants.foundation.ids import uuid7


class Person(models.Model):
    """Somebody who can own a task, whether or not they sign in here.

    `refs` are the stable names outside services have for them (`notion:<user id>`): the same person in two
    workspaces is one row with two refs.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField(max_length=200)
    email = models.EmailField(max_length=254, null=True, blank=True)
    avatar_url = models.URLField(max_length=2000, blank=True, default="")
    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="person"
    )
    refs = ArrayField(models.CharField(max_length=200), default=list, blank=True)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["name", "id"]
        constraints = [
            models.UniqueConstraint(Lower("email"), name="tasks_person_email_once"),
            models.CheckConstraint(condition=~models.Q(name=""), name="tasks_person_has_name"),
        ]
        indexes = [
            models.Index(fields=["name", "id"], name="tasks_person_by_name"),
            GinIndex(fields=["refs"], name="tasks_person_by_ref"),
        ]

    def __str__(self) -> str:
        return self.name
