"""How far a run is, in figures."""

from integrations.console.run_parts import percent
from integrations.models import SyncRun, SyncRunCollection

RUNNING = SyncRun.State.RUNNING


def test_databases_that_are_read_count_while_nobody_knows_how_many_rows_there_are() -> None:
    run = SyncRun(kind=SyncRun.Kind.IMPORT, state=RUNNING)
    parts = [SyncRunCollection(state=state) for state in ("read", "reading", "pending", "pending")]
    assert percent(run, parts) == 25
    assert percent(run, parts[1:]) is None


def test_a_run_is_not_at_its_end_before_it_ends() -> None:
    parts = [SyncRunCollection(state="read")]
    assert percent(SyncRun(kind=SyncRun.Kind.IMPORT, state=RUNNING), parts) == 99
    assert percent(SyncRun(kind=SyncRun.Kind.FULL, state=RUNNING, total=10, done=12), parts) == 99
    assert percent(SyncRun(kind=SyncRun.Kind.FULL, state=SyncRun.State.SUCCEEDED), parts) == 100
    assert percent(SyncRun(kind=SyncRun.Kind.FULL, state=SyncRun.State.FAILED), parts) is None
