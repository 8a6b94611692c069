"""What a strategy plays on: a sandbox of its own with the rows of the trace, its clock, and what has to be true."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from benchmarks.sync.trace import Change, Kind, Side, Size, Value
from integrations.sandbox.notion.sandbox import Sandbox
from tests.factories.notion import NotionWorkspace
from tests.fakes.notion_sandbox import running_sandbox

BUDGET = 180
PROJECTS = 8
#: Far from the machine's own time, so that no moment of the one can pass for one of the other.
START = datetime(2030, 1, 7, 8, 0, tzinfo=UTC)

type Row = dict[str, Value]
#: Takes an event as it is sent: address, body, headers; returns the status answered.
type Receiver = Callable[[str, bytes, Mapping[str, str]], int]


@dataclass
class Stage:
    """One strategy's world. `now` is in seconds; 0 is the end of the import."""

    sandbox: Sandbox
    workspace: NotionWorkspace
    base_url: str
    page_ids: list[str]
    #: By row: what both sides have to hold in the end; None once it was trashed.
    truth: dict[int, Row | None] = field(default_factory=dict)
    epoch: datetime = START
    now: float = 0.0

    def at(self, seconds: float) -> datetime:
        return self.epoch + timedelta(seconds=seconds)

    def set_time(self, seconds: float) -> None:
        """Move the sandbox's clock; never back."""
        self.now = max(self.now, seconds)
        self.sandbox.clock.stop_at(self.at(self.now))

    def begin(self) -> None:
        """The import is over: the trace begins."""
        self.epoch, self.now = self.at(self.now), 0.0

    def expect(self, change: Change) -> None:
        """Note what is true from now on."""
        if change.kind is Kind.TRASH:
            self.truth[change.row] = None
        elif change.kind is Kind.EDIT:
            row = self.truth[change.row]
            assert row is not None
            row[change.field] = change.value

    def happen(self, change: Change) -> None:
        """A person does it there. Raises: ValueError for a change that is made here."""
        if change.side is not Side.THERE:
            raise ValueError("This change is made here.")
        editor = self.workspace.editor
        if change.kind is Kind.COLUMNS:
            patch = {"Estimate (h)": {"name": "Effort (h)"}, "Sprint": {"rich_text": {}}}
            self.sandbox.change_schema(self.workspace.tasks_id, editor, {"properties": patch})
        elif change.kind is Kind.TRASH:
            self.sandbox.trash(self.page_ids[change.row], editor)
        else:
            written = (
                {"Reviewed": {"checkbox": True}}
                if change.kind is Kind.UNMAPPED
                else written_property(change.field, change.value)
            )
            self.sandbox.edit(self.page_ids[change.row], editor, {"properties": written})

    def row_there(self, row: int) -> Row | None:
        """What the sandbox holds, read past the API; None for a trashed row."""
        _, item = self.sandbox.holder_of(self.page_ids[row])
        return None if item.in_trash else row_of_page(item.obj)

    def calls(self) -> int:
        return len(self.sandbox.ledger.calls)

    def refused_for_budget(self) -> int:
        return sum(entry.status == 429 for entry in self.sandbox.ledger.calls)

    def calls_by_endpoint(self) -> dict[str, int]:
        return dict(sorted(self.sandbox.report()["by_endpoint"].items()))


def written_property(field_name: str, value: Value) -> dict[str, Any]:
    """The `properties` of a write of one field, by the ids of the columns."""
    match field_name:
        case "title":
            return {"title": {"title": [{"text": {"content": value}}]}}
        case "priority":
            return {"prio": {"select": {"name": value}}}
        case "due":
            return {"due%20": {"date": {"start": value}}}
        case _:
            return {"esti": {"number": value}}


def row_of_page(page: Mapping[str, Any]) -> Row:
    """The four fields of the trace, as a page holds them."""
    values = {item["id"]: item for item in page["properties"].values()}
    priority, due = values["prio"]["select"], values["due%20"]["date"]
    return {
        "title": "".join(run["plain_text"] for run in values["title"]["title"]),
        "priority": priority["name"] if priority else "",
        "due": due["start"] if due else "",
        "estimate": values["esti"]["number"] or 0.0,
    }


@contextmanager
def stage(size: Size) -> Iterator[Stage]:
    """A fresh world of so many tasks and a few projects, its clock standing at the start."""
    workspace = NotionWorkspace(name="Bench", plan="plus")
    for number in range(PROJECTS):
        workspace.add_project(f"Project {number + 1}")
    page_ids = workspace.add_tasks(
        size.rows, priority="P1", estimate=1.0, due={"start": "2026-09-01", "end": None, "time_zone": None}
    )
    sandbox = Sandbox(budget=BUDGET)
    workspace.into(sandbox)
    sandbox.clock.stop_at(START)
    sandbox.change_schema(
        workspace.tasks_id, workspace.editor, {"properties": {"Reviewed": {"checkbox": {}}}}
    )
    truth: dict[int, Row | None] = {
        number: {"title": f"Task number {number + 1}", "priority": "P1", "due": "2026-09-01", "estimate": 1.0}
        for number in range(size.rows)
    }
    with running_sandbox(sandbox=sandbox) as running:
        yield Stage(sandbox, workspace, running.base_url, page_ids, truth)
    sandbox.close()
