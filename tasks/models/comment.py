"""A comment under a task."""

from django.conf import settings
from django.db import models

from tenants.foundation.ids import uuid7


class Comment(models.Model):
    """What somebody wrote under a task, in markdown; only what `is_shared` is for the company's clients too."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    task = models.ForeignKey("tasks.Task", on_delete=models.CASCADE, related_name="comments", db_index=False)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="task_comments",
    )
    author_name = models.CharField(max_length=200)
    body = models.TextField()
    is_shared = models.BooleanField(default=False, db_default=False)
    created_at = models.DateTimeField(auto_now_add=True)
    edited_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["created_at", "id"]
        constraints = [models.CheckConstraint(condition=~models.Q(body=""), name="tasks_comment_has_body")]
        indexes = [models.Index(fields=["task", "created_at", "id"], name="tasks_comment_by_task")]

    def __str__(self) -> str:
        return f"{self.author_name}: {self.body[:40]}"
