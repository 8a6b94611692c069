"""Drafts: what is given, and what is left alone."""

from uuid import uuid4

from tasks.drafts import UNSET, TaskDraft, UpsertResult


def test_a_draft_tells_only_what_was_given() -> None:
    draft = TaskDraft(id=uuid4(), title="Order salt", due_on=None)
    assert draft.given() == {"title": "Order salt", "due_on": None}
    assert draft.status is UNSET
    assert repr(UNSET) == "UNSET"


def test_results_of_batches_add_up() -> None:
    a, b, c = uuid4(), uuid4(), uuid4()
    total = UpsertResult(created_ids=(a,)) + UpsertResult(updated_ids=(b,), unchanged_ids=(c,))
    assert total == UpsertResult(created_ids=(a,), updated_ids=(b,), unchanged_ids=(c,))
