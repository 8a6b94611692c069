"""A milestone: a dated goal of a project."""

from django.db import models

from tenants.foundation.ids import uuid7


class Milestone(models.Model):
    """A point a project wants to reach by a day."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    project = models.ForeignKey("tasks.Project", on_delete=models.CASCADE, related_name="milestones")
    name = models.CharField(max_length=200)
    due_on = models.DateField(null=True, blank=True)
    reached_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["due_on", "id"]
        constraints = [
            models.UniqueConstraint(fields=["project", "name"], name="tasks_milestone_name_once"),
            models.CheckConstraint(condition=~models.Q(name=""), name="tasks_milestone_has_name"),
        ]

    def __str__(self) -> str:
        return self.name
