"""Where histories play: a company connected to a workspace, made once; each history begins from there."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import redis
from django.conf import settings
from django.test import Client

from integrations.models import Connection, ExternalLink, FieldMapping, SyncedCollection
from integrations.sandbox.notion.sandbox import Sandbox
from integrations.sandbox.notion.webhooks.subscriptions import OBJECT, Subscription
from integrations.services import connect_workspace
from integrations.sync.services import (
    MappingChoice,
    confirm_mapping,
    confirm_proposals,
    current_choices,
    discover_collections,
    switch_off_collection,
)
from integrations.webhooks.services import open_webhook, reveal_signing_key
from tasks.models import Person
from tenants.accounts.access import SYSTEM
from tenants.tenancy import TenantRef
from tests.factories.notion import START, NotionWorkspace, an_id
from tests.fakes.notion_sandbox import RunningSandbox
from tests.integrations.sync.histories.clock import HistoryClock
from tests.integrations.sync.histories.rows import Row
from tests.integrations.sync.histories.workers import Workers

type Json = dict[str, Any]


@dataclass
class TwoTables(NotionWorkspace):
    """A workspace with a second table of tasks, whose relations point to the first."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.bugs_id = an_id(self.name, "bugs")
        self._add_table(self.bugs_id, "Bugs", self._task_columns())

    def add_bug(self, title: str, **values: Any) -> str:
        page_id = self.add_task(title, **values)
        database_id = an_id(self.name, "database", "Bugs")
        self.objects[-1]["parent"] |= {"data_source_id": self.bugs_id, "database_id": database_id}
        return page_id


@dataclass
class Stage:
    """What all histories of one test share; `restart` puts it back to its beginning."""

    tenant: TenantRef
    running: RunningSandbox
    client: Client
    clock: HistoryClock
    workspace: TwoTables = field(default_factory=lambda: TwoTables(name="Histories", token="ntn_histories"))

    def __post_init__(self) -> None:
        self.store = redis.Redis.from_url(settings.REDIS_URL)
        self.workers = Workers(self.tenant, self.clock)
        self.pages = self._fill()
        self.workspace.into(self.sandbox)
        self.clock.advance(0, self.sandbox)
        self.connection = connect_workspace(
            token=self.workspace.token, actor=SYSTEM, requests_per_minute=None
        )
        discover_collections(connection=self.connection, actor=SYSTEM)
        confirm_proposals(connection=self.connection, actor=SYSTEM)
        self._map_across()
        for _ in range(3):
            self.workers.work()
            self.clock.advance(120, self.sandbox)
        tables = SyncedCollection.objects.filter(connection=self.connection)
        switch_off_collection(collection=tables.get(remote_id=self.workspace.projects_id), actor=SYSTEM)
        tables.update(trashes_records=True)
        tables.filter(remote_id=self.workspace.tasks_id).update(takes_new_tasks=True)
        self.tasks = dict(ExternalLink.objects.exclude(task=None).values_list("remote_id", "task_id"))
        self.people = self._people()
        self.priorities = self._priorities()
        self.subscription = self._listen()
        self.began_at = self.clock.moment

    @property
    def sandbox(self) -> Sandbox:
        return self.running.sandbox

    def restart(self, number: int) -> list[Row]:
        """Everything there as it was at the beginning (here the test's transaction sees to that); returns the rows."""
        self.clock.restart(number)
        self.clock.moment = self.began_at
        self.store.flushdb()
        sender = self.sandbox.webhooks.sender
        self.running.sandbox = Sandbox(budget=None)
        self.workspace.into(self.sandbox)
        self.clock.advance(0, self.sandbox)
        self.sandbox.webhooks.sender = sender
        self.sandbox.world.keep(OBJECT, replace(self.subscription, failures_in_a_row=0))
        self.sandbox.webhooks.listen()
        return [
            Row(number, page_id=page_id, task_id=self.tasks[page_id], agreed=dict(agreed))
            for number, (page_id, agreed) in enumerate(self.pages)
        ]

    def _fill(self) -> list[tuple[str, dict[str, Any]]]:
        """Two rows nobody throws away, to which others may point, then two with texts, then two of the other table."""
        pages: list[tuple[str, dict[str, Any]]] = []
        for number in range(6):
            title, tags, texts = f"T0{number}", {f"base{number}"}, [f"One {number}.", f"Two {number}."]
            add = self.workspace.add_task if number < 4 else self.workspace.add_bug
            page_id = add(
                title, estimate=number, tags=sorted(tags), priority="P1", assignees=[0],
                body=texts if number in {2, 3} else (), created=START + timedelta(minutes=number),
            )  # fmt: skip
            agreed = {
                "title": title, "estimate": number, "due": None, "priority": "P1", "parent": None, "tags": tags,
                "people": {0}, "blockers": set(), "text0": None, "text1": None, "alive": True,
            }  # fmt: skip
            if number in {2, 3}:
                agreed |= {"text0": texts[0], "text1": texts[1]}
            pages.append((page_id, agreed))
        return pages

    def _map_across(self) -> None:
        """Relations to another table are nobody's guess: somebody says what they mean."""
        bugs = SyncedCollection.objects.get(remote_id=self.workspace.bugs_id)
        across = [MappingChoice(our_field="parent", remote_field_id="prnt")]
        across.append(MappingChoice(our_field="blocked_by", remote_field_id="blby"))
        confirm_mapping(collection=bugs, choices=[*current_choices(bugs), *across], actor=SYSTEM)

    def _people(self) -> dict[int, Any]:
        """Our persons by the number of the workspace's."""
        found: dict[int, Any] = {}
        for number, user in enumerate(self.workspace.users):
            found[number] = Person.objects.get(refs__contains=[f"notion:{user['id']}"]).pk
        return found

    def _priorities(self) -> dict[str, int]:
        """Our priorities by the first name of their option."""
        column = FieldMapping.objects.get(our_field="priority", collection__remote_id=self.workspace.tasks_id)
        return {key.removeprefix("prio-"): int(value) for key, value in column.option_values.items()}

    def _listen(self) -> Subscription:
        subscription = open_webhook(connection=self.connection, actor=SYSTEM)
        address = f"/hooks/notion/{subscription.address_key}/"

        def send(url: str, raw: bytes, headers: Any) -> int:
            sent = {name.lower(): value for name, value in dict(headers).items()}
            given = {"x-notion-signature": sent["x-notion-signature"]} if "x-notion-signature" in sent else {}
            answer = self.client.post(address, data=raw, content_type="application/json", headers=given)
            return int(answer.status_code)

        webhooks = self.sandbox.webhooks
        webhooks.sender = send
        made = webhooks.subscribe(self.workspace.token, f"https://hooks.example{address}")
        reveal_signing_key(connection=self.connection, actor=SYSTEM)
        return webhooks.confirm(made.id, made.verification_token)

    def let_time_pass(self, seconds: float) -> None:
        """Time passes on both sides, and with it every pause somebody asked for."""
        self.clock.advance(seconds, self.sandbox)
        self.store.flushdb()

    def moment_there(self) -> datetime:
        return self.sandbox.clock.now()

    def connection_now(self) -> Connection:
        return Connection.objects.get(pk=self.connection.pk)
