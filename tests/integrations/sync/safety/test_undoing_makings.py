"""A row that was made there is not taken back by an undo: what is said instead is true for its database."""

import pytest

from integrations.models import SyncChange, SyncedCollection
from integrations.sync.safety.undoing import _creation
from tasks.models import Task


@pytest.mark.usefixtures("tenant")
@pytest.mark.parametrize(
    ("trashes_records", "way"), [(True, "archive the task"), (False, "remove it there; the task stays")]
)
def test_who_wants_a_new_row_gone_is_told_how(trashes_records: bool, way: str) -> None:
    made = SyncChange(
        side=SyncChange.Side.THERE,
        action=SyncChange.Action.CREATED,
        collection=SyncedCollection(trashes_records=trashes_records),
    )

    undone = _creation(made, Task())

    assert not undone.is_anything
    assert way in undone.problem
