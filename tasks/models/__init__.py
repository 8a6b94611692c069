"""Every table of the tasks package."""

from tasks.models.activity import TaskActivity
from tasks.models.approval import ApprovalApprover, ApprovalDecision, ApprovalRequest
from tasks.models.assignee import TaskAssignee
from tasks.models.comment import Comment
from tasks.models.dependency import TaskDependency
from tasks.models.milestone import Milestone
from tasks.models.number_series import NumberSeries
from tasks.models.person import Person
from tasks.models.project import Project
from tasks.models.share import ProjectGroupShare, ProjectUserShare, TaskGroupShare, TaskUserShare
from tasks.models.task import Task, TaskQuerySet

__all__ = [
    "ApprovalApprover",
    "ApprovalDecision",
    "ApprovalRequest",
    "Comment",
    "Milestone",
    "NumberSeries",
    "Person",
    "Project",
    "ProjectGroupShare",
    "ProjectUserShare",
    "Task",
    "TaskActivity",
    "TaskAssignee",
    "TaskDependency",
    "TaskGroupShare",
    "TaskQuerySet",
    "TaskUserShare",
]
