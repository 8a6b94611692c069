"""What can happen in a history: people edit on both sides, things go wrong, workers work or are killed."""

from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from itertools import count
from typing import Any, Final

from integrations.models import Connection, ExternalLink, InboundEvent, Push, SyncRun
from integrations.services import start_sync_run
from tasks.drafts import TaskChanges
from tasks.linking import add_dependency, remove_dependency
from tasks.models import Task
from tasks.services import archive_task, create_task, restore_task, update_task
from tenants.accounts.access import SYSTEM
from tenants.foundation.errors import Conflict as Refused
from tenants.tenancy import atomic
from tests.factories.notion import an_id, rich
from tests.integrations.sync.histories.rows import ANCHORS, HERE, SETS, TEXTS, THERE, Row
from tests.integrations.sync.histories.sides import COLUMNS, Sides
from tests.integrations.sync.histories.stage import Stage

FIRST_DAY: Final = date(2090, 2, 1)
PRIORITIES: Final = ("P0", "P1", "P2")
#: How long each turn waits when everything comes to rest: pauses grow, the longest is an hour.
TURNS: Final = (130, 130, 130, 130, 330, 330, 700, 1900, 3700, 3700, 3700, 3700)


@dataclass
class History:
    """Every method is one event of the history."""

    stage: Stage
    rows: list[Row]
    told: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.next = count(10)
        self.sandbox, self.workspace = self.stage.sandbox, self.stage.workspace
        self.sides = Sides(self.stage, self.rows)

    # -- edits -------------------------------------------------------------------------------------

    def edit_here(self, row: Row, name: str) -> bool:
        """Somebody edits a task; False where that is not possible."""
        task = Task.objects.filter(pk=row.task_id).first()
        if task is None or task.is_archived or self._is_impossible(row, name):
            return False
        now = self.sides.here([row])[row.number]
        if name in SETS:
            element, is_added = self._turned(row, name, now[name], HERE)
            row.note(name, HERE, element, is_added)
            self._set_here(task, name, now[name], element, is_added=is_added)
            self._tell(f"here: {name} of {row.number} {'+' if is_added else '-'} {element}")
            return True
        value = self._value(name, HERE, now[name])
        row.note(name, HERE, value)
        changes: dict[str, Any]
        match name:
            case "title":
                changes = {"title": value}
            case "estimate":
                changes = {"estimate_hours": None if value is None else Decimal(value)}
            case "due":
                changes = {"due_on": value}
            case "priority":
                changes = {"priority": self.stage.priorities[value]}
            case "parent":
                changes = {"parent_id": None if value is None else self.rows[value].task_id}
            case _:
                texts = {each: now[each] for each in TEXTS} | {name: value}
                changes = {"description": "\n\n".join(text for text in texts.values() if text)}
        update_task(task=task, changes=TaskChanges(**changes), actor=SYSTEM)
        self._tell(f"here: {name} of {row.number} is {value}")
        return True

    def edit_there(self, row: Row, name: str) -> bool:
        """Somebody edits a page; False where that is not possible."""
        if not row.page_id or self._is_impossible(row, name):
            return False
        now = self.sides.there(row)
        if not now["alive"]:
            return False
        if name in SETS:
            element, is_added = self._turned(row, name, now[name], THERE)
            row.note(name, THERE, element, is_added)
            value: Any = now[name] | {element} if is_added else now[name] - {element}
            self._tell(f"there: {name} of {row.number} {'+' if is_added else '-'} {element}")
        else:
            value = self._value(name, THERE, now[name])
            row.note(name, THERE, value)
            self._tell(f"there: {name} of {row.number} is {value}")
        if name in TEXTS:
            texts = {each: now[each] for each in TEXTS} | {name: value}
            text = "\n\n".join(text for text in texts.values() if text)
            self.sandbox.write(row.page_id, self.workspace.editor, text)
        else:
            patch = {"properties": self._property(name, value)}
            self.sandbox.edit(row.page_id, self.workspace.editor, patch)
        return True

    def edit_both(self, row: Row, name: str, *, here_first: bool) -> None:
        """Two people edit the same field in the same second."""
        edits = [self.edit_here, self.edit_there]
        done = [edit(row, name) for edit in (edits if here_first else reversed(edits))]
        values = {edit[1] for edit in row.sides(name).values()}
        if all(done) and name not in SETS and len(values) == 2:
            row.clashes.add(name)

    def create_here(self) -> None:
        number = next(self.next)
        task = create_task(changes=TaskChanges(title=f"N{number}"), actor=SYSTEM)
        self.rows.append(Row(number, task_id=task.pk, agreed=_new(f"N{number}")))
        self._tell(f"here: {number} is made")

    def create_there(self, *, is_bug: bool) -> None:
        number = next(self.next)
        source = self.workspace.bugs_id if is_bug else self.workspace.tasks_id
        page = {
            "parent": {"type": "data_source_id", "data_source_id": source},
            "properties": {"Task": {"title": [{"text": {"content": f"N{number}"}}]}},
        }
        made = self.sandbox.create(self.workspace.editor, page, an_id(self.workspace.name, "made", number))
        self.rows.append(Row(number, page_id=made["id"], agreed=_new(f"N{number}")))
        self._tell(f"there: {number} is made")

    def put_away_or_back_here(self, row: Row) -> None:
        task = Task.objects.filter(pk=row.task_id).first()
        if task is None or row.is_anchor:
            return
        put = restore_task if task.is_archived else archive_task
        row.lives.append((HERE, task.is_archived))
        self._tell(f"here: {row.number} {'comes back' if task.is_archived else 'is archived'}")
        put(task=task, actor=SYSTEM)

    def put_away_or_back_there(self, row: Row) -> None:
        if not row.page_id or row.is_anchor:
            return
        is_alive = self.sides.there(row)["alive"]
        row.lives.append((THERE, not is_alive))
        self.sandbox.trash(row.page_id, self.workspace.editor, in_trash=is_alive)
        self._tell(f"there: {row.number} {'goes to the trash' if is_alive else 'comes back'}")

    def rename_column(self) -> None:
        """A column is renamed; its id stays, and that is what counts."""
        column = {"esti": {"name": f"Effort {next(self.next)}"}}
        self._change_columns(column)
        self._tell("there: a column is renamed")

    def rename_option(self) -> None:
        """An option is renamed, and its old name given to a new one that means nothing to us."""
        column = next(each for each in self._columns().values() if each["id"] == "prio")
        number = next(self.next)
        options = [dict(each) for each in column["select"]["options"]]
        chosen = options[number % len(PRIORITIES)]
        old, chosen["name"] = chosen["name"], f"Rank {number}"
        fresh = {"name": old} if all(each["name"] != old for each in options) else {"name": f"X{number}"}
        kept = [{key: each[key] for key in ("id", "name")} for each in options]
        self._change_columns({"prio": {"select": {"options": kept}}})
        self._change_columns({"prio": {"select": {"options": [*kept, fresh]}}})
        self._tell(f"there: the option “{old}” is renamed, and a new one is called so")

    # -- time and work -----------------------------------------------------------------------------

    def pass_time(self, seconds: float) -> None:
        self.stage.let_time_pass(seconds)
        self.sandbox.webhooks.deliver_due()
        self._tell(f"{seconds:g} s pass")

    def work(self, kind: str | None = None) -> None:
        """Twenty seconds later the workers do what is due; or only those of one kind of work."""
        self.stage.let_time_pass(20)
        self.sandbox.webhooks.deliver_due()
        self.stage.workers.work(kind)
        self._tell(f"workers worked{f' on {kind}' if kind else ''}")

    def dies(self, place: tuple[Any, str], *, spared: int) -> None:
        """A worker that is killed at a place while everything is done that is due."""
        self.stage.let_time_pass(20)
        if self.stage.workers.die(place, spared=spared):
            self._tell(f"a worker was killed at {place[1]}")

    def settle(self) -> None:
        """No mishap any more: everything comes to rest, and a full check has been made."""
        self.sandbox.faults.clear()
        self.sandbox.webhooks.mishaps.clear()
        for turn, seconds in enumerate(TURNS):
            self.stage.let_time_pass(seconds)
            self.sandbox.webhooks.deliver_now()
            self.stage.workers.work()
            if turn == 0:
                self._full_check()
            elif not self._is_moving():
                break
        self._tell("all is quiet")

    def _full_check(self) -> None:
        with suppress(Refused):  # one is under way
            start_sync_run(
                connection=Connection.objects.get(pk=self.stage.connection.pk), actor=SYSTEM,
                kind=SyncRun.Kind.FULL,
            )  # fmt: skip
        self.stage.workers.work()

    def _is_moving(self) -> bool:
        pushes = Push.objects.exclude(state__in=[Push.State.PARKED, Push.State.HELD])
        return (
            pushes.exists()
            or InboundEvent.objects.filter(state="waiting").exists()
            or ExternalLink.objects.with_stale_body().exists()
            or SyncRun.objects.open().exists()
        )

    def notice_write(self, page_id: str, columns: Any) -> None:
        """A page is about to be written: remember what is overwritten without anybody having read it."""
        row = next((each for each in self.rows if each.page_id == page_id), None)
        with atomic():
            link = ExternalLink.objects.filter(remote_id=page_id).first()
        if row is None or link is None:
            return
        there, believed = self.sides.there(row), self.sides.believed(link)
        names = {COLUMNS[column] for column in columns if column in COLUMNS}
        row.overwritten |= {name for name in names if there[name] != believed[name]}

    # -- within ------------------------------------------------------------------------------------

    def _is_impossible(self, row: Row, name: str) -> bool:
        return (row.is_anchor and name in {"parent", "blockers"}) or (name in TEXTS and not row.has_texts)

    def _value(self, name: str, side: str, now: Any) -> Any:
        """Another value than now; but for those there are few of, one nobody has used yet."""
        number = next(self.next)
        match name:
            case "title":
                return f"T{number}"
            case "estimate":
                return number + 10
            case "due":
                return FIRST_DAY + timedelta(days=number)
            case "priority":
                return [each for each in PRIORITIES if each != now][number % 2]
            case "parent":
                return [each for each in (None, *ANCHORS) if each != now][number % 2]
        return f"{name} is {number} {side}."

    def _turned(self, row: Row, name: str, now: set[Any], side: str) -> tuple[Any, bool]:
        """An element that comes or goes, and which of the two."""
        number = next(self.next)
        if name == "tags":
            known = sorted(now)
            return (
                (known[number % len(known)], False)
                if known and number % 3 == 0
                else (f"{side}{number}", True)
            )
        every = [0, 1, 2] if name == "people" else list(ANCHORS)
        element = every[number % len(every)]
        return element, element not in now

    def _set_here(self, task: Task, name: str, now: set[Any], element: Any, *, is_added: bool) -> None:
        if name == "blockers":
            turn = add_dependency if is_added else remove_dependency
            turn(task=task, depends_on=Task.objects.get(pk=self.rows[element].task_id), actor=SYSTEM)
            return
        after = now | {element} if is_added else now - {element}
        if name == "tags":
            changes = TaskChanges(tags=sorted(after))
        else:
            changes = TaskChanges(assignee_ids=[self.stage.people[each] for each in sorted(after)])
        update_task(task=task, changes=changes, actor=SYSTEM)

    def _property(self, name: str, value: Any) -> dict[str, Any]:
        match name:
            case "title":
                return {"title": {"title": rich(value)}}
            case "estimate":
                return {"esti": {"number": value}}
            case "due":
                return {"due%20": {"date": {"start": value.isoformat()} if value else None}}
            case "priority":
                return {"prio": {"select": {"id": f"prio-{value}"}}}
            case "tags":
                return {"tags": {"multi_select": [{"name": each} for each in sorted(value)]}}
            case "people":
                return {
                    "ownr": {"people": [{"id": self.workspace.users[each]["id"]} for each in sorted(value)]}
                }
        wanted = sorted(value) if name == "blockers" else [] if value is None else [value]
        pages = [{"id": self.rows[each].page_id} for each in wanted]
        return {"blby" if name == "blockers" else "prnt": {"relation": pages}}

    def _columns(self) -> dict[str, Any]:
        _, item = self.sandbox.holder_of(self.workspace.tasks_id)
        columns: dict[str, Any] = item.obj["properties"]
        return columns

    def _change_columns(self, columns: dict[str, Any]) -> None:
        self.sandbox.change_schema(self.workspace.tasks_id, self.workspace.editor, {"properties": columns})

    def _tell(self, text: str) -> None:
        self.told.append(text)


def _new(title: str) -> dict[str, Any]:
    return {
        "title": title, "estimate": None, "due": None, "priority": None, "parent": None, "tags": set(),
        "people": set(), "blockers": set(), "text0": None, "text1": None, "alive": True,
    }  # fmt: skip
