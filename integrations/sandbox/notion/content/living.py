"""What the living demo knows of the sandbox: tables, their people and pages, read through the API."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from integrations.sandbox.notion.content.loopback import SandboxCalls
from integrations.sandbox.notion.content.shapes import Column, TableShape, WorkspaceShape, column
from integrations.sandbox.notion.content.values import Json
from integrations.sandbox.notion.content.workspace import WORKSPACES
from integrations.sandbox.notion.content.writer import life_token

FINISHED = frozenset({"done", "cancelled"})


@dataclass(slots=True)
class LivePage:
    """One task as it stands in the sandbox; `status` is our neutral word, `due` None without a date."""

    id: str
    title: str
    status: str
    due_start: str | None
    due_end: str | None
    people: tuple[str, ...]
    department: str | None

    @property
    def is_open(self) -> bool:
        """True while it is neither done nor dropped."""
        return self.status not in FINISHED


@dataclass(slots=True)
class LiveTable:
    """One task database with its open and finished tasks, its projects and the people of its workspace."""

    workspace: WorkspaceShape
    shape: TableShape
    data_source_id: str
    people: dict[str, str] = field(default_factory=dict)
    """Name by user id."""
    projects: list[str] = field(default_factory=list)
    pages: dict[str, LivePage] = field(default_factory=dict)

    def column(self, role: str) -> Column | None:
        """Return the column with this role, or None."""
        return column(self.shape, role)

    def open_pages(self) -> list[LivePage]:
        """Return the tasks somebody still works on, in a stable order."""
        return [page for page in self.pages.values() if page.is_open and page.title.strip()]

    def remember(self, page: Json) -> LivePage:
        """Take in a page as the sandbox returned it."""
        read = _read(self, page)
        self.pages[read.id] = read
        return read


def _value(table: LiveTable, page: Json, role: str) -> Json | None:
    found = table.column(role)
    return None if found is None else page["properties"].get(found.name)


def _neutral(found: Column | None, name: str | None) -> str | None:
    """Return our word for an option of the workspace."""
    if found is None or name is None:
        return None
    return next((key for key, (label, _) in found.options.items() if label == name), None)


def _read(table: LiveTable, page: Json) -> LivePage:
    title = _value(table, page, "title") or {"title": []}
    done, status = _value(table, page, "done"), _value(table, page, "status")
    if done is not None:
        word = "done" if done["checkbox"] else "in_progress"
    else:
        chosen = None if status is None else status[status["type"]]
        label = None if chosen is None else str(chosen["name"])
        word = _neutral(table.column("status"), label) or "planned"
    due = _value(table, page, "due") or _value(table, page, "span") or {"date": None}
    people = _value(table, page, "people") or {"people": []}
    department = _value(table, page, "department") or {"select": None}
    return LivePage(
        id=page["id"],
        title="".join(part["plain_text"] for part in title["title"]),
        status=word,
        due_start=due["date"] and due["date"]["start"],
        due_end=due["date"] and due["date"]["end"],
        people=tuple(person["id"] for person in people["people"]),
        department=_neutral(
            table.column("department"), department["select"] and department["select"]["name"]
        ),
    )


def day_of(printed: str | None) -> date | None:
    """Return the day of a Notion date, which may carry a time of day."""
    return None if printed is None else date.fromisoformat(printed[:10])


def read_tables(calls: SandboxCalls) -> list[LiveTable]:
    """Read every task database of the invented companies that this sandbox serves.

    Raises: ExternalServiceError.
    """
    served = {token for workspace in calls.state()["workspaces"] for token in workspace["tokens"]}
    shapes = [
        shape for company in WORKSPACES.values() for shape in company if life_token(shape.key) in served
    ]
    return [table for shape in shapes for table in _tables_of(calls, shape)]


def _tables_of(calls: SandboxCalls, workspace: WorkspaceShape) -> list[LiveTable]:
    token = life_token(workspace.key)
    wanted = {"filter": {"property": "object", "value": "data_source"}}
    ids = {
        "".join(part["plain_text"] for part in source["title"]): source["id"]
        for source in calls.pages("/v1/search", wanted, token)
    }
    projects: list[str] = []
    if project_source := ids.get(workspace.projects.title):
        projects = [page["id"] for page in calls.pages(f"/v1/data_sources/{project_source}/query", {}, token)]
    tables = []
    for shape in (shape for shape in workspace.tables if shape.title in ids):
        table = LiveTable(workspace, shape, ids[shape.title], projects=projects)
        for page in calls.pages(f"/v1/data_sources/{table.data_source_id}/query", {}, token):
            table.remember(page)
            _meet(table, page)
        tables.append(table)
    return tables


def _meet(table: LiveTable, page: Json) -> None:
    """Learn the names of the people a page is assigned to; only people with an address work in Notion."""
    people = _value(table, page, "people") or {"people": []}
    for person in people["people"]:
        if person.get("person", {}).get("email"):
            table.people[person["id"]] = person["name"]
