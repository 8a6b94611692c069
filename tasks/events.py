"""The facts this package announces."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from tenants.outbox.bus import DomainEvent


@dataclass(frozen=True, kw_only=True)
class TaskCreated(DomainEvent):
    """A task was made by a person or an automation (an import says `TasksSynced`)."""

    name: ClassVar[str] = "task.created"
    task_id: UUID


@dataclass(frozen=True, kw_only=True)
class TaskUpdated(DomainEvent):
    """Some fields of a task changed; `changed` names them."""

    name: ClassVar[str] = "task.updated"
    task_id: UUID
    changed: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class TaskMoved(DomainEvent):
    """A task went from one status to another."""

    name: ClassVar[str] = "task.moved"
    task_id: UUID
    from_status: str
    to_status: str


@dataclass(frozen=True, kw_only=True)
class TaskCompleted(DomainEvent):
    """A task reached `done`."""

    name: ClassVar[str] = "task.completed"
    task_id: UUID


@dataclass(frozen=True, kw_only=True)
class TaskAssigned(DomainEvent):
    """People were put on a task, or taken off it."""

    name: ClassVar[str] = "task.assigned"
    task_id: UUID
    added_person_ids: tuple[UUID, ...]
    removed_person_ids: tuple[UUID, ...]


@dataclass(frozen=True, kw_only=True)
class TasksArchived(DomainEvent):
    """Tasks were put away."""

    name: ClassVar[str] = "tasks.archived"
    task_ids: tuple[UUID, ...]


@dataclass(frozen=True, kw_only=True)
class TasksRestored(DomainEvent):
    """Tasks were taken out of the archive."""

    name: ClassVar[str] = "tasks.restored"
    task_ids: tuple[UUID, ...]


@dataclass(frozen=True, kw_only=True)
class TasksSynced(DomainEvent):
    """One batch of an import was written; unchanged tasks are not in it."""

    name: ClassVar[str] = "tasks.synced"
    created_ids: tuple[UUID, ...]
    updated_ids: tuple[UUID, ...]


@dataclass(frozen=True, kw_only=True)
class TaskCommented(DomainEvent):
    """Somebody wrote a comment."""

    name: ClassVar[str] = "task.commented"
    task_id: UUID
    comment_id: UUID


@dataclass(frozen=True, kw_only=True)
class ProjectCreated(DomainEvent):
    """A project was made."""

    name: ClassVar[str] = "project.created"
    project_id: UUID


@dataclass(frozen=True, kw_only=True)
class ProjectUpdated(DomainEvent):
    """Some fields of a project changed; `changed` names them."""

    name: ClassVar[str] = "project.updated"
    project_id: UUID
    changed: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class MilestoneMade(DomainEvent):
    """A project was given a milestone."""

    name: ClassVar[str] = "milestone.made"
    milestone_id: UUID
    project_id: UUID


@dataclass(frozen=True, kw_only=True)
class MilestoneUpdated(DomainEvent):
    """Some fields of a milestone changed; `changed` names them."""

    name: ClassVar[str] = "milestone.updated"
    milestone_id: UUID
    project_id: UUID
    changed: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class MilestoneReached(DomainEvent):
    """A milestone was reached (that it is not after all, `MilestoneUpdated` says)."""

    name: ClassVar[str] = "milestone.reached"
    milestone_id: UUID
    project_id: UUID


@dataclass(frozen=True, kw_only=True)
class MilestoneRemoved(DomainEvent):
    """A milestone was taken away."""

    name: ClassVar[str] = "milestone.removed"
    milestone_id: UUID
    project_id: UUID


@dataclass(frozen=True, kw_only=True)
class ShareTakenBack(DomainEvent):
    """Somebody may do less with a task or project than what was shared with them, or nothing any more."""

    name: ClassVar[str] = "share.taken_back"
    thing_id: UUID
    is_task: bool


@dataclass(frozen=True, kw_only=True)
class ApprovalRequested(DomainEvent):
    """Somebody asked for an approval."""

    name: ClassVar[str] = "approval.requested"
    approval_id: UUID


@dataclass(frozen=True, kw_only=True)
class ApprovalAnswered(DomainEvent):
    """One approver answered; whether that settled it, the events below say."""

    name: ClassVar[str] = "approval.answered"
    approval_id: UUID
    answer: str


@dataclass(frozen=True, kw_only=True)
class ApprovalGranted(DomainEvent):
    """An approval was given, by as many as its rule wants."""

    name: ClassVar[str] = "approval.granted"
    approval_id: UUID


@dataclass(frozen=True, kw_only=True)
class ApprovalChangesRequested(DomainEvent):
    """An approver wants something changed first; the request is closed."""

    name: ClassVar[str] = "approval.changes_requested"
    approval_id: UUID


@dataclass(frozen=True, kw_only=True)
class ApprovalRefused(DomainEvent):
    """An approver said no; the request is closed."""

    name: ClassVar[str] = "approval.refused"
    approval_id: UUID


@dataclass(frozen=True, kw_only=True)
class ApprovalWithdrawn(DomainEvent):
    """Whoever asked needs no answer any more."""

    name: ClassVar[str] = "approval.withdrawn"
    approval_id: UUID
