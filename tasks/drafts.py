"""What a caller hands over when many tasks, people or relations are written at once; no database."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any, Final
from uuid import UUID


class Unset(Enum):
    """The type of `UNSET`, so that "leave as it is" cannot be mistaken for "make it empty"."""

    UNSET = "unset"

    def __repr__(self) -> str:
        return "UNSET"


UNSET: Final = Unset.UNSET


@dataclass(frozen=True, kw_only=True)
class TaskDraft:
    """One task as its source tells it.

    `id` is ours and chosen by the caller: a known id updates that task, an unknown one creates it. A field
    left `UNSET` keeps its stored value (or its default on a new task). Departments and projects are named,
    not referenced: a name nobody has used yet makes a new one. `status` takes a value of `Task.Status`,
    `priority` one of `Task.Priority` (0 none … 4 urgent), `estimate_hours` is in hours, times are aware.
    `source` is the name of the workspace a task came from and `source_url` its page there. `created_at` and
    `updated_at` are the source's times; a later `updated_at` alone does not count as a change.
    """

    id: UUID
    title: str | Unset = UNSET
    description: str | Unset = UNSET
    status: str | Unset = UNSET
    priority: int | Unset = UNSET
    department_name: str | Unset | None = UNSET
    project_name: str | Unset | None = UNSET
    start_on: date | Unset | None = UNSET
    due_on: date | Unset | None = UNSET
    due_at: datetime | Unset | None = UNSET
    estimate_hours: Decimal | Unset | None = UNSET
    tags: Sequence[str] | Unset = UNSET
    assignee_ids: Sequence[UUID] | Unset = UNSET
    completed_at: datetime | Unset | None = UNSET
    created_at: datetime | Unset = UNSET
    updated_at: datetime | Unset = UNSET
    source: str | Unset = UNSET
    source_url: str | Unset = UNSET
    is_archived: bool | Unset = UNSET

    def given(self) -> dict[str, Any]:
        """The fields this draft sets, by name, without `id`."""
        return {
            f.name: value
            for f in fields(self)
            if f.name != "id" and (value := getattr(self, f.name)) is not UNSET
        }


@dataclass(frozen=True, kw_only=True)
class PersonDraft:
    """One person as an outside service knows them; `ref` is their stable name there (`notion:<user id>`)."""

    ref: str
    name: str
    email: str | None = None
    avatar_url: str = ""


@dataclass(frozen=True, kw_only=True)
class ProjectDraft:
    """One project as an outside service knows it; `id` is ours if known, `ref` its stable name there."""

    ref: str
    name: str
    id: UUID | None = None


@dataclass(frozen=True, kw_only=True)
class TaskRelations:
    """What one task hangs on. Ids that are not tasks here are left out; an `UNSET` side is not touched."""

    task_id: UUID
    parent_id: UUID | Unset | None = UNSET
    depends_on_ids: Sequence[UUID] | Unset = UNSET


@dataclass(frozen=True, kw_only=True)
class DraftProblem:
    """A value of a draft that could not be stored: its field keeps what it had, the rest is written."""

    task_id: UUID
    field: str
    message: str


@dataclass(frozen=True, kw_only=True)
class UpsertResult:
    """Which tasks of a batch were created, which changed, and which were already as told."""

    created_ids: tuple[UUID, ...] = ()
    updated_ids: tuple[UUID, ...] = ()
    unchanged_ids: tuple[UUID, ...] = ()
    problems: tuple[DraftProblem, ...] = ()

    def __add__(self, other: "UpsertResult") -> "UpsertResult":
        return UpsertResult(
            created_ids=self.created_ids + other.created_ids,
            updated_ids=self.updated_ids + other.updated_ids,
            unchanged_ids=self.unchanged_ids + other.unchanged_ids,
            problems=self.problems + other.problems,
        )


@dataclass(frozen=True, kw_only=True)
class TaskChanges:
    """What a person changes on one task (or on many alike); fields left `UNSET` are not touched."""

    title: str | Unset = UNSET
    description: str | Unset = UNSET
    status: str | Unset = UNSET
    priority: int | Unset = UNSET
    department_id: UUID | Unset | None = UNSET
    project_id: UUID | Unset | None = UNSET
    milestone_id: UUID | Unset | None = UNSET
    parent_id: UUID | Unset | None = UNSET
    start_on: date | Unset | None = UNSET
    due_on: date | Unset | None = UNSET
    due_at: datetime | Unset | None = UNSET
    estimate_hours: Decimal | Unset | None = UNSET
    tags: Sequence[str] | Unset = UNSET
    assignee_ids: Sequence[UUID] | Unset = UNSET

    def given(self) -> dict[str, Any]:
        """The fields these changes set, by name."""
        return {f.name: value for f in fields(self) if (value := getattr(self, f.name)) is not UNSET}


@dataclass(frozen=True, kw_only=True)
class ProjectChanges:
    """What a person changes on a project; fields left `UNSET` are not touched."""

    name: str | Unset = UNSET
    key: str | Unset = UNSET
    description: str | Unset = UNSET
    status: str | Unset = UNSET
    department_id: UUID | Unset | None = UNSET
    lead_id: UUID | Unset | None = UNSET
    start_on: date | Unset | None = UNSET
    due_on: date | Unset | None = UNSET

    def given(self) -> dict[str, Any]:
        """The fields these changes set, by name."""
        return {f.name: value for f in fields(self) if (value := getattr(self, f.name)) is not UNSET}


@dataclass(frozen=True, kw_only=True)
class MilestoneChanges:
    """What a person changes on a milestone; fields left `UNSET` are not touched."""

    name: str | Unset = UNSET
    due_on: date | Unset | None = UNSET
    is_reached: bool | Unset = UNSET

    def given(self) -> dict[str, Any]:
        """The fields these changes set, by name."""
        return {f.name: value for f in fields(self) if (value := getattr(self, f.name)) is not UNSET}
