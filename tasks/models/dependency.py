"""Which task waits for which."""

from django.db import models
from django.db.models import F, Q


class TaskDependency(models.Model):
    """`task` cannot go on before `depends_on` is finished."""

    task = models.ForeignKey(
        "tasks.Task", on_delete=models.CASCADE, related_name="dependencies", db_index=False
    )
    depends_on = models.ForeignKey("tasks.Task", on_delete=models.CASCADE, related_name="dependents")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name_plural = "task dependencies"
        constraints = [
            models.UniqueConstraint(fields=["task", "depends_on"], name="tasks_dependency_once"),
            models.CheckConstraint(condition=~Q(task=F("depends_on")), name="tasks_dependency_not_on_itself"),
        ]

    def __str__(self) -> str:
        return f"{self.task_id} waits for {self.depends_on_id}"
