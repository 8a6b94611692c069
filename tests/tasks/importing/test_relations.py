"""Parents and dependencies brought by an import."""

from django.db import connections
from django.test.utils import CaptureQueriesContext

from tasks.drafts import TaskRelations
from tasks.models import Task, TaskDependency
from tasks.services import set_task_relations
from tenants.accounts.access import SYSTEM
from tenants.foundation.ids import uuid7
from tenants.tenancy import TenantRef
from tests.factories.tasks import make_task


def links() -> set[tuple[str, str]]:
    return set(TaskDependency.objects.values_list("task__title", "depends_on__title"))


def test_relations_become_what_is_told(tenant: TenantRef) -> None:
    a, b, c = make_task(title="a"), make_task(title="b"), make_task(title="c")
    told = [
        TaskRelations(task_id=a.pk, parent_id=b.pk, depends_on_ids=[b.pk, c.pk, a.pk, uuid7()]),
        TaskRelations(task_id=b.pk, depends_on_ids=[c.pk]),
        TaskRelations(task_id=uuid7(), depends_on_ids=[c.pk]),
    ]
    result = set_task_relations(links=told, actor=SYSTEM)
    assert set(result.updated_ids) == {a.pk, b.pk}
    assert links() == {("a", "b"), ("a", "c"), ("b", "c")}
    assert Task.objects.get(pk=a.pk).parent == b
    assert set_task_relations(links=told, actor=SYSTEM).unchanged_ids == result.updated_ids


def test_an_untold_side_is_left_alone(tenant: TenantRef) -> None:
    b = make_task(title="b")
    a = make_task(title="a", parent=b, depends_on=[b])
    set_task_relations(links=[TaskRelations(task_id=a.pk, depends_on_ids=[])], actor=SYSTEM)
    assert links() == set()
    assert Task.objects.get(pk=a.pk).parent == b
    set_task_relations(links=[TaskRelations(task_id=a.pk, parent_id=None)], actor=SYSTEM)
    assert Task.objects.get(pk=a.pk).parent is None


def test_a_circle_is_kept_as_the_source_has_it(tenant: TenantRef) -> None:
    a, b = make_task(title="a"), make_task(title="b")
    set_task_relations(
        links=[
            TaskRelations(task_id=a.pk, parent_id=b.pk, depends_on_ids=[b.pk]),
            TaskRelations(task_id=b.pk, parent_id=a.pk, depends_on_ids=[a.pk]),
        ],
        actor=SYSTEM,
    )
    assert links() == {("a", "b"), ("b", "a")}


def test_a_batch_costs_the_same_whatever_its_size(tenant: TenantRef) -> None:
    tasks = [make_task() for _ in range(42)]

    def told(some: list[Task]) -> list[TaskRelations]:
        return [
            TaskRelations(task_id=t.pk, parent_id=tasks[0].pk, depends_on_ids=[tasks[1].pk]) for t in some
        ]

    with CaptureQueriesContext(connections[tenant.cell]) as small:
        set_task_relations(links=told(tasks[2:4]), actor=SYSTEM)
    with CaptureQueriesContext(connections[tenant.cell]) as large:
        set_task_relations(links=told(tasks[4:]), actor=SYSTEM)
    assert len(large) <= len(small) <= 10
