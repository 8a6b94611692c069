"""Milestones: who may make and change them, names once per project, what is told, and what cannot be deleted."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date
from threading import Barrier

import pytest
from django.db import connections

from tasks.approvals.services import answer_approval, request_approval, withdraw_approval
from tasks.drafts import MilestoneChanges
from tasks.events import MilestoneMade, MilestoneReached, MilestoneRemoved, MilestoneUpdated
from tasks.milestones import MAX_OF_A_PROJECT, delete_milestone, make_milestone, update_milestone
from tasks.models import ApprovalRequest, Milestone, Project
from tasks.selectors import visible_milestone, visible_milestones
from tasks.sharing import LEVELS, share
from tenants.accounts.access import SYSTEM, Actor, Role, UserActor
from tenants.accounts.access.bindings import Holder, grant_role
from tenants.accounts.access.holdings import Scope
from tenants.accounts.access.roles import ScopeType
from tenants.accounts.models import User
from tenants.accounts.selectors import actor_for
from tenants.foundation.errors import Conflict, Forbidden, InvalidInput, NotFound
from tenants.tenancy import TenantRef, atomic, tenant_scope
from tests.factories.tasks import make_project, make_task
from tests.fakes.events import PublishedEvents
from tests.people import person

DAY = date(2027, 3, 1)


@pytest.fixture
def project(tenant: TenantRef) -> Project:
    return make_project(name="Depot")


@pytest.fixture
def milestone(project: Project) -> Milestone:
    return Milestone.objects.create(project=project, name="Roof closed", due_on=DAY)


def made(project: Project, name: str, actor: Actor) -> Milestone:
    return make_milestone(project=project, changes=MilestoneChanges(name=name), actor=actor)


# --- what is refused


@pytest.mark.parametrize("name", ["", " \t ", "\x00", "x" * 201])
def test_a_bad_name_is_refused_when_made_and_when_changed(
    project: Project, milestone: Milestone, manager: UserActor, name: str
) -> None:
    with pytest.raises(InvalidInput) as refusal:
        made(project, name, manager)
    assert set(refusal.value.fields) == {"name"}
    with pytest.raises(InvalidInput):
        update_milestone(milestone=milestone, changes=MilestoneChanges(name=name), actor=manager)
    with pytest.raises(InvalidInput):
        make_milestone(project=project, changes=MilestoneChanges(due_on=DAY), actor=manager)
    assert list(Milestone.objects.values_list("name", flat=True)) == ["Roof closed"]


@pytest.mark.parametrize("name", ["Roof closed", "  roof   CLOSED "])
def test_a_name_stands_once_in_a_project_in_whatever_case(
    project: Project, milestone: Milestone, manager: UserActor, name: str
) -> None:
    other = made(project, "Gate hung", manager)
    with pytest.raises(Conflict, match="has this name") as refusal:
        made(project, name, manager)
    assert refusal.value.code == "conflict.milestone_name"
    assert set(refusal.value.fields) == {"name"}
    with pytest.raises(Conflict):
        update_milestone(milestone=other, changes=MilestoneChanges(name=name), actor=manager)
    # Itself is not in its own way, and another project may have the name.
    assert update_milestone(
        milestone=milestone, changes=MilestoneChanges(name="ROOF closed"), actor=manager
    ).name == ("ROOF closed")
    assert made(make_project(name="Quay"), "Roof closed", manager).name == "Roof closed"


def test_a_project_does_not_take_any_number(project: Project, manager: UserActor) -> None:
    Milestone.objects.bulk_create(
        Milestone(project=project, name=f"Stage {number}") for number in range(MAX_OF_A_PROJECT)
    )
    with pytest.raises(Conflict, match="at most 200"):
        made(project, "One more", manager)


def test_members_and_clients_change_nothing(
    project: Project, milestone: Milestone, manager: UserActor, member: UserActor, guest: UserActor
) -> None:
    share(thing=project, holder=guest.user, codes=LEVELS["edit"], actor=manager)
    for actor in (member, actor_for(User.objects.get(pk=guest.user_id))):
        with pytest.raises(Forbidden):
            made(project, "Gate hung", actor)
        with pytest.raises(Forbidden):
            update_milestone(milestone=milestone, changes=MilestoneChanges(is_reached=True), actor=actor)
        with pytest.raises(Forbidden):
            delete_milestone(milestone=milestone, actor=actor)
    milestone.refresh_from_db()
    assert milestone.reached_at is None


def test_who_manages_one_project_manages_its_milestones_only(
    tenant: TenantRef, project: Project, milestone: Milestone, owner: UserActor
) -> None:
    scoped = person(tenant, Role.GUEST, "Sara Scoped-Example")
    grant_role(
        holder=Holder("user", scoped.user_id),
        role=Role.MANAGER,
        actor=owner,
        scope=Scope(ScopeType.PROJECT, project.pk),
    )
    scoped = actor_for(User.objects.get(pk=scoped.user_id))
    foreign = Milestone.objects.create(project=make_project(name="Quay"), name="Dredged")
    assert made(project, "Gate hung", scoped).name == "Gate hung"
    assert set(visible_milestones(actor=scoped).values_list("name", flat=True)) == {
        "Roof closed", "Gate hung",
    }  # fmt: skip
    with pytest.raises(NotFound):
        visible_milestone(actor=scoped, milestone_id=foreign.pk)
    with pytest.raises(Forbidden):
        made(foreign.project, "Gate hung", scoped)
    with pytest.raises(Forbidden):
        delete_milestone(milestone=foreign, actor=scoped)


def test_what_is_gone_is_not_found(project: Project, milestone: Milestone, manager: UserActor) -> None:
    delete_milestone(milestone=Milestone.objects.get(pk=milestone.pk), actor=manager)
    with pytest.raises(NotFound):
        update_milestone(milestone=milestone, changes=MilestoneChanges(due_on=None), actor=manager)
    with pytest.raises(NotFound):
        delete_milestone(milestone=milestone, actor=manager)
    with pytest.raises(NotFound):
        request_approval(subject=milestone, text="Ready?", approvers=[manager.user], actor=manager)
    gone = Project(name="Never saved")
    with pytest.raises(NotFound):
        made(gone, "Gate hung", manager)


# --- what is done and told


def test_a_milestone_is_made_changed_reached_and_opened_again(
    project: Project, manager: UserActor, published_events: PublishedEvents
) -> None:
    changes = MilestoneChanges(name="  Roof \n closed ", due_on=DAY)
    milestone = make_milestone(project=project, changes=changes, actor=manager)
    assert (milestone.name, milestone.due_on, milestone.reached_at) == ("Roof closed", DAY, None)
    assert published_events.of(MilestoneMade)[0].project_id == project.pk

    changed = update_milestone(milestone=milestone, changes=MilestoneChanges(due_on=None), actor=manager)
    assert (changed.name, changed.due_on) == ("Roof closed", None)
    assert [event.changed for event in published_events.of(MilestoneUpdated)] == [("due_on",)]

    reached = update_milestone(milestone=milestone, changes=MilestoneChanges(is_reached=True), actor=manager)
    assert reached.reached_at is not None
    again = update_milestone(milestone=milestone, changes=MilestoneChanges(is_reached=True), actor=manager)
    assert again.reached_at == reached.reached_at

    opened = update_milestone(milestone=milestone, changes=MilestoneChanges(is_reached=False), actor=manager)
    assert opened.reached_at is None
    assert published_events.names == [
        "milestone.made", "milestone.updated", "milestone.updated", "milestone.reached", "milestone.updated",
    ]  # fmt: skip


def test_one_can_be_made_that_is_reached_already(
    project: Project, manager: UserActor, published_events: PublishedEvents
) -> None:
    changes = MilestoneChanges(name="Ground bought", is_reached=True)
    assert make_milestone(project=project, changes=changes, actor=manager).reached_at is not None
    assert len(published_events.of(MilestoneReached)) == 1


def test_deleting_leaves_the_tasks_and_tells(
    project: Project, milestone: Milestone, manager: UserActor, published_events: PublishedEvents
) -> None:
    task = make_task(project=project, milestone=milestone)
    milestone_id = milestone.pk
    delete_milestone(milestone=milestone, actor=manager)
    task.refresh_from_db()
    assert (task.milestone_id, task.project_id) == (None, project.pk)
    assert published_events.of(MilestoneRemoved)[0].milestone_id == milestone_id


# --- approvals


def asked(milestone: Milestone, manager: UserActor, *approvers: UserActor) -> ApprovalRequest:
    users = [each.user for each in approvers]
    return request_approval(
        subject=milestone, text="Is it closed?", approvers=users, actor=manager, rule="all"
    )


def test_a_milestone_an_approval_waits_for_stays(
    milestone: Milestone, manager: UserActor, member: UserActor
) -> None:
    approval = asked(milestone, manager, member)
    with pytest.raises(Conflict, match="Withdraw it first"):
        delete_milestone(milestone=milestone, actor=manager)
    withdraw_approval(approval=approval, actor=manager)
    delete_milestone(milestone=milestone, actor=manager)
    assert not ApprovalRequest.objects.exists()


@pytest.mark.parametrize("is_withdrawn", [False, True])
def test_a_milestone_somebody_answered_about_stays_for_good(
    milestone: Milestone, manager: UserActor, member: UserActor, admin: UserActor, is_withdrawn: bool
) -> None:
    approval = asked(milestone, manager, *([member, admin] if is_withdrawn else [member]))
    answer_approval(approval=approval, answer="approved", actor=member)
    if is_withdrawn:
        withdraw_approval(approval=approval, actor=manager)
    with pytest.raises(Conflict, match="answers are kept"):
        delete_milestone(milestone=milestone, actor=manager)
    assert Milestone.objects.filter(pk=milestone.pk).exists()


# --- at once


def test_a_name_taken_twice_at_once_is_taken_once(committed_tenant: TenantRef) -> None:
    with tenant_scope(committed_tenant), atomic():
        project = make_project(name="Depot")
    together = Barrier(4, timeout=60)

    def make(name: str) -> str:
        try:
            with tenant_scope(committed_tenant):
                together.wait()
                made(project, name, SYSTEM)
                return "made"
        except Conflict as refusal:
            return refusal.code
        finally:
            connections[committed_tenant.cell].close()

    with ThreadPoolExecutor(4) as threads:
        results = list(threads.map(make, ["Roof", "roof", "ROOF", "Roof"]))
    assert sorted(results) == ["conflict.milestone_name"] * 3 + ["made"]
    with tenant_scope(committed_tenant), atomic():
        assert Milestone.objects.filter(name__iexact="roof").count() == 1
