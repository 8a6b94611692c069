"""Two people for one change: never alone where somebody else could agree, never twice, never on what has changed."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import connections
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tenants.accounts.access import SYSTEM, Role, UserActor
from tenants.accounts.access.bindings import Holder, grant_role
from tenants.accounts.access.changes import (
    Approved,
    ChangeKind,
    DiffLine,
    Json,
    Subject,
    _kinds,
    misdeclared_kinds,
    register_change,
)
from tenants.accounts.access.deciding import approve_change, may_decide, refuse_change, withdraw_change
from tenants.accounts.access.groups import add_member, create_group
from tenants.accounts.access.holders import people_holding
from tenants.accounts.access.proposals import (
    forget_expired_changes,
    hold_for_second_person,
    visible_changes,
    waiting_changes,
)
from tenants.accounts.models import AccessPolicy, Department, Group, ProposedChange, User
from tenants.accounts.selectors import actor_for
from tenants.accounts.services import change_role, deactivate_user
from tenants.accounts.tokens.service_accounts import create_service_account
from tenants.foundation.errors import Conflict, Forbidden, InvalidInput
from tenants.foundation.ids import uuid7
from tenants.outbox.models import OutboxEvent
from tenants.secrets.models import Secret
from tenants.tenancy import TenantRef
from tests.people import person

applied: list[Approved] = []


def describe(target_id: UUID | None) -> Json:
    """The name of a group, as the state of what changes."""
    group = Group.objects.select_for_update(no_key=True).filter(pk=target_id or uuid7()).first()
    return group.name if group else None


@pytest.fixture
def kind() -> Iterator[ChangeKind]:
    applied.clear()
    yield register_change(
        ChangeKind(
            key="test.rename",
            label="Rename a group",
            permission="accounts.manage_sign_in",
            subject=Subject.IDENTITY_PROVIDERS,
            apply=applied.append,
            state_of=describe,
        )
    )
    del _kinds["test.rename"]


@pytest.fixture
def group(tenant: TenantRef) -> Group:
    return Group.objects.create(name="Before")


def hold(kind: ChangeKind, actor: Any, group: Group, **more: Any) -> ProposedChange | None:
    given: dict[str, Any] = {
        "arguments": {"name": "After"}, "diff": [DiffLine("Name", "Before", "After")],
        "target_id": group.pk, "target_name": "Before", "reason": "A new name", **more,
    }  # fmt: skip
    return hold_for_second_person(kind=kind, actor=actor, **given)


@pytest.fixture
def waiting(kind: ChangeKind, admin: UserActor, owner: UserActor, group: Group) -> ProposedChange:
    change = hold(kind, admin, group)
    assert change is not None
    return change


def events() -> list[str]:
    return list(
        OutboxEvent.objects.filter(name__startswith="change.")
        .order_by("occurred_at")
        .values_list("name", flat=True)
    )


def test_nobody_agrees_to_their_own_proposal(waiting: ProposedChange, admin: UserActor) -> None:
    with pytest.raises(Forbidden) as refused:
        approve_change(change=waiting, actor=admin)
    assert refused.value.code == "forbidden.own_proposal"
    assert applied == []


def test_nobody_agrees_who_does_not_hold_the_permission(waiting: ProposedChange, member: UserActor) -> None:
    with pytest.raises(Forbidden):
        approve_change(change=waiting, actor=member)
    assert not may_decide(waiting, member)


def test_nobody_proposes_who_does_not_hold_the_permission(
    kind: ChangeKind, member: UserActor, group: Group
) -> None:
    with pytest.raises(Forbidden):
        hold(kind, member, group)


def test_a_program_is_no_second_person(waiting: ProposedChange, owner: UserActor) -> None:
    by_token = UserActor(user=owner.user, roles=owner.roles, token_id=waiting.pk)
    for actor in (by_token, SYSTEM):
        with pytest.raises(Forbidden) as refused:
            approve_change(change=waiting, actor=actor)
        assert refused.value.code == "forbidden.person_needed"


def test_somebody_who_was_let_in_for_it_is_no_second_person(
    waiting: ProposedChange, tenant: TenantRef
) -> None:
    accomplice = person(tenant, Role.ADMIN, "Accomplice Late-Example")
    with pytest.raises(Forbidden) as refused:
        approve_change(change=waiting, actor=accomplice)
    assert refused.value.code == "forbidden.came_after"
    assert not may_decide(waiting, accomplice)


def test_a_reason_that_is_too_long_is_refused(
    kind: ChangeKind, owner: UserActor, admin: UserActor, group: Group
) -> None:
    with pytest.raises(InvalidInput):
        hold(kind, admin, group, reason="x" * 501)


def test_a_second_person_agrees_and_it_is_carried_out_once(
    waiting: ProposedChange, admin: UserActor, owner: UserActor
) -> None:
    assert may_decide(waiting, owner)
    done = approve_change(change=waiting, actor=owner)
    assert [(each.target_id, each.arguments) for each in applied] == [(waiting.target_id, {"name": "After"})]
    assert (applied[0].proposer.user_id, applied[0].approver.user_id) == (admin.user_id, owner.user_id)
    assert (done.state, done.decided_by_id) == ("applied", owner.user_id)
    with pytest.raises(Conflict) as refused:
        approve_change(change=waiting, actor=owner)
    assert refused.value.code == "conflict.change_is_decided"
    assert len(applied) == 1
    assert events() == ["change.proposed", "change.approved"]


def test_what_it_is_about_is_locked_before_the_proposal(
    waiting: ProposedChange, owner: UserActor, tenant: TenantRef
) -> None:
    """As whoever proposes does: the other way round the two would wait for each other."""
    with CaptureQueriesContext(connections[tenant.cell]) as sent:
        approve_change(change=waiting, actor=owner)
    locking = [each["sql"] for each in sent if "FOR NO KEY UPDATE" in each["sql"]]
    assert '"accounts_group"' in locking[0]
    assert '"accounts_proposedchange"' in locking[1]


def test_what_has_changed_meanwhile_is_not_carried_out(
    waiting: ProposedChange, owner: UserActor, group: Group
) -> None:
    Group.objects.filter(pk=group.pk).update(name="Something else")
    with pytest.raises(Conflict) as refused:
        approve_change(change=waiting, actor=owner)
    assert refused.value.code == "conflict.change_is_stale"
    Group.objects.filter(pk=group.pk).delete()
    with pytest.raises(Conflict):
        approve_change(change=waiting, actor=owner)
    assert applied == []


def test_whoever_proposed_must_still_be_allowed_to(
    waiting: ProposedChange, admin: UserActor, owner: UserActor
) -> None:
    change_role(user=admin.user, role=Role.MEMBER, actor=owner)
    with pytest.raises(Conflict) as refused:
        approve_change(change=waiting, actor=owner)
    assert refused.value.code == "conflict.proposer_may_not"


def test_a_deactivated_proposers_change_is_not_carried_out(
    waiting: ProposedChange, admin: UserActor, owner: UserActor
) -> None:
    deactivate_user(user=admin.user, actor=owner)
    with pytest.raises(Conflict):
        approve_change(change=waiting, actor=owner)


def test_whoever_agrees_must_hold_it_in_that_moment_whatever_the_request_found(
    waiting: ProposedChange, tenant: TenantRef, owner: UserActor
) -> None:
    other = person(tenant, Role.SECURITY, "Sam Security-Example")
    User.objects.filter(pk=other.user_id).update(created_at=waiting.proposed_at - timedelta(days=1))
    stale = actor_for(User.objects.get(pk=other.user_id))
    change_role(user=other.user, role=Role.MEMBER, actor=owner)
    with pytest.raises(Forbidden):
        approve_change(change=waiting, actor=stale)


def test_a_proposal_that_ran_out_waits_for_nobody(waiting: ProposedChange, owner: UserActor) -> None:
    ProposedChange.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert list(waiting_changes(actor=owner)) == []
    with pytest.raises(Conflict):
        approve_change(change=waiting, actor=owner)
    assert forget_expired_changes() == 1
    assert forget_expired_changes() == 0
    assert ProposedChange.objects.get().state == "expired"


def test_what_carrying_it_out_raises_undoes_the_approval(
    waiting: ProposedChange, owner: UserActor, kind: ChangeKind
) -> None:
    def fail(_approved: Approved) -> None:
        raise Conflict("No.")

    register_change(
        ChangeKind(
            key=kind.key, label=kind.label, permission=kind.permission, subject=kind.subject, apply=fail,
            state_of=describe,
        )
    )  # fmt: skip
    with pytest.raises(Conflict, match="No"):
        approve_change(change=waiting, actor=owner)
    assert ProposedChange.objects.get().state == "open"


def test_a_second_person_refuses_with_a_note(waiting: ProposedChange, owner: UserActor) -> None:
    refused = refuse_change(change=waiting, actor=owner, note=" Not now. ")
    assert (refused.state, refused.note) == ("refused", "Not now.")
    assert applied == []
    assert events() == ["change.proposed", "change.refused"]


def test_only_the_proposer_withdraws(waiting: ProposedChange, admin: UserActor, owner: UserActor) -> None:
    with pytest.raises(Forbidden):
        withdraw_change(change=waiting, actor=owner)
    assert withdraw_change(change=waiting, actor=admin).state == "withdrawn"


def test_a_new_proposal_takes_the_place_of_ones_own_and_not_of_anothers(
    waiting: ProposedChange, kind: ChangeKind, admin: UserActor, owner: UserActor, group: Group
) -> None:
    with pytest.raises(Conflict) as refused:
        hold(kind, owner, group)
    assert refused.value.code == "conflict.change_is_waiting"
    again = hold(kind, admin, group)
    assert again is not None
    assert ProposedChange.objects.get(pk=waiting.pk).state == "withdrawn"
    Group.objects.filter(pk=group.pk).update(name="Something else")
    assert hold(kind, owner, group) is not None
    assert ProposedChange.objects.get(pk=again.pk).state == "stale"


def test_where_nobody_else_could_agree_it_is_made_at_once_and_written_down(
    kind: ChangeKind, owner: UserActor, member: UserActor, group: Group
) -> None:
    assert hold(kind, owner, group) is None
    row = ProposedChange.objects.get()
    assert (row.state, row.is_alone, row.arguments) == ("applied", True, {})
    assert events() == ["change.made_alone"]


@pytest.mark.parametrize("how", ["deactivated", "service account", "ended", "partly"])
def test_who_cannot_sign_in_or_holds_it_no_more_is_nobody_who_could_agree(
    how: str, kind: ChangeKind, owner: UserActor, tenant: TenantRef, group: Group
) -> None:
    if how == "service account":
        create_service_account(name="Robot", role=Role.ADMIN, purpose="", actor=owner)
    else:
        other = person(
            tenant, Role.MEMBER if how in {"ended", "partly"} else Role.ADMIN, "Alex Admin-Example"
        )
        if how == "deactivated":
            deactivate_user(user=other.user, actor=owner)
            # Long ago: see test_left_alone.py for what waits until then.
            ProposedChange.objects.all().delete()
        if how == "ended":
            binding = grant_role(holder=Holder("user", other.user_id), role=Role.ADMIN, actor=owner)
            type(binding).objects.filter(pk=binding.pk).update(
                expires_at=timezone.now() - timedelta(seconds=1)
            )
    assert hold(kind, owner, group) is None


def test_people_hold_by_groups_and_departments_too(
    kind: ChangeKind, owner: UserActor, member: UserActor, guest: UserActor, group: Group
) -> None:
    seconds = create_group(name="Seconds", actor=SYSTEM)
    add_member(group=seconds, user=member.user, actor=SYSTEM)
    grant_role(holder=Holder("group", seconds.pk), role=Role.SECURITY, actor=SYSTEM)
    department = Department.objects.create(name="Safety", key="SAFE")
    User.objects.filter(pk=guest.user_id).update(department=department)
    grant_role(holder=Holder("department", department.pk), role=Role.SECURITY, actor=SYSTEM)
    assert {user.pk for user in people_holding("accounts.manage_sign_in")} == {
        owner.user_id, member.user_id, guest.user_id,
    }  # fmt: skip
    change = hold(kind, owner, group)
    assert change is not None
    assert approve_change(change=change, actor=actor_for(member.user)).state == "applied"


def test_a_company_that_does_not_want_it_is_not_asked(
    kind: ChangeKind, owner: UserActor, admin: UserActor, group: Group
) -> None:
    AccessPolicy.objects.create(two_people_for=[])
    assert hold(kind, owner, group) is None
    assert not ProposedChange.objects.exists()


def test_the_product_itself_waits_for_nobody(kind: ChangeKind, owner: UserActor, group: Group) -> None:
    assert hold(kind, SYSTEM, group) is None
    assert not ProposedChange.objects.exists()


def test_secrets_wait_in_the_vault_and_are_gone_afterwards(
    kind: ChangeKind, admin: UserActor, owner: UserActor, group: Group
) -> None:
    change = hold(kind, admin, group, secrets={"client_secret": "quite invented"})
    assert change is not None
    assert "quite invented" not in str(ProposedChange.objects.values().get())
    approve_change(change=change, actor=owner)
    assert applied[0].secrets["client_secret"].reveal() == "quite invented"
    assert "quite invented" not in repr(applied[0])
    assert not Secret.objects.filter(owner_id=change.pk).exists()


def test_one_sees_what_one_may_decide_or_proposed(
    waiting: ProposedChange, admin: UserActor, member: UserActor, tenant: TenantRef
) -> None:
    auditor = person(tenant, Role.AUDITOR, "Aud Auditor-Example")
    assert list(visible_changes(actor=admin)) == [waiting]
    assert list(visible_changes(actor=auditor)) == [waiting]
    assert not may_decide(waiting, auditor)
    assert list(visible_changes(actor=member)) == []


def test_every_kind_names_a_permission_that_is_marked_for_it() -> None:
    assert misdeclared_kinds() == []


def test_a_decided_change_cannot_be_decided_otherwise(
    waiting: ProposedChange, admin: UserActor, owner: UserActor
) -> None:
    refuse_change(change=waiting, actor=owner)
    for decide, actor in ((approve_change, owner), (refuse_change, owner), (withdraw_change, admin)):
        with pytest.raises(Conflict):
            decide(change=waiting, actor=actor)
