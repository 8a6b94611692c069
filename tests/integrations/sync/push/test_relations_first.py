"""References that were read and not merged yet are merged before the same column is written."""

import pytest

from integrations.models import ExternalLink, SyncRun
from integrations.services.runs import system_run
from integrations.sync import engine
from tasks.linking import add_dependency
from tenants.accounts.access import SYSTEM
from tests.fakes.dispatch import run_due_work
from tests.integrations.sync.push.conftest import Desk


def test_what_a_reading_brought_and_nobody_merged_is_not_overwritten(
    desk: Desk, pages: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second, third = pages[:3]
    desk.sandbox.edit(
        first, desk.workspace.editor, {"properties": {"Blocked by": {"relation": [{"id": second}]}}}
    )
    with monkeypatch.context() as dying:  # the worker that read the page ended before the second phase
        dying.setattr(engine, "resolve_relations", lambda *_, **__: 0)
        system_run(connection=desk.connection, kind=SyncRun.Kind.POLL, trigger=SyncRun.Trigger.SCHEDULE)
        run_due_work(desk.tenant)
    assert ExternalLink.objects.get(remote_id=first).unresolved.get("blocked_by") == [second]

    add_dependency(task=desk.task_of(first), depends_on=desk.task_of(third), actor=SYSTEM)
    desk.send()

    there = {item["id"] for item in desk.value(first, "Blocked by")["relation"]}
    here = set(
        desk.task_of(first).dependencies.values_list("depends_on__external_links__remote_id", flat=True)
    )
    assert there == here == {second, third}
