"""Writes one plotted workspace as Notion objects: header, people, databases, data sources, pages, blocks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from random import Random

from integrations.sandbox.notion.content.body import blocks, parse
from integrations.sandbox.notion.content.plot import Cast, Plot, Project, Task, new_uuid
from integrations.sandbox.notion.content.rendering import project_value, task_value
from integrations.sandbox.notion.content.schema import (
    Property,
    connect_relation,
    connect_rollup,
    make_property,
)
from integrations.sandbox.notion.content.shapes import ProjectsShape, TableShape, WorkspaceShape
from integrations.sandbox.notion.content.values import Json, emoji, page, plain, stamp, user_reference

_MAX_TAGS = 48
"""Options of a tags column: a workspace somebody tidies now and then (Notion shows at most 100)."""


def token_of(shape: WorkspaceShape) -> str:
    """Return the token with which the product connects to this workspace."""
    return f"ntn_sandbox_{shape.key.replace('-', '_')}"


def life_token(shape_key: str) -> str:
    """Return the token the living demo reads with: a connection of its own, off the product's budget."""
    return f"ntn_sandbox_life_{shape_key.replace('-', '_')}"


@dataclass(slots=True)
class Table:
    """A database with its single data source while it is being written."""

    shape: TableShape | ProjectsShape
    database_id: str
    data_source_id: str
    properties: list[Property]

    def first(self, role: str) -> Property | None:
        """Return the property with this role, or None."""
        return next((made for made in self.properties if made.column.role == role), None)

    def all(self, role: str) -> list[Property]:
        """Return every property with this role, in column order."""
        return [made for made in self.properties if made.column.role == role]


