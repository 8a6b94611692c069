"""Small Notion workspaces for tests, as the objects Notion's API returns; everything in them is invented."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from integrations.sandbox.notion.sandbox import Sandbox

type Json = dict[str, Any]

_NAMESPACE = UUID("6f9f3a1e-0000-4000-8000-000000000000")
START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
STATUSES = {"Backlog": "To-do", "Doing": "In progress", "In review": "In progress", "Shipped": "Complete"}
PRIORITIES = ("P0", "P1", "P2")


def an_id(*parts: object) -> str:
    """A stable id for a name."""
    return str(uuid5(_NAMESPACE, "/".join(map(str, parts))))


def stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:00.000Z")


def rich(text: str) -> list[Json]:
    """Text runs of at most 2,000 characters."""
    parts = [text[at : at + 2000] for at in range(0, len(text), 2000)]
    return [
        {
            "type": "text",
            "text": {"content": part, "link": None},
            "annotations": {
                **dict.fromkeys(("bold", "italic", "strikethrough", "underline", "code"), False),
                "color": "default",
            },
            "plain_text": part,
            "href": None,
        }
        for part in parts
    ]


@dataclass
class NotionWorkspace:
    """A workspace with a table of projects and one of tasks; `add_task` makes rows, `into` loads it."""

    name: str = "Testing Ground"
    token: str = "ntn_test_token"
    plan: str = "business"
    people: int = 3
    title_column: str | None = "Task"
    objects: list[Json] = field(default_factory=list)
    made: int = 0

    def __post_init__(self) -> None:
        self.id = an_id(self.name)
        self.tasks_id, self.projects_id = an_id(self.name, "tasks"), an_id(self.name, "projects")
        self.users = [self._user(number) for number in range(self.people)]
        self.objects += self.users
        self._add_table(self.projects_id, "Projects", self._project_columns())
        self._add_table(self.tasks_id, "Tasks", self._task_columns())

    @property
    def editor(self) -> str:
        """Somebody who edits."""
        return str(self.users[0]["id"])

    def line(self) -> Json:
        bot = {"owner": {"type": "workspace", "workspace": True}, "workspace_name": self.name}
        return {
            "object": "sandbox_workspace",
            "id": self.id,
            "name": self.name,
            "plan": self.plan,
            "bot": {
                "object": "user",
                "id": an_id(self.name, "bot"),
                "type": "bot",
                "name": "Task Sync",
                "avatar_url": None,
                "bot": {**bot, "workspace_id": self.id},
            },
            "tokens": [self.token],
            "shared": "*",
        }

    def into(self, sandbox: Sandbox) -> "NotionWorkspace":
        sandbox.add_workspace(self.line(), self.objects)
        return self

    def add_project(self, name: str) -> str:
        page_id = an_id(self.name, "project", name)
        values = {"Name": {"id": "title", "type": "title", "title": rich(name)}}
        self.objects.append(self._page(page_id, self.projects_id, values, START))
        return page_id

    def add_task(
        self,
        title: str,
        *,
        status: str | None = "Backlog",
        priority: str | None = None,
        assignees: Iterable[int] = (),
        due: Json | None = None,
        estimate: float | None = None,
        tags: Iterable[str] = (),
        project: str | None = None,
        parent: str | None = None,
        blocked_by: Iterable[str] = (),
        created: datetime | None = None,
        edited: datetime | None = None,
        body: Iterable[str] = (),
        page_id: str | None = None,
    ) -> str:
        """Add a row; returns its id. Rows are made a minute apart unless `created` says otherwise."""
        page_id = page_id or an_id(self.name, "task", self.made)
        created = created or START + timedelta(minutes=self.made)
        self.made += 1
        values: Json = {
            "Status": {"id": "stat", "type": "status", "status": self._option("stat", status)},
            "Priority": {"id": "prio", "type": "select", "select": self._option("prio", priority)},
            "Owner": {"id": "ownr", "type": "people", "people": [self.users[at] for at in assignees]},
            "Due date": {"id": "due%20", "type": "date", "date": due},
            "Estimate (h)": {"id": "esti", "type": "number", "number": estimate},
            "Tags": {
                "id": "tags",
                "type": "multi_select",
                "multi_select": [self._option("tags", tag) for tag in tags],
            },
            "Project": self._relation("proj", [project] if project else []),
            "Parent task": self._relation("prnt", [parent] if parent else []),
            "Blocked by": self._relation("blby", blocked_by),
        }
        if self.title_column:
            values[self.title_column] = {"id": "title", "type": "title", "title": rich(title)}
        self.objects.append(self._page(page_id, self.tasks_id, values, created, edited))
        for place, text in enumerate(body):
            self.objects.append(self._paragraph(page_id, place, text, created))
        return page_id

    def add_tasks(self, count: int, **values: Any) -> list[str]:
        return [self.add_task(f"Task number {self.made + 1}", **values) for _ in range(count)]

    # -- shapes ----------------------------------------------------------------------------------

    def _user(self, number: int) -> Json:
        name = f"Person {chr(65 + number)} Example"
        email = f"person{number}@{an_id(self.name)[:8]}.example"
        return {
            "object": "user",
            "id": an_id(self.name, "user", number),
            "name": name,
            "avatar_url": None,
            "type": "person",
            "person": {"email": email},
        }

    def _add_table(self, source_id: str, title: str, columns: Mapping[str, Json]) -> None:
        database_id = an_id(self.name, "database", title)
        times = {"created_time": stamp(START), "last_edited_time": stamp(START)}
        who = {"object": "user", "id": an_id(self.name, "user", 0)}
        shared = {
            **times,
            "created_by": who,
            "last_edited_by": who,
            "icon": None,
            "cover": None,
            "in_trash": False,
            "is_archived": False,
            "is_locked": False,
            "is_inline": False,
            "public_url": None,
            "title": rich(title),
            "description": [],
        }
        url = f"https://www.notion.so/{database_id.replace('-', '')}"
        self.objects += [
            {
                **shared,
                "object": "database",
                "id": database_id,
                "url": url,
                "parent": {"type": "workspace", "workspace": True},
                "data_sources": [{"id": source_id, "name": title}],
            },
            {
                **shared,
                "object": "data_source",
                "id": source_id,
                "url": url,
                "parent": {"type": "database_id", "database_id": database_id},
                "database_parent": {"type": "workspace", "workspace": True},
                "properties": {name: {**column, "name": name} for name, column in columns.items()},
            },
        ]

    def _project_columns(self) -> Json:
        return {"Name": {"id": "title", "type": "title", "title": {}, "description": None}}

    def _task_columns(self) -> Json:
        title = {"id": "title", "type": "title", "title": {}}
        groups: dict[str, list[str]] = {}
        for name, group in STATUSES.items():
            groups.setdefault(group, []).append(f"stat-{name}")
        columns: Json = {
            "Status": {
                "id": "stat",
                "type": "status",
                "status": {
                    "options": [self._option("stat", name) for name in STATUSES],
                    "groups": [
                        {"id": f"g-{name}", "name": name, "color": "gray", "option_ids": ids}
                        for name, ids in groups.items()
                    ],
                },
            },
            "Priority": {
                "id": "prio",
                "type": "select",
                "select": {"options": [self._option("prio", name) for name in PRIORITIES]},
            },
            "Owner": {"id": "ownr", "type": "people", "people": {}},
            "Due date": {"id": "due%20", "type": "date", "date": {}},
            "Estimate (h)": {"id": "esti", "type": "number", "number": {"format": "number"}},
            "Tags": {"id": "tags", "type": "multi_select", "multi_select": {"options": []}},
            "Project": self._relation_column("proj", self.projects_id),
            "Parent task": self._relation_column("prnt", self.tasks_id),
            "Blocked by": self._relation_column("blby", self.tasks_id),
        }
        return ({self.title_column: title} if self.title_column else {}) | columns

    def _relation_column(self, column_id: str, target: str) -> Json:
        database = an_id(self.name, "database", "Projects" if target == self.projects_id else "Tasks")
        settings = {"database_id": database, "data_source_id": target, "type": "single_property"}
        return {"id": column_id, "type": "relation", "relation": {**settings, "single_property": {}}}

    def _option(self, column: str, name: str | None) -> Json | None:
        return None if name is None else {"id": f"{column}-{name}", "name": name, "color": "default"}

    def _relation(self, column_id: str, ids: Iterable[str]) -> Json:
        relation = [{"id": item} for item in ids]
        return {"id": column_id, "type": "relation", "relation": relation, "has_more": False}

    def _page(
        self, page_id: str, source_id: str, values: Json, created: datetime, edited: datetime | None = None
    ) -> Json:
        who = {"object": "user", "id": an_id(self.name, "user", 0)}
        return {
            "object": "page",
            "id": page_id,
            "created_time": stamp(created),
            "last_edited_time": stamp(edited or created),
            "created_by": who,
            "last_edited_by": who,
            "cover": None,
            "icon": None,
            "in_trash": False,
            "is_archived": False,
            "is_locked": False,
            "url": f"https://www.notion.so/{page_id.replace('-', '')}",
            "public_url": None,
            "parent": {
                "type": "data_source_id",
                "data_source_id": source_id,
                "database_id": an_id(
                    self.name, "database", "Projects" if source_id == self.projects_id else "Tasks"
                ),
            },
            "properties": values,
        }

    def _paragraph(self, page_id: str, place: int, text: str, created: datetime) -> Json:
        who = {"object": "user", "id": an_id(self.name, "user", 0)}
        return {
            "object": "block",
            "id": an_id(page_id, "block", place),
            "parent": {"type": "page_id", "page_id": page_id},
            "created_time": stamp(created),
            "last_edited_time": stamp(created),
            "created_by": who,
            "last_edited_by": who,
            "has_children": False,
            "in_trash": False,
            "type": "paragraph",
            "paragraph": {"rich_text": rich(text), "color": "default"},
        }
