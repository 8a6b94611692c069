"""Three honest ways others keep two sides in step; each may use every trick that fits its kind, and none cheats.

B0: what workflow tools do: an event there is a GET of that page, an edit here is a write.
B1: what most connectors do: everything is read again as often as the freshness asks, an edit here is a write.
B2: a careful client: reads only what was edited since the last look, in pages of 100, an edit here is a write. Neither
the edit times nor the queries tell of what went into the trash, so once a day it lists all ids.

All of them know their own writes and read none of them back, write without reading first, address columns by id, and
wait out a refusal for want of budget.
"""

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Protocol

from benchmarks.sync.stage import Row, Stage, row_of_page, written_property
from benchmarks.sync.trace import FRESHNESS_SECONDS, Change
from integrations.capabilities import ProblemKind, SourceError
from integrations.connectors.notion.client import Answer, NotionClient
from tenants.foundation.crypto import Secret
from tenants.foundation.http import OutboundClient

type Page = Mapping[str, Any]


class Call(Protocol):
    """One call that is made again once the budget allows it."""

    def __call__(self, make: Callable[[], Answer]) -> Answer: ...


class Baseline:
    """What the three have in common."""

    name, says = "", ""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self._http = OutboundClient(
            service="notion", base_url=stage.base_url, allowed_private_hosts=["127.0.0.1"]
        )
        self.client = NotionClient(http=self._http, token=Secret(stage.workspace.token))
        self.sources = (stage.workspace.tasks_id, stage.workspace.projects_id)
        self.held: dict[str, Row] = {}

    def close(self) -> None:
        self._http.close()

    def call(self, make: Callable[[], Answer]) -> Answer:
        while True:
            try:
                return make()
            except SourceError as error:
                if error.kind is not ProblemKind.RATE_LIMITED:
                    raise
                self.stage.set_time(self.stage.now + (error.retry_after_seconds or 60.0))

    def pages(self, source_id: str, **question: Any) -> Iterator[Page]:
        cursor: str | None = None
        while True:
            answer = self.call(partial(self.client.query_data_source, source_id, cursor=cursor, **question))
            yield from answer.json["results"]
            cursor = answer.json["next_cursor"]
            if cursor is None:
                return

    def import_rows(self) -> None:
        """Find the tables, their columns and the people, then read every row."""
        self.call(self.client.me)
        self.call(self.client.search_data_sources)
        self.call(self.client.list_users)
        for source_id in self.sources:
            self.call(partial(self.client.retrieve_data_source, source_id))
            for page in self.pages(source_id):
                self.import_page(page)

    def import_page(self, page: Page) -> None:
        self.take(page)

    def take(self, page: Page) -> None:
        """Take a page over, if it is a task and not in the trash."""
        if page["in_trash"]:
            self.held.pop(page["id"], None)
        elif page["parent"].get("data_source_id") == self.stage.workspace.tasks_id:
            self.held[page["id"]] = row_of_page(page)

    def edit(self, change: Change) -> None:
        page_id = self.stage.page_ids[change.row]
        self.held[page_id][change.field] = change.value
        written = written_property(change.field, change.value)
        self.call(partial(self.client.update_page, page_id, properties=written))

    def next_at(self) -> float | None:
        return None

    def work(self) -> None:
        return None

    def end_day(self) -> None:
        return None

    def rows(self, numbers: Iterable[int]) -> dict[int, Row | None]:
        return {number: self.held.get(self.stage.page_ids[number]) for number in numbers}


class ReadEach(Baseline):
    """B0."""

    name, says = "B0", "A GET for each page and each event, a write for each edit."

    def import_rows(self) -> None:
        super().import_rows()
        webhooks = self.stage.sandbox.webhooks
        webhooks.sender = self._receive
        subscription = webhooks.subscribe(self.stage.workspace.token, "http://b0.example/hook")
        webhooks.confirm(subscription.id, subscription.verification_token)
        self._bot_id = self.stage.workspace.line()["bot"]["id"]

    def import_page(self, page: Page) -> None:
        self.take(self.call(partial(self.client.retrieve_page, page["id"])).json)

    def _receive(self, url: str, body: bytes, headers: Mapping[str, str]) -> int:
        event = _json(body)
        kind, authors = event.get("type", ""), {author["id"] for author in event.get("authors", ())}
        if authors == {getattr(self, "_bot_id", "")}:
            return 200
        if kind == "page.deleted":
            self.held.pop(event["entity"]["id"], None)
        elif kind.startswith("page."):
            self.take(self.call(partial(self.client.retrieve_page, event["entity"]["id"])).json)
        elif kind == "data_source.schema_updated":
            self.call(partial(self.client.retrieve_data_source, event["entity"]["id"]))
        return 200


class _Polling(Baseline, ABC):
    """Looks as often as the freshness asks."""

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage)
        self._next_at = FRESHNESS_SECONDS

    def next_at(self) -> float | None:
        return self._next_at

    def work(self) -> None:
        if self.stage.now >= self._next_at:
            self._next_at = self.stage.now + FRESHNESS_SECONDS
            self.look()

    @abstractmethod
    def look(self) -> None:
        """Take over what has changed there."""


class ReadAll(_Polling):
    """B1."""

    name, says = "B1", "Everything is read again every minute, a write for each edit."

    def look(self) -> None:
        for source_id in self.sources:
            found = {page["id"]: page for page in self.pages(source_id)}
            for page in found.values():
                self.take(page)
            if source_id == self.stage.workspace.tasks_id:
                self.held = {page_id: row for page_id, row in self.held.items() if page_id in found}


class ReadChanged(_Polling):
    """B2."""

    name, says = "B2", "What was edited since the last look is read every minute, a write for each edit."
    #: Edit times are cut to the minute: the minute that was open at the last look is looked at again.
    _OVERLAP = timedelta(minutes=1)

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage)
        self._since: dict[str, datetime] = {}

    def import_rows(self) -> None:
        started_at = self.stage.at(self.stage.now)
        super().import_rows()
        self._since = dict.fromkeys(self.sources, started_at)

    def look(self) -> None:
        for source_id, since in self._since.items():
            started_at = self.stage.at(self.stage.now)
            bound = (since - self._OVERLAP).strftime("%Y-%m-%dT%H:%M:00.000Z")
            window = {"timestamp": "last_edited_time", "last_edited_time": {"on_or_after": bound}}
            order = [{"timestamp": "last_edited_time", "direction": "ascending"}]
            for page in self.pages(source_id, filter=window, sorts=order):
                self.take(page)
            self._since[source_id] = started_at

    def end_day(self) -> None:
        found = {page["id"] for page in self.pages(self.sources[0], filter_properties=["title"])}
        self.held = {page_id: row for page_id, row in self.held.items() if page_id in found}


BASELINES = (ReadEach, ReadAll, ReadChanged)


def _json(body: bytes) -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(body)
    return parsed
