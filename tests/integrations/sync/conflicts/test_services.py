"""Deciding conflicts: each side, many at once, back again, and two people at the same time."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.db import connections
from django.test.utils import CaptureQueriesContext

from integrations.models import Conflict, ExternalLink, Push
from integrations.sync.conflicts.selectors import conflict_for, open_conflict_count, visible_conflicts
from integrations.sync.conflicts.services import (
    MAX_AT_ONCE,
    choose,
    choose_many,
    merged_value,
    revert,
    sides_of,
)
from tasks.drafts import TaskChanges
from tasks.models import Person, Task, TaskActivity
from tasks.services import archive_tasks, create_task, edit_tasks
from tenants.accounts.access import SYSTEM, UserActor
from tenants.foundation.errors import Conflict as NotNow
from tenants.foundation.errors import Forbidden, InvalidInput, NotFound
from tenants.tenancy import TenantRef, atomic, tenant_scope
from tests.factories.conflicts import conflicting, task_with_link


def link_of(conflict: Conflict) -> ExternalLink:
    return ExternalLink.objects.get(pk=conflict.link_id)


def task_of(conflict: Conflict) -> Task:
    return Task.objects.get(pk=conflict.task_id)


def test_keeping_what_is_there_writes_it_here_and_leaves_nothing_to_send(tenant: TenantRef) -> None:
    conflict = conflicting(base="Old", local="Ours", remote="Theirs")

    settled = choose(conflict_id=conflict.pk, side="remote", actor=SYSTEM)

    assert (settled.state, settled.chosen) == ("settled", "remote")
    assert task_of(conflict).title == "Theirs"
    base = link_of(conflict).base
    assert base is not None
    assert base["title"] == "Theirs"
    activity = TaskActivity.objects.filter(verb=TaskActivity.Verb.UPDATED).latest("id")
    assert activity.changes == {"title": ["Ours", "Theirs"]}


def test_keeping_what_is_here_changes_nothing_here_and_has_it_sent(tenant: TenantRef) -> None:
    conflict = conflicting(base="Old", local="Ours", remote="Theirs")

    choose(conflict_id=conflict.pk, side="local", actor=SYSTEM)

    assert task_of(conflict).title == "Ours"
    base = link_of(conflict).base
    assert base is not None
    assert base["title"] == "Theirs"
    assert Push.objects.get().task_id == conflict.task_id


def test_going_back_to_how_it_was_writes_it_here_and_has_it_sent(tenant: TenantRef) -> None:
    conflict = conflicting(base="Old", local="Ours", remote="Theirs")

    choose(conflict_id=conflict.pk, side="base", actor=SYSTEM)

    assert task_of(conflict).title == "Old"
    assert Push.objects.exists()


def test_edits_of_different_words_can_be_put_together(tenant: TenantRef) -> None:
    conflict = conflicting(base="Call the bank", local="Call the big bank", remote="Ring the bank")
    assert merged_value(conflict) == "Ring the big bank"

    choose(conflict_id=conflict.pk, side="merged", actor=SYSTEM)

    assert task_of(conflict).title == "Ring the big bank"
    assert Push.objects.exists()


def test_a_side_that_is_not_there_cannot_be_chosen(tenant: TenantRef) -> None:
    conflict = conflicting(base="Call", local="Ring", remote="Write")
    assert sides_of(conflict) == ["local", "remote", "base"]

    for side in ("merged", "", "theirs"):
        with pytest.raises(InvalidInput):
            choose(conflict_id=conflict.pk, side=side, actor=SYSTEM)
    with pytest.raises(NotFound):
        choose(conflict_id=uuid4(), side="local", actor=SYSTEM)


@pytest.mark.parametrize(
    ("our_field", "value", "attribute", "stored"),
    [
        ("status", "in_review", "status", "in_review"),
        ("priority", 3, "priority", 3),
        ("description", "Long\ntext", "description", "Long\ntext"),
        (
            "due",
            {"on": "2026-03-09", "at": "2026-03-09T10:00:00+00:00"},
            "due_at",
            datetime(2026, 3, 9, 10, tzinfo=UTC),
        ),
        ("due", None, "due_on", None),
        ("start", "2026-03-09", "start_on", date(2026, 3, 9)),
        ("estimate", "2.50", "estimate_hours", Decimal("2.50")),
        ("estimate", None, "estimate_hours", None),
        ("tags", ["b", "a"], "tags", ["b", "a"]),
    ],
)
def test_every_kind_of_value_can_be_taken(
    tenant: TenantRef, our_field: str, value: Any, attribute: str, stored: Any
) -> None:
    conflict = conflicting(our_field=our_field, base=None, local=None, remote=value, fits_task=True)

    choose(conflict_id=conflict.pk, side="remote", actor=SYSTEM)

    assert getattr(task_of(conflict), attribute) == stored


def test_names_people_and_other_tasks_are_found_again(tenant: TenantRef) -> None:
    ann = Person.objects.create(name="Ann Example")
    other = create_task(changes=TaskChanges(title="Other"), actor=SYSTEM)
    task, _ = task_with_link()
    for our_field, value in (
        ("department", "Sales"),
        ("project", "Launch"),
        ("assignees", [str(ann.pk)]),
        ("parent", str(other.pk)),
        ("blocked_by", [str(other.pk)]),
    ):
        conflict = conflicting(our_field=our_field, base=None, remote=value, fits_task=True, task=task)
        choose(conflict_id=conflict.pk, side="remote", actor=SYSTEM)

    task.refresh_from_db()
    assert task.department is not None
    assert task.project is not None
    assert (task.department.name, task.project.name, task.parent_id) == ("Sales", "Launch", other.pk)
    assert list(task.assignees.all()) == [ann]
    assert task.dependencies.get().depends_on_id == other.pk


def test_a_decision_of_the_rule_can_be_agreed_to_or_taken_back_and_back_again(tenant: TenantRef) -> None:
    conflict = conflicting(base="Old", local="Ours", remote="Theirs", chosen="remote")
    assert task_of(conflict).title == "Theirs"

    back = revert(conflict_id=conflict.pk, actor=SYSTEM)

    assert (back.state, back.chosen, task_of(conflict).title) == ("settled", "local", "Ours")
    assert Push.objects.exists()

    revert(conflict_id=conflict.pk, actor=SYSTEM)

    assert task_of(conflict).title == "Theirs"


def test_what_waits_cannot_be_taken_back(tenant: TenantRef) -> None:
    conflict = conflicting(base="Old", local="Ours", remote="Theirs")

    with pytest.raises(NotNow, match="not decided yet"):
        revert(conflict_id=conflict.pk, actor=SYSTEM)


def test_nothing_is_decided_when_the_task_has_moved_on_since(tenant: TenantRef) -> None:
    conflict = conflicting(base="Old", local="Ours", remote="Theirs")
    edit_tasks(ids=[conflict.task_id], changes=TaskChanges(title="Newer"), actor=SYSTEM)

    with pytest.raises(NotNow, match="moved on") as problem:
        choose(conflict_id=conflict.pk, side="remote", actor=SYSTEM)
    assert problem.value.code == "integrations.conflict_moved_on"
    assert task_of(conflict).title == "Newer"

    choose(conflict_id=conflict.pk, side="remote", actor=SYSTEM, is_sure=True)

    assert task_of(conflict).title == "Theirs"


def test_nothing_is_decided_by_somebody_who_saw_older_values(tenant: TenantRef) -> None:
    conflict = conflicting(base="Old", local="Ours", remote="Theirs")
    seen_at = conflict.updated_at
    conflict.remote = "Theirs, later"
    conflict.save()

    with pytest.raises(NotNow, match="moved on"):
        choose(conflict_id=conflict.pk, side="remote", actor=SYSTEM, seen_at=seen_at)


def test_of_two_who_decide_at_once_the_second_is_told_who_was_first(committed_tenant: TenantRef) -> None:
    with tenant_scope(committed_tenant), atomic():
        conflict = conflicting(base="Old", local="Ours", remote="Theirs")

    def decide(side: str) -> str:
        try:
            with tenant_scope(committed_tenant):
                choose(conflict_id=conflict.pk, side=side, actor=SYSTEM)
        except NotNow as error:
            return error.code
        finally:
            connections.close_all()
        return side

    with ThreadPoolExecutor(2) as pool:
        outcomes = list(pool.map(decide, ["remote", "local"]))

    assert sorted(outcomes)[0] == "integrations.conflict_settled"
    with tenant_scope(committed_tenant), atomic():
        assert Conflict.objects.get().chosen in outcomes


def test_many_are_decided_together_and_those_that_cannot_be_are_told(tenant: TenantRef) -> None:
    rows = [conflicting(base="Old", local="Ours", remote=f"Theirs {number}") for number in range(3)]
    archive_tasks(ids=[rows[1].task_id], actor=SYSTEM)

    outcome = choose_many(conflict_ids=[row.pk for row in rows], side="remote", actor=SYSTEM)

    assert set(outcome.settled_ids) == {rows[0].pk, rows[2].pk}
    assert [item.conflict_id for item in outcome.refused] == [rows[1].pk]
    assert "archived" in outcome.refused[0].message
    assert task_of(rows[2]).title == "Theirs 2"
    with pytest.raises(InvalidInput):
        choose_many(conflict_ids=[uuid4() for _ in range(MAX_AT_ONCE + 1)], side="remote", actor=SYSTEM)


@pytest.mark.parametrize(
    ("side", "is_archived", "kinds"), [("remote", True, []), ("local", False, ["restore"])]
)
def test_a_record_in_the_trash_takes_its_task_along_or_comes_back(
    tenant: TenantRef, side: str, is_archived: bool, kinds: list[str]
) -> None:
    conflict = conflicting(our_field="record", base=None, local=["title"], remote="trashed")
    ExternalLink.objects.filter(pk=conflict.link_id).update(state=ExternalLink.State.TRASHED_REMOTE)
    assert sides_of(conflict) == ["local", "remote"]

    choose(conflict_id=conflict.pk, side=side, actor=SYSTEM)

    assert task_of(conflict).is_archived is is_archived
    assert list(Push.objects.values_list("kind", flat=True)) == kinds


def test_a_member_sees_no_conflicts_and_decides_none(member: UserActor) -> None:
    conflict = conflicting(base="Old", local="Ours", remote="Theirs")
    actor = member

    assert not visible_conflicts(actor=actor).exists()
    assert open_conflict_count(actor=SYSTEM) == 1
    with pytest.raises(NotFound):
        conflict_for(actor=actor, conflict_id=conflict.pk)
    with pytest.raises(Forbidden):
        choose(conflict_id=conflict.pk, side="local", actor=actor)
    with pytest.raises(Forbidden):
        revert(conflict_id=conflict.pk, actor=actor)
    with pytest.raises(Forbidden):
        choose_many(conflict_ids=[conflict.pk], side="local", actor=actor)


def test_all_that_is_decided_together_is_locked_kind_by_kind(tenant: TenantRef) -> None:
    rows = [conflicting(base="Old", local="Ours", remote=f"Theirs {number}") for number in range(3)]

    with CaptureQueriesContext(connections[tenant.cell]) as captured:
        choose_many(conflict_ids=[row.pk for row in rows], side="local", actor=SYSTEM)

    locking = [
        query["sql"] for query in captured.captured_queries
        if " FOR UPDATE" in query["sql"] or " FOR NO KEY UPDATE" in query["sql"]
    ]  # fmt: skip
    first = [sql.split('FROM "')[1].split('"')[0] for sql in locking[:3]]
    assert first == ["integrations_connection", "tasks_task", "integrations_externallink"]
    assert all("ORDER BY" in sql for sql in locking[:3])
    assert all(row.task_id.hex in locking[1].replace("-", "") for row in rows)
    assert all(row.link_id.hex in locking[2].replace("-", "") for row in rows)
