"""Hypothesis plays histories: whatever happens, both sides end equal, no edit is lost, nothing is there twice.

`NTS_HISTORIES` says how many (200 where nothing is said); `make soak` plays thousands.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import count
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from integrations.capabilities import RemoteRecord, RemoteValue
from integrations.connectors.notion.sink import NotionTaskSink
from integrations.sandbox.notion.sandbox import Sandbox
from integrations.sync import retry, taking_over
from integrations.sync.push import one_push, settling
from tenants.tenancy import TenantRef, tenant_scope
from tests.integrations.sync.histories import FIELDS, History, Killed

PARTS = 4
HISTORIES = int(os.environ.get("NTS_HISTORIES", "200"))
STEPS = int(os.environ.get("NTS_HISTORY_STEPS", "14"))
WRITES = ("PATCH /v1/pages/{page_id}", "POST /v1/pages")
READS = ("POST /v1/data_sources/{data_source_id}/query", "GET /v1/pages/{page_id}")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        "NTS_HISTORIES" not in os.environ,
        reason="`make soak` plays them: what they found last (docs/sync.md) is not mended yet",
    ),
]


def killed(*_: object, **__: object) -> Any:
    raise Killed


#: Where a worker can be killed: module or class, and the name of what it does not live to do.
PLACES: list[tuple[Any, str]] = [
    (one_push._Sending, "_call"),
    (one_push, "settle"),
    (settling, "take_over"),
    (taking_over, "write_changed"),
]


@contextmanager
def killing(place: tuple[Any, str]) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(*place, killed)
        yield


class Histories(RuleBasedStateMachine):
    """Steps of both sides and of the world, in any order; at rest everything is looked at."""

    make: Callable[[], History]
    history: History

    @initialize()
    def begin(self) -> None:
        self.block = transaction.atomic(using=type(self).alias)  # type: ignore[attr-defined]
        self.block.__enter__()
        self.history = type(self).make()

    @rule(row=st.integers(0, 20), name=st.sampled_from(FIELDS))
    def edit_here(self, row: int, name: str) -> None:
        self.history.edit_here(self.row(row), name)

    @rule(row=st.integers(0, 20), name=st.sampled_from(FIELDS))
    def edit_there(self, row: int, name: str) -> None:
        self.history.edit_there(self.row(row), name)

    @rule(row=st.integers(0, 20), name=st.sampled_from(FIELDS), here_first=st.booleans())
    def edit_on_both_sides(self, row: int, name: str, here_first: bool) -> None:
        self.history.edit_both(self.row(row), name, here_first=here_first)

    @rule()
    def create_here(self) -> None:
        self.history.create_here()

    @rule()
    def create_there(self) -> None:
        self.history.create_there()

    @rule(row=st.integers(0, 20))
    def trash_there(self, row: int) -> None:
        self.history.trash_there(self.row(row))

    @rule()
    def rename_a_column(self) -> None:
        self.history.rename_column()

    @rule(seconds=st.sampled_from([1, 20, 61, 400]))
    def pass_time(self, seconds: int) -> None:
        self.history.pass_time(seconds)

    @rule()
    def sync(self) -> None:
        self.history.sync()

    @rule(place=st.sampled_from(range(len(PLACES))))
    def worker_dies(self, place: int) -> None:
        self.history.dies(lambda: killing(PLACES[place]))

    @rule(
        kind=st.sampled_from(["commit_then_reset", "reset", "commit_then_503", "half"]),
        operation=st.sampled_from(WRITES),
    )
    def a_write_gets_no_answer(self, kind: str, operation: str) -> None:
        self.history.sandbox.fault(kind=kind, operation=operation, times=1)
        self.history.told.append(f"the next {operation}: {kind}")

    @rule(
        status=st.sampled_from([409, 429, 500, 502, 503, 529]), operation=st.sampled_from([*WRITES, *READS])
    )
    def the_service_refuses(self, status: int, operation: str) -> None:
        if status == 429:
            self.history.sandbox.fault(kind="rate_limit", operation=operation, times=1, retry_after=1)
        else:
            self.history.sandbox.fault(kind="status", status=status, operation=operation, times=1)
        self.history.told.append(f"the next {operation}: {status}")

    @rule(kind=st.sampled_from(["loss", "delay", "duplicate", "reorder", "wrong_signature"]))
    def an_event_goes_astray(self, kind: str) -> None:
        self.history.sandbox.webhooks.mishap(kind=kind, times=2, delay_seconds=30)
        self.history.told.append(f"the next events: {kind}")

    @precondition(lambda self: hasattr(self, "history"))
    @rule()
    def rest(self) -> None:
        self.history.settle()
        self.history.check()

    def row(self, number: int) -> Any:
        return self.history.rows[number % len(self.history.rows)]

    def teardown(self) -> None:
        if not hasattr(self, "history"):
            return
        try:
            self.history.settle()
            self.history.check()
        finally:
            transaction.set_rollback(True, using=type(self).alias)  # type: ignore[attr-defined]
            self.block.__exit__(None, None, None)


@pytest.mark.parametrize("part", range(PARTS))
def test_both_sides_end_equal_and_no_edit_is_lost(
    tenant: TenantRef, sandbox: Sandbox, stranger: Client, part: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retry, "_FIRST_PAUSE_SECONDS", 0.0)  # who waits longer is put back, and hurried
    numbers = count(1)
    playing: list[History] = []
    update = NotionTaskSink.update_record

    def noticed(self: NotionTaskSink, record_id: str, values: Mapping[str, RemoteValue]) -> RemoteRecord:
        playing[-1].notice_write(record_id, values)
        return update(self, record_id, values)

    monkeypatch.setattr(NotionTaskSink, "update_record", noticed)

    class Bound(Histories):
        alias = tenant.cell

        @staticmethod
        def make() -> History:
            with tenant_scope(tenant):
                playing.append(History(tenant, sandbox, stranger, f"History {part}.{next(numbers)}"))
            return playing[-1]

    run_state_machine_as_test(
        seed(part)(Bound) if "NTS_HISTORIES" not in os.environ else Bound,
        # The same ones every time; whoever soaks looks for others.
        settings=settings(
            max_examples=max(1, HISTORIES // PARTS),
            stateful_step_count=STEPS,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            # The story that a failure tells is short; making it shorter takes minutes.
            phases=[Phase.generate, *([Phase.shrink] if "NTS_SHRINK" in os.environ else [])],
            database=None,
            print_blob=True,
        ),
    )
