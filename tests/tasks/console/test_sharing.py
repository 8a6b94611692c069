"""The pages for sharing and for approvals: plain words, clients by e-mail, and no names for who sees a part only."""

from collections.abc import Callable

import pytest
from django.test import Client

from tasks.approvals.letters import share_letter
from tasks.approvals.services import grant_approval, request_approval
from tasks.approvals.settling import look_again
from tasks.models import ApprovalRequest, Project, ProjectUserShare, Task, TaskUserShare
from tasks.sharing import share, share_with_client, unshare
from tenants.accounts.access import Role, UserActor
from tenants.accounts.invitations.services import invite_user
from tenants.accounts.models import CustomRole, Invitation, RoleBinding, User
from tenants.accounts.selectors import actor_for
from tenants.foundation.errors import Conflict, Forbidden, InvalidInput
from tenants.foundation.letters import rationing
from tenants.tenancy import TenantRef
from tests.factories.tasks import make_person, make_project, make_task


@pytest.fixture
def project(tenant: TenantRef) -> Project:
    return make_project(name="Depot")


@pytest.fixture
def task(project: Project) -> Task:
    return make_task(key_prefix="DEP", number=77, title="Gate", project=project)


@pytest.fixture
def managing(login_as: Callable[[UserActor], Client], manager: UserActor) -> Client:
    return login_as(manager)


@pytest.mark.parametrize("form", [
    {"level": "comment"},
    {"level": "comment", "holder": "user:nobody"},
    {"level": "everything", "email": "clara@client.example"},
    {"level": "view", "email": "no address"},
    {"level": "view", "email": "clara@client.example", "until": "2020-01-01"},
])  # fmt: skip
def test_a_bad_form_shares_nothing_and_lets_nobody_in(
    managing: Client, task: Task, form: dict[str, str]
) -> None:
    assert managing.post(f"/tasks/{task.key}/share/", form).status_code == 422
    assert not TaskUserShare.objects.exists()
    assert not User.objects.filter(email="clara@client.example").exists()


def test_a_client_is_let_in_and_shared_with_in_one_step(
    managing: Client, tenant: TenantRef, project: Project, task: Task
) -> None:
    address = f"/tasks/projects/{project.pk}/share/"
    sent = managing.post(address, {"email": "Clara.Client@Client.example", "level": "approve"})
    assert sent.status_code == 302
    client = User.objects.get(email="clara.client@client.example")
    assert (client.name, client.has_usable_password()) == ("Clara Client", False)
    assert RoleBinding.objects.get(user=client).role == Role.GUEST
    codes = set(ProjectUserShare.objects.filter(user=client).values_list("permission", flat=True))
    assert codes == {"tasks.view", "tasks.comment", "tasks.approve"}
    page = managing.get(address).content.decode()
    assert "Clara Client" in page
    assert "See, comment and approve" in page
    letter = share_letter(thing_id=project.pk, user_id=client.pk, is_task=False, by="Mona")
    assert letter is not None
    assert "/account/link/?next=" in letter.text
    assert "Depot" in letter.subject
    taken = managing.post(f"/tasks/projects/{project.pk}/unshare/", {"holder": f"user:{client.pk}"})
    assert taken.status_code == 302
    assert not ProjectUserShare.objects.exists()
    assert share_letter(thing_id=project.pk, user_id=client.pk, is_task=False, by="Mona") is None


def test_an_open_invitation_to_more_stays_and_it_is_shared_all_the_same(
    tenant: TenantRef, task: Task, manager: UserActor, admin: UserActor
) -> None:
    invite_user(email="clara@client.example", role=Role.MEMBER, actor=admin)
    share_with_client(thing=task, email="clara@client.example", codes=[], actor=manager)
    assert Invitation.objects.get().state == "open"
    assert TaskUserShare.objects.get().user.email == "clara@client.example"
    assert RoleBinding.objects.get(user__email="clara@client.example").role == Role.GUEST


def test_who_may_not_share_lets_nobody_in(task: Task, member: UserActor, manager: UserActor) -> None:
    with pytest.raises(Forbidden):
        share_with_client(thing=task, email="clara@client.example", codes=[], actor=member)
    assert not User.objects.filter(email="clara@client.example").exists()
    with pytest.raises(InvalidInput):
        share_with_client(thing=task, email="nonsense", codes=[], actor=manager)
    User.objects.filter(pk=member.user_id).update(is_active=False)
    with pytest.raises(Conflict):
        share_with_client(thing=task, email=member.user.email, codes=[], actor=manager)


def test_members_see_no_share_page(
    login_as: Callable[[UserActor], Client], member: UserActor, task: Task
) -> None:
    colleague = login_as(member)
    assert colleague.get(f"/tasks/{task.key}/share/").status_code == 403
    page = colleague.get(f"/tasks/{task.key}/").content.decode()
    assert f"/tasks/{task.key}/share/" not in page
    assert f"/tasks/{task.key}/approval/" in page


def test_who_may_change_a_single_task_is_offered_no_other_names(
    tenant: TenantRef,
    login_as: Callable[[UserActor], Client],
    manager: UserActor,
    guest: UserActor,
    task: Task,
) -> None:
    near, far = make_person(name="Nina Near-Example"), make_person(name="Frank Far-Example")
    task.assignees.add(near)
    # No client: somebody whose own role allows a little besides.
    role = CustomRole.objects.create(name="Helper", codes=["integrations.view"])
    RoleBinding.objects.create(user=guest.user, custom_role=role)
    share(thing=task, holder=guest.user, codes=["tasks.edit"], actor=manager)
    helper = login_as(actor_for(User.objects.get(pk=guest.user_id)))
    for address in ("/tasks/people/", f"/tasks/{task.key}/edit/"):
        page = helper.get(address).content.decode()
        assert near.name in page, address
        assert far.name not in page, address
    assert far.name in login_as(manager).get("/tasks/people/").content.decode()


