"""The task: one piece of work, the main noun of this package."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Final, Self

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import F, Q, Value
from django.db.models.functions import Cast, Coalesce, Concat, Left, Lower, Upper
from django.utils import timezone

from tasks.models.number_series import NO_PROJECT_PREFIX
from tenants.foundation.ids import uuid7

# What a missing date sorts as: undated tasks come last when the soonest comes first, unfinished ones when the
# newest comes first. Stored, because a keyset page needs one comparable, indexed value a row.
NO_DUE: Final = date(9999, 12, 31)
NOT_COMPLETED: Final = datetime(1, 1, 1, tzinfo=UTC)
TITLE_ORDER_CHARS: Final = 80


class TaskQuerySet(models.QuerySet["Task"]):
    """Questions asked of tasks."""

    def live(self) -> Self:
        """Not archived."""
        return self.filter(archived_at__isnull=True)

    def open(self) -> Self:
        """Still to be done: neither done nor cancelled."""
        return self.filter(status__in=Task.OPEN_STATUSES)

    def overdue(self, *, today: date) -> Self:
        """Open and due before `today`."""
        return self.open().filter(due_order__lt=today)


class Task(models.Model):
    """One piece of work.

    `key` (`OPS-214`) is made of the prefix and number given at creation and stays, whatever project the task
    moves to. `due_on` is always set when `due_at` is; `completed_at` is set exactly when the status is done.
    """

    class Status(models.TextChoices):
        PLANNED = "planned", "Planned"
        IN_PROGRESS = "in_progress", "In progress"
        BLOCKED = "blocked", "Blocked"
        IN_REVIEW = "in_review", "In review"
        DONE = "done", "Done"
        CANCELLED = "cancelled", "Cancelled"

    class Priority(models.IntegerChoices):
        NONE = 0, "None"
        LOW = 1, "Low"
        MEDIUM = 2, "Medium"
        HIGH = 3, "High"
        URGENT = 4, "Urgent"

    OPEN_STATUSES: Final = (Status.PLANNED, Status.IN_PROGRESS, Status.BLOCKED, Status.IN_REVIEW)

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    key_prefix = models.CharField(max_length=10, default=NO_PROJECT_PREFIX, editable=False)
    number = models.PositiveIntegerField(editable=False)
    key = models.GeneratedField(
        expression=Concat(
            Cast("key_prefix", models.TextField()),
            Value("-", output_field=models.TextField()),
            Cast("number", models.TextField()),
        ),
        output_field=models.TextField(),
        db_persist=True,
    )
    project = models.ForeignKey(
        "tasks.Project",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="tasks",
        db_index=False,
    )
    milestone = models.ForeignKey(
        "tasks.Milestone", null=True, blank=True, on_delete=models.SET_NULL, related_name="tasks"
    )
    department = models.ForeignKey(
        "accounts.Department",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="tasks",
        db_index=False,
    )
    parent = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="children"
    )
    title = models.TextField()
    description = models.TextField(blank=True, default="")
    status = models.CharField(max_length=16, choices=Status.choices, default=Status.PLANNED)
    priority = models.PositiveSmallIntegerField(choices=Priority.choices, default=Priority.NONE)
    start_on = models.DateField(null=True, blank=True)
    due_on = models.DateField(null=True, blank=True)
    due_at = models.DateTimeField(null=True, blank=True)
    estimate_hours = models.DecimalField(max_digits=8, decimal_places=2, null=True, blank=True)
    tags = ArrayField(models.CharField(max_length=100), default=list, blank=True)
    source = models.CharField(max_length=200, blank=True, default="")
    source_url = models.URLField(max_length=2000, blank=True, default="")
    completed_at = models.DateTimeField(null=True, blank=True)
    archived_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)
    assignees = models.ManyToManyField("tasks.Person", through="tasks.TaskAssignee", related_name="tasks")

    due_order = models.GeneratedField(
        expression=Coalesce("due_on", Value(NO_DUE), output_field=models.DateField()),
        output_field=models.DateField(),
        db_persist=True,
    )
    completed_order = models.GeneratedField(
        expression=Coalesce("completed_at", Value(NOT_COMPLETED), output_field=models.DateTimeField()),
        output_field=models.DateTimeField(),
        db_persist=True,
    )
    title_order = models.GeneratedField(
        expression=Lower(Left("title", TITLE_ORDER_CHARS)),
        output_field=models.TextField(),
        db_persist=True,
    )

    objects = TaskQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["key"], name="tasks_task_key_once"),
            models.CheckConstraint(condition=~Q(title=""), name="tasks_task_has_title"),
            models.CheckConstraint(
                condition=Q(
                    status__in=["planned", "in_progress", "blocked", "in_review", "done", "cancelled"]
                ),
                name="tasks_task_status_known",
            ),
            models.CheckConstraint(
                condition=Q(priority__gte=0, priority__lte=4), name="tasks_task_priority_known"
            ),
            models.CheckConstraint(
                condition=Q(status="done", completed_at__isnull=False)
                | (~Q(status="done") & Q(completed_at__isnull=True)),
                name="tasks_task_completed_when_done",
            ),
            models.CheckConstraint(
                condition=Q(due_at__isnull=True) | Q(due_on__isnull=False), name="tasks_task_due_has_day"
            ),
            models.CheckConstraint(
                condition=Q(estimate_hours__isnull=True) | Q(estimate_hours__gte=0),
                name="tasks_task_estimate_positive",
            ),
            models.CheckConstraint(
                condition=Q(parent__isnull=True) | ~Q(parent=F("id")), name="tasks_task_not_own_parent"
            ),
        ]
        indexes = [
            models.Index(fields=["updated_at", "id"], name="tasks_by_updated"),
            models.Index(fields=["due_order", "id"], name="tasks_by_due"),
            models.Index(fields=["priority", "id"], name="tasks_by_priority"),
            models.Index(fields=["created_at", "id"], name="tasks_by_created"),
            models.Index(fields=["title_order", "id"], name="tasks_by_title"),
            models.Index(fields=["completed_order", "id"], name="tasks_by_completed"),
            models.Index(fields=["status", "updated_at", "id"], name="tasks_by_status"),
            models.Index(fields=["status", "due_order", "id"], name="tasks_by_status_due"),
            models.Index(fields=["department", "updated_at", "id"], name="tasks_by_department"),
            models.Index(fields=["department", "due_order", "id"], name="tasks_by_department_due"),
            models.Index(fields=["project", "updated_at", "id"], name="tasks_by_project"),
            models.Index(fields=["project", "due_order", "id"], name="tasks_by_project_due"),
            models.Index(fields=["source", "updated_at", "id"], name="tasks_by_source"),
            models.Index(
                fields=["updated_at", "id"], name="tasks_archived", condition=Q(archived_at__isnull=False)
            ),
            GinIndex(fields=["tags"], name="tasks_by_tag"),
            GinIndex(OpClass(Upper("title"), name="gin_trgm_ops"), name="tasks_by_words"),
        ]

    def __str__(self) -> str:
        return f"{self.key_prefix}-{self.number} {self.title}"

    @property
    def is_done(self) -> bool:
        """Whether the work was finished."""
        return self.status == self.Status.DONE

    @property
    def is_open(self) -> bool:
        """Whether there is still something to do."""
        return self.status in self.OPEN_STATUSES

    @property
    def is_archived(self) -> bool:
        """Whether it was put away."""
        return self.archived_at is not None

    def is_overdue(self, *, today: date) -> bool:
        """Whether it should have been finished before `today`."""
        return self.is_open and self.due_on is not None and self.due_on < today
