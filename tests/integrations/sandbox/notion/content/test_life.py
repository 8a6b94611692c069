"""The living demo against a running sandbox: every kind of edit is taken and remembered, made by a person."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from threading import Event, Thread

import pytest

from integrations.sandbox.notion.content import build_demo_workspaces, write_ndjson
from integrations.sandbox.notion.content.life import DemoLife
from integrations.sandbox.notion.content.loopback import SandboxCalls
from tenants.foundation.errors import ExternalServiceError, InvalidInput
from tests.fakes.notion_sandbox import RunningSandbox, running_sandbox

NOW = datetime.now(UTC)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSandbox]:
    folder = tmp_path_factory.mktemp("workspaces")
    paths = []
    for company in ("acme", "globex"):
        for workspace in build_demo_workspaces(company, now=NOW, seed=7):
            paths.append(folder / f"{workspace.key}.ndjson")
            write_ndjson(workspace, paths[-1])
    with running_sandbox(load=paths, budget=None) as running:
        yield running


@pytest.fixture
def life(served: RunningSandbox) -> DemoLife:
    life = DemoLife(served.base_url, seed=3, today=NOW.date())
    assert life.load() >= 4_200
    return life


def test_the_sandbox_takes_two_hundred_edits_of_every_kind(life: DemoLife, served: RunningSandbox) -> None:
    kinds: Counter[str] = Counter()
    tables: set[str] = set()
    for _ in range(200):
        edit = life.next_edit()
        life.apply(edit)
        kinds[edit.kind] += 1
        tables.add(edit.table.shape.key)
        assert edit.person
        assert edit.change
    assert set(kinds) == {"status", "due", "title", "comment", "new", "people"}
    assert len(tables) >= 6


def test_an_edit_is_made_by_the_person_it_names_and_not_by_the_integration(
    life: DemoLife, served: RunningSandbox
) -> None:
    edit = next(edit for edit in iter(life.next_edit, None) if edit.kind == "status")
    life.apply(edit)
    page = SandboxCalls(served.base_url).control("edit", {**edit.body, "patch": {}})
    assert page["last_edited_by"]["id"] == edit.body["as"]
    people = {user for user, name in edit.table.people.items() if name == edit.person}
    assert edit.body["as"] in people


def test_a_finished_task_is_not_taken_up_again(life: DemoLife) -> None:
    for _ in range(300):
        edit = life.next_edit()
        if edit.kind == "status":
            assert edit.table.pages[edit.body["page_id"]].is_open
            life.apply(edit)


def test_choosing_calls_nobody_and_repeats_for_the_same_seed(served: RunningSandbox) -> None:
    first, second = (DemoLife(served.base_url, seed=9, today=NOW.date()) for _ in range(2))
    first.load()
    second.load()
    before = served.sandbox.report()["total"]
    chosen = [(edit.kind, edit.title, edit.change) for edit in (first.next_edit() for _ in range(40))]
    again = [(edit.kind, edit.title, edit.change) for edit in (second.next_edit() for _ in range(40))]
    assert served.sandbox.report()["total"] == before
    assert chosen == again


def test_editing_spends_nothing_of_the_budget_the_product_has(life: DemoLife, served: RunningSandbox) -> None:
    before = served.sandbox.report()["total"]
    for _ in range(10):
        life.apply(life.next_edit())
    assert served.sandbox.report()["total"] == before


def test_it_runs_until_it_is_told_to_stop(served: RunningSandbox) -> None:
    stop = Event()
    life = DemoLife(served.base_url, seed=4)
    before = served.sandbox.state()["workspaces"]
    thread = Thread(target=life.run, args=(stop,), kwargs={"pause_seconds": (0.0, 0.005)})
    thread.start()
    stop.wait(2.0)
    stop.set()
    thread.join(timeout=5)
    assert not thread.is_alive()
    assert served.sandbox.state()["workspaces"] != before


def test_without_anything_loaded_there_is_nothing_to_choose(served: RunningSandbox) -> None:
    with pytest.raises(LookupError, match="load"):
        DemoLife(served.base_url, seed=1).next_edit()


def test_a_sandbox_that_is_not_there_is_named(unused_port: int) -> None:
    with pytest.raises(ExternalServiceError, match="does not answer"):
        DemoLife(f"http://127.0.0.1:{unused_port}", seed=1).load()


def test_it_never_edits_a_real_notion() -> None:
    with pytest.raises(InvalidInput, match="this machine"):
        DemoLife("https://api.notion.com", seed=1)


@pytest.fixture
def unused_port(served: RunningSandbox) -> int:
    """The discard port: nothing listens there."""
    return 9


def test_a_refused_edit_says_why(served: RunningSandbox, tmp_path: Path) -> None:
    with pytest.raises(ExternalServiceError, match="400") as caught:
        SandboxCalls(served.base_url).control("edit", {"page_id": "no-such-page", "as": "x", "patch": {}})
    assert not caught.value.is_transient
