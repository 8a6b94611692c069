"""Two people who change access at the same moment: one of them waits, and the rules hold for both."""

import threading
from uuid import UUID

from django.db import connections

from tenants.accounts.access import SYSTEM, Role
from tenants.accounts.models import RoleBinding, User
from tenants.accounts.selectors import actor_for, owners
from tenants.accounts.services import change_role, create_user
from tenants.foundation.errors import Conflict
from tenants.tenancy import TenantRef, atomic, tenant_scope
from tests.people import PASSWORD


def test_of_two_owners_who_demote_each_other_at_once_one_stays(committed_tenant: TenantRef) -> None:
    with tenant_scope(committed_tenant), atomic():
        first = User.objects.get()
        second = create_user(
            email="sam@example.com",
            name="Sam Second-Example",
            role=Role.OWNER,
            password=PASSWORD,
            actor=SYSTEM,
        )
    start = threading.Barrier(2)
    outcomes: list[str] = []

    def demote(actor_id: UUID, other_id: UUID) -> None:
        try:
            with tenant_scope(committed_tenant), atomic():
                actor = actor_for(User.objects.get(pk=actor_id))
                other = User.objects.get(pk=other_id)
                start.wait(timeout=60)
                change_role(user=other, role=Role.MEMBER, actor=actor)
            outcomes.append("done")
        except Conflict as error:
            outcomes.append(error.code)
        finally:
            connections.close_all()

    threads = [
        threading.Thread(target=demote, args=pair) for pair in ((first.pk, second.pk), (second.pk, first.pk))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120)
    assert sorted(outcomes) == ["conflict.last_owner", "done"]
    with tenant_scope(committed_tenant), atomic():
        assert owners().count() == 1
        assert RoleBinding.objects.count() == 2
