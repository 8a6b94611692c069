"""Milestones on a project's page: added, changed, reached and deleted by plain forms, refused where they stand."""

from collections.abc import Callable

import pytest
from django.test import Client
from django.utils import timezone

from tasks.approvals.services import request_approval
from tasks.models import Milestone, Project
from tasks.sharing import LEVELS, share
from tenants.accounts.access import UserActor
from tenants.accounts.models import User
from tenants.accounts.selectors import actor_for
from tenants.tenancy import TenantRef
from tests.factories.tasks import make_project


@pytest.fixture
def project(tenant: TenantRef) -> Project:
    return make_project(name="Depot")


@pytest.fixture
def milestone(project: Project) -> Milestone:
    return Milestone.objects.create(project=project, name="Roof closed")


@pytest.fixture
def managing(login_as: Callable[[UserActor], Client], manager: UserActor) -> Client:
    return login_as(manager)


def at(thing: Project | Milestone, word: str = "") -> str:
    noun = "projects" if isinstance(thing, Project) else "milestones"
    return f"/tasks/{noun}/{thing.pk}/{word}"


# --- what is refused


@pytest.mark.parametrize(
    ("form", "status", "words"),
    [
        ({}, 422, "This field is required."),
        ({"name": "  "}, 422, "This field is required."),
        ({"name": "x" * 201}, 422, "at most 200"),
        ({"name": "Gate hung", "due_on": "soon"}, 422, "Enter a valid date."),
        ({"name": "ROOF closed"}, 409, "Another milestone of this project has this name."),
    ],
)
def test_a_bad_form_is_shown_again_with_what_is_wrong(
    managing: Client, project: Project, milestone: Milestone, form: dict[str, str], status: int, words: str
) -> None:
    answer = managing.post(at(project), form)
    assert answer.status_code == status
    page = answer.content.decode()
    assert words in page
    assert 'id="new-milestone" open>' in page
    other = Milestone.objects.create(project=project, name="Quay ready")
    answer = managing.post(at(other), form)
    assert answer.status_code == status
    assert words in answer.content.decode()
    assert set(Milestone.objects.values_list("name", flat=True)) == {"Roof closed", "Quay ready"}


def test_members_see_them_without_controls_and_may_not_post(
    login_as: Callable[[UserActor], Client], member: UserActor, project: Project, milestone: Milestone
) -> None:
    reader = login_as(member)
    page = reader.get(at(project)).content.decode()
    assert "Roof closed" in page
    assert "new-milestone" not in page
    assert at(milestone) not in page
    for address in (at(project), at(milestone), at(milestone, "reached/"), at(milestone, "delete/")):
        assert reader.post(address, {"name": "A", "is_reached": "1"}).status_code == 403
    assert reader.get(at(milestone)).status_code == 403
    milestone.refresh_from_db()
    assert (milestone.name, milestone.reached_at) == ("Roof closed", None)


def test_for_a_client_none_of_it_is_there(
    login_as: Callable[[UserActor], Client],
    manager: UserActor,
    guest: UserActor,
    project: Project,
    milestone: Milestone,
) -> None:
    share(thing=project, holder=guest.user, codes=LEVELS["edit"], actor=manager)
    visitor = login_as(actor_for(User.objects.get(pk=guest.user_id)))
    for address in (at(project), at(milestone), at(milestone, "reached/"), at(milestone, "delete/")):
        assert visitor.post(address, {"name": "A"}).status_code == 404
    assert Milestone.objects.get().reached_at is None


def test_those_of_an_archived_project_are_not_there(
    managing: Client, project: Project, milestone: Milestone
) -> None:
    Project.objects.filter(pk=project.pk).update(archived_at=timezone.now())
    assert managing.get(at(milestone)).status_code == 404
    assert managing.post(at(milestone, "delete/")).status_code == 404


def test_one_an_approval_waits_for_stays_and_says_why(
    managing: Client, milestone: Milestone, manager: UserActor, member: UserActor
) -> None:
    request_approval(subject=milestone, text="Closed?", approvers=[member.user], actor=manager)
    answer = managing.post(at(milestone, "delete/"))
    assert answer.status_code == 409
    assert "Withdraw it first." in answer.content.decode()
    assert Milestone.objects.exists()


# --- what is done


def test_one_is_added_changed_reached_opened_again_and_deleted(managing: Client, project: Project) -> None:
    added = managing.post(at(project), {"name": "Roof closed", "due_on": "2027-03-01"})
    assert (added.status_code, added.headers["Location"]) == (302, at(project))
    milestone = Milestone.objects.get()
    page = managing.get(at(project)).content.decode()
    assert "1 Mar 2027" in page
    assert at(milestone) in page

    assert 'value="2027-03-01"' in managing.get(at(milestone)).content.decode()
    assert managing.post(at(milestone), {"name": "Roof on", "due_on": ""}).status_code == 302
    milestone.refresh_from_db()
    assert (milestone.name, milestone.due_on) == ("Roof on", None)

    managing.post(at(milestone, "reached/"), {"is_reached": "1"})
    assert Milestone.objects.filter(reached_at__isnull=False).exists()
    assert "reached on" in managing.get(at(project)).content.decode()
    managing.post(at(milestone, "reached/"), {"is_reached": "0"})
    assert Milestone.objects.filter(reached_at=None).exists()

    gone = managing.post(at(milestone, "delete/"))
    assert (gone.status_code, gone.headers["Location"]) == (302, at(project))
    assert not Milestone.objects.exists()