class WorkspaceWriter:
    """Writes one plotted workspace as Notion objects."""

    def __init__(
        self, shape: WorkspaceShape, cast: Cast, plot: Plot, *, reference: datetime, seed: int
    ) -> None:
        self._shape = shape
        self._cast = cast
        self._plot = plot
        self._today: date = reference.date()
        self._founded = stamp(reference.replace(year=reference.year - 1, day=1, hour=9))
        self._random = Random(f"objects {shape.key} {seed}")  # noqa: S311 (invented content, no secret)
        self._people = {member.name: member for member in cast.everyone}
        self._workspace_id = self._new_id()
        self._home_id = self._new_id()
        self._projects = self._table(shape.projects)
        self._tables = [self._table(table) for table in shape.tables]
        self._connect()

    def _new_id(self) -> str:
        return new_uuid(self._random)

    def _table(self, shape: TableShape | ProjectsShape) -> Table:
        tags: list[str] = []
        if isinstance(shape, TableShape):
            used = Counter(tag for task in self._plot.tables[shape.key] for tag in task.pattern.tags)
            tags = sorted(tag for tag, _ in used.most_common(_MAX_TAGS))
        made = [make_property(column, self._random, tags=tags) for column in shape.columns]
        for unique in (found for found in made if found.column.role == "unique"):
            unique.config = {"prefix": shape.prefix if isinstance(shape, TableShape) else None}
        return Table(shape, self._new_id(), self._new_id(), made)

    def _connect(self) -> None:
        """Complete relations and rollups now that every database has its ids."""
        backwards = self._projects.all("tasks")
        for table, back in zip(self._tables, backwards, strict=True):
            project = table.first("project")
            if project is None:
                continue
            self._relate(project, self._projects, back)
            self._relate(back, table, project)
            blocked_by, blocking = table.first("blocked_by"), table.first("blocking")
            if blocked_by is not None:
                self._relate(blocked_by, table, blocking)
            if blocking is not None:
                self._relate(blocking, table, blocked_by)
            status = self._projects.first("status")
            if (rollup := table.first("project_status")) and status:
                connect_rollup(rollup, through=project, target=status, function="show_original")
        title = self._projects.first("title")
        if (count := self._projects.first("task_count")) and title:
            connect_rollup(count, through=backwards[0], target=title, function="count")

    def _relate(self, made: Property, target: Table, other: Property | None) -> None:
        connect_relation(
            made, database_id=target.database_id, data_source_id=target.data_source_id, other=other
        )

    def _bot(self, name: str) -> Json:
        owner = {"type": "workspace", "workspace": True}
        inside = {
            "owner": owner,
            "workspace_id": self._workspace_id,
            "workspace_name": self._shape.name,
            "workspace_limits": {"max_file_upload_size_in_bytes": 5_242_880},
        }
        return {
            "object": "user",
            "id": self._new_id(),
            "type": "bot",
            "name": name,
            "avatar_url": None,
            "bot": inside,
        }

    def _header(self) -> Json:
        key = self._shape.key
        return {
            "object": "sandbox_workspace",
            "id": self._workspace_id,
            "name": self._shape.name,
            "plan": self._shape.plan,
            "bot": self._bot("Task Sync"),
            "tokens": [token_of(self._shape)],
            "shared": "*",
            "connections": [
                {"bot": self._bot("Demo life"), "tokens": [life_token(key)], "limits": {"per_minute": None}}
            ],
        }

    def objects(self) -> Iterator[Json]:
        """Yield header, people, databases, data sources, pages and blocks in that order."""
        yield self._header()
        for member in self._cast.everyone:
            yield member.as_json()
        tables = (self._projects, *self._tables)
        for table in tables:
            yield self._database(table)
        for table in tables:
            yield self._data_source(table)
        yield from self._home()
        for project in self._plot.projects:
            yield self._project_page(project)
        for table, tasks in zip(self._tables, self._plot.tables.values(), strict=True):
            for task in tasks:
                yield self._task_page(table, task)
                yield from self._body(task)

    def _container(self, kind: str, table: Table) -> Json:
        by = user_reference(self._cast.members[0].id)
        object_id = table.database_id if kind == "database" else table.data_source_id
        return {
            "object": kind,
            "id": object_id,
            "title": plain(table.shape.title),
            "description": [],
            "is_inline": False,
            "in_trash": False,
            "created_time": self._founded,
            "last_edited_time": self._founded,
            "created_by": by,
            "last_edited_by": by,
            "icon": emoji(table.shape.icon),
            "cover": None,
            "url": f"https://www.notion.so/{object_id.replace('-', '')}",
            "public_url": None,
        }

    def _database(self, table: Table) -> Json:
        made = self._container("database", table)
        del made["created_by"], made["last_edited_by"]
        return made | {
            "parent": {"type": "page_id", "page_id": self._home_id},
            "is_locked": False,
            "data_sources": [{"id": table.data_source_id, "name": table.shape.title}],
        }

    def _data_source(self, table: Table) -> Json:
        return self._container("data_source", table) | {
            "parent": {"type": "database_id", "database_id": table.database_id},
            "database_parent": {"type": "page_id", "page_id": self._home_id},
            "properties": {made.column.name: made.as_schema() for made in table.properties},
        }

    def _home(self) -> Iterator[Json]:
        founder = self._cast.members[0].id
        founded = datetime.fromisoformat(self._founded)
        title = {"title": {"id": "title", "type": "title", "title": plain(self._shape.home_title)}}
        yield page(
            page_id=self._home_id,
            parent={"type": "workspace", "workspace": True},
            title=self._shape.home_title,
            properties=title,
            created_at=founded,
            edited_at=founded,
            created_by=founder,
            edited_by=founder,
            icon="🏠",
        )
        yield from self._blocks(self._home_id, self._shape.home_text, self._founded, founder)

    def _parent(self, table: Table) -> Json:
        return {
            "type": "data_source_id",
            "data_source_id": table.data_source_id,
            "database_id": table.database_id,
        }

    @staticmethod
    def _named(made: Property, value: Json) -> Json:
        return {"id": made.id, "type": made.column.type, **value}

    def _project_page(self, project: Project) -> Json:
        keys = iter([table.shape.key] for table in self._tables if isinstance(table.shape, TableShape))
        properties: Json = {}
        for made in self._projects.properties:
            shown = next(keys) if made.column.role == "tasks" else [self._shape.tables[0].key]
            properties[made.column.name] = self._named(made, project_value(made, project, tables=shown))
        created = datetime.fromisoformat(f"{project.starts_on.isoformat()}T08:00:00+00:00")
        edited = max((task.life.edited_at for task in project.tasks), default=created)
        return page(
            page_id=project.page_id,
            parent=self._parent(self._projects),
            title=project.title,
            properties=properties,
            created_at=min(created, edited),
            edited_at=edited,
            created_by=project.lead.id,
            edited_by=project.lead.id,
            icon="📁",
        )

    def _task_page(self, table: Table, task: Task) -> Json:
        status = self._projects.first("status")
        return page(
            page_id=task.page_id,
            parent=self._parent(table),
            title=task.title,
            properties={
                made.column.name: self._named(
                    made, task_value(made, task, today=self._today, project_status=status)
                )
                for made in table.properties
            },
            created_at=task.life.created_at,
            edited_at=task.life.edited_at,
            created_by=task.author.id,
            edited_by=task.editor.id,
        )

    def _body(self, task: Task) -> Iterator[Json]:
        if task.body is not None:
            yield from self._blocks(task.page_id, task.body, stamp(task.life.created_at), task.author.id)

    def _blocks(self, page_id: str, source: str, moment: str, user_id: str) -> Iterator[Json]:
        nodes = parse(source, self._people)
        parent: Json = {"type": "page_id", "page_id": page_id}
        yield from blocks(nodes, parent=parent, new_id=self._new_id, moment=moment, user_id=user_id)