def test_a_colleague_asks_on_the_page_and_another_answers(
    login_as: Callable[[UserActor], Client], managing: Client, member: UserActor, task: Task
) -> None:
    address = f"/tasks/{task.key}/approval/"
    assert "Nobody" not in managing.get(address).content.decode()
    assert managing.post(address, {"text": "Right?", "rule": "any"}).status_code == 422
    form = {"text": "Right?", "rule": "any", "approvers": [f"user:{member.user_id}"]}
    sent = managing.post(address, form)
    assert sent.status_code == 302
    approval = ApprovalRequest.objects.get()
    colleague = login_as(member)
    assert "Right?" in colleague.get("/tasks/approvals/").content.decode()
    page = f"/tasks/approvals/{approval.pk}/"
    assert "Ask for changes" in colleague.get(page).content.decode()
    assert "Ask for changes" not in managing.get(page).content.decode()
    assert colleague.post(f"{page}answer/", {"answer": "refused"}).status_code == 422
    assert colleague.post(f"{page}answer/", {"answer": "approved"}).status_code == 302
    assert managing.post(f"{page}withdraw/").status_code == 409
    assert "approved:" in managing.get(f"/tasks/{task.key}/").content.decode()


def test_a_projects_page_costs_few_words_and_shows_all(
    managing: Client, project: Project, task: Task, manager: UserActor, guest: UserActor
) -> None:
    share(thing=project, holder=guest.user, codes=["tasks.approve"], actor=manager)
    sent = managing.post(
        f"/tasks/projects/{project.pk}/approval/",
        {"text": "The plan?", "rule": "all", "approvers": [f"user:{guest.user_id}"], "subject": ""},
    )
    assert sent.status_code == 302
    page = managing.get(f"/tasks/projects/{project.pk}/").content.decode()
    for word in ("The plan?", guest.name, "Ask for approval", "Share", "0 / 1"):
        assert word in page, word


def test_whoever_writes_to_too_many_strangers_is_told_when_to_go_on(
    managing: Client, task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    none_left = rationing.Ration(f"none-{task.pk}", of_person=0, of_company=0)
    monkeypatch.setattr("tenants.accounts.invitations.guests.STRANGERS", none_left)
    sent = managing.post(f"/tasks/{task.key}/share/", {"email": "clara@client.example", "level": "view"})
    assert (sent.status_code, 0 < int(sent.headers["Retry-After"]) <= 3600) == (429, True)
    assert not User.objects.filter(email="clara@client.example").exists()


def test_the_dialog_gets_what_the_page_shows_and_says_what_is_wrong_in_it(
    managing: Client, task: Task, member: UserActor
) -> None:
    address, htmx = f"/tasks/{task.key}/share/", {"HX-Request": "true"}
    assert f'hx-get="{address}"' in managing.get(f"/tasks/{task.key}/").content.decode()
    wrong = managing.post(address, {"level": "view"}, headers=htmx)
    assert wrong.status_code == 422
    assert "Choose a person or group" in wrong.content.decode()
    done = managing.post(address, {"level": "view", "holder": f"user:{member.user_id}"}, headers=htmx)
    assert (done.status_code, "<html" in done.content.decode()) == (200, False)
    assert f'value="user:{member.user_id}"><button' in done.content.decode()
    taken = managing.post(f"/tasks/{task.key}/unshare/", {"holder": f"user:{member.user_id}"}, headers=htmx)
    assert "Nobody but those" in taken.content.decode()
    assert not TaskUserShare.objects.exists()


@pytest.mark.parametrize("show", ["", "mine", "asked", "open", "settled", "nonsense"])
def test_approvals_are_shown_by_kind(
    login_as: Callable[[UserActor], Client],
    managing: Client,
    task: Task,
    manager: UserActor,
    member: UserActor,
    show: str,
) -> None:
    request_approval(subject=task, text="Is it right?", approvers=[member.user], actor=manager)
    done = request_approval(subject=task, text="Was it right?", approvers=[member.user], actor=manager)
    grant_approval(approval=done, actor=member)
    seen = {
        name: {text for text in ("Is it right?", "Was it right?") if text in page}
        for name, page in {
            "asker": managing.get(f"/tasks/approvals/?show={show}").content.decode(),
            "approver": login_as(member).get(f"/tasks/approvals/?show={show}").content.decode(),
        }.items()
    }
    both = {"Is it right?", "Was it right?"}
    expected = {
        "mine": (set(), {"Is it right?"}),
        "asked": (both, set()),
        "open": ({"Is it right?"}, {"Is it right?"}),
        "settled": ({"Was it right?"}, {"Was it right?"}),
    }.get(show, (both, both))
    assert (seen["asker"], seen["approver"]) == expected


def test_a_cursor_that_is_none_is_refused(managing: Client) -> None:
    assert managing.get("/tasks/approvals/?show=open&cursor=nonsense").status_code == 422


def test_who_asked_sees_that_nobody_can_answer(
    managing: Client, task: Task, manager: UserActor, guest: UserActor
) -> None:
    share(thing=task, holder=guest.user, codes=["tasks.approve"], actor=manager)
    approval = request_approval(subject=task, text="Right?", approvers=[guest.user], actor=manager)
    unshare(thing=task, holder=guest.user, actor=manager)
    look_again(approval.pk)
    assert "Nobody can answer" in managing.get("/tasks/approvals/?show=asked").content.decode()
    assert "Nobody who was asked" in managing.get(f"/tasks/approvals/{approval.pk}/").content.decode()
