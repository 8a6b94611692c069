"""Two who decide one change at the same moment: it is carried out once, whoever is first."""

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from uuid import UUID

import pytest
from django.db import connections
from django.utils import timezone

from tenants.accounts.access import SYSTEM, Role, UserActor
from tenants.accounts.access.changes import Approved, ChangeKind, DiffLine, _kinds, register_change
from tenants.accounts.access.deciding import approve_change, refuse_change
from tenants.accounts.access.proposals import hold_for_second_person
from tenants.accounts.models import Group, ProposedChange, User
from tenants.accounts.selectors import actor_for
from tenants.accounts.services import change_role, create_user
from tenants.foundation.errors import DomainError
from tenants.tenancy import TenantRef, atomic, tenant_scope
from tests.people import PASSWORD


def rename(approved: Approved) -> None:
    Group.objects.create(name=f"Carried out {Group.objects.count()}")


@pytest.fixture
def kind() -> Iterator[ChangeKind]:
    yield register_change(
        ChangeKind(
            key="test.race", label="Race", permission="accounts.manage_sign_in", subject=None, apply=rename,
            state_of=lambda _target: "as it was",
        )
    )  # fmt: skip
    del _kinds["test.race"]


@pytest.fixture
def people(committed_tenant: TenantRef, kind: ChangeKind) -> list[UUID]:
    """Three who could decide; the first of them has proposed."""
    with tenant_scope(committed_tenant), atomic():
        first = User.objects.get()
        others = [
            create_user(
                email=f"{name}@example.com", name=name, role=Role.OWNER, password=PASSWORD, actor=SYSTEM
            )
            for name in ("sam", "kim")
        ]
        before = timezone.now() - timedelta(days=1)
        User.objects.update(created_at=before)
        change = hold_for_second_person(
            kind=kind, actor=actor_for(first), arguments={}, diff=[DiffLine("a", "b", "c")]
        )
        assert change is not None
    return [first.pk, *(other.pk for other in others)]


def at_once(tenant: TenantRef, *deeds: Callable[[], object]) -> list[str]:
    """Do all of it at the same moment, each in a transaction of its own; what came of each, sorted."""
    start, outcomes = threading.Barrier(len(deeds)), []

    def run(deed: Callable[[], object]) -> None:
        try:
            with tenant_scope(tenant), atomic():
                start.wait(timeout=60)
                deed()
            outcomes.append("done")
        except DomainError as error:
            outcomes.append(error.code)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(deed,)) for deed in deeds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120)
    return sorted(outcomes)


def actor(user_id: UUID) -> UserActor:
    return actor_for(User.objects.get(pk=user_id))


def test_two_who_agree_at_once_carry_it_out_once(committed_tenant: TenantRef, people: list[UUID]) -> None:
    outcomes = at_once(
        committed_tenant,
        lambda: approve_change(change=ProposedChange.objects.get(), actor=actor(people[1])),
        lambda: approve_change(change=ProposedChange.objects.get(), actor=actor(people[2])),
    )
    assert outcomes == ["conflict.change_is_decided", "done"]
    with tenant_scope(committed_tenant), atomic():
        assert Group.objects.count() == 1


def test_of_a_yes_and_a_no_at_once_one_counts(committed_tenant: TenantRef, people: list[UUID]) -> None:
    outcomes = at_once(
        committed_tenant,
        lambda: approve_change(change=ProposedChange.objects.get(), actor=actor(people[1])),
        lambda: refuse_change(change=ProposedChange.objects.get(), actor=actor(people[2])),
    )
    assert outcomes == ["conflict.change_is_decided", "done"]
    with tenant_scope(committed_tenant), atomic():
        state = ProposedChange.objects.get().state
        assert Group.objects.count() == (1 if state == "applied" else 0)


def test_who_loses_the_role_in_that_moment_agrees_before_or_not_at_all(
    committed_tenant: TenantRef, people: list[UUID]
) -> None:
    outcomes = at_once(
        committed_tenant,
        lambda: approve_change(change=ProposedChange.objects.get(), actor=actor(people[1])),
        lambda: change_role(user=User.objects.get(pk=people[1]), role=Role.MEMBER, actor=actor(people[2])),
    )
    assert outcomes in (["done", "done"], ["done", "forbidden"], ["done", "forbidden.person_needed"])
    with tenant_scope(committed_tenant), atomic():
        assert Group.objects.count() == (1 if outcomes == ["done", "done"] else 0)
