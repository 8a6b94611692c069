"""The four invented workspaces: which databases each has, how its columns are called and typed. Data only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

type Options = Mapping[str, tuple[str, str]]
"""Our neutral word → (what the workspace calls it, Notion colour)."""


@dataclass(frozen=True, slots=True)
class Column:
    """One property: its name, its Notion type, what it means to us (`role`), and its options."""

    name: str
    type: str
    role: str
    options: Options = field(default_factory=dict)
    groups: tuple[tuple[str, str, tuple[str, ...]], ...] = ()


@dataclass(frozen=True, slots=True)
class TableShape:
    """One task database: how many tasks it gets and in which departments and languages they are written."""

    key: str
    title: str
    icon: str
    count: int
    prefix: str
    departments: Mapping[str, int]
    languages: Mapping[str, int]
    columns: tuple[Column, ...]


@dataclass(frozen=True, slots=True)
class ProjectsShape:
    """The projects database its task databases relate to."""

    title: str
    icon: str
    columns: tuple[Column, ...]


@dataclass(frozen=True, slots=True)
class WorkspaceShape:
    """One Notion workspace of an invented company."""

    key: str
    name: str
    company: str
    plan: str
    language: str
    home_title: str
    home_text: str
    odd_titles: slice
    """Which of the odd titles its tasks get: each workspace another quarter of them."""
    projects: ProjectsShape
    tables: tuple[TableShape, ...]


def status_groups(todo: str, doing: str, done: str) -> tuple[tuple[str, str, tuple[str, ...]], ...]:
    """Return Notion's three fixed status groups under their names in a language, and what is in each."""
    return (
        (todo, "gray", ("planned", "blocked")),
        (doing, "blue", ("in_progress", "in_review")),
        (done, "green", ("done", "cancelled")),
    )


def column(shape: TableShape | ProjectsShape, role: str) -> Column | None:
    """Return the column that plays this role, or None when the table has none."""
    return next((found for found in shape.columns if found.role == role), None)
