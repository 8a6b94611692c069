"""Hypothesis plays histories: whatever happens, both sides end equal, no edit is lost, nothing is there twice.

The same 500 every time; with `NTS_HISTORIES` others, as many as it says: `make soak` plays thousands.
"""

import logging
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test
from pytest_django import Settings

from integrations.capabilities import RemoteRecord, RemoteValue
from integrations.connectors.notion.sink import NotionTaskSink
from integrations.registry import close_connections
from integrations.sandbox.notion.sandbox import Sandbox
from integrations.services import POLL_JOB, PUSH_JOB
from integrations.sync import (
    bodies,
    body_pushing,
    disappearances,
    engine,
    reading,
    retry,
    session,
    taking_over,
)
from integrations.sync.events import handling
from integrations.sync.events import reading as told_reading
from integrations.sync.events.storing import EVENTS_JOB
from integrations.sync.limiter import Limiter
from integrations.sync.push import looking_up, one_push, settling
from tenants.tenancy import TenantRef, tenant_scope
from tests.fakes.notion_sandbox import running_sandbox
from tests.integrations.sync.histories.checks import rest_and_check
from tests.integrations.sync.histories.clock import HistoryClock
from tests.integrations.sync.histories.history import History
from tests.integrations.sync.histories.rows import FIELDS, Row
from tests.integrations.sync.histories.stage import Stage

PARTS = 4
HISTORIES = int(os.environ.get("NTS_HISTORIES", "500"))
STEPS = int(os.environ.get("NTS_HISTORY_STEPS", "14"))
WRITES = ("PATCH /v1/pages/{page_id}", "POST /v1/pages", "PATCH /v1/blocks/{block_id}")
READS = (
    "POST /v1/data_sources/{data_source_id}/query",
    "GET /v1/pages/{page_id}",
    "GET /v1/pages/{page_id}/markdown",
    "GET /v1/data_sources/{data_source_id}",
)

pytestmark = pytest.mark.slow

#: Where a worker can be killed: module or class, and the name of what it does not live to do.
PLACES: list[tuple[Any, str]] = [
    (one_push._Sending, "_prepare"),
    (one_push._Sending, "_call"),
    (one_push, "settle"),
    (settling, "_write_change"),
    (settling, "take_over"),
    (looking_up, "settle"),
    (looking_up, "_not_carried_out"),
    (reading, "take_over"),
    (taking_over, "write_changed"),
    (engine, "resolve_relations"),
    (engine, "finish_run"),
    (disappearances, "follow_into_trash"),
    (told_reading, "take_over"),
    (handling, "settle"),
    (bodies, "take_over_texts"),
    (body_pushing, "_note"),
]
ROWS = st.integers(0, 11)
NAMES = st.sampled_from(FIELDS)
JOBS = (PUSH_JOB, EVENTS_JOB, POLL_JOB)


class Histories(RuleBasedStateMachine):
    """Steps of both sides and of the world, in any order; at rest everything is looked at."""

    alias: str
    make: Callable[[], History]
    history: History

    @initialize(skew=st.sampled_from([0, 0, 0, 90, -90]))
    def begin(self, skew: int) -> None:
        self.block = transaction.atomic(using=type(self).alias)
        self.block.__enter__()
        self.history = type(self).make()
        self.history.stage.clock.skew = timedelta(seconds=skew)

    @rule(row=ROWS, name=NAMES)
    def edit_here(self, row: int, name: str) -> None:
        self.history.edit_here(self.row(row), name)

    @rule(row=ROWS, name=NAMES)
    def edit_there(self, row: int, name: str) -> None:
        self.history.edit_there(self.row(row), name)

    @rule(row=ROWS, name=NAMES, here_first=st.booleans())
    def edit_on_both_sides(self, row: int, name: str, here_first: bool) -> None:
        self.history.edit_both(self.row(row), name, here_first=here_first)

    @rule()
    def create_here(self) -> None:
        self.history.create_here()

    @rule(is_bug=st.booleans())
    def create_there(self, is_bug: bool) -> None:
        self.history.create_there(is_bug=is_bug)

    @rule(row=ROWS)
    def put_away_or_back_here(self, row: int) -> None:
        self.history.put_away_or_back_here(self.row(row))

    @rule(row=ROWS)
    def put_away_or_back_there(self, row: int) -> None:
        self.history.put_away_or_back_there(self.row(row))

    @rule(is_option=st.booleans())
    def rename(self, is_option: bool) -> None:
        if is_option:
            self.history.rename_option()
        else:
            self.history.rename_column()

    @rule(seconds=st.sampled_from([1, 20, 61, 400]))
    def pass_time(self, seconds: int) -> None:
        self.history.pass_time(seconds)

    @rule()
    def work(self) -> None:
        self.history.work()

    @rule(kind=st.sampled_from(JOBS))
    def do_one_kind_of_work(self, kind: str) -> None:
        self.history.work(kind)

    @rule(place=st.sampled_from(range(len(PLACES))), spared=st.integers(0, 1))
    def worker_dies(self, place: int, spared: int) -> None:
        self.history.dies(PLACES[place], spared=spared)

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

    @rule()
    def rest(self) -> None:
        rest_and_check(self.history)

    def row(self, number: int) -> Row:
        return self.history.rows[number % len(self.history.rows)]

    def teardown(self) -> None:
        if not hasattr(self, "history"):
            return
        try:
            rest_and_check(self.history)
        finally:
            transaction.set_rollback(True, using=type(self).alias)
            self.block.__exit__(None, None, None)


@pytest.fixture
def stage(
    tenant: TenantRef, stranger: Client, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Stage]:
    """A company and a workspace in step; who is told to wait waits by the history's clock."""
    clock, first = HistoryClock(), Sandbox(budget=None)
    # A million lines of log would be kept for the case that the test fails; its story tells more.
    monkeypatch.setattr(logging.root.manager, "disable", logging.WARNING)
    with running_sandbox(sandbox=first) as running, clock.lent():
        settings.NOTION_BASE_URL = running.base_url
        monkeypatch.setattr(retry, "_FIRST_PAUSE_SECONDS", 0.0)
        made = Stage(tenant, running, stranger, clock)
        without_pauses = Limiter(made.store, sleep=lambda seconds: made.let_time_pass(seconds))
        monkeypatch.setattr(session, "shared_limiter", lambda: without_pauses)
        yield made
        close_connections()


@contextmanager
def noticing_writes(playing: list[History]) -> Iterator[None]:
    """The history that is played looks at each write before it leaves."""
    update = NotionTaskSink.update_record

    def noticed(self: NotionTaskSink, record_id: str, values: Mapping[str, RemoteValue]) -> RemoteRecord:
        playing[-1].notice_write(record_id, values)
        return update(self, record_id, values)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(NotionTaskSink, "update_record", noticed)
        yield


@pytest.mark.parametrize("part", range(PARTS))
def test_both_sides_end_equal_and_no_edit_is_lost(stage: Stage, tenant: TenantRef, part: int) -> None:
    numbers = count(1)
    playing: list[History] = []

    class Bound(Histories):
        alias = tenant.cell

        @staticmethod
        def make() -> History:
            with tenant_scope(tenant):
                playing[:] = [History(stage, stage.restart(next(numbers)))]
            return playing[-1]

    with noticing_writes(playing):
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
