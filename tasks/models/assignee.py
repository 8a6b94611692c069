"""Who is on a task."""

from django.db import models


class TaskAssignee(models.Model):
    """One person on one task."""

    task = models.ForeignKey("tasks.Task", on_delete=models.CASCADE, related_name="assignments")
    person = models.ForeignKey(
        "tasks.Person", on_delete=models.CASCADE, related_name="assignments", db_index=False
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["person", "task"], name="tasks_assignee_once"),
        ]

    def __str__(self) -> str:
        return f"{self.person_id} on {self.task_id}"
