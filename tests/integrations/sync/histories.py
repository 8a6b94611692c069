"""Random histories of one workspace and its company: edits on both sides, mishaps in between, and what must be true."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from itertools import count
from typing import Any, Final

import redis
from django.conf import settings
from django.test import Client
from django.utils import timezone

from integrations.models import (
    Conflict,
    Connection,
    ExternalLink,
    InboundEvent,
    Push,
    SyncedCollection,
    SyncRun,
)
from integrations.sandbox.notion.sandbox import Sandbox
from integrations.services import connect_workspace, start_sync_run
from integrations.sync.services import confirm_proposals, discover_collections
from integrations.webhooks.services import open_webhook, reveal_signing_key
from tasks.drafts import TaskChanges
from tasks.models import Task
from tasks.services import create_task, update_task
from tenants.accounts.access import SYSTEM
from tenants.foundation.errors import Conflict as Refused
from tenants.tenancy import TenantRef
from tests.factories.notion import NotionWorkspace
from tests.fakes.dispatch import make_due, run_due_work

FIELDS: Final = ("title", "estimate", "due", "tags")
FIRST_DAY: Final = date(2026, 1, 1)
HERE, THERE = "here", "there"
COLUMNS: Final = {"title": "title", "esti": "estimate", "due%20": "due", "tags": "tags"}


class Killed(BaseException):
    """The worker is gone in the middle of it: nobody tidies up."""


@dataclass
class Row:
    """One piece of work as the history knows it: what each side was told, in order, since both agreed."""

    number: int
    page_id: str = ""
    task_id: Any = None
    agreed: dict[str, Any] = field(default_factory=dict)
    edits: dict[str, list[tuple[str, Any]]] = field(default_factory=lambda: {name: [] for name in FIELDS})
    # Fields that were written there while what stood there was not what we believed: the gap of decision 0018.
    overwritten: set[str] = field(default_factory=set)
    # Fields both sides changed with nothing in between: a conflict if there ever was one.
    clashes: set[str] = field(default_factory=set)
    is_trashed: bool = False
    is_buried: bool = False


@dataclass
class History:
    """A company and a workspace, connected; every method is one event of the history."""

    tenant: TenantRef
    sandbox: Sandbox
    client: Client
    name: str
    rows: list[Row] = field(default_factory=list)
    told: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.next = count(1)
        self.workspace = NotionWorkspace(name=self.name, token="ntn_" + self.name.replace(" ", "_"))
        for number in range(3):
            page = self.workspace.add_task(f"T0{number}", estimate=number, tags=[f"base{number}"])
            agreed = {"title": f"T0{number}", "estimate": number, "due": None, "tags": {f"base{number}"}}
            self.rows.append(Row(number, page_id=page, agreed=agreed))
        self.workspace.into(self.sandbox)
        self.connection = connect_workspace(
            token=self.workspace.token, actor=SYSTEM, requests_per_minute=None
        )
        discover_collections(connection=self.connection, actor=SYSTEM)
        confirm_proposals(connection=self.connection, actor=SYSTEM)
        self.work()
        tasks = dict(ExternalLink.objects.filter(task__isnull=False).values_list("remote_id", "task_id"))
        for row in self.rows:
            row.task_id = tasks[row.page_id]
        SyncedCollection.objects.filter(connection=self.connection, role="tasks").update(takes_new_tasks=True)
        self._listen()

    def _listen(self) -> None:
        subscription = open_webhook(connection=self.connection, actor=SYSTEM)
        address = f"/hooks/notion/{subscription.address_key}/"

        def send(url: str, raw: bytes, headers: Any) -> int:
            if not url.endswith(address):
                return 410  # the address of a history that is over
            sent = {name.lower(): value for name, value in dict(headers).items()}
            given = {"x-notion-signature": sent["x-notion-signature"]} if "x-notion-signature" in sent else {}
            answer = self.client.post(address, data=raw, content_type="application/json", headers=given)
            return int(answer.status_code)

        self.sandbox.webhooks.sender = send
        made = self.sandbox.webhooks.subscribe(self.workspace.token, f"https://hooks.example{address}")
        reveal_signing_key(connection=self.connection, actor=SYSTEM)
        self.sandbox.webhooks.confirm(made.id, made.verification_token)

    # -- edits -------------------------------------------------------------------------------------

    def value(self, name: str, side: str) -> Any:
        """A value nobody has used yet; tags of the two sides are never the same."""
        number = next(self.next)
        match name:
            case "title":
                return f"T{number}"
            case "estimate":
                return number + 10
            case "due":
                return FIRST_DAY + timedelta(days=number)
        return f"{side}{number}"

    def edit_here(self, row: Row, name: str) -> None:
        task = Task.objects.filter(pk=row.task_id).first()
        if task is None or task.is_archived or row.is_trashed:
            return
        value = self.value(name, HERE)
        changes: dict[str, Any] = {
            "title": {"title": value}, "estimate": {"estimate_hours": Decimal(value) if name == "estimate" else None},
            "due": {"due_on": value}, "tags": {"tags": [*task.tags, value]},
        }[name]  # fmt: skip
        update_task(task=task, changes=TaskChanges(**changes), actor=SYSTEM)
        row.edits[name].append((HERE, value))
        self._tell(f"here: {name} of {row.number} is {value}")

    def edit_there(self, row: Row, name: str) -> None:
        if not row.page_id or row.is_trashed:
            return
        value = self.value(name, THERE)
        tags = [*sorted(self.there(row)["tags"]), value] if name == "tags" else []
        properties: dict[str, Any] = {
            "title": {"Task": {"title": [{"text": {"content": str(value)}}]}},
            "estimate": {"Estimate (h)": {"number": value}},
            "due": {"Due date": {"date": {"start": value.isoformat()} if isinstance(value, date) else None}},
            "tags": {"Tags": {"multi_select": [{"name": tag} for tag in tags]}},
        }[name]
        self.sandbox.edit(row.page_id, self.workspace.editor, {"properties": properties})
        row.edits[name].append((THERE, value))
        self._tell(f"there: {name} of {row.number} is {value}")

    def edit_both(self, row: Row, name: str, *, here_first: bool) -> None:
        edits = [self.edit_here, self.edit_there]
        before = len(row.edits[name])
        for edit in edits if here_first else reversed(edits):
            edit(row, name)
        if len(row.edits[name]) - before == 2 and name != "tags":
            row.clashes.add(name)

    def create_here(self) -> None:
        number = next(self.next)
        task = create_task(changes=TaskChanges(title=f"N{number}"), actor=SYSTEM)
        row = Row(100 + number, task_id=task.pk)
        row.agreed = {"title": f"N{number}", "estimate": None, "due": None, "tags": set()}
        self.rows.append(row)
        self._tell(f"here: {row.number} is made")

    def create_there(self) -> None:
        number = next(self.next)
        page = {
            "parent": {"type": "data_source_id", "data_source_id": self.workspace.tasks_id},
            "properties": {"Task": {"title": [{"text": {"content": f"N{number}"}}]}},
        }
        made = self.sandbox.create(self.workspace.editor, page)
        row = Row(200 + number, page_id=made["id"])
        row.agreed = {"title": f"N{number}", "estimate": None, "due": None, "tags": set()}
        self.rows.append(row)
        self._tell(f"there: {row.number} is made")

    def trash_there(self, row: Row) -> None:
        if row.page_id and not row.is_trashed:
            self.sandbox.trash(row.page_id, self.workspace.editor)
            row.is_trashed = True
            self._tell(f"there: {row.number} goes to the trash")

    def rename_column(self) -> None:
        number = next(self.next)
        column = {"esti": {"name": f"Effort {number}"}}
        self.sandbox.change_schema(self.workspace.tasks_id, self.workspace.editor, {"properties": column})
        self.sandbox.change_schema(
            self.workspace.tasks_id, self.workspace.editor, {"properties": {"esti": {"name": "Estimate (h)"}}}
        )
        self._tell("there: a column is renamed and named back")

    # -- time and work -----------------------------------------------------------------------------

    def pass_time(self, seconds: float) -> None:
        self.sandbox.clock.advance(seconds)
        self.sandbox.webhooks.deliver_due()
        self._tell(f"{seconds:g} s pass there")

    def work(self, jobs: int = 400) -> None:
        """The workers do what is due; what waits for a later time stays."""
        run_due_work(self.tenant, at_most=jobs)

    def hurry(self) -> None:
        """As if every pause were over, the limiter's too, and the lease of whoever was killed."""
        redis.Redis.from_url(settings.REDIS_URL).flushdb()
        now = timezone.now()
        Push.objects.update(not_before=now)
        Push.objects.filter(sent_at__isnull=False).update(sent_at=now - timedelta(minutes=5))
        InboundEvent.objects.filter(state="waiting").update(received_at=now - timedelta(minutes=5))
        Connection.objects.filter(pk=self.connection.pk).update(lease_token=None, lease_expires_at=None)
        make_due(self.tenant)

    def sync(self) -> None:
        """One round of everything, mishaps and all."""
        self.hurry()
        self.work()
        self._tell("workers worked")

    def dies(self, place: Callable[[], Any]) -> None:
        """A worker that is killed at a place, in a round of everything."""
        self.hurry()
        with place():
            try:
                self.work()
            except Killed:
                self._tell("a worker was killed")

    def settle(self) -> None:
        """No mishap any more: everything comes to rest, and a full check has been made."""
        self.sandbox.faults.clear()
        self.sandbox.webhooks.mishaps.clear()
        for turn in range(12):
            self.sandbox.clock.advance(200)
            self.sandbox.webhooks.deliver_now()
            self.hurry()
            self.work()
            if turn == 1:
                self._full_check()
            if turn > 1 and not self._is_moving():
                break
        self._tell("all is quiet")

    def _full_check(self) -> None:
        with suppress(Refused):  # one is under way
            start_sync_run(connection=self.connection, actor=SYSTEM, kind=SyncRun.Kind.FULL)
        self.hurry()
        self.work()

    def _is_moving(self) -> bool:
        pushes = Push.objects.exclude(state__in=[Push.State.PARKED, Push.State.HELD])
        return pushes.exists() or InboundEvent.objects.filter(state="waiting").exists()

    def _tell(self, text: str) -> None:
        self.told.append(text)

    def notice_write(self, page_id: str, columns: Iterable[str]) -> None:
        """A page is about to be written: remember what is overwritten without anybody having read it."""
        row = next((each for each in self.rows if each.page_id == page_id), None)
        link = ExternalLink.objects.filter(connection=self.connection, remote_id=page_id).first()
        if row is None or link is None:
            return
        there, base = self.there(row), link.base or {}
        believed = {
            "title": base.get("title"),
            "estimate": None if base.get("estimate") is None else int(Decimal(base["estimate"])),
            "due": date.fromisoformat(base["due"]["on"]) if base.get("due") else None,
            "tags": set(base.get("tags") or ()),
        }
        names = {COLUMNS[column] for column in columns if column in COLUMNS}
        row.overwritten |= {name for name in names if there[name] != believed[name]}

    # -- what must be true -------------------------------------------------------------------------

    def here(self, row: Row) -> dict[str, Any]:
        task = Task.objects.get(pk=row.task_id)
        hours = task.estimate_hours
        return {
            "title": task.title, "estimate": None if hours is None else int(hours), "due": task.due_on,
            "tags": set(task.tags),
        }  # fmt: skip

    def there(self, row: Row) -> dict[str, Any]:
        _, item = self.sandbox.holder_of(row.page_id)
        properties = item.obj["properties"]
        day = properties["Due date"]["date"]
        number = properties["Estimate (h)"]["number"]
        return {
            "title": "".join(run["plain_text"] for run in properties["Task"]["title"]),
            "estimate": None if number is None else int(number),
            "due": date.fromisoformat(day["start"][:10]) if day else None,
            "tags": {option["name"] for option in properties["Tags"]["multi_select"]},
        }

    def check(self) -> None:
        """Both sides equal, every edit there or kept in a conflict, nothing twice. Then both agree anew."""
        story = "\n".join(self.told[-60:])
        links = {link.remote_id: link for link in ExternalLink.objects.filter(task__isnull=False)}
        by_task = {link.task_id: link for link in links.values()}
        assert len(by_task) == len(links), f"two pages of one task\n{story}"
        # What is refused for a record in the trash is told where it is looked for, and kept.
        buried = [row.task_id for row in self.rows if row.is_trashed and row.task_id]
        parked = list(
            Push.objects.exclude(task__in=buried).values_list("state", "error_code", "error", "task__title")
        )
        assert not parked, f"something is not sent: {parked}\n{story}"
        for row in self.rows:
            link = links.get(row.page_id) if row.page_id else by_task.get(row.task_id)
            if link is None and row.is_trashed and row.task_id is None:
                continue  # made and thrown away before anybody looked
            assert link is not None, f"{row.number} is on one side only\n{story}"
            row.page_id, row.task_id = link.remote_id, link.task_id
            self._check_row(row, link, story)
        pages = self._pages()
        assert pages == {row.page_id for row in self.rows}, f"pages nobody made, or made twice\n{story}"
        seen = [row for row in self.rows if row.task_id is not None]
        assert Task.objects.count() == len(seen), f"tasks nobody made, or made twice\n{story}"
        for row in self.rows:
            if not row.is_trashed:
                row.agreed = self.here(row)
            row.edits = {name: [] for name in FIELDS}
            row.overwritten, row.clashes = set(), set()
        Conflict.objects.exclude(state=Conflict.State.OPEN).delete()

    def _check_row(self, row: Row, link: ExternalLink, story: str) -> None:
        conflicts = {each.our_field for each in Conflict.objects.filter(link=link)}
        if row.is_trashed and row.is_buried:
            return  # looked at before
        if row.is_trashed:
            row.is_buried = True
            edited_here = any(side == HERE for edits in row.edits.values() for side, _ in edits)
            is_archived = Task.objects.get(pk=row.task_id).is_archived
            is_told = bool(conflicts) or Push.objects.parked().filter(link=link).exists()
            assert is_archived or (edited_here and is_told), f"{row.number} is in the trash there\n{story}"
            return
        here, there = self.here(row), self.there(row)
        for name in FIELDS:
            edits = row.edits[name]
            about = f"{name} of {row.number}: here {here[name]}, there {there[name]}, edits {edits}\n{story}"
            assert here[name] == there[name], f"not in step: {about}"
            if name == "tags":
                wanted = row.agreed["tags"] | {value for _, value in edits}
                if "tags" in row.overwritten:
                    wanted -= {value for side, value in edits if side == THERE} - here["tags"]
                assert here["tags"] == wanted, f"a tag is lost or came back: {about}"
                continue
            last = dict(edits)
            if not last:
                assert here[name] == row.agreed[name], f"changed by nobody: {about}"
            elif len(last) == 1:
                assert here[name] in last.values(), f"the only side that edited lost its edit: {about}"
            else:
                assert here[name] in last.values(), f"an older edit came back: {about}"
                is_told = name in conflicts
                assert is_told or here[name] == edits[-1][1] or name in row.overwritten, (
                    f"the last edit is gone, and no conflict tells: {about}"
                )
            if name in row.clashes:
                assert name in conflicts or name in row.overwritten, f"no conflict tells: {about}"

    def _pages(self) -> set[str]:
        held, _ = self.sandbox.holder_of(self.workspace.tasks_id)
        found = set()
        for item in held.items["page"].values():
            if item.obj["parent"].get("data_source_id") == self.workspace.tasks_id:
                found.add(item.id)
        return found
