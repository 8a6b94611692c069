"""The living demo: every few seconds one of the invented people edits a page in the sandbox."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from random import Random
from threading import Event

import structlog

from integrations.sandbox.notion.content.edits import DemoEdit, EditWriter
from integrations.sandbox.notion.content.living import LiveTable, read_tables
from integrations.sandbox.notion.content.loopback import SandboxCalls
from tenants.foundation.errors import ExternalServiceError

log = structlog.get_logger(__name__)

_WEIGHTS = {"status": 36, "due": 15, "title": 9, "comment": 18, "new": 12, "people": 10}


class DemoLife:
    """Believable edits, one after another; the same seed on the same state chooses the same edits."""

    def __init__(
        self,
        base_url: str,
        seed: int,
        *,
        today: date | None = None,
        on_edit: Callable[[DemoEdit], None] | None = None,
    ) -> None:
        """`base_url` of a sandbox on this machine; `on_edit` hears of every edit that was taken.

        Raises: InvalidInput for another machine.
        """
        self._on_edit = on_edit
        self._calls = SandboxCalls(base_url)
        self._random = Random(f"life {seed}")  # noqa: S311 (invented content, no secret)
        self._writer = EditWriter(self._random, today or datetime.now(UTC).date())
        self._tables: list[LiveTable] = []

    def load(self) -> int:
        """Read what stands in the sandbox and return the number of tasks. Raises ExternalServiceError."""
        self._tables = [table for table in read_tables(self._calls) if table.people]
        return sum(len(table.pages) for table in self._tables)

    def next_edit(self) -> DemoEdit:
        """Choose the next edit from what is known; calls nobody. Raises LookupError when nothing is known."""
        if not self._tables:
            raise LookupError(
                "Nothing was loaded: call load() first, on a sandbox that serves a demo workspace."
            )
        kinds = self._random.choices(list(_WEIGHTS), list(_WEIGHTS.values()), k=12)
        for kind in kinds:
            sizes = [len(table.pages) for table in self._tables]
            table = self._random.choices(self._tables, sizes)[0]
            edit = self._writer.write(kind, table)
            if edit is not None:
                return edit
        return self._writer.new_task(self._tables[0])

    def apply(self, edit: DemoEdit) -> None:
        """Carry the edit out as its person and remember the result. Raises ExternalServiceError."""
        answer = self._calls.control(edit.verb, edit.body)
        if answer.get("object") == "page":
            edit.table.remember(answer)
        if self._on_edit is not None:
            self._on_edit(edit)
        log.info(
            "sandbox.edited",
            workspace=edit.table.workspace.name,
            table=edit.table.shape.title,
            person=edit.person,
            page=edit.title,
            change=edit.change,
        )

    def run(self, stop: Event, *, pause_seconds: tuple[float, float] = (2.0, 6.0)) -> None:
        """Edit until `stop` is set, with a pause of so many seconds (least, most) between two edits.

        A sandbox that does not answer, or refuses an edit, is reported and asked again later.
        """
        while not stop.is_set():
            pause = self._random.uniform(*pause_seconds)
            try:
                if not self._tables:
                    log.info("sandbox.read", tasks=self.load())
                self.apply(self.next_edit())
            except ExternalServiceError as problem:
                log.warning("sandbox.edit_failed", reason=str(problem))
                self._tables = []
                pause = problem.retry_after_seconds or timedelta(seconds=10).total_seconds()
            except LookupError as problem:
                log.warning("sandbox.nothing_to_edit", reason=str(problem))
                pause = 10.0
            stop.wait(pause)
