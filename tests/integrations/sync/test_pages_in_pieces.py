"""A page that needs more calls than there are now is taken over piece by piece, and comes to its end."""

from collections.abc import Callable

import pytest

from integrations.capabilities import ValuePage
from integrations.models import Connection, ExternalLink, SyncRun
from integrations.sandbox.notion.sandbox import Sandbox
from integrations.sync.engine import run_sync
from integrations.sync.guarded_source import GuardedTaskSource
from tasks.models import Task
from tenants.foundation.errors import LimitReached
from tests.factories.notion import NotionWorkspace

type Connect = Callable[[NotionWorkspace], Connection]


@pytest.fixture
def crowded(workspace: NotionWorkspace) -> list[str]:
    """Four tasks that each wait for more others than a page carries."""
    others = workspace.add_tasks(30)
    return [workspace.add_task(f"Crowded {number}", blocked_by=others) for number in range(4)]


def attempt() -> bool:
    """Go on with the import; whether it came to its end."""
    try:
        run_sync(run_id=SyncRun.objects.get(kind="import").pk, heartbeat=lambda: None)
    except LimitReached:
        return False
    return True


def test_a_budget_of_one_record_at_a_time_is_enough(
    connect: Connect, workspace: NotionWorkspace, crowded: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    connect(workspace)
    left = [0]
    read_value = GuardedTaskSource.value_page

    def sparing(
        source: GuardedTaskSource, record_id: str, field_id: str, *, cursor: str | None = None
    ) -> ValuePage:
        if not left[0]:
            raise LimitReached("The budget of this minute is used up.", retry_after_seconds=1.0)
        left[0] -= 1
        return read_value(source, record_id, field_id, cursor=cursor)

    monkeypatch.setattr(GuardedTaskSource, "value_page", sparing)
    attempts = 0
    is_over = False
    while not is_over and attempts < 12:
        left[0] = 1
        is_over = attempt()
        attempts += 1

    assert is_over
    run = SyncRun.objects.get(kind="import")
    assert (run.state, run.new, run.done, run.failed) == ("succeeded", 34, 34, 0)
    for page in crowded:
        assert Task.objects.get(external_links__remote_id=page).dependencies.count() == 30


def test_values_that_fail_for_good_set_their_records_aside_and_the_page_ends(
    connect: Connect, workspace: NotionWorkspace, crowded: list[str], sandbox: Sandbox
) -> None:
    connect(workspace)
    for page in crowded:
        sandbox.fault(kind="status", status=500, times=None, match=f"GET /v1/pages/{page}/properties/")
        sandbox.fault(kind="status", status=500, times=None, match=f"GET /v1/pages/{page}$")
    assert any(attempt() for _ in range(12))
    assert SyncRun.objects.get(kind="import").state == "partial"
    assert ExternalLink.objects.filter(state=ExternalLink.State.QUARANTINED).count() == 4
    assert ExternalLink.objects.filter(state=ExternalLink.State.CLEAN).count() == 30
