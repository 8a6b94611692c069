"""Approvals: somebody asks for a yes to a task, a milestone or a project, and named people answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models
from django.db.models import Q

from tenants.foundation.ids import uuid7

if TYPE_CHECKING:
    from tasks.models.milestone import Milestone
    from tasks.models.project import Project
    from tasks.models.task import Task


class ApprovalRequest(models.Model):
    """A question that is answered once: by the first of its approvers, or when all have said yes.

    It is about exactly one task, milestone or project. `decided_at` is set exactly when it is no longer open.
    """

    class State(models.TextChoices):
        REQUESTED = "requested", "Waiting"
        APPROVED = "approved", "Approved"
        CHANGES_REQUESTED = "changes_requested", "Changes asked for"
        REFUSED = "refused", "Refused"
        WITHDRAWN = "withdrawn", "Withdrawn"

    class Rule(models.TextChoices):
        ANY = "any", "Any one of them"
        ALL = "all", "All of them"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    task = models.ForeignKey(
        "tasks.Task", null=True, blank=True, on_delete=models.CASCADE, related_name="approvals"
    )
    milestone = models.ForeignKey(
        "tasks.Milestone", null=True, blank=True, on_delete=models.CASCADE, related_name="approvals"
    )
    project = models.ForeignKey(
        "tasks.Project", null=True, blank=True, on_delete=models.CASCADE, related_name="approvals"
    )
    text = models.TextField()
    rule = models.CharField(max_length=8, choices=Rule.choices, default=Rule.ANY)
    due_on = models.DateField(null=True, blank=True)
    state = models.CharField(max_length=20, choices=State.choices, default=State.REQUESTED)
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    asked_by_name = models.CharField(max_length=200)
    created_at = models.DateTimeField(auto_now_add=True)
    decided_at = models.DateTimeField(null=True, blank=True)
    # Since when it is open and nobody who was asked can answer any more; whoever asked was told then.
    nobody_left_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(task__isnull=False, milestone__isnull=True, project__isnull=True)
                | Q(task__isnull=True, milestone__isnull=False, project__isnull=True)
                | Q(task__isnull=True, milestone__isnull=True, project__isnull=False),
                name="tasks_approval_about_one_thing",
            ),
            models.CheckConstraint(condition=~Q(text=""), name="tasks_approval_has_text"),
            models.CheckConstraint(condition=Q(rule__in=["any", "all"]), name="tasks_approval_rule_known"),
            models.CheckConstraint(
                condition=Q(state="requested", decided_at__isnull=True)
                | Q(
                    state__in=["approved", "changes_requested", "refused", "withdrawn"],
                    decided_at__isnull=False,
                ),
                name="tasks_approval_decided_when_over",
            ),
        ]
        indexes = [
            models.Index(
                fields=["created_at", "id"], name="tasks_approval_open", condition=Q(state="requested")
            ),
            models.Index(fields=["created_at", "id"], name="tasks_approval_by_time"),
        ]

    def __str__(self) -> str:
        return self.text[:60]

    @property
    def is_open(self) -> bool:
        """Whether an answer is still awaited."""
        return self.state == self.State.REQUESTED

    @property
    def subject(self) -> Task | Milestone | Project:
        """What it is about."""
        found = self.task or self.milestone or self.project
        assert found is not None  # the table says so
        return found

    @property
    def guarded(self) -> Task | Project:
        """What access is asked for: the task, or the project the milestone belongs to."""
        if self.task is not None:
            return self.task
        if self.milestone is not None:
            return self.milestone.project
        assert self.project is not None
        return self.project


class ApprovalApprover(models.Model):
    """One person or one group whose answer is asked for."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    request = models.ForeignKey(ApprovalRequest, on_delete=models.CASCADE, related_name="approvers")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.CASCADE, related_name="+"
    )
    group = models.ForeignKey(
        "accounts.Group", null=True, blank=True, on_delete=models.CASCADE, related_name="+"
    )
    # When they said yes, or the first of the group did: that stands, whoever leaves the group afterwards.
    agreed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(user__isnull=False, group__isnull=True)
                | Q(user__isnull=True, group__isnull=False),
                name="tasks_approver_is_one",
            ),
            models.UniqueConstraint(fields=["request", "user"], name="tasks_approver_person_once"),
            models.UniqueConstraint(fields=["request", "group"], name="tasks_approver_group_once"),
        ]

    def __str__(self) -> str:
        return f"{self.user_id or self.group_id}"


class ApprovalDecision(models.Model):
    """What one person answered; it is never changed."""

    class Answer(models.TextChoices):
        APPROVED = "approved", "Approved"
        CHANGES_REQUESTED = "changes_requested", "Changes asked for"
        REFUSED = "refused", "Refused"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    request = models.ForeignKey(ApprovalRequest, on_delete=models.CASCADE, related_name="decisions")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    user_name = models.CharField(max_length=200)
    answer = models.CharField(max_length=20, choices=Answer.choices)
    note = models.TextField(blank=True, default="")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["created_at", "id"]
        constraints = [
            models.UniqueConstraint(fields=["request", "user"], name="tasks_decision_once"),
            models.CheckConstraint(
                condition=Q(answer__in=["approved", "changes_requested", "refused"]),
                name="tasks_decision_known",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user_name}: {self.answer}"
