"""A project: tasks that belong together, under one key."""

from django.db import models
from django.db.models.functions import Lower

from tasks.models.number_series import NO_PROJECT_PREFIX, PREFIX_PATTERN, prefix_validator
from tenants.foundation.ids import uuid7


class Project(models.Model):
    """Tasks that belong together; its `key` is the prefix of their numbers."""

    class Status(models.TextChoices):
        PLANNED = "planned", "Planned"
        ACTIVE = "active", "Active"
        PAUSED = "paused", "Paused"
        DONE = "done", "Done"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    key = models.CharField(max_length=10, validators=[prefix_validator])
    name = models.CharField(max_length=200)
    description = models.TextField(blank=True, default="")
    status = models.CharField(max_length=16, choices=Status.choices, default=Status.ACTIVE)
    department = models.ForeignKey(
        "accounts.Department", null=True, blank=True, on_delete=models.SET_NULL, related_name="projects"
    )
    lead = models.ForeignKey(
        "tasks.Person", null=True, blank=True, on_delete=models.SET_NULL, related_name="led_projects"
    )
    start_on = models.DateField(null=True, blank=True)
    due_on = models.DateField(null=True, blank=True)
    archived_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["name", "id"]
        constraints = [
            models.UniqueConstraint(fields=["key"], name="tasks_project_key_once"),
            models.UniqueConstraint(Lower("name"), name="tasks_project_name_once"),
            models.CheckConstraint(
                condition=models.Q(key__regex=PREFIX_PATTERN) & ~models.Q(key=NO_PROJECT_PREFIX),
                name="tasks_project_key_form",
            ),
            models.CheckConstraint(condition=~models.Q(name=""), name="tasks_project_has_name"),
            models.CheckConstraint(
                condition=models.Q(status__in=["planned", "active", "paused", "done"]),
                name="tasks_project_status_known",
            ),
        ]
        indexes = [models.Index(fields=["name", "id"], name="tasks_project_by_name")]

    def __str__(self) -> str:
        return f"{self.key} {self.name}"
