"""Numbers of tasks: taken in order, never twice, however many take them at once."""

from concurrent.futures import ThreadPoolExecutor

from django.db import connections

from tasks.drafts import TaskChanges
from tasks.models import Task
from tasks.numbering import take_numbers
from tasks.services import create_task
from tenants.accounts.access import SYSTEM
from tenants.tenancy import TenantRef, atomic, tenant_scope


def test_each_prefix_counts_for_itself(tenant: TenantRef) -> None:
    assert take_numbers({"OPS": 3, "FIN": 1}) == {"OPS": 1, "FIN": 1}
    assert take_numbers({"OPS": 1}) == {"OPS": 4}
    assert take_numbers({}) == {}


def test_no_number_is_given_twice_to_tasks_made_at_once(committed_tenant: TenantRef) -> None:
    def make(number: int) -> None:
        with tenant_scope(committed_tenant):
            for n in range(5):
                create_task(changes=TaskChanges(title=f"Task {number}.{n}"), actor=SYSTEM)
            connections[committed_tenant.cell].close()

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(make, range(4)))
    with tenant_scope(committed_tenant), atomic():
        assert sorted(Task.objects.values_list("number", flat=True)) == list(range(1, 21))
